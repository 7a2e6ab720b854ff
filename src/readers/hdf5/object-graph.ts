/**
 * The objects of a file and the links between them: a directed graph, in which an object may have several paths
 * and a group may be inside of itself (specification 4.0, I "Introduction": "a file is a directed graph").
 *
 * Discovered breadth first: all objects that a level of groups leads to cost a few round trips together. Soft and
 * external links are followed once hard links lead nowhere new; what they lead to in other files is part of the
 * graph.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import { type Attribute, parseAttributes } from "./attribute-message.ts";
import { FileSet } from "./file-set.ts";
import type { Hdf5File } from "./hdf5-file.ts";
import { type HeapObjects, type StoredElements, usesHeap } from "./heap-objects.ts";
import type { Link } from "./link.ts";
import type { HeaderMessage, ObjectHeader } from "./object-header.ts";
import { objectOf } from "./object-kind.ts";

/** A file of the graph: the one that was opened, or one that it links to. */
export interface GraphFile {
  readonly file: Hdf5File;
  readonly heap: HeapObjects;
  /** The first path that leads to each object, by the address of its header. */
  readonly paths: Map<number, string>;
}

/** A group, a dataset or a committed datatype. */
export interface GraphObject {
  readonly kind: "group" | "dataset" | "datatype";
  readonly in: GraphFile;
  readonly header: ObjectHeader;
  /** In the order of the file; an attribute that cannot be read stands as its fault. */
  readonly attributes: readonly (Attribute | MoraineError)[];
  /** Of a group, by name, in the order of {@link Hdf5File.linksOf}; links that lead nowhere stand as faults. */
  readonly members: ReadonlyMap<string, GraphObject | MoraineError>;
  /** By name. */
  readonly links: ReadonlyMap<string, Link>;
}

/** The same while the graph is being read. */
export interface MutableObject extends GraphObject {
  attributes: readonly (Attribute | MoraineError)[];
  readonly members: Map<string, GraphObject | MoraineError>;
  links: ReadonlyMap<string, Link>;
  /** Its own fault, where its links cannot be read. */
  fault?: MoraineError;
}

/** A link whose end is not known yet. */
interface OpenLink {
  readonly group: MutableObject;
  readonly link: Link;
}

/** Soft and external links on the way to one object: the library's own limit. */
const MAXIMUM_TRAVERSALS = 16;

/** One count for the whole way: links through links through links would take forever. */
interface Traversals {
  left: number;
}

/** The graph of a file and of those that it links to. */
export class ObjectGraph {
  readonly #files: FileSet;
  readonly #options: StorageOptions | undefined;
  readonly #objects = new Map<string, MutableObject | MoraineError>();
  /** What is being read: its objects are not complete. */
  readonly #reading = new Map<string, Promise<void>>();
  /** Groups whose members have yet to be found. */
  #level: MutableObject[] = [];
  #pending: OpenLink[] = [];

  constructor(file: Hdf5File, storage: Storage, options?: StorageOptions) {
    this.#files = new FileSet(file, storage);
    this.#options = options;
  }

