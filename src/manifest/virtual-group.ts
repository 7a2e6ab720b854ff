/**
 * What a reader makes of a file: groups and arrays whose chunks are places in the file.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { ErrorCode } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayNode, FaultyNode, GroupNode, ZarrNode } from "../zarr/tree.ts";
import type { ChunkManifest } from "./chunk-manifest.ts";

/** Why an array cannot be read by clients that know only Zarr's codecs from the file's own bytes. */
export interface Barrier {
  readonly code: ErrorCode;
  /** In words for a person: "filter szip has no Zarr codec". */
  readonly reason: string;
}

/**
 * An array of a source. `chunks` gives the chunks encoded by `metadata.codecs`, wherever they are; computed when
 * they are asked for where a barrier is.
 */
export interface VirtualArray extends ArrayNode {
  /**
   * The chunk references as they lie in the file, encoded as `metadata.codecs` says. Undefined behind a
   * barrier: then only `chunks` gives the values. Loaded when first asked for, and remembered.
   */
  readonly manifest?: ((options?: StorageOptions) => Promise<ChunkManifest>) | undefined;
  readonly barrier?: Barrier | undefined;
  /** Shown by `digest`, not by the dataset view: a NetCDF-4 dimension without a variable. */
  readonly hidden?: boolean | undefined;
  /** Its name in the file, where it has another one in the dataset view; `digest` shows it. */
  readonly storedName?: string | undefined;
  /** All values of a small array, in C order and little-endian, where they came with its metadata. */
  readonly values?: Uint8Array | undefined;
  /** The array as the file has it, where the dataset view shows more; `digest` reads this. */
  readonly stored?: VirtualArray | undefined;
  /** The elements are texts that describe values which Zarr has no type for: there is no digest of them. */
  readonly described?: boolean | undefined;
  /** What was changed or left out of the array's own metadata, in words. */
  readonly notes?: readonly string[] | undefined;
  /**
   * Why other readers see other values or another shape, although these are the best that the file tells: then there
   * is no agreed digest.
   */
  readonly disputed?: string | undefined;
}

/** An array that is there but cannot be read; the rest of its file can. */
export interface FaultyArray extends FaultyNode {
  /** Where the header could be read, as are the next two. */
  readonly shape?: readonly number[] | undefined;
  readonly dimensionNames?: readonly (string | null)[] | undefined;
  readonly attributes?: JsonObject | undefined;
  readonly hidden?: boolean | undefined;
  readonly storedName?: string | undefined;
}

/** A group. One that is reached by several paths is the same object under each, or has the same identity. */
export interface VirtualGroup {
  readonly kind: "group";
  readonly attributes: JsonObject;
  /** Children by name, in the order the file gives them. */
  readonly children: ReadonlyMap<string, VirtualGroup | VirtualArray | FaultyArray>;
  /** Names of children that belong elsewhere: soft and external links. */
  readonly links?: ReadonlySet<string> | undefined;
  readonly notes?: readonly string[] | undefined;
  /** The first of several views of one group, in which its arrays have other dimensions; absent for the first. */
  readonly first?: VirtualGroup | undefined;
}

/** A group of a tree with what is to be told of it. */
export interface NotedGroup extends GroupNode {
  readonly notes?: readonly string[] | undefined;
}

const nodes = new WeakMap<VirtualGroup, NotedGroup>();

/** A group of a file as a group of a tree: one and the same for the same group. */
export function groupNodeOf(group: VirtualGroup): NotedGroup {
  const known = nodes.get(group);
  if (known) return known;
  const made = new GroupOfFile(group);
  nodes.set(group, made);
  return made;
}

class GroupOfFile implements NotedGroup {
  readonly kind = "group";
  readonly #group: VirtualGroup;

  constructor(group: VirtualGroup) {
    this.#group = group;
  }

  get attributes(): JsonObject {
    return this.#group.attributes;
  }

  get notes(): readonly string[] | undefined {
    return this.#group.notes;
  }

  get identity(): object {
    return this.#group.first ?? this.#group;
  }

  get links(): ReadonlySet<string> | undefined {
    return this.#group.links;
  }

  async child(name: string): Promise<ZarrNode | undefined> {
    const child = this.#group.children.get(name);
    return child && nodeOf(child);
  }

  async children(): Promise<ReadonlyMap<string, ZarrNode>> {
    return new Map([...this.#group.children].map(([name, child]) => [name, nodeOf(child)]));
  }
}

function nodeOf(child: VirtualGroup | VirtualArray | FaultyArray): ZarrNode {
  return child.kind === "group" ? groupNodeOf(child) : child;
}
