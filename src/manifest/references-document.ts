/**
 * A chunk manifest as a JSON document beside the metadata of an array, and the storage transformer that says so:
 * `moraine.references`. A reader that does not know the transformer refuses the array instead of showing fill values.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "../binary/base64.ts";
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import type { Version } from "../storage/storage.ts";
import type { ChunkManifest } from "./chunk-manifest.ts";
import { ManifestBuilder } from "./manifest-builder.ts";

/** Name of the storage transformer. */
const TRANSFORMER = "moraine.references";
/** File of the references, beside `zarr.json`. */
export const REFERENCES_FILE = "references.json";

/**
 * The metadata of an array with the transformer. zarr-python 3.4 passes over storage transformers and would show fill
 * values: a codec of the same name, which changes nothing, makes it refuse too.
 */
export function withReferences(document: JsonObject): JsonObject {
  const own = { name: TRANSFORMER, configuration: { file: REFERENCES_FILE } };
  const { codecs } = document;
  return {
    ...document,
    codecs: [...(isJsonArray(codecs) ? codecs : []), own],
    storage_transformers: [own],
  };
}

/** The metadata as they are without it. */
export function withoutReferences(document: JsonObject): JsonObject {
  const { codecs } = document;
  const others = isJsonArray(codecs)
    ? codecs.filter((codec) => !isJsonObject(codec) || codec["name"] !== TRANSFORMER)
    : [];
  return { ...document, codecs: others, storage_transformers: [] };
}

/** Whether metadata have this storage transformer, and no other. */
export function hasReferences(document: JsonValue): document is JsonObject {
  const transformers = isJsonObject(document) ? document["storage_transformers"] : undefined;
  if (!isJsonArray(transformers) || transformers.length !== 1) return false;
  const [only] = transformers;
  return isJsonObject(only) && only["name"] === TRANSFORMER;
}

/** The document: columns, as the manifest has them. Addresses may be relative to the document. */
export function manifestToJson(manifest: ChunkManifest): JsonObject {
  const { gridShape, count, positions, locations, versions, locationIndexes, offsets, lengths, inline } =
    manifest;
  return {
    grid_shape: gridShape,
    locations: locations.map((address, index) => ({ address, ...versionToJson(versions[index]) })),
    positions: positions ? [...positions] : Array.from({ length: count }, (_, position) => position),
    ...(locationIndexes && { location_indexes: [...locationIndexes] }),
    offsets: [...offsets],
    lengths: [...lengths],
    inline: Object.fromEntries([...inline].map(([entry, bytes]) => [String(entry), encodeBase64(bytes)])),
  };
}

function versionToJson(version: Version | undefined): JsonObject {
  return {
    ...(version?.etag !== undefined && { etag: version.etag }),
    ...(version?.size !== undefined && { size: version.size }),
    ...(version?.lastModified !== undefined && { last_modified: version.lastModified }),
    ...(version?.notAfter !== undefined && { not_after: version.notAfter }),
  };
}

/**
 * The manifest that a document says, checked.
 *
 * Errors: `InvalidMetadata`; those of `resolve`.
 *
 * @param gridShape chunks of the array along each axis
 * @param resolve the address that a location means, where it may be read
 */
export function manifestOfJson(
  document: JsonValue,
  gridShape: readonly number[],
  resolve: (address: string) => string,
): ChunkManifest {
  const fail = (message: string): MoraineError =>
    new MoraineError("InvalidMetadata", `references: ${message}`);
  if (!isJsonObject(document)) throw fail("no object");
  const grid = numbers(document["grid_shape"]);
  if (grid?.length !== gridShape.length || grid.some((length, axis) => length !== gridShape[axis])) {
    throw fail("they are of another grid than the array");
  }
  const positions = numbers(document["positions"]);
  const offsets = numbers(document["offsets"]);
  const lengths = numbers(document["lengths"]);
  const indexes =
    document["location_indexes"] === undefined ? undefined : numbers(document["location_indexes"]);
  const { locations, inline = {} } = document;
  const count = positions?.length ?? -1;
  const isWhole =
    positions !== undefined &&
    offsets?.length === count &&
    lengths?.length === count &&
    (document["location_indexes"] === undefined || indexes?.length === count);
  if (!isWhole || !isJsonArray(locations) || !isJsonObject(inline))
    throw fail("columns of different lengths");
  let builder: ManifestBuilder | undefined;
  for (const location of locations) {
    const address = isJsonObject(location) ? location["address"] : undefined;
    if (!isJsonObject(location) || typeof address !== "string") throw fail("a location without an address");
    const version = versionOfJson(location);
    if (builder === undefined) builder = new ManifestBuilder(gridShape, resolve(address), version);
    else builder.addLocation(resolve(address), version);
  }
  builder ??= new ManifestBuilder(gridShape, "");
  for (const [entry, position] of positions.entries()) {
    if (position >= builder.cells)
      throw fail(`position ${position} is in no grid of ${builder.cells} chunks`);
    const held = inline[String(entry)];
    if (held !== undefined) {
      const bytes = typeof held === "string" ? decodeBase64(held) : undefined;
      if (bytes === undefined) throw fail("inline bytes that are no base64");
      builder.appendInline(position, bytes);
      continue;
    }
    const index = indexes?.[entry] ?? 0;
    if (index >= locations.length) throw fail(`there is no location ${index}`);
    builder.append(position, offsets[entry] ?? 0, lengths[entry] ?? 0, 0, index);
  }
  return builder.build();
}

function versionOfJson({
  etag,
  size,
  last_modified: lastModified,
  not_after: notAfter,
}: JsonObject): Version {
  return {
    ...(typeof etag === "string" && { etag }),
    ...(typeof size === "number" && { size }),
    ...(typeof lastModified === "number" && { lastModified }),
    ...(typeof notAfter === "number" && { notAfter }),
  };
}

/** A list of whole numbers that are not negative, or undefined. */
function numbers(json: JsonValue | undefined): number[] | undefined {
  if (!isJsonArray(json)) return undefined;
  const list: number[] = [];
  for (const item of json) {
    if (typeof item !== "number" || !Number.isSafeInteger(item) || item < 0) return undefined;
    list.push(item);
  }
  return list;
}
