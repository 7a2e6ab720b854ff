/**
 * What the metadata of a commit say of an index: its sources, their versions and places, and the options.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../../binary/json.ts";
import { isErrorCode } from "../../errors.ts";
import type { Version } from "../../storage/storage.ts";
import type { CombineOptions } from "../combine/options.ts";
import { placeOfJson, placeToJson, type SourcePlace } from "../combine/places.ts";
import type { ChangedArray } from "./summary.ts";
import { COUNTS, noCounts, type WrittenCounts } from "./written-counts.ts";

/** Key of the record in the metadata of a commit. */
const KEY = "moraine";
/** A source, as it was indexed. */
export interface KnownSource {
  readonly address: string;
  readonly version: Version;
  /** Where it stands in the dataset, where sources became one. */
  readonly place?: SourcePlace | undefined;
}

/** How sources become one dataset. */
export type RecordedOptions = Pick<
  CombineOptions,
  "concat" | "byCoords" | "join" | "drift" | "attributes" | "compat" | "grid" | "load"
>;

/** What one commit says. */
export interface IndexRecord {
  /** Path of the group that they became. */
  readonly group: string;
  readonly sources: readonly KnownSource[];
  /** Whether these are all sources of the group; else they were added to those before. */
  readonly isWhole: boolean;
  /** Whether what others had written since the sources were first indexed was kept. */
  readonly keeps?: boolean | undefined;
  /** Dimensions along which the sources stand at their places. */
  readonly dimensions?: readonly string[] | undefined;
  /** Arrays that were laid out anew, with the chunks of others that went along; nothing older of them holds. */
  readonly carried?: ReadonlyMap<string, CarriedChunks> | undefined;
  readonly options: RecordedOptions;
  /** Options that say how arrays are stored, as text. */
  readonly form?: string | undefined;
  /** What was written. */
  readonly written?: WrittenRecord | undefined;
}

/** What an index wrote, as its summary tells it. */
export interface WrittenRecord {
  readonly counts: WrittenCounts;
  readonly leftOut: readonly ChangedArray[];
}

const OPTIONS = ["concat", "byCoords", "join", "drift", "attributes", "compat", "grid", "load"] as const;

/** Chunks by their places in the grid that an array had then. */
export interface CarriedChunks {
  readonly gridShape: readonly number[];
  /** Runs of positions in C order: the first, and how many. */
  readonly runs: readonly (readonly [first: number, count: number])[];
}

/** The metadata of a commit. */
export function recordToJson(record: IndexRecord): JsonObject {
  const { group, sources, isWhole, keeps, options, form, written, dimensions, carried } = record;
  const chosen = OPTIONS.flatMap((key): [string, JsonValue][] => {
    const value = options[key];
    return value === undefined ? [] : [[key, value]];
  });
  return {
    [KEY]: {
      group,
      whole: isWhole,
      ...(keeps === true && { keeps }),
      ...(dimensions && { dimensions }),
      ...(carried && carried.size > 0 && { carried: carriedToJson(carried) }),
      options: Object.fromEntries(chosen),
      ...(form !== undefined && { form }),
      ...(written && { written: writtenToJson(written) }),
      sources: sources.map(
        ({ address, place, version: { etag, size, lastModified } }): JsonObject => ({
          address,
          ...(etag !== undefined && { etag }),
          ...(size !== undefined && { size }),
          ...(lastModified !== undefined && { last_modified: lastModified }),
          ...(place && placeToJson(place)),
        }),
      ),
    },
  };
}

function writtenToJson({ counts, leftOut }: WrittenRecord): JsonObject {
  return {
    ...Object.fromEntries(COUNTS.map((key) => [key, counts[key]])),
    left_out: leftOut.map(({ source, path, code, reason }) => ({ source, path, code, reason })),
  };
}

function writtenOf(json: JsonValue | undefined): WrittenRecord | undefined {
  if (!isJsonObject(json) || !isJsonArray(json["left_out"])) return undefined;
  const counts = noCounts();
  for (const key of COUNTS) {
    const count = json[key];
    if (typeof count !== "number") return undefined;
    counts[key] = count;
  }
  const leftOut = json["left_out"].flatMap((item): ChangedArray[] => {
    if (!isJsonObject(item)) return [];
    const { source, path, code, reason } = item;
    const isWhole = typeof source === "string" && typeof path === "string" && typeof reason === "string";
    return isWhole && typeof code === "string" && isErrorCode(code) ? [{ source, path, code, reason }] : [];
  });
  return { counts, leftOut };
}

function carriedToJson(carried: ReadonlyMap<string, CarriedChunks>): JsonObject {
  return Object.fromEntries(
    [...carried].map(([path, { gridShape, runs }]): [string, JsonValue] => [path, { grid: gridShape, runs }]),
  );
}

/** What the metadata of a commit say of an index; undefined where the commit is none. */
export function recordOf(metadata: JsonObject): IndexRecord | undefined {
  const json = metadata[KEY];
  if (!isJsonObject(json) || !isJsonArray(json["sources"]) || typeof json["group"] !== "string")
    return undefined;
  const given = isJsonObject(json["options"]) ? json["options"] : {};
  const sources = json["sources"].flatMap((source): KnownSource[] => {
    if (!isJsonObject(source) || typeof source["address"] !== "string") return [];
    const { address, etag, size, last_modified: lastModified } = source;
    const place = placeOfJson(source);
    return [
      {
        address,
        version: {
          ...(typeof etag === "string" && { etag }),
          ...(typeof size === "number" && { size }),
          ...(typeof lastModified === "number" && { lastModified }),
        },
        ...(place && { place }),
      },
    ];
  });
  return {
    group: json["group"],
    sources,
    isWhole: json["whole"] === true,
    keeps: json["keeps"] === true,
    options: recordedOptions(given),
    form: typeof json["form"] === "string" ? json["form"] : undefined,
    written: writtenOf(json["written"]),
    dimensions: texts(json["dimensions"]),
    carried: carriedOfJson(json["carried"]),
  };
}

function recordedOptions(json: JsonObject): RecordedOptions {
  const word = <Word extends string>(key: string, allowed: readonly Word[]): Word | undefined =>
    allowed.find((one) => one === json[key]);
  const { concat, load } = json;
  return {
    concat: typeof concat === "string" ? concat : undefined,
    byCoords: json["byCoords"] === true,
    join: word("join", ["outer", "inner", "exact", "override"]),
    drift: word("drift", ["error", "decode", "split"]),
    attributes: word("attributes", ["override", "drop-conflicts", "identical"]),
    compat: word("compat", ["equal", "override"]),
    grid: word("grid", ["auto", "regular"]),
    load: texts(load),
  };
}

function texts(json: JsonValue | undefined): string[] | undefined {
  return isJsonArray(json) ? json.filter((item) => typeof item === "string") : undefined;
}

function carriedOfJson(json: JsonValue | undefined): Map<string, CarriedChunks> | undefined {
  if (!isJsonObject(json)) return undefined;
  const numbers = (list: JsonValue | undefined): number[] =>
    isJsonArray(list) ? list.filter((item) => typeof item === "number") : [];
  return new Map(
    Object.entries(json).flatMap(([path, value]): [string, CarriedChunks][] => {
      if (!isJsonObject(value) || !isJsonArray(value["runs"])) return [];
      const runs = value["runs"].map((run) => {
        const [first = 0, count = 0] = numbers(run);
        return [first, count] as const;
      });
      return [[path, { gridShape: numbers(value["grid"]), runs }]];
    }),
  );
}
