/**
 * Where each of many sources stands in the dataset that they become.
 *
 * @module
 */

import { decodeElements } from "../../data-types/elements.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { instantOf, parseTimeUnits, type TimeUnits } from "../cf-time.ts";
import { mapConcurrent } from "../concurrent.ts";
import { regionOf } from "../source.ts";
import { type Contents, isIndexCoordinate, nameOfPath } from "./contents.ts";
import { readPacking } from "./packing.ts";

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
 * Errors: `Incompatible` where coordinates are not sorted, overlap, or do not fill a grid, `InvalidMetadata` where they are
 * times whose units differ and cannot be used exactly, naming sources.
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
  const places: (number | undefined)[][] = [];
  for (const [path] of paths) {
    requireComparable(contents, path);
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
  const indexes = apart(contents.map((_, source) => places.map((order) => order[source] ?? Number.NaN)));
  checkFull(indexes, dimensions, contents);
  return { dimensions, indexes, isNew: false };
}

/** Throws `InvalidMetadata` for times in different units of which some cannot be used exactly. */
function requireComparable(contents: readonly Contents[], path: string): void {
  const encodings = contents.map(({ arrays }) => {
    const { units, calendar } = arrays.get(path)?.metadata.attributes ?? {};
    return { units, calendar };
  });
  const texts = new Set(encodings.map(({ units, calendar }) => `${units} ${calendar}`));
  if (texts.size < 2) return;
  for (const [index, { units, calendar }] of encodings.entries()) {
    try {
      if (typeof units === "string")
        parseTimeUnits(units, typeof calendar === "string" ? calendar : undefined);
    } catch (error) {
      throw isMoraineError(error) ? error.at({ source: contents[index]?.source.address, path }) : error;
    }
  }
}

/**
 * The values of a one-dimensional coordinate: times as instants, unless their units cannot be used exactly, and packed
 * numbers as those that they stand for.
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
  const time = timeUnitsOf(metadata);
  const isPacked = PACKED.some((key) => metadata.attributes[key] !== undefined);
  const packing = isPacked ? readPacking(metadata, source.address) : undefined;
  const elements: Iterable<unknown> = decodeElements(data, metadata.dataType);
  return Array.from(elements, (value): Comparable => {
    if (typeof value === "number" || typeof value === "bigint") {
      const number = packing ? packing.signed(Number(value)) * packing.scale + packing.offset : value;
      return (time && instantOf(number, time)) ?? number;
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

const PACKED = ["scale_factor", "add_offset", "_Unsigned"];

/** Undefined for no units of time, and for such as cannot be used exactly. */
function timeUnitsOf({ attributes: { units, calendar } }: ArrayMetadata): TimeUnits | undefined {
  if (typeof units !== "string") return undefined;
  try {
    return parseTimeUnits(units, typeof calendar === "string" ? calendar : undefined);
  } catch (error) {
    if (isMoraineError(error, "InvalidMetadata")) return undefined;
    throw error;
  }
}

/** Sources that hold nothing along a dimension, which NaN stands for, come behind all others, each at a place of its own. */
function apart(indexes: readonly (readonly number[])[]): number[][] {
  const taken = new Set<string>();
  return indexes.map((index) => {
    if (!index.some(Number.isNaN)) return [...index];
    const ends = index.map((_, axis) => lengthAlong(indexes, axis));
    for (let further = 0; ; further++) {
      const own = index.map((at, axis) => (Number.isNaN(at) ? (ends[axis] ?? 0) + further : at));
      if (taken.has(own.join())) continue;
      taken.add(own.join());
      return own;
    }
  });
}

/** The place of each source along a coordinate, undefined for one that holds nothing; undefined where all have the same. */
function orderOf(
  values: readonly (readonly Comparable[])[],
  contents: readonly Contents[],
  path: string,
): (number | undefined)[] | undefined {
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
  const distinct = [...new Map(keys.map((key, index) => [key, index]))]
    .map(([key, index]) => ({ key, index }))
    .filter(({ index }) => values[index]?.length !== 0);
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
  return keys.map((key, index) => (values[index]?.length === 0 ? undefined : ranks.get(key)));
}

/** Number of places along a dimension. */
function lengthAlong(indexes: readonly (readonly number[])[], axis: number): number {
  // Not for NaN, and not by Math.max: of very many sources it takes no more arguments than fit on the stack.
  return indexes.reduce((most, index) => ((index[axis] ?? 0) >= most ? (index[axis] ?? 0) + 1 : most), 0);
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
  const lengths = dimensions.map((_, axis) => lengthAlong(indexes, axis));
  const cells = lengths.reduce((product, length) => product * length, 1);
  if (cells !== indexes.length) {
    throw new MoraineError(
      "Incompatible",
      `${indexes.length} sources do not fill a grid of ${lengths.join(" x ")} along ${dimensions.join(", ")}`,
    );
  }
}
