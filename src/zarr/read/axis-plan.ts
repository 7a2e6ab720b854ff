/**
 * What a selection touches along one axis: the chunks, the pieces that these are made of, and which of their
 * elements go where. Pure.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { AxisList, AxisRange } from "../selection.ts";
import type { AxisChunks } from "./axis-chunks.ts";

/** Chunks of one level of nesting that a selection touches along an axis, in ascending order. */
export interface AxisLevel {
  /** Along the axis: in the array's grid at level 0, within the chunk of the level above at the others. */
  readonly coordinates: Float64Array;
  /** Elements along the axis, as stored. */
  readonly lengths: Float64Array;
  /** Entry `i` holds the entries `firsts[i]` to `firsts[i + 1]` of the next level. */
  readonly firsts: Uint32Array;
}

/** The plan for one axis. */
export interface AxisPlan {
  /** Number of elements that are selected along the axis. */
  readonly count: number;
  /** From the array's chunks down to the pieces that are decoded. */
  readonly levels: readonly AxisLevel[];
  /** The leaf's first selected element, for each entry of the last level. */
  readonly starts: Float64Array;
  /** How many elements of the leaf are selected. */
  readonly counts: Float64Array;
  /** Where the first of them goes in the result. */
  readonly outputs: Float64Array;
  /** Elements between selected ones in the leaf (1 or more) and in the result (1, or -1 backwards). */
  readonly step: number;
  readonly outputStep: number;
  /**
   * Selected by a list that has no single step: the leaf's elements and where they go; entry `i` of the last level owns those from
   * `starts[i]` on, `counts[i]` of them.
   */
  readonly list?: { readonly positions: Float64Array; readonly outputs: Float64Array } | undefined;
}

/**
 * Plans one axis.
 *
 * @param chunks the array's chunks along the axis
 * @param inner elements along the axis of the pieces of each deeper level, outermost first
 */
export function planAxis(
  selection: AxisRange | AxisList,
  chunks: AxisChunks,
  inner: readonly number[] = [],
): AxisPlan {
  const range = selection.kind === "range" ? selection : asRange(selection.indexes);
  return range ? planRange(range, chunks, inner) : planList(selection, chunks, inner);
}

/** A list whose entries are a constant step apart, as a range. */
function asRange(indexes: Float64Array): AxisRange | undefined {
  const count = indexes.length;
  const start = indexes[0] ?? 0;
  const step = count < 2 ? 1 : (indexes[1] ?? 0) - start;
  if (step === 0) return undefined;
  for (let at = 2; at < count; at++) {
    if (indexes[at] !== start + at * step) return undefined;
  }
  return { kind: "range", start, step, count };
}

function planRange(range: AxisRange, chunks: AxisChunks, inner: readonly number[]): AxisPlan {
  const { count } = range;
  const backwards = range.step < 0;
  const step = Math.abs(range.step);
  const start = backwards ? range.start + range.step * (count - 1) : range.start;
  const builder = new LevelsBuilder(chunks, inner, {
    count,
    position: (at) => start + at * step,
    firstFrom: (index, _, to) => Math.min(to, Math.ceil((index - start) / step)),
  });
  const outputs = builder.ordinals;
  if (backwards) {
    outputs.forEach((at, entry) => {
      outputs[entry] = count - 1 - at;
    });
  }
  return {
    count,
    levels: builder.levels(),
    starts: Float64Array.from(builder.starts),
    counts: Float64Array.from(builder.counts),
    outputs: Float64Array.from(outputs),
    step,
    outputStep: backwards ? -1 : 1,
  };
}

function planList(selection: AxisRange | AxisList, chunks: AxisChunks, inner: readonly number[]): AxisPlan {
  const indexes = selection.kind === "list" ? selection.indexes : new Float64Array(0);
  const count = indexes.length;
  const order = Uint32Array.from(indexes.keys()).sort(
    (a, b) => (indexes[a] ?? 0) - (indexes[b] ?? 0) || a - b,
  );
  const position = (at: number): number => indexes[order[at] ?? 0] ?? 0;
  const builder = new LevelsBuilder(chunks, inner, {
    count,
    position,
    firstFrom(index, from, to) {
      let at = from;
      while (at < to && position(at) < index) at++;
      return at;
    },
  });
  const positions = new Float64Array(count);
  builder.ordinals.forEach((first, entry) => {
    const leafStart = builder.leafStarts[entry] ?? 0;
    const end = first + (builder.counts[entry] ?? 0);
    for (let at = first; at < end; at++) positions[at] = position(at) - leafStart;
  });
  return {
    count,
    levels: builder.levels(),
    starts: Float64Array.from(builder.ordinals),
    counts: Float64Array.from(builder.counts),
    outputs: Float64Array.from(builder.ordinals),
    step: 1,
    outputStep: 1,
    list: { positions, outputs: Float64Array.from(order) },
  };
}

