/**
 * Time coordinates of many sources in one encoding: CF units such as `hours since 2000-01-01` that differ in unit
 * or reference time.
 *
 * @module
 */

import type { JsonValue } from "../../binary/json.ts";
import type { DataType } from "../../data-types/data-type.ts";
import { decodeElements } from "../../data-types/elements.ts";
import { parseFillValue } from "../../data-types/fill-value.ts";
import { MoraineError } from "../../errors.ts";
import { decodeFillValueAttribute, encodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import {
  type Calendar,
  GREGORIAN_START,
  instantOf,
  isWholeInstant,
  parseTimeUnits,
  type TimeUnits,
  valueAt,
  withoutZone,
} from "../cf-time.ts";
import { agree } from "./drift.ts";
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
 * @param fixed the encoding of the first part holds for all: it is stored already, in its type
 * @returns undefined where they are no times, or their encoding is the same already
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
  const [lead] = parts;
  if (first === undefined || lead === undefined) return undefined;
  const isTypeSame = !fixed || parts.every(({ metadata }) => agree("data type", metadata, lead.metadata));
  if (
    isTypeSame &&
    texts.every(({ units, calendar }) => units === first.units && calendar === first.calendar)
  ) {
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
  const stranger = sources.findIndex(
    ({ calendar }) => calendar !== own.calendar && !(isGregorian(calendar) && isGregorian(own.calendar)),
  );
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
  const named = first.units.trim().replace(/^\S+/, word);
  // Not all readers understand every form of time zone: the same clock time in UTC will do as well.
  const units = fixed ? named : withoutZone(named);
  return { units, target: parseTimeUnits(units, first.calendar) ?? own, sources };
}

/** Calendars that are the same from 1582-10-15 on. */
function isGregorian(calendar: Calendar): boolean {
  return calendar === "standard" || calendar === "proleptic_gregorian";
}

/** An element of the target: its type, and what stands for no time. */
export interface TimeElement {
  readonly dataType: DataType;
  readonly fillValue: Uint8Array;
  /** The attribute `_FillValue` that makes readers take it for none; undefined where the pieces have none. */
  readonly mark: JsonValue | undefined;
}

/**
 * How times of pieces in different units are stored: as whole numbers where all of them are. What stands for no time is
 * a value that no time has.
 */
export function timeElement(pieces: readonly Piece[]): TimeElement {
  const whole = pieces.every(({ metadata }) => /^u?int/.test(metadata.dataType.name));
  const dataType: DataType = { name: whole ? "int64" : "float64" };
  const none = whole ? -(2n ** 63n) : Number.NaN;
  const marked = pieces.some(({ metadata }) => metadata.attributes["_FillValue"] !== undefined);
  return {
    dataType,
    fillValue: parseFillValue(whole ? none : "NaN", dataType),
    mark: marked ? encodeFillValueAttribute(none, dataType) : undefined,
  };
}

/** How times are stored already: what is marked as no time stays that. */
export function storedTimeElement({ dataType, fillValue, attributes }: ArrayMetadata): TimeElement {
  const mark = attributes["_FillValue"];
  const value = mark === undefined ? undefined : decodeFillValueAttribute(mark, dataType);
  if (value === undefined) return { dataType, fillValue, mark };
  const json = typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return { dataType, fillValue: parseFillValue(json, dataType), mark };
}

/** A piece whose values are re-encoded; all its chunks must be encoded anew. */
export function reencodeTimes(
  piece: Piece,
  from: TimeUnits,
  { target, units }: TimeEncoding,
  element: TimeElement,
): Piece {
  const { metadata } = piece;
  const { dataType, fillValue } = element;
  const { units: own, ...others } = metadata.attributes;
  const rules = {
    from,
    target,
    missing: missingValues(metadata),
    whole: /^u?int/.test(dataType.name),
    isSingle: metadata.dataType.name === "float32",
  };
  return {
    ...piece,
    metadata: {
      ...metadata,
      dataType,
      fillValue,
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
      attributes: own === undefined ? others : { ...others, units },
    },
    manifest: undefined,
    region: async (start, shape, options) => {
      const data = await piece.region(start, shape, options);
      const values: Iterable<unknown> = decodeElements(data, metadata.dataType);
      const times: (number | bigint | undefined)[] = [];
      for (const value of values) {
        const time = timeOf(value, rules);
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

/** The values that stand for no time. */
function missingValues({ attributes, dataType }: ArrayMetadata): Set<unknown> {
  const marks: (JsonValue | undefined)[] = [attributes["missing_value"]].flat();
  const fill = attributes["_FillValue"];
  if (fill !== undefined) marks.push(decodeFillValueAttribute(fill, dataType));
  const numbers = marks.filter((mark) => typeof mark === "number" || typeof mark === "bigint");
  return new Set<unknown>(/^u?int64/.test(dataType.name) ? numbers.map(BigInt) : numbers.map(Number));
}

/** How the times of a source become those of the target. */
interface TimeRules {
  readonly from: TimeUnits;
  readonly target: TimeUnits;
  readonly missing: ReadonlySet<unknown>;
  readonly whole: boolean;
  readonly isSingle: boolean;
}

/** A value in the target's units; undefined for no time. */
function timeOf(
  value: unknown,
  { from, target, missing, whole, isSingle }: TimeRules,
): number | bigint | undefined | "inexact" {
  if (missing.has(value) || (typeof value === "number" && Number.isNaN(value))) return undefined;
  if (typeof value !== "number" && typeof value !== "bigint") return "inexact";
  if (from.unit === target.unit && from.epoch === target.epoch && from.calendar === target.calendar) {
    if (!whole) return value;
    return isWhole(value) ? BigInt(value) : "inexact";
  }
  const instant = instantOf(value, from);
  if (instant === undefined || !isWholeInstant(value, from, isSingle)) return "inexact";
  if (from.calendar !== target.calendar && instant < GREGORIAN_START) return "inexact";
  return valueAt(instant, target, whole) ?? "inexact";
}

function isWhole(value: number | bigint): boolean {
  return typeof value === "bigint" || Number.isInteger(value);
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
