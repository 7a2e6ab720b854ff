/**
 * Where sources stand in the dataset that they became.
 *
 * @module
 */

import { isJsonArray, type JsonObject, type JsonValue } from "../../binary/json.ts";
import type { Contents } from "./contents.ts";
import type { Placement } from "./placement.ts";

/** The part of a dataset that came from one source, along the dimensions of the join. */
export interface SourcePlace {
  /** Path of the dataset in the target; empty for the root. */
  readonly group: string;
  /** First element along each dimension. */
  readonly start: readonly number[];
  /** Elements along each dimension. */
  readonly length: readonly number[];
}

/** The places of all sources, by address. */
export interface Places {
  readonly dimensions: readonly string[];
  readonly sources: ReadonlyMap<string, SourcePlace>;
}

/**
 * The places of sources that become one dataset; undefined where arrays of one source have dimensions of one name but of
 * several lengths, so that each of them has a place of its own.
 *
 * @param group path of the dataset in the target
 */
export function placesOf(
  contents: readonly Contents[],
  { dimensions, indexes, isNew }: Placement,
  group: string,
): Places | undefined {
  const lengths = contents.map((one) => dimensions.map((name) => (isNew ? 1 : lengthOf(one, name))));
  // What takes the place of something moves nothing.
  const moving = lengths.map((own, position) =>
    contents[position]?.at === undefined ? own : own.map(() => 0),
  );
  const starts = dimensions.map((_, axis) => startsAlong(axis, moving, indexes));
  const sources = new Map<string, SourcePlace>();
  for (const [position, { source, isStored, at }] of contents.entries()) {
    if (isStored === true) continue;
    const start = starts.map((own, axis) => at ?? own[indexes[position]?.[axis] ?? 0] ?? -1);
    const length = lengths[position]?.map((own) => own ?? -1) ?? [];
    if (start.includes(-1) || length.includes(-1)) return undefined;
    sources.set(source.address, { group, start, length });
  }
  return { dimensions, sources };
}

/** The length that a dimension has in all arrays; undefined where they differ, or none has it. */
export function lengthOf({ arrays }: Contents, dimension: string): number | undefined {
  let length: number | undefined;
  for (const { metadata } of arrays.values()) {
    const axis = metadata.dimensionNames?.indexOf(dimension) ?? -1;
    if (axis < 0) continue;
    const own = metadata.shape[axis];
    if (length !== undefined && own !== length) return undefined;
    length = own;
  }
  return length;
}

/** Where each index along an axis begins; -1 where that is not known. */
function startsAlong(
  axis: number,
  lengths: readonly (readonly (number | undefined)[])[],
  indexes: readonly (readonly number[])[],
): number[] {
  const own: (number | undefined)[] = [];
  indexes.forEach((index, position) => {
    const at = index[axis] ?? 0;
    own[at] ??= lengths[position]?.[axis];
  });
  let start = 0;
  return Array.from(own, (length) => {
    const begin = start;
    start = length === undefined || start < 0 ? -1 : start + length;
    return begin;
  });
}

/** The places of several datasets; undefined where they are joined along other dimensions. */
export function joinPlaces(all: readonly (Places | undefined)[]): Places | undefined {
  const known = all.filter((places) => places !== undefined);
  const [first] = known;
  if (first === undefined || known.some(({ dimensions }) => dimensions.join() !== first.dimensions.join())) {
    return undefined;
  }
  return { dimensions: first.dimensions, sources: new Map(known.flatMap(({ sources }) => [...sources])) };
}

/** The JSON form: first element and length for each dimension, and the group where it is not the root. */
export function placeToJson({ group, start, length }: SourcePlace): JsonObject {
  return {
    place: start.map((first, axis): JsonValue => [first, length[axis] ?? 0]),
    ...(group !== "" && { group }),
  };
}

/** Undefined where the JSON has none. */
export function placeOfJson({ place, group }: JsonObject): SourcePlace | undefined {
  if (!isJsonArray(place)) return undefined;
  const pairs = place.flatMap((pair): [number, number][] => {
    if (!isJsonArray(pair)) return [];
    const [start, length] = pair;
    return typeof start === "number" && typeof length === "number" ? [[start, length]] : [];
  });
  if (pairs.length < place.length) return undefined;
  return {
    group: typeof group === "string" ? group : "",
    start: pairs.map(([start]) => start),
    length: pairs.map(([, length]) => length),
  };
}
