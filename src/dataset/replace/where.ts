/**
 * Which part of a dataset is meant: conditions on dimensions, by position or by the values of coordinates.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ZarrArray } from "../../zarr/node.ts";
import { get } from "../../zarr/read/get.ts";
import { daysOf, hasDate, instantOf, parseTimeUnits, type TimeUnits } from "../cf-time.ts";

/** A condition on one dimension. */
export type Condition =
  /** Elements from `start` up to, not including, `stop`; to the end of the dimension where it is left out. */
  | { readonly dimension: string; readonly start: number; readonly stop: number | undefined }
  /** Elements whose coordinate lies between two values, both included: numbers, or dates for times. */
  | { readonly dimension: string; readonly from: string; readonly to: string };

/** Elements along each axis of an array. */
export interface Box {
  readonly start: readonly number[];
  readonly stop: readonly number[];
}

/** Finds the array at a path. Errors: `NotFound`. */
export type ArrayFinder = (path: string) => ZarrArray;

const DAY = 86_400_000_000n;

/**
 * Parses conditions: `time=2020-01..2020-12`, `time=2020-02` and `lat=-10..10` are values, `time=0:24` and `lev=3`
 * positions; separated by commas.
 *
 * Errors: `InvalidArgument`.
 *
 * @example
 * parseConditions("time=2020-01..2020-12,lat=0:10");
 */
export function parseConditions(text: string): Condition[] {
  return text.split(",").map((part) => {
    const [, dimension = "", value = ""] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    const position = /^(\d+)$/.exec(value);
    if (position) return { dimension, start: Number(value), stop: Number(value) + 1 };
    const positions = /^(\d*):(\d*)$/.exec(value);
    if (positions) {
      const [, start = "", stop = ""] = positions;
      const end = stop === "" ? undefined : Number(stop);
      if (dimension === "" || (end !== undefined && end <= Number(start))) throw refuse(part);
      return { dimension, start: Number(start), stop: end };
    }
    if (dimension === "" || value === "") throw refuse(part);
    const [, from = value, to = value] = /^(.+?)\.\.(.+)$/.exec(value) ?? [];
    return { dimension, from, to };
  });
}

function refuse(part: string): MoraineError {
  return new MoraineError(
    "InvalidArgument",
    `"${part.trim()}" is no condition; NAME=FROM..TO (values), NAME=START:STOP and NAME=POSITION are`,
  );
}

/** The error of conditions that no element of any array meets. */
export function nothingThere(conditions: readonly Condition[], source: string): MoraineError {
  const told = conditions.map((condition) => {
    if ("from" in condition) return `${condition.dimension}=${condition.from}..${condition.to}`;
    return `${condition.dimension}=${condition.start}:${condition.stop ?? ""}`;
  });
  return new MoraineError("InvalidArgument", `no array has anything where ${told.join(",")}`, { source });
}

/**
 * The part of an array that meets all conditions; undefined where it lacks one of their dimensions, or nothing meets
 * them.
 *
 * Errors: `InvalidArgument` where a value is compared with a coordinate that is not there or of another kind, or what
 * meets the condition does not lie together.
 */
export async function boxOf(
  array: ZarrArray,
  conditions: readonly Condition[],
  find: ArrayFinder,
  options: StorageOptions = {},
): Promise<Box | undefined> {
  const names = array.dimensionNames ?? [];
  const start = array.shape.map(() => 0);
  const stop = [...array.shape];
  for (const condition of conditions) {
    const axis = names.indexOf(condition.dimension);
    if (axis < 0) return undefined;
    const length = array.shape[axis] ?? 0;
    const [first, end] =
      "from" in condition
        ? await positionsBetween(coordinateOf(array.path, condition.dimension, find), condition, options)
        : [condition.start, condition.stop ?? length];
    start[axis] = Math.max(start[axis] ?? 0, first);
    stop[axis] = Math.min(stop[axis] ?? 0, end);
  }
  return start.every((first, axis) => first < (stop[axis] ?? 0)) ? { start, stop } : undefined;
}

/**
 * The coordinate variable of a dimension: in the array's group or the nearest one above it.
 *
 * Errors: `InvalidArgument` where there is none.
 */
