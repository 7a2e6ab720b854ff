/**
 * The plan for every combination of what is selected along the axes.
 *
 * @module
 */

import { type AxisPlan, distinctCounts } from "./axis-plan.ts";
import type { ChunkRows, Copying, ReadPlan } from "./plan.ts";
import { StridedBox } from "./strided-copy.ts";

const NO_ROWS = new Uint32Array(0);

/** See {@link ReadPlan}. */
export class BoxPlan implements ReadPlan {
  readonly shape: readonly number[];
  readonly count: number;
  readonly chunkCount: number;
  readonly #axes: readonly AxisPlan[];
  /** Axes that lists select: these are walked, the others are copied as boxes. */
  readonly #lists: readonly number[];
  /** Elements between neighbours along each axis where a chunk is copied from and to. */
  readonly #fromStrides: number[];
  readonly #toStrides: number[];
  readonly #box: StridedBox = new StridedBox();
  /** For each axis and level how many different elements of each chunk are selected; made when first asked for. */
  readonly #distinct: (readonly Float64Array[] | undefined)[] = [];

  constructor(axes: readonly AxisPlan[], shape: readonly number[]) {
    this.shape = shape;
    this.#axes = axes;
    this.count = axes.reduce((product, axis) => product * axis.count, 1);
    this.chunkCount = axes.reduce((product, axis) => product * sizeOf(axis, 0), 1);
    this.#lists = axes.flatMap((plan, axis) => (plan.list ? [axis] : []));
    this.#fromStrides = new Array<number>(axes.length).fill(0);
    this.#toStrides = new Array<number>(axes.length).fill(0);
  }

