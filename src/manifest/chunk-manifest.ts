/**
 * Chunk references as columns.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { Version } from "../storage/storage.ts";
import { gridCoordinates } from "../zarr/chunk-grid.ts";

/**
 * The references of one array. Entry `i` of each column belongs to one stored chunk; chunks without an entry
 * are missing. Entries are sorted by chunk coordinates (C order of the chunk grid) and unique.
 */
export interface ChunkManifest {
  /** Number of chunks along each axis. */
  readonly gridShape: readonly number[];
  /** Number of entries. */
  readonly count: number;
  /**
   * C-order position in the chunk grid of each entry, ascending; undefined when the manifest is dense (entry `i`
   * is chunk `i` and `count` is the product of `gridShape`).
   */
  readonly positions?: Float64Array | undefined;
  /** Addresses; entries point into it. */
  readonly locations: readonly string[];
  /** For each location the version it had when it was scanned. */
  readonly versions: readonly (Version | undefined)[];
  /** Undefined when all entries have location 0. */
  readonly locationIndexes?: Uint32Array | undefined;
  readonly offsets: Float64Array;
  /** Stored bytes of each chunk. */
  readonly lengths: Float64Array;
  /** Present when an entry's mask is not zero. Bit `i`: the `i`-th bytes-to-bytes codec was left out. */
  readonly filterMasks?: Uint32Array | undefined;
  /** Encoded bytes of the entries that are held here instead of lying at a location, by entry. */
  readonly inline: ReadonlyMap<number, Uint8Array>;
}

/** Number of chunks of a grid. Errors: `LimitExceeded` for one whose positions a double cannot count. */
export function countCells(gridShape: readonly number[]): number {
  const cells = gridShape.reduce((product, length) => product * length, 1);
  if (cells <= Number.MAX_SAFE_INTEGER) return cells;
  throw new MoraineError("LimitExceeded", `a grid of ${gridShape.join(" x ")} chunks cannot be counted`);
}

/** Whether every chunk of the grid has an entry. */
export function isDense(manifest: ChunkManifest): boolean {
  return manifest.positions === undefined;
}

/** The first of the ascending `positions` that is not below `position`; `count` where none is. */
export function firstEntryFrom(positions: Float64Array, count: number, position: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((positions[middle] ?? 0) < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The entry of the chunk at a position of the grid; -1 where it is missing. */
export function findEntry(
  { positions, count }: Pick<ChunkManifest, "positions" | "count">,
  position: number,
): number {
  if (positions === undefined) return position < count ? position : -1;
  const entry = firstEntryFrom(positions, count, position);
  return entry < count && positions[entry] === position ? entry : -1;
}

/** The address of the object that an entry lies in; it means nothing for one that is held inline. */
export function entryLocation(
  { locations, locationIndexes }: Pick<ChunkManifest, "locations" | "locationIndexes">,
  entry: number,
): string {
  return locations[locationIndexes?.[entry] ?? 0] ?? "";
}

/** Chunk grid coordinates of an entry. */
export function entryCoordinates(manifest: ChunkManifest, entry: number): number[] {
  return gridCoordinates(manifest.positions?.[entry] ?? entry, manifest.gridShape);
}
