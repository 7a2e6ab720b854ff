/**
 * A group of a source: what {@link open} gives.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import type { ReferencedArray } from "../manifest/split-chunks.ts";
import type { VirtualArray } from "../manifest/virtual-group.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ZarrArray } from "../zarr/node.ts";
import { type GroupNode, nodeBelow } from "../zarr/tree.ts";
import { ZarritaStore } from "../zarr/zarrita/zarrita-store.ts";
import { openSource, type SourceOptions } from "./open.ts";
import { absolutePath, arrayAt, type OpenedSource, type SourceFormat, walkSource } from "./source.ts";

/** What {@link Group.walk} gives: a node below the group, or why it cannot be read. */
export interface WalkedNode {
  readonly path: string;
  readonly kind: "group" | "array" | "fault";
  /** Only of faults. */
  readonly error?: MoraineError | undefined;
}

/**
 * Opens what lies at an address as a tree of Zarr groups and arrays: a NetCDF or HDF5 file, Kerchunk references, a
 * Zarr store, an Icechunk repository. Metadata is read, chunks are not. A source that is itself an array is a group
 * whose only array has the path `/`.
 *
 * Errors: `NotFound`, `UnknownFormat`, `TruncatedFile`, `CorruptFile`, `AccessDenied`, …
 *
 * @param address path or URL
 * @example
 * const file = await open("https://host/sst.nc");
 * const sst = await file.array("sst");
 * const { data, shape } = await get(sst, { time: 0, lat: slice(10, 20) });
 */
export async function open(address: string, options: SourceOptions = {}): Promise<Group> {
  return new Group(await openSource(address, options), "/");
}

/**
 * Opens what lies at an address as a store object of zarrita.
 *
 * Errors: as {@link open}.
 *
 * @example
 * const root = await zarr.open(await store("sst.nc"), { kind: "group" }); // zarrita's
 */
export async function store(address: string, options: SourceOptions = {}): Promise<ZarritaStore> {
  return (await open(address, options)).store();
}

/** A group of a source. */
export class Group {
  readonly kind = "group";
  /** In the source, with a slash in front. */
  readonly path: string;
  readonly #source: OpenedSource;
  readonly #node: GroupNode | undefined;

  constructor(source: OpenedSource, path: string, node?: GroupNode) {
    this.#source = source;
    this.path = path;
    this.#node = node ?? (source.root.kind === "group" ? source.root : undefined);
  }

  /** The format of the source, told by its bytes. */
  get format(): SourceFormat {
    return this.#source.format;
  }

  /** Address of the source. */
  get address(): string {
    return this.#source.address;
  }

  get attributes(): JsonObject {
    return this.#node?.attributes ?? {};
  }

  /**
   * An array below this group.
   *
   * Errors: `NotFound`; the array's own where it cannot be read.
   */
  async array(path: string, options: StorageOptions = {}): Promise<ZarrArray> {
    const array = await arrayAt(this.#source, this.#below(path), options);
    array.chunks.expectQuestions?.();
    return array;
  }

  /**
   * An array below this group with its references, as the functions on manifests take it.
   *
   * Errors: as {@link array}; those of its barrier where its chunks have no place that a reference could give.
   *
   * @example
   * const year = concatenateArrays([await january.references("sst"), await february.references("sst")], 0);
   */
  async references(path: string, options: StorageOptions = {}): Promise<ReferencedArray> {
    const below = this.#below(path);
    const node = await nodeBelow(this.#source.root, below, options);
    const place = { source: this.address, path: below };
    if (node?.kind === "fault") throw node.error.at(place);
    if (node?.kind !== "array") throw new MoraineError("NotFound", `there is no array ${below}`, place);
    const array: VirtualArray = node;
    const { barrier, manifest, metadata } = array;
    if (barrier || manifest === undefined) {
      const code = barrier?.code ?? "UnsupportedLayout";
      throw new MoraineError(code, barrier?.reason ?? "its chunks have no place of their own", place);
    }
    return { metadata, manifest: await manifest(options) };
  }

  /** A group below this group. Errors: `NotFound`. */
  async group(path: string, options: StorageOptions = {}): Promise<Group> {
    const below = this.#below(path);
    const node = await nodeBelow(this.#source.root, below, options);
    if (node?.kind === "group") return new Group(this.#source, below, node);
    throw new MoraineError("NotFound", `there is no group ${below}`, { source: this.address, path: below });
  }

  /** Every group and array below this group with its path from there, parents first. */
  async *walk(options: StorageOptions = {}): AsyncGenerator<WalkedNode, void, undefined> {
    const prefix = this.path === "/" ? 1 : this.path.length + 1;
    for await (const { path, node } of walkSource(this.#source, this.path, options)) {
      if (path === this.path && node.kind === "group") continue;
      if (node.kind !== "group" && "hidden" in node && node.hidden === true) continue;
      yield {
        path: path.slice(prefix) || "/",
        kind: node.kind,
        ...(node.kind === "fault" && { error: node.error }),
      };
    }
  }

  /**
   * The group as a store object of zarrita: its chunks are decoded here, and given as plain elements.
   *
   * @example
   * const root = await zarr.open(group.store(), { kind: "group" }); // zarrita's
   */
  store(): ZarritaStore {
    return new ZarritaStore({
      root: this.#node ?? this.#source.root,
      storage: this.#source.storage,
      source: this.address,
      // Looking for all nodes of a plain store takes a request for each of them.
      isConsolidated: this.format !== "zarr",
    });
  }

  /** Lets go of what the source holds open. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  #below(path: string): string {
    return absolutePath(`${this.path}/${path}`);
  }
}
