/**
 * Chunk references of one array as columns, with all three kinds that Icechunk has, and deletions.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";

/** Nothing is stored, or what was stored is deleted. */
export const MISSING = 0;
/** The bytes are in `buffers`. */
export const INLINE = 1;
/** A range of one of the repository's chunk objects. */
export const NATIVE = 2;
/** A range of an object elsewhere. */
export const VIRTUAL = 3;

/** An object elsewhere, and how to tell that it has not changed. */
export interface VirtualObject {
  /** Absolute URL, or `vcc://container/path`. */
  readonly location: string;
  readonly etag?: string | undefined;
  /** Seconds since 1970: the object must not be newer. */
  readonly lastModified?: number | undefined;
}

/**
 * References as columns. Entry `i` of each column belongs to one chunk; entries are sorted by chunk coordinates
 * and unique.
 */
export interface ChunkReferences {
  /** Chunks along each axis. */
  readonly gridShape: readonly number[];
  readonly count: number;
  /** C-order place of each entry in the grid, ascending; undefined when entry `i` is chunk `i` of all chunks. */
  readonly positions: Float64Array | undefined;
  /** `MISSING`, `INLINE`, `NATIVE` or `VIRTUAL`. */
  readonly kinds: Uint8Array;
  /** Index into `buffers`, `chunkIds` or `virtualObjects`, by kind. */
  readonly objects: Uint32Array;
  /** First byte in that object. */
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
  readonly buffers: readonly Uint8Array[];
  /** 12 bytes for each chunk object. */
  readonly chunkIds: Uint8Array;
  readonly virtualObjects: readonly VirtualObject[];
}

/**
 * How many chunks lie between neighbours along each axis, in C order.
 *
 * Errors: `LimitExceeded` where the grid has more chunks than a double can number.
 */
export function gridStrides(gridShape: readonly number[]): Float64Array {
  const strides = new Float64Array(gridShape.length);
  let stride = 1;
  for (let axis = gridShape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= Math.max(gridShape[axis] ?? 0, 1);
  }
  if (stride > Number.MAX_SAFE_INTEGER) {
    throw new MoraineError("LimitExceeded", `a grid of ${gridShape.join(" × ")} chunks is too large to edit`);
  }
  return strides;
}

/** Place of a chunk in the grid; -1 where it is outside. */
export function positionOf(
  coordinates: ArrayLike<number>,
  at: number,
  gridShape: readonly number[],
  strides: Float64Array,
): number {
  let position = 0;
  for (let axis = 0; axis < gridShape.length; axis++) {
    const coordinate = coordinates[at + axis] ?? 0;
    // Also of a negative one, which would be another chunk of an earlier row.
    if (!(coordinate >= 0 && coordinate < (gridShape[axis] ?? 0))) return -1;
    position += coordinate * (strides[axis] ?? 0);
  }
  return position;
}

/** Writes the coordinates of a chunk into `target` at `at`. */
export function coordinatesOf(
  position: number,
  strides: Float64Array,
  target: Uint32Array,
  at: number,
): void {
  let rest = position;
  for (let axis = 0; axis < strides.length; axis++) {
    const stride = strides[axis] ?? 1;
    const coordinate = Math.floor(rest / stride);
    target[at + axis] = coordinate;
    rest -= coordinate * stride;
  }
}

/** Goes from chunk to chunk of a grid, in most cases to the next one, which costs an addition. */
export class GridWalk {
  /** Of the chunk that was reached last. */
  readonly coordinates: Uint32Array;
  readonly #shape: readonly number[];
  readonly #strides: Float64Array;
  #position = -2;

  constructor(gridShape: readonly number[]) {
    this.#shape = gridShape;
    this.#strides = gridStrides(gridShape);
    this.coordinates = new Uint32Array(gridShape.length);
  }

  moveTo(position: number): void {
    const { coordinates } = this;
    if (position !== this.#position + 1) {
      coordinatesOf(position, this.#strides, coordinates, 0);
    } else {
      for (let axis = coordinates.length - 1; axis >= 0; axis--) {
        const next = (coordinates[axis] ?? 0) + 1;
        if (next < (this.#shape[axis] ?? 0)) {
          coordinates[axis] = next;
          break;
        }
        coordinates[axis] = 0;
      }
    }
    this.#position = position;
  }
}

/** Coordinates of all entries, one after another. */
export function allCoordinates(references: ChunkReferences): Uint32Array {
  const rank = references.gridShape.length;
  const walk = new GridWalk(references.gridShape);
  const coordinates = new Uint32Array(rank * references.count);
  for (let entry = 0, at = 0; entry < references.count; entry++) {
    walk.moveTo(references.positions?.[entry] ?? entry);
    for (let axis = 0; axis < rank; axis++) coordinates[at++] = walk.coordinates[axis] ?? 0;
  }
  return coordinates;
}

const complete = new WeakMap<Uint8Array, boolean>();

/** Whether some of the entries are {@link MISSING}; looked for once. */
export function hasMissing({ kinds }: Pick<ChunkReferences, "kinds">): boolean {
  let isComplete = complete.get(kinds);
  if (isComplete === undefined) {
    isComplete = !kinds.includes(MISSING);
    complete.set(kinds, isComplete);
  }
  return !isComplete;
}
