/**
 * The plan for elements that are selected one by one (zarr-python's `vindex`).
 *
 * @module
 */

import type { AxisPlan } from "./axis-plan.ts";
import type { ChunkRows, Copying, ReadPlan } from "./plan.ts";
import type { Elements, ReadonlyElements } from "./strided-copy.ts";

/** The distinct chunks of one level that hold a point. */
interface PointLevel {
  /** Per chunk, axis after axis, its entry in the axis' plan. */
  readonly entries: Uint32Array;
  /** Chunk `i` holds the chunks `firsts[i]` to `firsts[i + 1]` of the next level; at the last, points. */
  readonly firsts: Uint32Array;
}

/** See {@link ReadPlan}. */
export class PointPlan implements ReadPlan {
  readonly shape: readonly number[];
  readonly count: number;
  readonly chunkCount: number;
  readonly #axes: readonly AxisPlan[];
  readonly #levels: readonly PointLevel[];
  /** Points sorted by the chunks that hold them. */
  readonly #order: Uint32Array;
  /** For each axis the position of each point in the chunk of the last level that holds it. */
  readonly #positions: readonly Float64Array[];

  constructor(axes: readonly AxisPlan[], shape: readonly number[]) {
    this.shape = shape;
    this.count = shape.reduce((product, length) => product * length, 1);
    this.#axes = axes;
    const count = this.count;
    this.#positions = axes.map((plan) => positionsOf(plan, count));
    const depth = axes[0]?.levels.length ?? 1;
    const entries = Array.from({ length: depth }, (_, level) =>
      axes.map((plan) => entriesAt(plan, level, count)),
    );
    const columns = entries.flat();
    this.#order = Uint32Array.from({ length: count }, (_, point) => point).sort((a, b) => {
      for (const column of columns) {
        const difference = (column[a] ?? 0) - (column[b] ?? 0);
        if (difference !== 0) return difference;
      }
      return a - b;
    });
    this.#levels = groupPoints(entries, this.#order);
    this.chunkCount = (this.#levels[0]?.firsts.length ?? 1) - 1;
  }

  chunks(from: number, to: number): ChunkRows {
    return this.#rows(0, [{ first: from, end: to, parent: 0 }]);
  }

  childCount(level: number, rows: ChunkRows, row: number): number {
    const { first, end } = this.#within(level, rows, row);
    return end - first;
  }

  children(level: number, rows: ChunkRows, which: Iterable<number>): ChunkRows {
    return this.#rows(
      level + 1,
      Array.from(which, (row) => ({ ...this.#within(level, rows, row), parent: row })),
    );
  }

  coordinate(level: number, rows: ChunkRows, row: number, axis: number): number {
    return this.#axes[axis]?.levels[level]?.coordinates[this.#entry(rows, row, axis)] ?? 0;
  }

  length(level: number, rows: ChunkRows, row: number, axis: number): number {
    return this.#axes[axis]?.levels[level]?.lengths[this.#entry(rows, row, axis)] ?? 0;
  }

  /** Points lie anywhere. */
  runs(): undefined {
    return undefined;
  }

  place(rows: ChunkRows, row: number, { from, repeat, to, itemSize }: Copying): void {
    this.#forEachPoint(rows, row, (point, element) => {
      copyElement(from, repeat ? 0 : element, to, point, itemSize);
    });
  }

  take(rows: ChunkRows, row: number, { from, repeat, to, itemSize }: Copying): void {
    this.#forEachPoint(rows, row, (point, element) => {
      copyElement(from, repeat ? 0 : point, to, element, itemSize);
    });
  }

  covers(): boolean {
    // Points are few: a chunk of which they are all is read like the others.
    return false;
  }

  /** Calls `visit` for the points of a chunk of the last level, in the order they were given. */
  #forEachPoint(rows: ChunkRows, row: number, visit: (point: number, element: number) => void): void {
    const deepest = this.#levels.length - 1;
    const { first, end } = this.#within(deepest, rows, row);
    for (let at = first; at < end; at++) {
      const point = this.#order[at] ?? 0;
      let element = 0;
      for (let axis = 0; axis < this.#axes.length; axis++) {
        element = element * this.length(deepest, rows, row, axis) + (this.#positions[axis]?.[point] ?? 0);
      }
      visit(point, element);
    }
  }

  #entry(rows: ChunkRows, row: number, axis: number): number {
    return rows.entries[row * this.#axes.length + axis] ?? 0;
  }

  #within(level: number, rows: ChunkRows, row: number): { first: number; end: number } {
    const firsts = this.#levels[level]?.firsts;
    const identity = rows.identities?.[row] ?? 0;
    return { first: firsts?.[identity] ?? 0, end: firsts?.[identity + 1] ?? 0 };
  }

  #rows(level: number, spans: readonly { first: number; end: number; parent: number }[]): ChunkRows {
    const rank = this.#axes.length;
    const count = spans.reduce((sum, { first, end }) => sum + end - first, 0);
    const entries = new Uint32Array(count * rank);
    const parents = new Uint32Array(count);
    const identities = new Uint32Array(count);
    let row = 0;
    for (const { first, end, parent } of spans) {
      const part = this.#levels[level]?.entries.subarray(first * rank, end * rank);
      if (part) entries.set(part, row * rank);
      for (let identity = first; identity < end; identity++, row++) {
        parents[row] = parent;
        identities[row] = identity;
      }
    }
    return { count, entries, parents, identities };
  }
}

