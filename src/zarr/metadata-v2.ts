/**
 * `.zarray`, `.zgroup` and `.zattrs`: metadata of Zarr v2 (storage specification, version 2), as the metadata of v3
 * that means the same.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../binary/json.ts";
import { parseFillValueV2 } from "../data-types/fill-value-v2.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayMetadata, GroupMetadata } from "./array-metadata.ts";
import { checkCodecs } from "./check-codecs.ts";
import { parseCodecsV2 } from "./codecs-v2.ts";
import { parseAttributes, parseShape } from "./metadata-v3.ts";

function refuse(message: string): MoraineError {
  return new MoraineError("InvalidMetadata", message);
}

/**
 * Parses and checks the metadata of an array. Keys that the specification does not have are passed over, as it says;
 * `_ARRAY_DIMENSIONS`, where xarray keeps the names of dimensions, stays an attribute and names the axes.
 *
 * Errors: `InvalidMetadata`, `UnsupportedDataType`, `UnsupportedCodec`, `UnsupportedVersion`.
 *
 * @param array the document `.zarray`
 * @param attributes the document `.zattrs`, where there is one
 */
export function parseArrayMetadataV2(array: JsonValue, attributes?: JsonValue): ArrayMetadata {
  const json = versionTwo(array, ".zarray");
  const shape = parseShape(json["shape"]);
  const order = json["order"];
  if (order !== "C" && order !== "F") throw refuse('order is neither "C" nor "F"');
  const separator = json["dimension_separator"] ?? ".";
  if (separator !== "." && separator !== "/") throw refuse('dimension_separator is neither "." nor "/"');
  const { dataType, byteOrders, codecs } = parseCodecsV2({
    dtype: json["dtype"],
    filters: json["filters"] ?? null,
    compressor: json["compressor"],
    transposed: order === "F" && shape.length > 1,
    rank: shape.length,
  });
  const given = parseAttributes(attributes);
  const metadata: ArrayMetadata = {
    shape,
    dataType,
    chunkGrid: { name: "regular", chunkShape: parseChunks(json["chunks"], shape) },
    chunkKeyEncoding: { name: "v2", separator },
    fillValue: parseFillValueV2(json["fill_value"], dataType, byteOrders),
    codecs,
    ...dimensionNames(given, shape.length),
    attributes: given,
  };
  checkCodecs(metadata);
  return metadata;
}

/** Parses the metadata of a group. Errors: `InvalidMetadata`, `UnsupportedVersion`. */
export function parseGroupMetadataV2(group: JsonValue, attributes?: JsonValue): GroupMetadata {
  versionTwo(group, ".zgroup");
  return { attributes: parseAttributes(attributes) };
}

function versionTwo(document: JsonValue, name: string): JsonObject {
  if (!isJsonObject(document)) throw refuse(`${name} is no object`);
  if (document["zarr_format"] !== 2) {
    throw new MoraineError("UnsupportedVersion", `zarr_format of ${name} is not 2`);
  }
  return document;
}

function parseChunks(json: JsonValue | undefined, shape: readonly number[]): number[] {
  if (!isJsonArray(json) || json.length !== shape.length) throw refuse("chunks needs a length for each axis");
  return json.map((length, axis) => {
    // Along an axis without elements some writers put 0.
    const least = shape[axis] === 0 ? 0 : 1;
    if (typeof length !== "number" || !Number.isSafeInteger(length) || length < least) {
      throw refuse("a chunk has a positive length along each axis");
    }
    return Math.max(length, 1);
  });
}

function dimensionNames(
  attributes: JsonObject,
  rank: number,
): { readonly dimensionNames?: readonly string[] } {
  const given = attributes["_ARRAY_DIMENSIONS"];
  if (!isJsonArray(given) || given.length !== rank || rank === 0) return {};
  const names = given.filter((name) => typeof name === "string");
  return names.length === rank ? { dimensionNames: names } : {};
}
