/**
 * Bounds of time coordinates, which have the units of these: re-encoded with them.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { type Contents, nameOfPath } from "./contents.ts";
import { commonTimeEncoding, type TimeEncoding } from "./time-encoding.ts";

/** Attributes that name the array of the bounds of a coordinate's cells (CF 1.11, sections 7.1 and 7.4). */
const BOUNDS = ["bounds", "climatology"] as const;

interface Part {
  readonly source: string;
  readonly metadata: ArrayMetadata;
}

/**
 * How the bounds of time coordinates are stored, by path, where sources have them in different units: their own, or else
 * those of the coordinate (CF 1.11, section 7.1).
 *
 * Errors: those of `commonTimeEncoding`.
 *
 * @param paths of all arrays
 * @param append what the first source has is stored already
 */
export function boundsEncodings(
  contents: readonly Contents[],
  paths: readonly string[],
  append: boolean,
): Map<string, TimeEncoding> {
  const encodings = new Map<string, TimeEncoding>();
  for (const path of paths) {
    const times = contents.flatMap((one) => partOf(one, path) ?? []);
    const [name] = times.flatMap(({ metadata }) =>
      BOUNDS.map((key) => metadata.attributes[key]).filter((value) => typeof value === "string"),
    );
    if (name === undefined || times.length !== contents.length) continue;
    const boundsPath = `${path.slice(0, path.length - nameOfPath(path).length)}${name}`;
    const bounds = contents.map((one) => partOf(one, boundsPath));
    const unitsOfTimes = commonTimeEncoding(path, times, append)?.units;
    const encoding = boundsEncoding(boundsPath, bounds, times, unitsOfTimes, append);
    if (encoding) encodings.set(boundsPath, encoding);
  }
  return encodings;
}

function partOf({ source, arrays }: Contents, path: string): Part | undefined {
  const metadata = arrays.get(path)?.metadata;
  return metadata && { source: source.address, metadata };
}

/** Undefined where bounds stay as they are, or are times by themselves. */
function boundsEncoding(
  path: string,
  bounds: readonly (Part | undefined)[],
  times: readonly Part[],
  unitsOfTimes: string | undefined,
  append: boolean,
): TimeEncoding | undefined {
  const like = bounds.find((part) => part !== undefined)?.metadata;
  if (like === undefined || bounds.every((part) => part?.metadata.attributes["units"] !== undefined)) {
    return undefined;
  }
  const own = times.map(({ source, metadata }, position): Part => {
    const part = bounds[position]?.metadata;
    const attributes: JsonObject = { ...encodingOf(metadata), ...(part && encodingOf(part)) };
    return { source, metadata: { ...(part ?? like), attributes } };
  });
  const [first] = own;
  const units = unitsOfTimes ?? times[0]?.metadata.attributes["units"];
  if (first === undefined || units === undefined) return undefined;
  const { metadata } = first;
  // What is stored already keeps the units that it has.
  const target = append ? metadata : { ...metadata, attributes: { ...metadata.attributes, units } };
  const encoding = commonTimeEncoding(path, [{ ...first, metadata: target }, ...own], true);
  return encoding && { ...encoding, sources: encoding.sources.slice(1) };
}

function encodingOf({ attributes: { units, calendar } }: ArrayMetadata): JsonObject {
  return { ...(units !== undefined && { units }), ...(calendar !== undefined && { calendar }) };
}
