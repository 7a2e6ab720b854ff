/**
 * Where each of many sources stands in the dataset that they become.
 *
 * @module
 */

import { decodeElements } from "../../data-types/elements.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { instantOf, parseTimeUnits } from "../cf-time.ts";
import { mapConcurrent } from "../concurrent.ts";
import { regionOf } from "../source.ts";
import { type Contents, isIndexCoordinate, nameOfPath } from "./contents.ts";

/** Dimensions along which sources are joined, and the place of each source along each of them. */
export interface Placement {
  readonly dimensions: readonly string[];
  /** For each source an index for each dimension. */
  readonly indexes: readonly (readonly number[])[];
  /** Whether the dimension is a new one, which no array has. */
  readonly isNew: boolean;
}

/** One after another along a dimension, in the order given. */
export function placeInOrder(contents: readonly Contents[], dimension: string): Placement {
  const isNew = !contents.some(({ arrays }) =>
    [...arrays.values()].some(({ metadata }) => metadata.dimensionNames?.includes(dimension)),
  );
  return { dimensions: [dimension], indexes: contents.map((_, index) => [index]), isNew };
}

/** A value that has an order. */
export type Comparable = number | bigint | string;

/**
 * By the values of one-dimensional coordinates: the dimensions are those whose coordinates differ between sources,
 * times compared as instants.
 *
 * Errors: `Incompatible` where coordinates are not sorted, overlap, or do not fill a grid, naming sources.
 */
export async function placeByCoordinates(
  contents: readonly Contents[],
  options: StorageOptions,
): Promise<Placement> {
  const [first] = contents;
  const paths = [...(first?.arrays ?? [])].filter(
    ([path, array]) =>
      isIndexCoordinate(path, array) &&
      contents.every(({ arrays }) => {
        const other = arrays.get(path);
        return other !== undefined && isIndexCoordinate(path, other);
      }),
  );
  const dimensions: string[] = [];
  const places: number[][] = [];
  for (const [path] of paths) {
    const values = await mapConcurrent(contents, 16, (one) => coordinateValues(one, path, options));
    const order = orderOf(values, contents, path);
    if (order === undefined) continue;
    if (!dimensions.includes(nameOfPath(path))) {
      dimensions.push(nameOfPath(path));
      places.push(order);
    }
  }
  if (dimensions.length === 0 && contents.length > 1) {
    throw new MoraineError(
      "Incompatible",
      "all sources have the same coordinates: nothing tells how they follow each other; name a dimension with --concat",
      { source: contents[1]?.source.address },
    );
  }
  const indexes = contents.map((_, source) => places.map((order) => order[source] ?? 0));
  checkFull(indexes, dimensions, contents);
  return { dimensions, indexes, isNew: false };
}

/**
 * The values of a one-dimensional coordinate, times as instants.
 *
 * @param start of the values that are wanted
 */
export async function coordinateValues(
  { source, arrays }: Contents,
  path: string,
  options: StorageOptions,
  start = 0,
  length?: number,
): Promise<Comparable[]> {
  const array = arrays.get(path);
  if (array === undefined) return [];
  const { metadata } = array;
  const count = length ?? (metadata.shape[0] ?? 0) - start;
  const data = await regionOf(source, path, array)([start], [count], options);
  const { units, calendar } = metadata.attributes;
  const time =
    typeof units === "string"
      ? parseTimeUnits(units, typeof calendar === "string" ? calendar : undefined)
      : undefined;
  const elements: Iterable<unknown> = decodeElements(data, metadata.dataType);
  return Array.from(elements, (value): Comparable => {
    if (typeof value === "number" || typeof value === "bigint") {
      return (time && instantOf(value, time)) ?? value;
    }
    if (typeof value === "string") return value;
    throw new MoraineError(
      "Incompatible",
      `coordinates of the type ${metadata.dataType.name} have no order`,
      {
        source: source.address,
        path,
      },
    );
  });
}

/** The place of each source along a coordinate; undefined where all have the same. */
function orderOf(
  values: readonly (readonly Comparable[])[],
  contents: readonly Contents[],
  path: string,
): number[] | undefined {
  const keys = values.map((own) => own.join());
  if (new Set(keys).size < 2) return undefined;
  const place = (index: number) => ({ source: contents[index]?.source.address, path });
  const falling = values.some((own) => compare(own[0], own.at(-1)) > 0);
  const before = (a: Comparable | undefined, b: Comparable | undefined) =>
    falling ? compare(a, b) > 0 : compare(a, b) < 0;
  for (const [index, own] of values.entries()) {
    for (let at = 1; at < own.length; at++) {
      if (!before(own[at - 1], own[at])) {
        throw new MoraineError("Incompatible", "the values of this coordinate are not sorted", place(index));
      }
    }
  }
  const distinct = [...new Map(keys.map((key, index) => [key, index]))].map(([key, index]) => ({
    key,
    index,
  }));
  distinct.sort((a, b) => {
    const [x, y] = [values[a.index]?.[0], values[b.index]?.[0]];
    return before(x, y) ? -1 : before(y, x) ? 1 : 0;
  });
  for (let at = 1; at < distinct.length; at++) {
    const [a, b] = [distinct[at - 1]?.index ?? 0, distinct[at]?.index ?? 0];
    if (!before(values[a]?.at(-1), values[b]?.[0])) {
      throw new MoraineError(
        "Incompatible",
        `its values overlap those of ${contents[a]?.source.address} along this coordinate`,
        place(b),
      );
    }
  }
  const ranks = new Map(distinct.map(({ key }, rank) => [key, rank]));
  return keys.map((key) => ranks.get(key) ?? 0);
}

function compare(a: Comparable | undefined, b: Comparable | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return a < b ? -1 : a > b ? 1 : 0;
}

function checkFull(
  indexes: readonly (readonly number[])[],
  dimensions: readonly string[],
  contents: readonly Contents[],
): void {
  const seen = new Map<string, number>();
  indexes.forEach((index, source) => {
    const key = index.join();
    const other = seen.get(key);
    if (other !== undefined) {
      throw new MoraineError(
        "Incompatible",
        `it stands at the same place as ${contents[other]?.source.address} along ${dimensions.join(", ")}`,
        { source: contents[source]?.source.address },
      );
    }
    seen.set(key, source);
  });
  const lengths = dimensions.map((_, axis) => Math.max(...indexes.map((index) => index[axis] ?? 0)) + 1);
  const cells = lengths.reduce((product, length) => product * length, 1);
  if (cells !== indexes.length) {
    throw new MoraineError(
      "Incompatible",
      `${indexes.length} sources do not fill a grid of ${lengths.join(" x ")} along ${dimensions.join(", ")}`,
    );
  }
}