  /** Discovers everything from the root group on. Errors: those of the file as a whole. */
  async read(): Promise<GraphObject> {
    const main = this.#files.main;
    const [root] = await this.#discover(main, [main.file.rootAddress]);
    if (!root || root instanceof MoraineError) {
      throw root ?? new MoraineError("CorruptFile", "no root group", { source: main.file.metadata.source });
    }
    if (root.kind !== "group") {
      throw new MoraineError("CorruptFile", "the root is no group", { source: main.file.metadata.source });
    }
    if (root.fault) throw root.fault;
    main.paths.set(root.header.address, "/");
    do {
      while (this.#level.length > 0) await this.#followHardLinks();
      await this.#followOtherLinks();
    } while (this.#level.length > 0);
    return root;
  }

  /**
   * The object at a path of a file that is named in another one; `.` is that one itself.
   *
   * Errors: `NotFound` where the file or the path is not there, and those of reading it.
   */
  async locate(from: GraphFile, fileName: string, path: string): Promise<GraphObject> {
    const file = fileName === "." ? from : await this.#files.external(from, fileName, this.#options);
    return await this.#descend(await this.#rootOf(file), path, { left: MAXIMUM_TRAVERSALS });
  }

  /** One level of groups. */
  async #followHardLinks(): Promise<void> {
    const level = this.#level;
    this.#level = [];
    const wanted = new Map<GraphFile, Set<number>>();
    for (const group of level) {
      for (const { target } of group.links.values()) {
        if (target.kind !== "hard") continue;
        const addresses = wanted.get(group.in) ?? new Set();
        wanted.set(group.in, addresses.add(target.address));
      }
    }
    await Promise.all([...wanted].map(([file, addresses]) => this.#discover(file, [...addresses])));
    for (const group of level) {
      for (const link of group.links.values()) {
        const { name, target } = link;
        if (target.kind === "hard") {
          const object = this.#objects.get(keyOf(group.in, target.address)) ?? missing(group, name);
          group.members.set(name, usable(object));
          const { paths } = group.in;
          if (!paths.has(target.address)) paths.set(target.address, memberPath(group, name));
        } else {
          // Holds the place of the name in the order of the group.
          group.members.set(name, missing(group, name));
          this.#pending.push({ group, link });
        }
      }
    }
  }

  /** Soft and external links, side by side. */
  async #followOtherLinks(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(
      pending.map(async ({ group, link }) => {
        const object = await this.#guarded(() => this.#follow(group, link, { left: MAXIMUM_TRAVERSALS }));
        group.members.set(link.name, usable(object));
        if (object instanceof MoraineError) return;
        const { address } = object.header;
        if (!object.in.paths.has(address)) object.in.paths.set(address, memberPath(group, link.name));
      }),
    );
  }

  async #follow(group: MutableObject, link: Link, traversals: Traversals): Promise<MutableObject> {
    const place = { source: group.in.file.metadata.source };
    const { target } = link;
    if (target.kind !== "hard" && --traversals.left < 0) {
      throw new MoraineError("LimitExceeded", `link "${link.name}" leads to too many links`, place);
    }
    switch (target.kind) {
      case "hard": {
        const [object] = await this.#discover(group.in, [target.address]);
        if (!object) throw missing(group, link.name);
        if (object instanceof MoraineError) throw object;
        return object;
      }
      case "soft": {
        const start = target.path.startsWith("/") ? await this.#rootOf(group.in) : group;
        return await this.#descend(start, target.path, traversals);
      }
      case "external": {
        const file = await this.#files.external(group.in, target.file, this.#options);
        return await this.#descend(await this.#rootOf(file), target.path, traversals);
      }
      case "user-defined":
        throw new MoraineError("UnsupportedLayout", `a link of the user-defined type ${target.type}`, place);
    }
  }

