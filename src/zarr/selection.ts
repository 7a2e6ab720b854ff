/**
 * Selections: which elements of an array, in which order, with NumPy's rules.
 *
 * Per axis an integer (the axis is dropped), a slice with any step, null (the whole axis), a list of integers or
 * a boolean mask; `"..."` for as many whole axes as are missing; axes by position or by dimension name. Several
 * lists select orthogonally, every combination of them (zarr-python's `oindex`); {@link coordinates} selects
 * single elements (`vindex`).
 *
 * @module
 */

import { MoraineError } from "../errors.ts";

/** Part of an axis: `start`, `start + step`, … before `stop`. Null stands for NumPy's default. */
export interface Slice {
  readonly start: number | bigint | null;
  readonly stop: number | bigint | null;
  readonly step: number | bigint | null;
}

type SliceBound = number | bigint | null;

/**
 * A slice of an axis as in Python: negative bounds count from the end, bounds beyond the axis are clamped.
 *
 * @example
 * slice(10)            // the first ten
 * slice(-3, null)      // the last three
 * slice(null, null, -1) // all, backwards
 */
export function slice(stop: SliceBound): Slice;
export function slice(start: SliceBound, stop?: SliceBound, step?: SliceBound): Slice;
export function slice(...bounds: (SliceBound | undefined)[]): Slice {
  const [first = null, second = null, step = null] = bounds;
  return bounds.length === 1
    ? { start: null, stop: first, step: null }
    : { start: first, stop: second, step };
}

/** Indexes along an axis; negative ones count from the end. */
export type IndexList =
  | readonly number[]
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float64Array;

/** What is selected along one axis. A mask has an entry for each element of the axis. */
export type AxisSelection = number | bigint | Slice | null | IndexList | readonly boolean[];

/** Single elements: the `i`-th is at the `i`-th entry of every list. */
export interface CoordinateSelection {
  readonly kind: "coordinates";
  readonly axes: readonly IndexList[];
}

/**
 * Selects single elements, by one list of indexes for each axis, all of one length.
 *
 * @example
 * await get(array, coordinates([0, 5], [1, 2])) // array[0, 1] and array[5, 2]
 */
export function coordinates(...axes: readonly IndexList[]): CoordinateSelection {
  return { kind: "coordinates", axes };
}

/** A part of an array. Absent or null: all of it. */
export type Selection =
  | null
  | undefined
  | readonly (AxisSelection | "...")[]
  | { readonly [dimension: string]: AxisSelection }
  | CoordinateSelection;