  chunks(from: number, to: number): ChunkRows {
    const rank = this.#axes.length;
    const count = to - from;
    const entries = new Uint32Array(count * rank);
    for (let row = 0; row < count; row++) {
      let rest = from + row;
      for (let axis = rank - 1; axis >= 0; axis--) {
        const size = sizeOf(this.#axes[axis], 0);
        entries[row * rank + axis] = rest % size;
        rest = Math.floor(rest / size);
      }
    }
    return { count, entries, parents: NO_ROWS };
  }

  childCount(level: number, rows: ChunkRows, row: number): number {
    let product = 1;
    this.#axes.forEach((plan, axis) => {
      const firsts = plan.levels[level]?.firsts ?? NO_ROWS;
      const entry = this.#entry(rows, row, axis);
      product *= (firsts[entry + 1] ?? 0) - (firsts[entry] ?? 0);
    });
    return product;
  }

  children(level: number, rows: ChunkRows, which: Iterable<number>): ChunkRows {
    const rank = this.#axes.length;
    const parentRows = [...which];
    const count = parentRows.reduce((sum, row) => sum + this.childCount(level, rows, row), 0);
    const entries = new Uint32Array(count * rank);
    const parents = new Uint32Array(count);
    const [low, high, at] = [new Uint32Array(rank), new Uint32Array(rank), new Uint32Array(rank)];
    let child = 0;
    for (const row of parentRows) {
      for (let axis = 0; axis < rank; axis++) {
        const firsts = this.#axes[axis]?.levels[level]?.firsts ?? NO_ROWS;
        const entry = this.#entry(rows, row, axis);
        low[axis] = firsts[entry] ?? 0;
        high[axis] = firsts[entry + 1] ?? 0;
      }
      at.set(low);
      for (let rest = this.childCount(level, rows, row); rest > 0; rest--, child++) {
        entries.set(at, child * rank);
        parents[child] = row;
        for (let axis = rank - 1; axis >= 0; axis--) {
          const next = (at[axis] ?? 0) + 1;
          at[axis] = next < (high[axis] ?? 0) ? next : (low[axis] ?? 0);
          if (next === at[axis]) break;
        }
      }
    }
    return { count, entries, parents };
  }

  coordinate(level: number, rows: ChunkRows, row: number, axis: number): number {
    return this.#axes[axis]?.levels[level]?.coordinates[this.#entry(rows, row, axis)] ?? 0;
  }

  length(level: number, rows: ChunkRows, row: number, axis: number): number {
    return this.#axes[axis]?.levels[level]?.lengths[this.#entry(rows, row, axis)] ?? 0;
  }

  place(rows: ChunkRows, row: number, copying: Copying): void {
    this.#copy(rows, row, copying, "place");
  }

  runs(
    rows: ChunkRows,
    row: number,
    to: Uint8Array,
    itemSize: number,
    least: number,
  ): Uint8Array[] | undefined {
    if (this.#lists.length > 0) return undefined;
    const [from, at] = this.#setUp(rows, row, false, 1, 1);
    let count = 1;
    const deepest = (this.#axes[0]?.levels.length ?? 1) - 1;
    for (let axis = 0; axis < this.#axes.length; axis++) count *= this.length(deepest, rows, row, axis);
    return this.#box.runs(count, from, to, at, itemSize, least);
  }

  take(rows: ChunkRows, row: number, copying: Copying): void {
    this.#copy(rows, row, copying, "take");
  }

  covers(level: number, rows: ChunkRows, row: number, inside: readonly number[]): boolean {
    return this.#axes.every((plan, axis) => {
      this.#distinct[axis] ??= distinctCounts(plan);
      return this.#distinct[axis]?.[level]?.[this.#entry(rows, row, axis)] === inside[axis];
    });
  }

  #entry(rows: ChunkRows, row: number, axis: number): number {
    return rows.entries[row * this.#axes.length + axis] ?? 0;
  }

  /** Copies what is selected of a chunk: out of it into its place, or the other way. */
  #copy(rows: ChunkRows, row: number, copying: Copying, way: "place" | "take"): void {
    const isTaken = way === "take";
    const [from, to] = this.#setUp(
      rows,
      row,
      isTaken,
      copying.repeat && !isTaken ? 0 : 1,
      copying.repeat && isTaken ? 0 : 1,
    );
    this.#copyLists(0, rows, row, copying, isTaken, from, to);
  }

  /** Sets up the strides and the box of a chunk; gives the first elements where it is copied from and to. */
  #setUp(
    rows: ChunkRows,
    row: number,
    isTaken: boolean,
    chunkStep: number,
    resultStep: number,
  ): [from: number, to: number] {
    const deepest = (this.#axes[0]?.levels.length ?? 1) - 1;
    const rank = this.#axes.length;
    const [chunkStrides, resultStrides] = isTaken
      ? [this.#toStrides, this.#fromStrides]
      : [this.#fromStrides, this.#toStrides];
    let chunkStride = chunkStep;
    let resultStride = resultStep;
    for (let axis = rank - 1; axis >= 0; axis--) {
      chunkStrides[axis] = chunkStride;
      resultStrides[axis] = resultStride;
      chunkStride *= this.length(deepest, rows, row, axis);
      resultStride *= this.#axes[axis]?.count ?? 1;
    }
    this.#box.reset();
    let chunkOffset = 0;
    let resultOffset = 0;
    for (let axis = 0; axis < rank; axis++) {
      const plan = this.#axes[axis];
      if (!plan || plan.list) continue;
      const entry = this.#entry(rows, row, axis);
      const inChunk = chunkStrides[axis] ?? 0;
      const inResult = resultStrides[axis] ?? 0;
      chunkOffset += (plan.starts[entry] ?? 0) * inChunk;
      resultOffset += (plan.outputs[entry] ?? 0) * inResult;
      const [ofChunk, ofResult] = [plan.step * inChunk, plan.outputStep * inResult];
      this.#box.axis(plan.counts[entry] ?? 0, isTaken ? ofResult : ofChunk, isTaken ? ofChunk : ofResult);
    }
    return isTaken ? [resultOffset, chunkOffset] : [chunkOffset, resultOffset];
  }

  /** Copies the box once for each combination of what the lists select. */
  #copyLists(
    depth: number,
    rows: ChunkRows,
    row: number,
    copying: Copying,
    isTaken: boolean,
    from: number,
    to: number,
  ): void {
    const axis = this.#lists[depth];
    if (axis === undefined) {
      this.#box.copy(copying.from, from, copying.to, to, copying.itemSize);
      return;
    }
    const plan = this.#axes[axis];
    const entry = this.#entry(rows, row, axis);
    const first = plan?.starts[entry] ?? 0;
    const end = first + (plan?.counts[entry] ?? 0);
    const fromStride = this.#fromStrides[axis] ?? 0;
    const toStride = this.#toStrides[axis] ?? 0;
    for (let at = first; at < end; at++) {
      const position = plan?.list?.positions[at] ?? 0;
      const output = plan?.list?.outputs[at] ?? 0;
      const [ofFrom, ofTo] = isTaken ? [output, position] : [position, output];
      this.#copyLists(
        depth + 1,
        rows,
        row,
        copying,
        isTaken,
        from + ofFrom * fromStride,
        to + ofTo * toStride,
      );
    }
  }
}

function sizeOf(plan: AxisPlan | undefined, level: number): number {
  return plan?.levels[level]?.coordinates.length ?? 0;
}