function copyElement(
  from: ReadonlyElements,
  source: number,
  to: Elements,
  target: number,
  size: number,
): void {
  if (!(to instanceof Uint8Array)) {
    to[target] = from[source];
  } else if (from instanceof Uint8Array) {
    for (let byte = 0; byte < size; byte++) to[target * size + byte] = from[source * size + byte] ?? 0;
  }
}

/** Calls `visit` for every selected element of an axis: its entry of the last level and its place there. */
function forEachElement(
  plan: AxisPlan,
  visit: (point: number, entry: number, position: number) => void,
): void {
  for (let entry = 0; entry < plan.counts.length; entry++) {
    const start = plan.starts[entry] ?? 0;
    const output = plan.outputs[entry] ?? 0;
    const count = plan.counts[entry] ?? 0;
    for (let at = 0; at < count; at++) {
      if (plan.list) visit(plan.list.outputs[start + at] ?? 0, entry, plan.list.positions[start + at] ?? 0);
      else visit(output + at * plan.outputStep, entry, start + at * plan.step);
    }
  }
}

function positionsOf(plan: AxisPlan, count: number): Float64Array {
  const positions = new Float64Array(count);
  forEachElement(plan, (point, _, position) => {
    positions[point] = position;
  });
  return positions;
}

/** For each point the entry of the axis' plan at a level that holds it. */
function entriesAt(plan: AxisPlan, level: number, count: number): Uint32Array {
  // From entries of the last level up to those of `level`.
  let ancestors = Uint32Array.from(plan.counts.keys());
  for (let deeper = plan.levels.length - 2; deeper >= level; deeper--) {
    const firsts = plan.levels[deeper]?.firsts ?? new Uint32Array(0);
    const parents = new Uint32Array(plan.levels[deeper + 1]?.coordinates.length ?? 0);
    for (let entry = 0; entry + 1 < firsts.length; entry++) {
      parents.fill(entry, firsts[entry], firsts[entry + 1]);
    }
    ancestors = ancestors.map((entry) => parents[entry] ?? 0);
  }
  const entries = new Uint32Array(count);
  forEachElement(plan, (point, entry) => {
    entries[point] = ancestors[entry] ?? 0;
  });
  return entries;
}

/** The distinct chunks of each level; `entries[level][axis]` has an entry for each point. */
function groupPoints(entries: readonly (readonly Uint32Array[])[], order: Uint32Array): PointLevel[] {
  const levels: PointLevel[] = [];
  /** Where, in the sorted points, a new chunk of the level above begins. */
  let breaks = new Set<number>(order.length > 0 ? [0] : []);
  const groups = entries.map((columns) => {
    const starts: number[] = [];
    order.forEach((point, at) => {
      const before = order[at - 1] ?? 0;
      const fresh = breaks.has(at) || columns.some((column) => column[point] !== column[before]);
      if (fresh) starts.push(at);
    });
    breaks = new Set(starts);
    return starts;
  });
  groups.forEach((starts, level) => {
    const columns = entries[level] ?? [];
    const rank = columns.length;
    const chunkEntries = new Uint32Array(starts.length * rank);
    starts.forEach((at, chunk) => {
      columns.forEach((column, axis) => {
        chunkEntries[chunk * rank + axis] = column[order[at] ?? 0] ?? 0;
      });
    });
    // Points at the last level, else the chunks of the next level, whose starts hold all starts of this one.
    const next = groups[level + 1];
    const ordinals = next && new Map(next.map((at, ordinal) => [at, ordinal]));
    const firsts = new Uint32Array(starts.length + 1);
    starts.forEach((at, chunk) => {
      firsts[chunk] = ordinals ? (ordinals.get(at) ?? 0) : at;
    });
    firsts[starts.length] = next ? next.length : order.length;
    levels.push({ entries: chunkEntries, firsts });
  });
  return levels;
}
