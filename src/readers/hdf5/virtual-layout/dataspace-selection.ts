/**
 * Selections of elements of a dataspace as files store them: in virtual datasets and region references
 * (specification 4.0, III.G "Global Heap Block for Virtual Datasets" and VIII.B "Dataspace Selection").
 *
 * @module
 */

import type { Cursor } from "../../../binary/cursor.ts";
import { MoraineError } from "../../../errors.ts";

/** Blocks in a regular pattern. */
export interface RegularHyperslab {
  readonly kind: "hyperslab";
  readonly start: readonly number[];
  readonly stride: readonly number[];
  /** Undefined: unlimited. */
  readonly count: readonly (number | undefined)[];
  /** Undefined: unlimited. */
  readonly block: readonly (number | undefined)[];
}

export type DataspaceSelection =
  | { readonly kind: "all" }
  | { readonly kind: "none" }
  /** `rank` coordinates a point. */
  | { readonly kind: "points"; readonly rank: number; readonly coordinates: Float64Array }
  | RegularHyperslab
  /** For each block `rank` first coordinates, then `rank` last ones (they belong to it). */
  | { readonly kind: "blocks"; readonly rank: number; readonly corners: Float64Array };

const NONE = 0;
const POINTS = 1;
const HYPERSLAB = 2;
const ALL = 3;
const REGULAR = 1;
const MAXIMUM_RANK = 32;

/** @throws `CorruptFile`, `TruncatedFile`, `UnsupportedVersion` */
export function parseSelection(cursor: Cursor): DataspaceSelection {
  const type = cursor.u32();
  const version = cursor.u32();
  switch (type) {
    case NONE:
    case ALL:
      cursor.skip(8);
      return { kind: type === ALL ? "all" : "none" };
    case POINTS:
      return parsePoints(cursor, version);
    case HYPERSLAB:
      return parseHyperslab(cursor, version);
    default:
      throw cursor.corrupt(`a selection of type ${type}`);
  }
}

function parsePoints(cursor: Cursor, version: number): DataspaceSelection {
  let width = 4;
  if (version === 1) cursor.skip(8);
  else if (version === 2) width = coordinateWidth(cursor);
  else throw unsupported(cursor, version);
  const rank = parseRank(cursor);
  const count = cursor.uint(width);
  return { kind: "points", rank, coordinates: parseNumbers(cursor, count * rank, width) };
}

function parseHyperslab(cursor: Cursor, version: number): DataspaceSelection {
  let width = 4;
  let regular = false;
  if (version === 1) cursor.skip(8);
  else if (version === 2) {
    regular = (cursor.u8() & REGULAR) !== 0;
    cursor.skip(4);
    width = 8;
  } else if (version === 3) {
    regular = (cursor.u8() & REGULAR) !== 0;
    width = coordinateWidth(cursor);
  } else throw unsupported(cursor, version);
  const rank = parseRank(cursor);
  if (!regular) {
    const count = cursor.uint(width);
    return { kind: "blocks", rank, corners: parseNumbers(cursor, count * 2 * rank, width) };
  }
  const start: number[] = [];
  const stride: number[] = [];
  const count: (number | undefined)[] = [];
  const block: (number | undefined)[] = [];
  for (let axis = 0; axis < rank; axis++) {
    start.push(cursor.uint(width));
    stride.push(cursor.uint(width));
    count.push(cursor.uintOrUndefined(width));
    block.push(cursor.uintOrUndefined(width));
    if (stride[axis] === 0) throw cursor.corrupt("a hyperslab with stride 0");
  }
  const unlimited = [...count, ...block].filter((length) => length === undefined).length;
  if (unlimited > 1) throw cursor.corrupt("a selection that is unlimited twice");
  return { kind: "hyperslab", start, stride, count, block };
}

function coordinateWidth(cursor: Cursor): number {
  const width = cursor.u8();
  if (width !== 2 && width !== 4 && width !== 8) throw cursor.corrupt(`coordinates of ${width} bytes`);
  return width;
}

function parseRank(cursor: Cursor): number {
  const rank = cursor.u32();
  if (rank < 1 || rank > MAXIMUM_RANK) throw cursor.corrupt(`a selection of rank ${rank}`);
  return rank;
}

function parseNumbers(cursor: Cursor, count: number, width: number): Float64Array {
  if (count * width > cursor.remaining) {
    throw new MoraineError("TruncatedFile", `a selection of ${count} coordinates ends early`, {
      source: cursor.source,
      offset: cursor.offset,
    });
  }
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = cursor.uint(width);
  return numbers;
}

function unsupported(cursor: Cursor, version: number): MoraineError {
  return new MoraineError("UnsupportedVersion", `a selection of version ${version}`, {
    source: cursor.source,
    offset: cursor.offset,
  });
}
