/**
 * Boxes of chunk coordinates: for each axis the first one and the one after the last.
 *
 * @module
 */

import { type ChunkReferences, coordinatesOf, gridStrides } from "../format/chunk-references.ts";
import type { ReferenceRun } from "./merge-references.ts";

/** The box of a whole grid. */
export function boxOfGrid(gridShape: readonly number[]): Uint32Array {
  return Uint32Array.from(gridShape.flatMap((length) => [0, length]));
}

export function intersection(a: Uint32Array, b: Uint32Array): Uint32Array {
  return a.map((edge, i) => (i % 2 === 0 ? Math.max(edge, b[i] ?? 0) : Math.min(edge, b[i] ?? 0)));
}

export function isEmptyBox(box: Uint32Array): boolean {
  for (let i = 0; i < box.length; i += 2) if ((box[i] ?? 0) >= (box[i + 1] ?? 0)) return true;
  return false;
}

export function boxContains(outer: Uint32Array, inner: Uint32Array): boolean {
  for (let i = 0; i < outer.length; i += 2) {
    if ((inner[i] ?? 0) < (outer[i] ?? 0) || (inner[i + 1] ?? 0) > (outer[i + 1] ?? 0)) return false;
  }
  return true;
}

/** Whether two boxes have a chunk in common. */
export function boxesMeet(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < a.length; i += 2) {
    if (Math.max(a[i] ?? 0, b[i] ?? 0) >= Math.min(a[i + 1] ?? 0, b[i + 1] ?? 0)) return false;
  }
  return true;
}

/** The smallest box around two. */
export function joinedBox(a: Uint32Array, b: Uint32Array): Uint32Array {
  return a.map((edge, i) => (i % 2 === 0 ? Math.min(edge, b[i] ?? 0) : Math.max(edge, b[i] ?? 0)));
}

/** The number of chunks in a box. */
export function volumeOf(box: Uint32Array): number {
  let volume = 1;
  for (let i = 0; i < box.length; i += 2) volume *= (box[i + 1] ?? 0) - (box[i] ?? 0);
  return volume;
}

export function boxHasChunk(box: Uint32Array, coordinates: Uint32Array, at: number): boolean {
  for (let i = 0; i < box.length; i += 2) {
    const coordinate = coordinates[at + i / 2] ?? 0;
    if (coordinate < (box[i] ?? 0) || coordinate >= (box[i + 1] ?? 0)) return false;
  }
  return true;
}

/** The smallest box around some references, at least one. */
export function boxAround({ references, entries }: ReferenceRun): Uint32Array {
  const { gridShape, positions } = references;
  const rank = gridShape.length;
  const strides = gridStrides(gridShape);
  const count = entries?.length ?? references.count;
  const positionOf = (i: number): number => {
    const entry = entries?.[i] ?? i;
    return positions?.[entry] ?? entry;
  };
  const [first, last] = [positionOf(0), positionOf(count - 1)];
  if (last - first === count - 1) return boxOfStretch(gridShape, first, last);
  const coordinates = new Uint32Array(rank);
  const box = new Uint32Array(2 * rank);
  for (let i = 0; i < count; i++) {
    coordinatesOf(positionOf(i), strides, coordinates, 0);
    for (let axis = 0; axis < rank; axis++) {
      const coordinate = coordinates[axis] ?? 0;
      if (i === 0 || coordinate < (box[2 * axis] ?? 0)) box[2 * axis] = coordinate;
      if (i === 0 || coordinate >= (box[2 * axis + 1] ?? 0)) box[2 * axis + 1] = coordinate + 1;
    }
  }
  return box;
}

/** The smallest box around all chunks from one to another in C order. */
function boxOfStretch(gridShape: readonly number[], first: number, last: number): Uint32Array {
  const rank = gridShape.length;
  const strides = gridStrides(gridShape);
  const [from, to] = [new Uint32Array(rank), new Uint32Array(rank)];
  coordinatesOf(first, strides, from, 0);
  coordinatesOf(last, strides, to, 0);
  const box = new Uint32Array(2 * rank);
  let differs = false;
  for (let axis = 0; axis < rank; axis++) {
    // Behind the first axis on which they differ, the stretch reaches the end of one row and begins another.
    box[2 * axis] = differs ? 0 : (from[axis] ?? 0);
    box[2 * axis + 1] = differs ? (gridShape[axis] ?? 0) : (to[axis] ?? 0) + 1;
    differs ||= from[axis] !== to[axis];
  }
  return box;
}

