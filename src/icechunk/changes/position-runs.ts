/**
 * Chunks of a grid by their places, as runs of neighbours: of an array that is filled in order a few numbers, however
 * many chunks it has.
 *
 * @module
 */

import {
  type ChunkReferences,
  coordinatesOf,
  GridWalk,
  gridStrides,
  positionOf,
} from "../format/chunk-references.ts";
import type { ChunkCoordinates } from "../format/transaction-log.ts";

const FIRST_CAPACITY = 8;

/** Ascending places, each once. */
export class PositionRuns {
  /** Of each run the first place and the one after its last. */
  #edges = new Float64Array(FIRST_CAPACITY);
  #length = 0;
  #count = 0;

  /** The places of some references. */
  static of(references: Pick<ChunkReferences, "count" | "positions">): PositionRuns {
    const runs = new PositionRuns();
    runs.append(references);
    return runs;
  }

  /** Adds the places of references that are none before {@link end}. */
  append({ count, positions }: Pick<ChunkReferences, "count" | "positions">): void {
    if (positions === undefined) this.add(0, count);
    else
      for (let entry = 0; entry < count; entry++)
        this.add(positions[entry] ?? 0, (positions[entry] ?? 0) + 1);
  }

  /** Number of places. */
  get count(): number {
    return this.#count;
  }

  /** The place after the last; 0 where there is none. */
  get end(): number {
    return this.#length === 0 ? 0 : (this.#edges[this.#length - 1] ?? 0);
  }

  /** Adds places that are none before {@link end}. */
  add(start: number, end: number): void {
    if (start >= end) return;
    this.#count += end - start;
    if (this.#length > 0 && start === this.end) {
      this.#edges[this.#length - 1] = end;
      return;
    }
    if (this.#length === this.#edges.length) {
      const grown = new Float64Array(2 * this.#length);
      grown.set(this.#edges);
      this.#edges = grown;
    }
    this.#edges[this.#length] = start;
    this.#edges[this.#length + 1] = end;
    this.#length += 2;
  }

  /** The places that one or the other has. */
  union(other: PositionRuns): PositionRuns {
    if (other.#length === 0) return this;
    if (this.#length === 0) return other;
    const both = new PositionRuns();
    for (let a = 0, b = 0; a < this.#length || b < other.#length; ) {
      const own = a < this.#length ? (this.#edges[a] ?? 0) : Number.POSITIVE_INFINITY;
      const its = b < other.#length ? (other.#edges[b] ?? 0) : Number.POSITIVE_INFINITY;
      const end = own <= its ? this.#edges[a + 1] : other.#edges[b + 1];
      if (own <= its) a += 2;
      else b += 2;
      both.add(Math.max(Math.min(own, its), both.end), end ?? 0);
    }
    return both;
  }

  /** The same chunks in a grid of another size; those outside it are left out. */
  regrid(before: readonly number[], after: readonly number[]): PositionRuns {
    const runs = new PositionRuns();
    const [from, to] = [gridStrides(before), gridStrides(after)];
    const coordinates = new Uint32Array(before.length);
    // Chunks of one row stay neighbours.
    const row = Math.max(before.at(-1) ?? 1, 1);
    const kept = Math.min(row, after.at(-1) ?? 1);
    for (let i = 0; i < this.#length; i += 2) {
      const end = this.#edges[i + 1] ?? 0;
      for (let start = this.#edges[i] ?? 0; start < end; ) {
        const inRow = start % row;
        const next = Math.min(end, start - inRow + row);
        coordinatesOf(start, from, coordinates, 0);
        const position = positionOf(coordinates, 0, after, to);
        if (position >= 0) runs.add(position, position + Math.min(next - start, kept - inRow));
        start = next;
      }
    }
    return runs;
  }

  /** The coordinates of the chunks, at most `most` at a time. */
  *blocks(gridShape: readonly number[], most: number): Generator<ChunkCoordinates, void, undefined> {
    const rank = gridShape.length;
    const walk = new GridWalk(gridShape);
    let left = this.#count;
    let run = 0;
    let position = this.#edges[0] ?? 0;
    while (left > 0) {
      const count = Math.min(left, most);
      const coordinates = new Uint32Array(rank * count);
      for (let chunk = 0; chunk < count; chunk++) {
        if (position === this.#edges[run + 1]) {
          run += 2;
          position = this.#edges[run] ?? 0;
        }
        walk.moveTo(position);
        position += 1;
        for (let axis = 0; axis < rank; axis++)
          coordinates[chunk * rank + axis] = walk.coordinates[axis] ?? 0;
      }
      left -= count;
      yield { rank, count, coordinates };
    }
  }
}
