/**
 * Where the chunks of one axis begin and end (Zarr v3 core "chunk grids"; zarr-extensions "rectilinear").
 *
 * @module
 */

import type { ChunkGrid, RectilinearAxis } from "../array-metadata.ts";

/** The chunks of an axis. */
export interface AxisChunks {
  /** Coordinate of the chunk that holds an element. */
  chunkAt(index: number): number;
  /** First element of a chunk. */
  startOf(chunk: number): number;
  /** Elements of a chunk as it is stored, also where it reaches beyond the array. */
  lengthOf(chunk: number): number;
}

/** The chunks of each axis of a grid. */
export function axisChunksOf(grid: ChunkGrid): AxisChunks[] {
  return grid.name === "regular"
    ? grid.chunkShape.map((length) => new RegularAxis(length))
    : grid.chunkShapes.map((axis) => (typeof axis === "number" ? new RegularAxis(axis) : new RunsAxis(axis)));
}

class RegularAxis implements AxisChunks {
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  chunkAt(index: number): number {
    return Math.floor(index / this.#length);
  }

  startOf(chunk: number): number {
    return chunk * this.#length;
  }

  lengthOf(): number {
    return this.#length;
  }
}

/** Runs of chunks of equal length. */
class RunsAxis implements AxisChunks {
  readonly #lengths: Float64Array;
  /** First element and first chunk of each run. */
  readonly #starts: Float64Array;
  readonly #chunks: Float64Array;

  constructor(runs: Exclude<RectilinearAxis, number>) {
    this.#lengths = new Float64Array(runs.length);
    this.#starts = new Float64Array(runs.length);
    this.#chunks = new Float64Array(runs.length);
    let start = 0;
    let chunk = 0;
    runs.forEach(([length, count], run) => {
      this.#lengths[run] = length;
      this.#starts[run] = start;
      this.#chunks[run] = chunk;
      start += length * count;
      chunk += count;
    });
  }

  chunkAt(index: number): number {
    const run = lastAtMost(this.#starts, index);
    const within = Math.floor((index - (this.#starts[run] ?? 0)) / (this.#lengths[run] ?? 1));
    return (this.#chunks[run] ?? 0) + within;
  }

  startOf(chunk: number): number {
    const run = lastAtMost(this.#chunks, chunk);
    return (this.#starts[run] ?? 0) + (chunk - (this.#chunks[run] ?? 0)) * (this.#lengths[run] ?? 0);
  }

  lengthOf(chunk: number): number {
    return this.#lengths[lastAtMost(this.#chunks, chunk)] ?? 0;
  }
}

/** Index of the last entry of an ascending column that is at most `value`. */
function lastAtMost(column: Float64Array, value: number): number {
  let low = 0;
  let high = column.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((column[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