/** Cells of equal size in a grid, numbered in C order. */
export class Cells {
  readonly #shape: readonly number[];
  readonly #cell: readonly number[];
  readonly #gridStrides: Float64Array;
  readonly #cellStrides: Float64Array;
  readonly #rank: number;
  readonly #coordinates: Uint32Array;
  /** Chunks of a cell where cells follow one another in C order: only the first axis is cut. */
  readonly #slab: number | undefined;
  /** Whether one cell holds the whole grid. */
  readonly single: boolean;

  constructor(gridShape: readonly number[], cell: readonly number[]) {
    const cells = gridShape.map((length, axis) => Math.max(1, Math.ceil(length / (cell[axis] ?? 1))));
    this.#shape = gridShape;
    this.#cell = cell;
    this.#rank = gridShape.length;
    this.#gridStrides = gridStrides(gridShape);
    this.#cellStrides = gridStrides(cells);
    this.#coordinates = new Uint32Array(this.#rank);
    this.single = cells.every((count) => count === 1);
    this.#slab = cells.slice(1).every((count) => count === 1)
      ? (cell[0] ?? 1) * (this.#gridStrides[0] ?? 1)
      : undefined;
  }

  /** The cell that holds a box as a whole; undefined where none does. */
  holding(box: Uint32Array): number | undefined {
    let cell = 0;
    for (let axis = 0; axis < this.#rank; axis++) {
      const length = this.#cell[axis] ?? 1;
      const index = Math.floor((box[2 * axis] ?? 0) / length);
      if (Math.floor(((box[2 * axis + 1] ?? 0) - 1) / length) !== index) return undefined;
      cell += index * (this.#cellStrides[axis] ?? 0);
    }
    return cell;
  }

  /**
   * The first chunk of the cell that holds a chunk, where the chunks of every cell follow one another in C order; undefined
   * where they do not.
   */
  beginOf(position: number): number | undefined {
    const cut = this.#cell.findIndex((length) => length > 1);
    const axis = cut < 0 ? this.#rank - 1 : cut;
    if (this.#shape.some((length, other) => other > axis && (this.#cell[other] ?? 1) < length))
      return undefined;
    const stride = this.#gridStrides[axis] ?? 1;
    const inside = position % (stride * (this.#shape[axis] ?? 1));
    return position - (inside % (stride * (this.#cell[axis] ?? 1)));
  }

  #cellOf(position: number): number {
    coordinatesOf(position, this.#gridStrides, this.#coordinates, 0);
    let cell = 0;
    for (let axis = 0; axis < this.#rank; axis++) {
      const index = Math.floor((this.#coordinates[axis] ?? 0) / (this.#cell[axis] ?? 1));
      cell += index * (this.#cellStrides[axis] ?? 0);
    }
    return cell;
  }

  #groupSlabs({ count, positions }: ChunkReferences, slab: number): Map<number, Uint32Array> {
    const groups = new Map<number, Uint32Array>();
    for (let first = 0; first < count; ) {
      const cell = Math.floor((positions?.[first] ?? first) / slab);
      let end = first + 1;
      while (end < count && (positions?.[end] ?? end) < (cell + 1) * slab) end += 1;
      const entries = new Uint32Array(end - first);
      for (let i = 0; i < entries.length; i++) entries[i] = first + i;
      groups.set(cell, entries);
      first = end;
    }
    return groups;
  }

  /** Entries of references by cell; undefined stands for all of them. */
  group(references: ChunkReferences): Map<number, Uint32Array | undefined> {
    const { count, positions } = references;
    if (count === 0) return new Map();
    if (this.single) return new Map([[0, undefined]]);
    if (this.#slab !== undefined) return this.#groupSlabs(references, this.#slab);
    const cells = new Float64Array(count);
    const counts = new Map<number, number>();
    for (let entry = 0; entry < count; entry++) {
      const cell = this.#cellOf(positions?.[entry] ?? entry);
      cells[entry] = cell;
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
    }
    const groups = new Map<number, Uint32Array>();
    for (const [cell, length] of counts) groups.set(cell, new Uint32Array(length));
    counts.clear();
    for (let entry = 0; entry < count; entry++) {
      const cell = cells[entry] ?? 0;
      const filled = counts.get(cell) ?? 0;
      const group = groups.get(cell);
      if (group) group[filled] = entry;
      counts.set(cell, filled + 1);
    }
    return groups;
  }
}
