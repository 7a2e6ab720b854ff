/**
 * A source that was opened: what it holds, and how its bytes are reached.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../errors.ts";
import type { Writing } from "../icechunk/writings.ts";
import type { FaultyArray, NotedGroup, VirtualArray } from "../manifest/virtual-group.ts";
import type { Storage, StorageOptions } from "../storage/storage.ts";
import { ZarrArray } from "../zarr/node.ts";
import { nodeBelow, type WalkOptions, walkNodes } from "../zarr/tree.ts";
import type { RegionReader } from "../zarr/write/chunk-encoder.ts";

/** The format of a source, as its bytes tell it. */
export type SourceFormat =
  | "hdf5"
  | "netcdf3"
  | "kerchunk-json"
  | "kerchunk-parquet"
  | "dmrpp"
  | "zarr"
  | "icechunk"
  | "npy";

/** What was asked of the storage so far. */
export interface SourceStatistics {
  readonly requests: number;
  /** Bytes received. */
  readonly bytes: number;
  /** Times that requests had to wait for the answer to earlier ones. */
  readonly rounds: number;
  /** Attempts that failed and were followed by another. */
  readonly retries: number;
  /** Blocks that a cache had. */
  readonly cacheHits: number;
}

export interface OpenedSource {
  /** The address, absolute. */
  readonly address: string;
  readonly format: SourceFormat;
  /** The root group; an array where the source is an array itself. */
  readonly root: NotedGroup | VirtualArray;
  /** Reads the places that the arrays' chunk sources give. */
  readonly storage: Storage;
  /** Whether a location belongs to the source itself (native chunks) rather than to a file it refers to. */
  isNative(location: string): boolean;
  /** What each commit wrote of some arrays, newest first, where there is a history. */
  writings?(paths: readonly string[], options?: StorageOptions): AsyncIterable<Writing>;
  statistics(): SourceStatistics;
  close(): Promise<void>;
}

/** A node of a source: groups, arrays and what cannot be read. */
export type SourceNode = NotedGroup | VirtualArray | FaultyArray;

/** A path as it is shown: with a slash in front and none at its end. */
export function absolutePath(path: string): string {
  return `/${path.split("/").filter(Boolean).join("/")}`;
}

/**
 * Every node of a source with its path, the root first (`/`), parents before their members. What is reached by
 * several paths is given under each; `once` walks a group under the first alone.
 *
 * Errors: `NotFound` when nothing is at `path`; the error of a node at `path` that cannot be read.
 *
 * @param path begins there instead of at the root
 */
export async function* walkSource(
  source: OpenedSource,
  path = "/",
  options: WalkOptions = {},
): AsyncGenerator<{ readonly path: string; readonly node: SourceNode }, void, undefined> {
  const base = absolutePath(path);
  const start = await nodeBelow(source.root, base, options);
  if (start === undefined) {
    throw new MoraineError("NotFound", `there is no group or array ${base}`, {
      source: source.address,
      path: base,
    });
  }
  if (start.kind === "fault") throw start.error.at({ source: source.address, path: base });
  yield { path: base, node: start };
  if (start.kind !== "group") return;
  for await (const { path: below, node } of walkNodes(start, options)) {
    yield { path: `${base === "/" ? "" : base}/${below}`, node };
  }
}

/**
 * The array at a path, ready to be read.
 *
 * Errors: `NotFound` where there is no array, the array's own error where it cannot be read.
 */
export async function arrayAt(
  source: OpenedSource,
  path: string,
  options: StorageOptions = {},
): Promise<ZarrArray> {
  const absolute = absolutePath(path);
  const node = await nodeBelow(source.root, absolute, options);
  if (node?.kind === "array") return arrayOf(source, absolute, node);
  if (node?.kind === "fault") throw node.error.at({ source: source.address, path: absolute });
  throw new MoraineError(
    "NotFound",
    node === undefined ? `there is no array ${absolute}` : `${absolute} is a group, not an array`,
    { source: source.address, path: absolute },
  );
}

/** Reads parts of an array of a source; small ones may be at hand already. */
export function regionOf(source: OpenedSource, path: string, array: VirtualArray): RegionReader {
  const { values, metadata } = array;
  let reader: ZarrArray | undefined;
  return async (start, shape, options) => {
    if (values !== undefined && shape.every((length, axis) => length === metadata.shape[axis])) {
      return values.slice();
    }
    reader ??= arrayOf(source, path, array);
    return await reader.readRegion(start, shape, options);
  };
}

/** An array of a source, ready to be read. */
export function arrayOf(source: Pick<OpenedSource, "storage">, path: string, array: VirtualArray): ZarrArray {
  return new ZarrArray({
    metadata: array.metadata,
    chunks: array.chunks,
    storage: source.storage,
    path,
  });
}

/** An error of one array, with its place; rethrows what is no fault of the array. */
export function faultOf(error: unknown, source: OpenedSource, path: string): MoraineError {
  if (isMoraineError(error) && error.code !== "Aborted") return error.at({ source: source.address, path });
  // The platform's own word for what it has no memory for.
  if (error instanceof RangeError) {
    return new MoraineError("LimitExceeded", error.message, { source: source.address, path, cause: error });
  }
  throw error;
}

/** The path in the file, where the dataset view has another name. */
export function storedPath(
  path: string,
  { storedName }: { readonly storedName?: string | undefined },
): string {
  return storedName === undefined ? path : path.slice(0, path.lastIndexOf("/") + 1) + storedName;
}
