/**
 * What a selection reads: which chunks, which pieces of them where chunks are nested (shards), and which elements
 * of each go where in the result. Pure: no bytes, no promises.
 *
 * @module
 */

import type { ResolvedSelection } from "../selection.ts";
import { planAxis } from "./axis-plan.ts";
import { BoxPlan } from "./box-plan.ts";
import type { ChunkLayout } from "./chunk-layout.ts";
import { PointPlan } from "./point-plan.ts";
import type { Elements, ReadonlyElements } from "./strided-copy.ts";

/** Some of the chunks that a plan touches at one level of nesting, as columns. */
export interface ChunkRows {
  readonly count: number;
  /** For each chunk, axis after axis, its entry in the axis' plan at this level. */
  readonly entries: Uint32Array;
  /** Which row of the level above holds it; empty at level 0. */
  readonly parents: Uint32Array;
  /** Position of the first row among all that the plan touches at this level, in the plan's own order. */
  readonly identities?: Uint32Array | undefined;
}

/** Elements of a chunk in C order, and those of the selection in C order. */
export interface Copying {
  readonly from: ReadonlyElements;
  /** `from` is one element that stands for all. */
  readonly repeat: boolean;
  readonly to: Elements;
  /** Bytes of an element, where elements are bytes. */
  readonly itemSize: number;
}

/** A plan for one selection. Level 0 are the chunks of the array's grid, the last level is what is decoded. */
export interface ReadPlan {
  /** Shape of the result, and its number of elements. */
  readonly shape: readonly number[];
  readonly count: number;
  /** Number of chunks of the array's grid that are touched. */
  readonly chunkCount: number;
  /** The touched chunks `from` to `to` of the array's grid, in C order. */
  chunks(from: number, to: number): ChunkRows;
  /** How many rows of the next level a row has. */
  childCount(level: number, rows: ChunkRows, row: number): number;
  /** What is touched inside some rows of a level: rows of the next level, those of one parent side by side. */
  children(level: number, rows: ChunkRows, which: Iterable<number>): ChunkRows;
  /** Coordinate along an axis: in the array's grid at level 0, within the chunk of the level above at the others. */
  coordinate(level: number, rows: ChunkRows, row: number, axis: number): number;
  /** Elements of a chunk along an axis. */
  length(level: number, rows: ChunkRows, row: number, axis: number): number;
  /** Copies what is selected of a chunk of the last level, whose elements are in C order, into the result. */
  place(rows: ChunkRows, row: number, copying: Copying): void;
  /**
   * Where `place` would put the bytes of a chunk, as views of the result in the order in which they lie in the chunk;
   * undefined where some are not selected, and where the views would be shorter than `least` bytes.
   */
  runs(
    rows: ChunkRows,
    row: number,
    to: Uint8Array,
    itemSize: number,
    least: number,
  ): Uint8Array[] | undefined;
  /** The other way: puts what is selected of a chunk of the last level from the selection's elements into the chunk. */
  take(rows: ChunkRows, row: number, copying: Copying): void;
  /**
   * Whether everything of a row is selected that is inside of the array.
   *
   * @param inside elements along each axis that are
   */
  covers(level: number, rows: ChunkRows, row: number, inside: readonly number[]): boolean;
}

/** Plans the reading of a selection. */
export function planRead(selection: ResolvedSelection, layout: ChunkLayout): ReadPlan {
  const axes = layout.axes.map((chunks, axis) =>
    planAxis(
      selection.axes[axis] ?? { kind: "range", start: 0, step: 1, count: 0 },
      chunks,
      layout.levels.map((level) => level.pieceShape[axis] ?? 1),
    ),
  );
  return selection.kind === "coordinates"
    ? new PointPlan(axes, selection.shape)
    : new BoxPlan(axes, selection.shape);
}