/** How many different elements of each entry of each level are selected. */
export function distinctCounts({ levels, starts, counts, list }: AxisPlan): Float64Array[] {
  let below = counts;
  if (list) {
    below = counts.map((count, entry) => {
      let distinct = 0;
      const first = starts[entry] ?? 0;
      // Ascending in each entry.
      for (let at = first; at < first + count; at++) {
        if (at === first || list.positions[at] !== list.positions[at - 1]) distinct += 1;
      }
      return distinct;
    });
  }
  const ofLevels = [below];
  for (let level = levels.length - 2; level >= 0; level--) {
    const firsts = levels[level]?.firsts ?? new Uint32Array(1);
    const children = ofLevels[0];
    const sums = new Float64Array(firsts.length - 1);
    sums.forEach((_, entry) => {
      for (let child = firsts[entry] ?? 0; child < (firsts[entry + 1] ?? 0); child++) {
        sums[entry] = (sums[entry] ?? 0) + (children?.[child] ?? 0);
      }
    });
    ofLevels.unshift(sums);
  }
  return ofLevels;
}

/** The selected elements of an axis in ascending order. */
interface Ascending {
  readonly count: number;
  position(at: number): number;
  /** The first of `from` to `to` whose position is at least `index`. */
  firstFrom(index: number, from: number, to: number): number;
}

/** Chunks along one axis that are planned at once: about 100 bytes each. */
const MOST_ENTRIES = 8 * 1024 * 1024;

class LevelsBuilder {
  /** Of each leaf: first element in the array, first selected element in the leaf, how many, and its ordinal. */
  readonly leafStarts: number[] = [];
  readonly starts: number[] = [];
  readonly counts: number[] = [];
  readonly ordinals: number[] = [];
  readonly #coordinates: number[][];
  readonly #lengths: number[][];
  readonly #firsts: number[][];
  readonly #inner: readonly number[];
  readonly #selected: Ascending;

  constructor(chunks: AxisChunks, inner: readonly number[], selected: Ascending) {
    this.#inner = inner;
    this.#selected = selected;
    const depth = inner.length + 1;
    this.#coordinates = Array.from({ length: depth }, () => []);
    this.#lengths = Array.from({ length: depth }, () => []);
    this.#firsts = Array.from({ length: depth }, () => []);
    if (selected.count > MOST_ENTRIES) {
      const [first, last] = [selected.position(0), selected.position(selected.count - 1)];
      this.#requireFew(Math.min(selected.count, chunks.chunkAt(last) - chunks.chunkAt(first) + 1));
    }
    for (let at = 0; at < selected.count; ) {
      const chunk = chunks.chunkAt(selected.position(at));
      const start = chunks.startOf(chunk);
      const length = chunks.lengthOf(chunk);
      const next = selected.firstFrom(start + length, at, selected.count);
      this.#enter(0, chunk, start, length, at, next);
      at = next;
    }
  }

  levels(): AxisLevel[] {
    return this.#coordinates.map((coordinates, level) => {
      const firsts = new Uint32Array(coordinates.length + 1);
      firsts.set(this.#firsts[level] ?? []);
      firsts[coordinates.length] = this.#coordinates[level + 1]?.length ?? 0;
      return {
        coordinates: Float64Array.from(coordinates),
        lengths: Float64Array.from(this.#lengths[level] ?? []),
        firsts,
      };
    });
  }

  #requireFew(entries: number): void {
    if (entries <= MOST_ENTRIES) return;
    throw new MoraineError(
      "LimitExceeded",
      `more than ${MOST_ENTRIES} chunks along one axis: select a part of them`,
    );
  }

  /** A chunk that holds the selected elements `from` to `to`, and what it is made of. */
  #enter(level: number, coordinate: number, start: number, length: number, from: number, to: number): void {
    const selected = this.#selected;
    this.#requireFew(this.#coordinates[level]?.length ?? 0);
    this.#coordinates[level]?.push(coordinate);
    this.#lengths[level]?.push(length);
    this.#firsts[level]?.push(this.#coordinates[level + 1]?.length ?? 0);
    const piece = this.#inner[level];
    if (piece === undefined) {
      this.leafStarts.push(start);
      this.starts.push(selected.position(from) - start);
      this.counts.push(to - from);
      this.ordinals.push(from);
      return;
    }
    for (let at = from; at < to; ) {
      const within = Math.floor((selected.position(at) - start) / piece);
      const pieceStart = within === 0 ? start : start + within * piece; // 0 * Infinity is no number
      const pieceLength = Math.min(piece, start + length - pieceStart);
      const next = selected.firstFrom(pieceStart + pieceLength, at, to);
      this.#enter(level + 1, within, pieceStart, pieceLength, at, next);
      at = next;
    }
  }
}
