/**
 * Opening and creating in a store under the names that zarrita's users know: `root`, `open`, `create`.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { createArray, createGroup, type NewArray, type NewGroup } from "./create.ts";
import { openNode, type StoreArray, type StoreGroup } from "./hierarchy.ts";
import { ZarrArray } from "./node.ts";
import type { ZarrStore } from "./store.ts";
import { StoreChunkSink } from "./store-chunk-sink.ts";
import { pathParts } from "./tree.ts";

/** A path in a store. */
export class Location {
  readonly store: ZarrStore;
  /** Without slashes at its ends; empty for the root. */
  readonly path: string;

  constructor(store: ZarrStore, path = "") {
    this.store = store;
    this.path = pathParts(path).join("/");
  }

  /** The location at a path seen from here; an absolute path begins with a slash. */
  resolve(path: string): Location {
    const base = path.startsWith("/") ? [] : pathParts(this.path);
    const parts: string[] = [];
    for (const part of [...base, ...pathParts(path)]) {
      if (part === "..") parts.pop();
      else if (part !== ".") parts.push(part);
    }
    return new Location(this.store, parts.join("/"));
  }
}

/** The root of a store. */
export function root(store: ZarrStore): Location {
  return new Location(store);
}

export interface OpenOptions extends StorageOptions {
  /** Anything else at the location is an error `InvalidArgument`. */
  readonly kind?: "array" | "group" | undefined;
}

/**
 * Opens what is at a location of a store. (The package exports it as `openLocation`.)
 *
 * Errors: `NotFound`, those of the metadata's parsers.
 *
 * @example
 * const array = await openLocation(root(store).resolve("a/b"), { kind: "array" });
 */
export function open(
  location: Location,
  options: OpenOptions & { readonly kind: "array" },
): Promise<ZarrArray>;
export function open(
  location: Location,
  options: OpenOptions & { readonly kind: "group" },
): Promise<StoreGroup>;
export function open(location: Location, options?: OpenOptions): Promise<ZarrArray | StoreGroup>;
export async function open(
  { store, path }: Location,
  { kind, signal }: OpenOptions = {},
): Promise<ZarrArray | StoreGroup> {
  const node = await openNode(store, path, { signal });
  if (kind !== undefined && kind !== node.kind) {
    throw new MoraineError("InvalidArgument", `this is no ${kind}`, {
      source: store.address,
      path: `/${path}`,
    });
  }
  return node.kind === "array" ? storedArray(node) : node;
}

/** Creates an array, or a group where no shape is given. Errors: those of {@link createArray}. */
export function create(location: Location, options: NewArray): Promise<ZarrArray>;
export function create(location: Location, options?: NewGroup): Promise<StoreGroup>;
export async function create(
  { store, path }: Location,
  options: NewArray | NewGroup = {},
): Promise<ZarrArray | StoreGroup> {
  return "shape" in options
    ? await createArray(store, path, options)
    : await createGroup(store, path, options);
}

/** An array of a store, to be read; and to be written where it is of Zarr v3. */
function storedArray({ store, path, metadata, chunks, zarrFormat }: StoreArray): ZarrArray {
  return new ZarrArray({
    metadata,
    chunks,
    storage: store.storage,
    path: `/${path}`,
    source: store.address,
    ...(zarrFormat === 3 && { sink: new StoreChunkSink(store, path, metadata) }),
  });
}
