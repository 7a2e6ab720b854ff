/**
 * A chunk manifest as its columns lie in a record.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { Version } from "../../storage/storage.ts";
import { definedMembers } from "./exact-json.ts";

/** What the header of a record says of a manifest. */
export interface RecordedManifest {
  readonly gridShape: readonly number[];
  readonly count: number;
  readonly locations: readonly string[];
  readonly versions: readonly (Version | undefined)[];
  /** Which of the columns that may be absent are there. */
  readonly hasPositions: boolean;
  readonly hasLocationIndexes: boolean;
  readonly hasFilterMasks: boolean;
  /** Entries with bytes of their own, and how many. */
  readonly inline: readonly (readonly [entry: number, length: number])[];
  /** Where the columns begin in the record, and their bytes: multiples of eight. */
  readonly at: number;
  readonly bytes: number;
}

function columnBytes(manifest: Omit<RecordedManifest, "at" | "bytes">): number {
  const wide = 2 + Number(manifest.hasPositions);
  const narrow = Number(manifest.hasLocationIndexes) + Number(manifest.hasFilterMasks);
  const inline = manifest.inline.reduce((sum, [, length]) => sum + length, 0);
  return Math.ceil((manifest.count * (wide * 8 + narrow * 4) + inline) / 8) * 8;
}

/** The columns as bytes: positions, offsets, lengths, indexes of locations, filter masks, inline bytes. */
export function encodeManifest(manifest: ChunkManifest): {
  readonly json: JsonObject;
  readonly bytes: Uint8Array;
} {
  const { gridShape, count, locations, versions, positions, locationIndexes, filterMasks } = manifest;
  const inline = [...manifest.inline].map(([entry, own]) => [entry, own.length] as const);
  const size = columnBytes({
    gridShape,
    count,
    locations,
    versions,
    hasPositions: positions !== undefined,
    hasLocationIndexes: locationIndexes !== undefined,
    hasFilterMasks: filterMasks !== undefined,
    inline,
  });
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const column of [positions, manifest.offsets, manifest.lengths, locationIndexes, filterMasks]) {
    if (column === undefined) continue;
    const own = column.subarray(0, count);
    bytes.set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength), at);
    at += own.byteLength;
  }
  for (const own of manifest.inline.values()) {
    bytes.set(own, at);
    at += own.length;
  }
  const json = {
    grid: gridShape,
    count,
    locations,
    versions: locations.map((_, index) => versionToJson(versions[index])),
    positions: positions !== undefined,
    location_indexes: locationIndexes !== undefined,
    filter_masks: filterMasks !== undefined,
    inline,
  };
  return { json, bytes };
}

/**
 * Errors: `InvalidMetadata` for what no manifest is: columns of no possible length, more entries than the grid has
 * chunks, entries with bytes of their own that are not there.
 *
 * @param columns byte of the record at which all columns begin
 */
export function parseRecordedManifest(json: JsonValue | undefined, columns: number): RecordedManifest {
  if (!isJsonObject(json)) throw refuse();
  const { at, count, inline: pairs, locations, versions } = json;
  if (!isCount(count) || !isCount(at) || at % 8 !== 0) throw refuse();
  if (!isJsonArray(pairs) || !isJsonArray(locations) || !isJsonArray(versions)) throw refuse();
  const gridShape = numbersOf(json["grid"]);
  const chunks = gridShape.reduce((product, length) => product * (isCount(length) ? length : Number.NaN), 1);
  const hasPositions = json["positions"] === true;
  if (!(hasPositions ? count <= chunks : count === chunks)) throw refuse();
  const manifest = {
    gridShape,
    count,
    locations: locations.map(textOf),
    versions: versions.map(parseVersion),
    hasPositions,
    hasLocationIndexes: json["location_indexes"] === true,
    hasFilterMasks: json["filter_masks"] === true,
    inline: pairs.map((pair): readonly [number, number] => {
      const [entry, length] = numbersOf(pair);
      if (!isCount(entry) || !isCount(length) || entry >= count) throw refuse();
      return [entry, length];
    }),
  };
  const bytes = columnBytes(manifest);
  if (!Number.isSafeInteger(columns + at + bytes)) throw refuse();
  return { ...manifest, at: columns + at, bytes };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Errors: `InvalidMetadata` where the bytes are not as many as they should be. */
export function decodeManifest(recorded: RecordedManifest, columns: Uint8Array): ChunkManifest {
  const { gridShape, count, locations, versions } = recorded;
  if (columns.length !== recorded.bytes) throw refuse();
  // Typed arrays need bytes that begin at a multiple of eight, and nothing else may be kept alive.
  const { buffer } = columns.slice();
  let at = 0;
  const wide = (): Float64Array => {
    at += count * 8;
    return new Float64Array(buffer, at - count * 8, count);
  };
  const narrow = (): Uint32Array => {
    at += count * 4;
    return new Uint32Array(buffer, at - count * 4, count);
  };
  const positions = recorded.hasPositions ? wide() : undefined;
  const offsets = wide();
  const lengths = wide();
  const locationIndexes = recorded.hasLocationIndexes ? narrow() : undefined;
  const filterMasks = recorded.hasFilterMasks ? narrow() : undefined;
  const inline = new Map<number, Uint8Array>();
  for (const [entry, length] of recorded.inline) {
    inline.set(entry, new Uint8Array(buffer, at, length));
    at += length;
  }
  return {
    gridShape,
    count,
    positions,
    locations,
    versions,
    locationIndexes,
    offsets,
    lengths,
    filterMasks,
    inline,
  };
}

export function versionToJson(version: Version | undefined): JsonValue {
  if (version === undefined) return null;
  const { etag, size, lastModified, notAfter } = version;
  return definedMembers({ etag, size, lastModified, notAfter });
}

export function parseVersion(json: JsonValue | undefined): Version | undefined {
  if (!isJsonObject(json)) return undefined;
  const { etag, size, lastModified, notAfter } = json;
  return {
    ...(typeof etag === "string" && { etag }),
    ...(typeof size === "number" && { size }),
    ...(typeof lastModified === "number" && { lastModified }),
    ...(typeof notAfter === "number" && { notAfter }),
  };
}

/** Errors: `InvalidMetadata`. */
export function numbersOf(json: JsonValue | undefined): number[] {
  if (!isJsonArray(json)) throw refuse();
  return json.map((item) => {
    if (typeof item !== "number") throw refuse();
    return item;
  });
}

/** Errors: `InvalidMetadata`. */
export function textOf(json: JsonValue | undefined): string {
  if (typeof json !== "string") throw refuse();
  return json;
}

export function refuse(): MoraineError {
  return new MoraineError("InvalidMetadata", "this is no record of a scan");
}
