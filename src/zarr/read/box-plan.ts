/**
 * The plan for every combination of what is selected along the axes.
 *
 * @module
 */

import type { AxisPlan } from "./axis-plan.ts";
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
  /** Elements between neighbours along each axis, in the result and in the chunk being copied. */
  readonly #toStrides: number[];
  readonly #fromStrides: number[];
  readonly #box: StridedBox = new StridedBox();
  /** Of the box: its first element in the chunk and in the result. */
  #from = 0;
  #to = 0;

  constructor(axes: readonly AxisPlan[], shape: readonly number[]) {
    this.shape = shape;
    this.#axes = axes;
    this.count = axes.reduce((product, axis) => product * axis.count, 1);
    this.chunkCount = axes.reduce((product, axis) => product * sizeOf(axis, 0), 1);
    this.#lists = axes.flatMap((plan, axis) => (plan.list ? [axis] : []));
    this.#fromStrides = new Array<number>(axes.length).fill(0);
    this.#toStrides = new Array<number>(axes.length).fill(1);
    for (let axis = axes.length - 2; axis >= 0; axis--) {
      this.#toStrides[axis] = (this.#toStrides[axis + 1] ?? 1) * (axes[axis + 1]?.count ?? 1);
    }
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
    this.#setUp(rows, row, copying.repeat);
    this.#copyLists(0, rows, row, copying, this.#from, this.#to);
  }

  contiguousAt(rows: ChunkRows, row: number): number {
    for (let axis = 0; axis < this.#axes.length; axis++) {
      const plan = this.#axes[axis];
      const entry = this.#entry(rows, row, axis);
      if (plan?.list || plan?.counts[entry] !== plan?.levels.at(-1)?.lengths[entry]) return -1;
    }
    this.#setUp(rows, row, false);
    return this.#box.contiguous ? this.#to : -1;
  }

  #entry(rows: ChunkRows, row: number, axis: number): number {
    return rows.entries[row * this.#axes.length + axis] ?? 0;
  }

  /** Sets up the box for the axes without lists. */
  #setUp(rows: ChunkRows, row: number, repeat: boolean): void {
    const deepest = (this.#axes[0]?.levels.length ?? 1) - 1;
    let stride = repeat ? 0 : 1;
    for (let axis = this.#axes.length - 1; axis >= 0; axis--) {
      this.#fromStrides[axis] = stride;
      stride *= this.length(deepest, rows, row, axis);
    }
    this.#box.reset();
    this.#from = 0;
    this.#to = 0;
    for (let axis = 0; axis < this.#axes.length; axis++) {
      const plan = this.#axes[axis];
      if (!plan || plan.list) continue;
      const entry = this.#entry(rows, row, axis);
      const fromStride = this.#fromStrides[axis] ?? 0;
      const toStride = this.#toStrides[axis] ?? 0;
      this.#from += (plan.starts[entry] ?? 0) * fromStride;
      this.#to += (plan.outputs[entry] ?? 0) * toStride;
      this.#box.axis(plan.counts[entry] ?? 0, plan.step * fromStride, plan.outputStep * toStride);
    }
  }

  /** Copies the box once for each combination of what the lists select. */
  #copyLists(depth: number, rows: ChunkRows, row: number, copying: Copying, from: number, to: number): void {
    const axis = this.#lists[depth];
    if (axis === undefined) {
      this.#box.copy(copying.from, from, copying.to, to, copying.itemSize);
      return;
    }
    const plan = this.#axes[axis];
    const entry = this.#entry(rows, row, axis);
    const first = plan?.starts[entry] ?? 0;
    const end = first + (plan?.counts[entry] ?? 0);
    for (let at = first; at < end; at++) {
      const position = (plan?.list?.positions[at] ?? 0) * (this.#fromStrides[axis] ?? 0);
      const output = (plan?.list?.outputs[at] ?? 0) * (this.#toStrides[axis] ?? 0);
      this.#copyLists(depth + 1, rows, row, copying, from + position, to + output);
    }
  }
}

function sizeOf(plan: AxisPlan | undefined, level: number): number {
  return plan?.levels[level]?.coordinates.length ?? 0;
}