export function coordinateOf(path: string, dimension: string, find: ArrayFinder): ZarrArray {
  for (let group = path; group !== ""; ) {
    group = group.slice(0, Math.max(group.lastIndexOf("/"), 0));
    try {
      const coordinate = find(`${group}/${dimension}`);
      if (coordinate.shape.length === 1) return coordinate;
    } catch (error) {
      if (!isMoraineError(error, "NotFound")) throw error;
    }
  }
  throw new MoraineError("InvalidArgument", `the dimension "${dimension}" has no coordinate values`, {
    path,
  });
}

async function positionsBetween(
  coordinate: ZarrArray,
  { from, to, dimension }: Extract<Condition, { from: string }>,
  options: StorageOptions,
): Promise<[start: number, stop: number]> {
  const { units, calendar } = coordinate.attributes;
  const time =
    typeof units === "string"
      ? parseTimeUnits(units, typeof calendar === "string" ? calendar : "standard")
      : undefined;
  const isWithin = time ? withinTimes(from, to, time) : withinNumbers(from, to, dimension);
  const unpack = unpacking(coordinate.attributes);
  const { data } = await get(coordinate, undefined, options);
  let start = -1;
  let stop = 0;
  let count = 0;
  for (let position = 0; position < data.length; position++) {
    const value = data[position];
    if ((typeof value !== "number" && typeof value !== "bigint") || !isWithin(unpack(value))) continue;
    if (start < 0) start = position;
    stop = position + 1;
    count += 1;
  }
  if (count !== stop - Math.max(start, 0)) {
    throw new MoraineError(
      "InvalidArgument",
      `what lies between ${from} and ${to} along "${dimension}" is not in one piece`,
      { path: coordinate.path },
    );
  }
  return [Math.max(start, 0), stop];
}

/** What stored numbers stand for (CF conventions 8.1, "packed data"). */
function unpacking(attributes: JsonObject): (value: number | bigint) => number | bigint {
  const { scale_factor: scale, add_offset: offset } = attributes;
  const [factor, shift] = [typeof scale === "number" ? scale : 1, typeof offset === "number" ? offset : 0];
  return factor === 1 && shift === 0 ? (value) => value : (value) => Number(value) * factor + shift;
}

function withinNumbers(from: string, to: string, dimension: string): (value: number | bigint) => boolean {
  const [low, high] = [Number(from), Number(to)];
  if (Number.isNaN(low) || Number.isNaN(high)) {
    throw new MoraineError("InvalidArgument", `"${dimension}" is no time; ${from}..${to} are no numbers`);
  }
  if (low > high) throw backwards(from, to);
  return (value) => Number(value) >= low && Number(value) <= high;
}

function withinTimes(from: string, to: string, units: TimeUnits): (value: number | bigint) => boolean {
  const [low, high] = [dateSpan(from, units)[0], dateSpan(to, units)[1]];
  if (low >= high) throw backwards(from, to);
  return (value) => {
    const instant = instantOf(value, units);
    return instant !== undefined && instant >= low && instant < high;
  };
}

function backwards(from: string, to: string): MoraineError {
  return new MoraineError("InvalidArgument", `${from}..${to} goes backwards`);
}

/** The instants that a date stands for: `2020` is the whole year, `2020-02-01T12:00` one minute. */
function dateSpan(text: string, { calendar }: TimeUnits): [first: bigint, end: bigint] {
  const match = /^([+-]?\d{1,6})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?Z?)?)?)?$/.exec(text);
  if (!match) {
    throw new MoraineError("InvalidArgument", `"${text}" is no date; 2020, 2020-02 and 2020-02-01T12:00 are`);
  }
  const [year = 0, month, day, hour, minute, second] = match
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const isTime = (hour ?? 0) < 24 && (minute ?? 0) < 60 && (second ?? 0) < 60;
  const next: [number, number] = month === 12 ? [year + 1, 1] : [year, (month ?? 1) + 1];
  if (!isTime || !hasDate(calendar, year, month ?? 1, day ?? 1)) {
    throw new MoraineError("InvalidArgument", `the calendar ${calendar} has no ${text}`);
  }
  const first =
    BigInt(daysOf(calendar, year, month ?? 1, day ?? 1)) * DAY +
    BigInt((hour ?? 0) * 3600 + (minute ?? 0) * 60 + (second ?? 0)) * 1_000_000n;
  if (month === undefined) return [first, BigInt(daysOf(calendar, year + 1, 1, 1)) * DAY];
  if (day === undefined) return [first, BigInt(daysOf(calendar, ...next, 1)) * DAY];
  if (hour === undefined) return [first, first + DAY];
  return [first, first + (second === undefined ? 60_000_000n : 1_000_000n)];
}