  async #descend(start: MutableObject, path: string, traversals: Traversals): Promise<MutableObject> {
    let object = start;
    for (const name of path.split("/")) {
      if (name === "" || name === ".") continue;
      if (object.fault) throw object.fault;
      const link = object.links.get(name);
      if (!link) {
        throw new MoraineError("NotFound", `a link leads to ${path}, where nothing is`, {
          source: object.in.file.metadata.source,
        });
      }
      object = await this.#follow(object, link, traversals);
    }
    return object;
  }

  async #rootOf(file: GraphFile): Promise<MutableObject> {
    const [root] = await this.#discover(file, [file.file.rootAddress]);
    if (!root || root instanceof MoraineError) {
      throw root ?? new MoraineError("CorruptFile", "no root group", { source: file.file.metadata.source });
    }
    return root;
  }

  /** The objects at these addresses with their links and attributes; groups that are new go to the next level. */
  async #discover(file: GraphFile, addresses: readonly number[]): Promise<(MutableObject | MoraineError)[]> {
    const keys = addresses.map((address) => keyOf(file, address));
    const fresh = addresses.filter((_, i) => {
      const key = keys[i] ?? "";
      return !this.#objects.has(key) && !this.#reading.has(key);
    });
    if (fresh.length > 0) {
      const reading = this.#readObjects(file, fresh);
      for (const address of fresh) this.#reading.set(keyOf(file, address), reading);
    }
    // Whoever asks meanwhile must not see an object without its links.
    const pending = this.#reading.size > 0 ? keys.flatMap((key) => this.#reading.get(key) ?? []) : [];
    if (pending.length > 0) await Promise.all(new Set(pending));
    return keys.flatMap((key) => this.#objects.get(key) ?? []);
  }

  async #readObjects(file: GraphFile, addresses: readonly number[]): Promise<void> {
    try {
      const headers = await file.file.objectHeaders(addresses, this.#options);
      const objects: MutableObject[] = [];
      addresses.forEach((address, i) => {
        const header = headers[i];
        if (!header) return;
        const object = header instanceof MoraineError ? header : objectOf(file, header);
        this.#objects.set(keyOf(file, address), object);
        if (!(object instanceof MoraineError)) objects.push(object);
      });
      await this.#complete(file, objects);
    } catch (error) {
      for (const address of addresses) this.#objects.delete(keyOf(file, address));
      throw error;
    } finally {
      for (const address of addresses) this.#reading.delete(keyOf(file, address));
    }
  }

  async #complete(file: GraphFile, objects: readonly MutableObject[]): Promise<void> {
    const groups = objects.filter((object) => object.kind === "group");
    const [links, messages] = await Promise.all([
      file.file.linksOf(
        groups.map((group) => group.header),
        this.#options,
      ),
      file.file.attributeMessagesOf(
        objects.map((object) => object.header),
        this.#options,
      ),
    ]);
    groups.forEach((group, i) => {
      const found = links[i] ?? [];
      if (found instanceof MoraineError) group.fault = found;
      else group.links = new Map(found.map((link) => [link.name, link]));
      this.#level.push(group);
    });
    const flat: HeaderMessage[] = [];
    for (const found of messages) {
      if (!(found instanceof MoraineError)) for (const message of found) flat.push(message);
    }
    const attributes = await parseAttributes(file.file, flat, this.#options);
    let next = 0;
    objects.forEach((object, i) => {
      const found = messages[i] ?? [];
      if (found instanceof MoraineError) object.attributes = [found];
      else {
        object.attributes = attributes.slice(next, next + found.length);
        next += found.length;
      }
    });
    const elements: StoredElements[] = [];
    for (const attribute of attributes) {
      if (attribute instanceof MoraineError || !usesHeap(attribute.datatype)) continue;
      const { datatype, data } = attribute;
      elements.push({ datatype, bytes: data, count: data.length / datatype.size });
    }
    if (elements.length > 0) await file.heap.load(elements, this.#options);
  }

  async #guarded(task: () => Promise<MutableObject>): Promise<MutableObject | MoraineError> {
    try {
      return await task();
    } catch (error) {
      if (isMoraineError(error) && error.code !== "Aborted") return error;
      throw error;
    }
  }
}

function keyOf(file: GraphFile, address: number): string {
  return `${address}@${file.file.metadata.source}`;
}

/** The path of a member of a group that has one. */
function memberPath(group: GraphObject, name: string): string {
  const path = group.in.paths.get(group.header.address) ?? "/";
  return `${path === "/" ? "" : path}/${name}`;
}

/** A group whose links cannot be read is a fault, not an empty group. */
function usable(object: MutableObject | MoraineError): GraphObject | MoraineError {
  return object instanceof MoraineError ? object : (object.fault ?? object);
}

function missing(group: GraphObject, name: string): MoraineError {
  return new MoraineError("NotFound", `link "${name}" leads nowhere`, {
    source: group.in.file.metadata.source,
  });
}
