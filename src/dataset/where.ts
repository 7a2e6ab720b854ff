/**
 * A part of a dataset by its dimensions: positions (`time=0:10`) or values of coordinates (`time=2020-01..2020-12`,
 * `lat=-10..10`).
 *
 * @module
 */

import { decodeElements } from "../data-types/elements.ts";
import { MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ZarrArray } from "../zarr/node.ts";
import { readRaw } from "../zarr/read/read.ts";
import { daysOf, instantOf, parseTimeUnits, type TimeUnits } from "./cf-time.ts";

/** What is asked of one dimension: positions from `start` to before `stop`, or values between two labels. */
export type Condition =
  | { readonly kind: "positions"; readonly start: number; readonly stop: number | undefined }
  | { readonly kind: "values"; readonly from: string; readonly to: string };

/** Conditions by dimension name. */
export type Where = ReadonlyMap<string, Condition>;

/** Gives the coordinate array of a dimension, undefined where it has none. */
export type CoordinateFinder = (dimension: string) => Promise<ZarrArray | undefined>;

const DAY = 86_400_000_000n;

/**
 * Parses `NAME=START:STOP`, `NAME=INDEX` and `NAME=FROM..TO` parts, separated by commas.
 *
 * Errors: `InvalidArgument`.
 */
export function parseWhere(text: string): Where {
  const where = new Map<string, Condition>();
  for (const part of text.split(",")) {
    const match = /^\s*([^=]+?)\s*=\s*(.+?)\s*$/.exec(part);
    const [, name = "", value = ""] = match ?? [];
    const range = /^(.+?)\.\.(.+)$/.exec(value);
    const slice = /^(\d*):(\d*)$/.exec(value);
    if (range) {
      where.set(name, { kind: "values", from: range[1] ?? "", to: range[2] ?? "" });
    } else if (slice) {
      const stop = slice[2] === "" ? undefined : Number(slice[2]);
      where.set(name, { kind: "positions", start: Number(slice[1]), stop });
    } else if (/^\d+$/.test(value)) {
      where.set(name, { kind: "positions", start: Number(value), stop: Number(value) + 1 });
    } else {
      throw new MoraineError(
        "InvalidArgument",
        `"${part}" is no condition; NAME=FROM..TO by values and NAME=START:STOP by positions are`,
      );
    }
  }
  return where;
}

/**
 * The box of an array that conditions select; undefined where they are of dimensions that it does not have, so that
 * nothing of it is meant. Conditions select what they name and leave other dimensions whole.
 *
 * Errors: `InvalidArgument` for labels that are none, `Incompatible` where the values are not neighbours.
 */
export async function boxOf(
  array: ZarrArray,
  where: Where,
  coordinate: CoordinateFinder,
  options: StorageOptions = {},
): Promise<[start: number, stop: number][] | undefined> {
  const box = array.shape.map((length): [number, number] => [0, length]);
  for (const [name, condition] of where) {
    const axis = array.dimensionNames?.indexOf(name) ?? -1;
    if (axis < 0) return undefined;
    const length = array.shape[axis] ?? 0;
    if (condition.kind === "positions") {
      box[axis] = [Math.min(condition.start, length), Math.min(condition.stop ?? length, length)];
    } else {
      const values = await coordinate(name);
      if (values === undefined) {
        throw new MoraineError(
          "InvalidArgument",
          `the dimension ${name} has no coordinate to look values up in`,
        );
      }
      box[axis] = await positionsOf(values, name, condition, options);
    }
  }
  return box;
}

async function positionsOf(
  array: ZarrArray,
  name: string,
  { from, to }: { readonly from: string; readonly to: string },
  options: StorageOptions,
): Promise<[start: number, stop: number]> {
  const values = await coordinateValues(array, options);
  const { units, calendar } = array.attributes;
  const time =
    typeof units === "string"
      ? parseTimeUnits(units, typeof calendar === "string" ? calendar : undefined)
      : undefined;
  const isInside = time ? insideTimes(time, from, to) : insideNumbers(from, to);
  let [start, stop] = [values.length, 0];
  let count = 0;
  values.forEach((value, position) => {
    if (!isInside(value)) return;
    start = Math.min(start, position);
    stop = position + 1;
    count += 1;
  });
  if (count === 0) return [0, 0];
  if (count !== stop - start) {
    throw new MoraineError("Incompatible", `the values of ${name} from ${from} to ${to} are not neighbours`);
  }
  return [start, stop];
}

/** All values of a coordinate. Errors: `InvalidArgument` for one that holds no numbers. */
export async function coordinateValues(
  array: ZarrArray,
  options: StorageOptions = {},
): Promise<(number | bigint)[]> {
  const { data } = await readRaw(array, null, options);
  const values: (number | bigint)[] = [];
  for (const value of decodeElements(data, array.dataType)) {
    if (typeof value !== "number" && typeof value !== "bigint") {
      throw new MoraineError("InvalidArgument", "a coordinate without numbers", { path: array.path });
    }
    values.push(value);
  }
  return values;
}

function insideNumbers(from: string, to: string): (value: number | bigint) => boolean {
  const [low, high] = [Number(from), Number(to)];
  if (Number.isNaN(low) || Number.isNaN(high)) {
    throw new MoraineError("InvalidArgument", `${from}..${to} are no numbers`);
  }
  return (value) => Number(value) >= Math.min(low, high) && Number(value) <= Math.max(low, high);
}

/** A label stands for all of its year, month, day, hour, minute or second. */
function insideTimes(units: TimeUnits, from: string, to: string): (value: number | bigint) => boolean {
  const low = labelPeriod(from, units)[0];
  const high = labelPeriod(to, units)[1];
  return (value) => {
    const instant = instantOf(value, units);
    return instant !== undefined && instant >= low && instant < high;
  };
}

/** First instant of a label's period, and the first after it. */
function labelPeriod(label: string, { calendar }: TimeUnits): [bigint, bigint] {
  const match = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d))?)?)?)?)?Z?$/.exec(label);
  if (!match) throw new MoraineError("InvalidArgument", `"${label}" is no time; 2020-01-31T12:00 is`);
  const [, year, month, day, hour, minute, second] = match.map((part) =>
    part === undefined ? undefined : Number(part),
  );
  const start = (y: number, m: number, d: number): bigint => BigInt(daysOf(calendar, y, m, d)) * DAY;
  if (year === undefined || Number.isNaN(year))
    throw new MoraineError("InvalidArgument", `"${label}" is no time`);
  if (month === undefined) return [start(year, 1, 1), start(year + 1, 1, 1)];
  if (day === undefined) {
    return [start(year, month, 1), month === 12 ? start(year + 1, 1, 1) : start(year, month + 1, 1)];
  }
  const [length, offset] =
    second !== undefined
      ? [1_000_000n, (hour ?? 0) * 3600 + (minute ?? 0) * 60 + second]
      : minute !== undefined
        ? [60_000_000n, (hour ?? 0) * 3600 + minute * 60]
        : hour !== undefined
          ? [3_600_000_000n, hour * 3600]
          : [DAY, 0];
  const first = start(year, month, day) + BigInt(offset) * 1_000_000n;
  return [first, first + length];
}