/** What is selected along an axis, resolved: `count` elements from `start` on, `step` apart (it may be negative). */
export interface AxisRange {
  readonly kind: "range";
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** The elements of an axis that a list or a mask selects. */
export interface AxisList {
  readonly kind: "list";
  /** Each within the axis. */
  readonly indexes: Float64Array;
}

/** A selection checked against the shape of an array. */
export interface ResolvedSelection {
  /** Whether every combination of the axes is selected, or one element for each entry of the lists. */
  readonly kind: "orthogonal" | "coordinates";
  readonly axes: readonly (AxisRange | AxisList)[];
  /** Shape of the result: without the axes that an integer selects. */
  readonly shape: readonly number[];
}

/**
 * Checks a selection against an array.
 *
 * Errors: `OutOfBounds` for an index outside its axis, `InvalidArgument` for everything else that is wrong.
 *
 * @param shape elements along each axis
 * @param dimensionNames for selections by name
 */
export function resolveSelection(
  selection: Selection,
  shape: readonly number[],
  dimensionNames?: readonly (string | null)[] | undefined,
): ResolvedSelection {
  if (isCoordinateSelection(selection)) return resolveCoordinates(selection, shape);
  const axes: (AxisRange | AxisList)[] = [];
  const resultShape: number[] = [];
  alignWithAxes(selection, shape, dimensionNames).forEach((part, axis) => {
    const resolved = resolveAxis(part, shape[axis] ?? 0, axis);
    axes.push(resolved);
    if (typeof part === "number" || typeof part === "bigint") return;
    resultShape.push(resolved.kind === "range" ? resolved.count : resolved.indexes.length);
  });
  return { kind: "orthogonal", axes, shape: resultShape };
}

function isCoordinateSelection(selection: Selection): selection is CoordinateSelection {
  return (
    typeof selection === "object" &&
    selection !== null &&
    "kind" in selection &&
    selection.kind === "coordinates" &&
    "axes" in selection
  );
}

function resolveCoordinates(selection: CoordinateSelection, shape: readonly number[]): ResolvedSelection {
  if (selection.axes.length !== shape.length) {
    throw new MoraineError(
      "InvalidArgument",
      `coordinates need a list for each of the ${shape.length} axes, not ${selection.axes.length}`,
    );
  }
  const count = selection.axes[0]?.length ?? 0;
  const axes = selection.axes.map((list, axis) => {
    if (!isIndexList(list)) throw invalid(`axis ${axis} has no list of coordinates`);
    if (list.length !== count) {
      throw new MoraineError("InvalidArgument", "the lists of coordinates have different lengths");
    }
    return resolveList(list, shape[axis] ?? 0, axis);
  });
  return { kind: "coordinates", axes, shape: [count] };
}

/** One selection for each axis, in the array's order. */
function alignWithAxes(
  selection: Exclude<Selection, CoordinateSelection>,
  shape: readonly number[],
  dimensionNames: readonly (string | null)[] | undefined,
): AxisSelection[] {
  const rank = shape.length;
  if (selection === null || selection === undefined) return new Array<null>(rank).fill(null);
  if (typeof selection !== "object") throw invalid(`${String(selection)} is not a selection`);
  if (!isList(selection)) {
    const parts = new Array<AxisSelection>(rank).fill(null);
    for (const [name, part] of Object.entries(selection)) {
      const axis = dimensionNames?.indexOf(name) ?? -1;
      if (axis < 0) {
        const known = dimensionNames?.filter((known) => known !== null).join(", ");
        throw invalid(`the array has no dimension "${name}"${known ? `; it has ${known}` : ""}`);
      }
      if (dimensionNames?.indexOf(name, axis + 1) !== -1) {
        throw invalid(`several axes are called "${name}": select by position`);
      }
      parts[axis] = part;
    }
    return parts;
  }
  const given = selection.filter((part) => part !== "...").length;
  const ellipses = selection.length - given;
  if (ellipses > 1) throw invalid('a selection has at most one "..."');
  if (given > rank) throw invalid(`${given} axes are selected, the array has ${rank}`);
  const missing = new Array<null>(rank - given).fill(null);
  const parts: AxisSelection[] = [];
  for (const part of selection) {
    if (part === "...") parts.push(...missing);
    else parts.push(part);
  }
  return ellipses === 0 ? [...parts, ...missing] : parts;
}

function isList(selection: object): selection is readonly (AxisSelection | "...")[] {
  return Array.isArray(selection);
}

function resolveAxis(part: AxisSelection, length: number, axis: number): AxisRange | AxisList {
  if (part === null) return { kind: "range", start: 0, step: 1, count: length };
  if (typeof part === "number" || typeof part === "bigint") {
    return { kind: "range", start: resolveIndex(integer(part), length, axis), step: 1, count: 1 };
  }
  if (typeof part !== "object") throw invalid(`${String(part)} does not select along axis ${axis}`);
  if ("start" in part && "stop" in part) return resolveSlice(part, length);
  if (!isIndexList(part)) {
    throw invalid(`axis ${axis} is selected by an integer, a slice, null, a list or a mask`);
  }
  return resolveList(part, length, axis);
}

function isIndexList(list: unknown): list is IndexList {
  return Array.isArray(list) || (ArrayBuffer.isView(list) && !(list instanceof DataView));
}

/** As Python's `slice.indices`. */
function resolveSlice({ start, stop, step }: Slice, length: number): AxisRange {
  const stride = step === null || step === undefined ? 1 : integer(step);
  if (stride === 0) throw invalid("a slice needs a step other than zero");
  const lowest = stride < 0 ? -1 : 0;
  const highest = stride < 0 ? length - 1 : length;
  const clamp = (bound: number | bigint | null | undefined, absent: number): number => {
    if (bound === null || bound === undefined) return absent;
    const value = integer(bound);
    return Math.min(highest, Math.max(lowest, value < 0 ? value + length : value));
  };
  const first = clamp(start, stride < 0 ? highest : lowest);
  const last = clamp(stop, stride < 0 ? lowest : highest);
  const count = Math.max(0, Math.ceil((last - first) / stride));
  return { kind: "range", start: count === 0 ? 0 : first, step: stride, count };
}

function resolveList(list: IndexList | readonly boolean[], length: number, axis: number): AxisList {
  if (typeof list[0] === "boolean") {
    if (list.length !== length) {
      throw invalid(`the mask of axis ${axis} has ${list.length} entries, the axis ${length}`);
    }
    const selected: number[] = [];
    // Not `forEach`, which passes over the holes of an array.
    for (let index = 0; index < length; index++) {
      const entry = list[index];
      if (typeof entry !== "boolean") throw invalid(`the mask of axis ${axis} holds ${String(entry)}`);
      if (entry) selected.push(index);
    }
    return { kind: "list", indexes: Float64Array.from(selected) };
  }
  const indexes = new Float64Array(list.length);
  for (let at = 0; at < indexes.length; at++) {
    const index = list[at];
    if (typeof index !== "number") throw invalid(`the list of axis ${axis} holds ${String(index)}`);
    indexes[at] = resolveIndex(integer(index), length, axis);
  }
  return { kind: "list", indexes };
}

function resolveIndex(index: number, length: number, axis: number): number {
  const resolved = index < 0 ? index + length : index;
  if (resolved < 0 || resolved >= length) {
    throw new MoraineError("OutOfBounds", `index ${index} is outside axis ${axis} of length ${length}`);
  }
  return resolved;
}

function integer(value: number | bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalid(`${value} is not a usable integer`);
  return number;
}

function invalid(message: string): MoraineError {
  return new MoraineError("InvalidArgument", message);
}
