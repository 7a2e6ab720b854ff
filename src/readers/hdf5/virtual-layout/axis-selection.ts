/**
 * Selections axis by axis: what a regular hyperslab selects once its extent is known.
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import type { DataspaceSelection, RegularHyperslab } from "./dataspace-selection.ts";

/** What is selected along an axis: blocks in a regular pattern, the last one perhaps cut short. */
export interface AxisSelection {
  readonly start: number;
  readonly stride: number;
  /** Indices of a block. */
  readonly block: number;
  /** Number of indices. */
  readonly length: number;
}

/** A selection whose elements stand in C order: all combinations of the axes' indices, or a list. */
export type FixedSelection =
  | { readonly kind: "axes"; readonly axes: readonly AxisSelection[] }
  /** C-order indexes in the array, ascending. */
  | { readonly kind: "elements"; readonly indexes: Float64Array };

/** Elements that a selection without a pattern may have: they are listed one by one. */
const MAXIMUM_LISTED = 4_000_000;

/** The `k`-th index that is selected. */
export function indexAt({ start, stride, block }: AxisSelection, k: number): number {
  return start + Math.floor(k / block) * stride + (k % block);
}

/** One more than the last index that is selected; `start` where nothing is. */
export function endOf(axis: AxisSelection): number {
  return axis.length === 0 ? axis.start : indexAt(axis, axis.length - 1) + 1;
}

/** Whether the indices follow one another. */
export function isRun({ stride, block, length }: AxisSelection): boolean {
  return length <= block || stride === block;
}

/** The axis along which a selection is unlimited; -1 where there is none. */
export function unlimitedAxis(selection: DataspaceSelection): number {
  if (selection.kind !== "hyperslab") return -1;
  return selection.start.findIndex(
    (_, axis) => selection.count[axis] === undefined || selection.block[axis] === undefined,
  );
}

/** The selection along an axis that is not unlimited. */
export function axisOf({ start, stride, count, block }: RegularHyperslab, axis: number): AxisSelection {
  const length = block[axis] ?? 1;
  return {
    start: start[axis] ?? 0,
    stride: stride[axis] ?? 1,
    block: Math.max(length, 1),
    length: (count[axis] ?? 0) * length,
  };
}

/**
 * A limited selection in an array of a shape.
 *
 * Errors: `LimitExceeded`, `CorruptFile` for a selection beyond the array.
 */
export function fixedSelection(selection: DataspaceSelection, shape: readonly number[]): FixedSelection {
  switch (selection.kind) {
    case "none":
      return { kind: "elements", indexes: new Float64Array(0) };
    case "all":
      return {
        kind: "axes",
        axes: shape.map((length) => ({ start: 0, stride: 1, block: 1, length })),
      };
    case "hyperslab":
      if (selection.start.length !== shape.length)
        throw new MoraineError("CorruptFile", "a selection of another rank");
      return { kind: "axes", axes: shape.map((_, axis) => axisOf(selection, axis)) };
    case "points":
      return { kind: "elements", indexes: pointIndexes(selection.coordinates, shape) };
    case "blocks": {
      const { rank, corners } = selection;
      if (rank !== shape.length) throw new MoraineError("CorruptFile", "a selection of another rank");
      // Older files list the blocks of every hyperslab, that of one block too.
      if (corners.length === 2 * rank) return { kind: "axes", axes: boxAxes(corners, rank) };
      return { kind: "elements", indexes: blockIndexes(corners, shape) };
    }
  }
}

function boxAxes(corners: Float64Array, rank: number): AxisSelection[] {
  return Array.from({ length: rank }, (_, axis) => {
    const start = corners[axis] ?? 0;
    const length = Math.max(0, (corners[rank + axis] ?? 0) - start + 1);
    return { start, stride: Math.max(length, 1), block: Math.max(length, 1), length };
  });
}

function linear(coordinates: ArrayLike<number>, from: number, shape: readonly number[]): number {
  let index = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    const length = shape[axis] ?? 0;
    const coordinate = coordinates[from + axis] ?? 0;
    if (coordinate >= length)
      throw new MoraineError("CorruptFile", "a selection beyond the end of its array");
    index = index * length + coordinate;
  }
  return index;
}

function pointIndexes(coordinates: Float64Array, shape: readonly number[]): Float64Array {
  const rank = shape.length;
  const indexes = new Float64Array(rank === 0 ? 0 : coordinates.length / rank);
  for (let point = 0; point < indexes.length; point++)
    indexes[point] = linear(coordinates, point * rank, shape);
  return indexes;
}

function blockIndexes(corners: Float64Array, shape: readonly number[]): Float64Array {
  const rank = shape.length;
  const found = new Set<number>();
  for (let at = 0; at + 2 * rank <= corners.length; at += 2 * rank) {
    const first = corners.subarray(at, at + rank);
    const last = corners.subarray(at + rank, at + 2 * rank);
    linear(last, 0, shape);
    const lengths = Array.from(first, (start, axis) => (last[axis] ?? 0) - start + 1);
    const count = lengths.reduce((product, length) => product * Math.max(length, 0), 1);
    if (found.size + count > MAXIMUM_LISTED) {
      throw new MoraineError(
        "LimitExceeded",
        `an irregular selection of more than ${MAXIMUM_LISTED} elements`,
      );
    }
    for (let element = 0; element < count; element++) {
      let rest = element;
      const coordinates = new Array<number>(rank).fill(0);
      for (let axis = rank - 1; axis >= 0; axis--) {
        const length = lengths[axis] ?? 1;
        coordinates[axis] = (first[axis] ?? 0) + (rest % length);
        rest = Math.floor(rest / length);
      }
      found.add(linear(coordinates, 0, shape));
    }
  }
  return Float64Array.from(found).sort();
}

/** The elements of a selection, one by one. Errors: `LimitExceeded`. */
export function listed(selection: FixedSelection, shape: readonly number[]): Float64Array {
  if (selection.kind === "elements") return selection.indexes;
  const count = elementCount(selection);
  if (count > MAXIMUM_LISTED) {
    throw new MoraineError("LimitExceeded", `a selection of ${count} elements against one of another shape`);
  }
  const indexes = new Float64Array(count);
  for (let element = 0; element < count; element++) {
    let rest = element;
    let index = 0;
    let step = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const along = selection.axes[axis];
      if (!along) continue;
      index += indexAt(along, rest % along.length) * step;
      rest = Math.floor(rest / along.length);
      step *= shape[axis] ?? 1;
    }
    indexes[element] = index;
  }
  return indexes;
}

function elementCount(selection: FixedSelection): number {
  return selection.kind === "elements"
    ? selection.indexes.length
    : selection.axes.reduce((product, { length }) => product * length, 1);
}
