/**
 * Time coordinates of many sources in one encoding: CF units such as `hours since 2000-01-01` that differ in unit
 * or reference time.
 *
 * @module
 */

import type { DataType } from "../../data-types/data-type.ts";
import { decodeElements } from "../../data-types/elements.ts";
import { parseFillValue } from "../../data-types/fill-value.ts";
import { MoraineError } from "../../errors.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { instantOf, parseTimeUnits, type TimeUnits, valueAt } from "../cf-time.ts";
import type { Piece } from "./piece.ts";

/** How times are to be stored, and how each source stores them. */
export interface TimeEncoding {
  /** The attribute `units` of the target. */
  readonly units: string;
  readonly target: TimeUnits;
  readonly sources: readonly TimeUnits[];
}

/**
 * The common encoding of time coordinates: the finest unit of all, since the reference time of the first.
 *
 * Errors: `Incompatible` for different calendars; `InvalidMetadata` for units that cannot be used exactly.
 *
 * @param fixed the encoding of the first part holds for all: it is stored already
 * @returns undefined where they are no times, or their units are the same already
 */
export function commonTimeEncoding(
  path: string,
  parts: readonly { readonly source: string; readonly metadata: ArrayMetadata }[],
  fixed: boolean,
): TimeEncoding | undefined {
  const texts = parts.map(({ metadata }) => ({
    units: String(metadata.attributes["units"] ?? ""),
    calendar: String(metadata.attributes["calendar"] ?? "standard"),
  }));
  const [first] = texts;
  if (first === undefined) return undefined;
  if (texts.every(({ units, calendar }) => units === first.units && calendar === first.calendar)) {
    return undefined;
  }
  if (!texts.some(({ units }) => / since /i.test(units))) return undefined;
  const sources = texts.map(({ units, calendar }, index): TimeUnits => {
    try {
      const parsed = parseTimeUnits(units, calendar);
      if (parsed) return parsed;
    } catch (error) {
      if (error instanceof MoraineError) throw error.at({ source: parts[index]?.source, path });
      throw error;
    }
    throw new MoraineError("Incompatible", `"${units}" are no units of time, those of other sources are`, {
      source: parts[index]?.source,
      path,
    });
  });
  const [own] = sources;
  if (own === undefined) return undefined;
  const stranger = sources.findIndex(({ calendar }) => calendar !== own.calendar);
  if (stranger >= 0) {
    throw new MoraineError(
      "Incompatible",
      `its calendar is ${sources[stranger]?.calendar}, that of ${parts[0]?.source} ${own.calendar}`,
      { source: parts[stranger]?.source, path },
    );
  }
  const finest = fixed
    ? 0
    : sources.reduce((best, { unit }, index) => (unit < (sources[best]?.unit ?? 0n) ? index : best), 0);
  const [word = ""] = texts[finest]?.units.trim().split(/\s+/) ?? [];
  const units = first.units.trim().replace(/^\S+/, word);
  return { units, target: { ...own, unit: sources[finest]?.unit ?? own.unit }, sources };
}

/** An element of the target: its type, and what stands for no time. */
export interface TimeElement {
  readonly dataType: DataType;
  readonly fillValue: Uint8Array;
}

/** How times of pieces in different units are stored: as whole numbers where all of them are. */
export function timeElement(pieces: readonly Piece[]): TimeElement {
  const whole = pieces.every(({ metadata }) => /^u?int/.test(metadata.dataType.name));
  const fillValue = new Uint8Array(8);
  const view = new DataView(fillValue.buffer);
  if (whole) view.setBigInt64(0, -(2n ** 63n), true);
  else view.setFloat64(0, Number.NaN, true);
  return { dataType: { name: whole ? "int64" : "float64" }, fillValue };
}

/** A piece whose values are re-encoded; all its chunks must be encoded anew. */
export function reencodeTimes(
  piece: Piece,
  from: TimeUnits,
  { target, units }: TimeEncoding,
  { dataType, fillValue }: TimeElement,
): Piece {
  const { metadata } = piece;
  const element: TimeElement = { dataType, fillValue };
  const { units: own, ...others } = metadata.attributes;
  const missing = missingValue(metadata);
  return {
    ...piece,
    metadata: {
      ...metadata,
      ...element,
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
      attributes: own === undefined ? others : { ...others, units },
    },
    manifest: undefined,
    region: async (start, shape, options) => {
      const data = await piece.region(start, shape, options);
      const values: Iterable<unknown> = decodeElements(data, metadata.dataType);
      const times: (number | bigint | undefined)[] = [];
      for (const value of values) {
        const time = timeOf(value, from, target, missing, /^u?int/.test(element.dataType.name));
        if (time === "inexact") {
          throw new MoraineError("Incompatible", `the time ${value} has no exact value in "${units}"`, {
            source: piece.source,
          });
        }
        times.push(time);
      }
      return encodeTimes(times, element, piece.source);
    },
  };
}

/** The value that stands for no time. */
function missingValue({ attributes, dataType, fillValue }: ArrayMetadata): unknown {
  if (attributes["_FillValue"] === undefined) return undefined;
  return decodeElements(fillValue, dataType)[0];
}

/** A value in the target's units; undefined for no time. */
function timeOf(
  value: unknown,
  from: TimeUnits,
  target: TimeUnits,
  missing: unknown,
  whole: boolean,
): number | bigint | undefined | "inexact" {
  if (value === missing || (typeof value === "number" && Number.isNaN(value))) return undefined;
  if (typeof value !== "number" && typeof value !== "bigint") return "inexact";
  const instant = instantOf(value, from);
  return (instant === undefined ? undefined : valueAt(instant, target, whole)) ?? "inexact";
}

function encodeTimes(
  times: readonly (number | bigint | undefined)[],
  { dataType, fillValue }: TimeElement,
  source: string,
): Uint8Array {
  const size = fillValue.length;
  const result = new Uint8Array(times.length * size);
  times.forEach((time, index) => {
    // JSON's form of a fill value checks that the number fits in the type.
    const bytes = time === undefined ? fillValue : parseFillValue(time, dataType);
    const [stored] = decodeElements(bytes, dataType);
    if (time !== undefined && Number(stored) !== Number(time)) {
      throw new MoraineError("Incompatible", `the time ${time} does not fit in ${dataType.name}`, { source });
    }
    result.set(bytes, index * size);
  });
  return result;
}
