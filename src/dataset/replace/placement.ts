/**
 * Where new data belongs in an array: by the values of its coordinates, or by position.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ZarrArray } from "../../zarr/node.ts";
import { get } from "../../zarr/read/get.ts";
import { type ArrayFinder, type Box, coordinateOf } from "./where.ts";

/** An array of new data, and how its coordinates are found. */
export interface NewData {
  readonly array: ZarrArray;
  readonly find: ArrayFinder;
}

/**
 * The elements of an array that new data stands for. Along a dimension for which both have coordinates of the same
 * units, the new values must be a run of the array's; along others the new data must be as long as `box`.
 *
 * Errors: `Incompatible` where it fits nowhere.
 *
 * @param box the part of the array that was asked for
 */
export async function placeOf(
  target: ZarrArray,
  find: ArrayFinder,
  { array, find: findNew }: NewData,
  box: Box,
  options: StorageOptions,
): Promise<Box> {
  const start: number[] = [];
  const stop: number[] = [];
  for (const [axis, from] of dataAxes(target, array, box).entries()) {
    const length = from === undefined ? 1 : (array.shape[from] ?? 0);
    const name = target.dimensionNames?.[axis];
    const own = name ? coordinate(target.path, name, find) : undefined;
    const other = name && from !== undefined ? coordinate(array.path, name, findNew) : undefined;
    let first = box.start[axis] ?? 0;
    if (own !== undefined && other !== undefined) {
      first = await runStart(own, other, options);
    } else if (length !== (box.stop[axis] ?? 0) - first) {
      throw new MoraineError(
        "Incompatible",
        `${length} elements along ${name ? `"${name}"` : `axis ${axis}`}, which has ${(box.stop[axis] ?? 0) - first} ` +
          "and no coordinates to place them by",
        { path: target.path },
      );
    }
    start.push(first);
    stop.push(first + length);
  }
  return { start, stop };
}

/**
 * For each axis of an array the one of new data. Data of fewer axes lacks those of which one element is asked for, as
 * what was read of a single day lacks the time.
 *
 * Errors: `Incompatible` where the axes do not fit.
 */
export function dataAxes(target: ZarrArray, array: ZarrArray, { start, stop }: Box): (number | undefined)[] {
  const [rank, own] = [target.shape.length, array.shape.length];
  if (rank === own) return target.shape.map((_, axis) => axis);
  const isSingle = start.map((first, axis) => (stop[axis] ?? 0) - first === 1);
  if (isSingle.filter((single) => !single).length !== own) {
    throw new MoraineError("Incompatible", `new data of ${own} axes for an array of ${rank}`, {
      path: target.path,
    });
  }
  let next = 0;
  return isSingle.map((single) => (single ? undefined : next++));
}

function coordinate(path: string, dimension: string, find: ArrayFinder): ZarrArray | undefined {
  try {
    return coordinateOf(path, dimension, find);
  } catch (error) {
    if (isMoraineError(error, "InvalidArgument")) return undefined;
    throw error;
  }
}

/** Position of the first of the new values among the array's, where all follow one another in both. */
async function runStart(own: ZarrArray, other: ZarrArray, options: StorageOptions): Promise<number> {
  const name = own.path.slice(own.path.lastIndexOf("/") + 1);
  for (const key of ["units", "calendar"]) {
    const [a, b] = [own.attributes[key] ?? null, other.attributes[key] ?? null];
    if (JSON.stringify(a) !== JSON.stringify(b)) {
      throw new MoraineError("Incompatible", `the ${key} of "${name}" differ: ${a} and ${b}`, {
        path: own.path,
      });
    }
  }
  const [{ data }, { data: values }] = await Promise.all([
    get(own, undefined, options),
    get(other, undefined, options),
  ]);
  for (let start = 0; start + values.length <= data.length; start++) {
    let at = 0;
    while (at < values.length && isEqual(data[start + at], values[at])) at += 1;
    if (at === values.length) return start;
  }
  throw new MoraineError(
    "Incompatible",
    `the values of "${name}" from ${values[0]} on are not in the array as they follow one another there`,
    { path: own.path },
  );
}

/** Coordinates may be stored in other types of numbers. */
function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a === "bigint" || typeof b === "bigint") return String(a) === String(b);
  return a === b;
}
