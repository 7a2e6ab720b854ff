/**
 * `zarr.json`: array and group metadata (Zarr v3 core 3.1). Short forms are read; what is written is the form of
 * core 3.0, which every reader knows, in the order of keys that zarr-python writes.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, requireJson } from "../binary/json.ts";
import { MIXED_ENDIAN_BYTES } from "../codecs/bytes.ts";
import { codecToJson, parseCodecList } from "../codecs/codec-list.ts";
import { dataTypeToJson, parseDataType } from "../data-types/data-type-json.ts";
import { parseExtension } from "../data-types/extension.ts";
import { fillValueToJson, parseFillValue } from "../data-types/fill-value.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayMetadata, GroupMetadata } from "./array-metadata.ts";
import { checkCodecs } from "./check-codecs.ts";
import { chunkGridToJson, parseChunkGrid } from "./chunk-grid.ts";
import { chunkKeyEncodingToJson, parseChunkKeyEncoding } from "./chunk-key.ts";
import { completeStructuredCodecs, isStructured, parseStructuredFillValue } from "./structured.ts";

const ARRAY_KEYS: ReadonlySet<string> = new Set([
  "zarr_format",
  "node_type",
  "shape",
  "data_type",
  "chunk_grid",
  "chunk_key_encoding",
  "fill_value",
  "codecs",
  "attributes",
  "dimension_names",
  "storage_transformers",
]);
const GROUP_KEYS: ReadonlySet<string> = new Set([
  "zarr_format",
  "node_type",
  "attributes",
  "consolidated_metadata",
]);

function refuse(message: string): MoraineError {
  return new MoraineError("InvalidMetadata", message);
}

/** Whether a document is an array's or a group's. Errors: `InvalidMetadata`, `UnsupportedVersion`. */
export function nodeTypeOf(json: JsonValue): { readonly type: "array" | "group"; readonly json: JsonObject } {
  if (!isJsonObject(json)) throw refuse("zarr.json is no object");
  if (json["zarr_format"] !== 3) {
    throw new MoraineError("UnsupportedVersion", `zarr_format is ${String(json["zarr_format"])}, not 3`);
  }
  const type = json["node_type"];
  if (type !== "array" && type !== "group") throw refuse("node_type is neither array nor group");
  return { type, json };
}

/**
 * Parses and checks the metadata of an array: nothing in it is passed over.
 *
 * Errors: `InvalidMetadata`, `UnsupportedDataType`, `UnsupportedCodec`, `UnsupportedLayout`, `UnsupportedVersion`.
 */
export function parseArrayMetadata(document: JsonValue): ArrayMetadata {
  const { type, json } = nodeTypeOf(document);
  if (type !== "array") throw refuse("this is a group, not an array");
  checkUnknownKeys(json, ARRAY_KEYS);
  const transformers = json["storage_transformers"] ?? [];
  if (!isJsonArray(transformers)) throw refuse("storage_transformers is no list");
  for (const transformer of transformers) {
    const { name, mustUnderstand } = parseExtension(transformer, "a storage transformer");
    if (mustUnderstand) {
      throw new MoraineError("UnsupportedLayout", `there is no storage transformer "${name}" here`);
    }
  }
  const shape = parseShape(json["shape"]);
  const dataType = parseDataType(json["data_type"]);
  const old = isStructured(json["data_type"]);
  const codecs = old
    ? completeStructuredCodecs(parseCodecList(json["codecs"]))
    : parseCodecList(json["codecs"]);
  const metadata: ArrayMetadata = {
    shape,
    dataType,
    chunkGrid: parseChunkGrid(json["chunk_grid"], shape),
    chunkKeyEncoding: parseChunkKeyEncoding(json["chunk_key_encoding"]),
    fillValue: old
      ? parseStructuredFillValue(json["fill_value"], dataType, codecs)
      : parseFillValue(json["fill_value"], dataType),
    codecs,
    ...parseDimensionNames(json["dimension_names"], shape.length),
    attributes: parseAttributes(json["attributes"]),
  };
  checkCodecs(metadata);
  return metadata;
}

/** Shapes are lists of non-negative integers; their product must be countable. */
export function parseShape(json: JsonValue | undefined): number[] {
  if (!isJsonArray(json)) throw refuse("shape is no list");
  return json.map((length) => {
    if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0 || Object.is(length, -0)) {
      throw refuse("shape holds something that is no length");
    }
    return length;
  });
}

export function parseDimensionNames(
  json: JsonValue | undefined,
  rank: number,
): { readonly dimensionNames?: readonly (string | null)[] } {
  if (json === undefined || json === null) return {};
  if (!isJsonArray(json) || json.length !== rank)
    throw refuse("dimension_names needs an entry for each axis");
  const names = json.map((name) => {
    if (name !== null && typeof name !== "string") throw refuse("a dimension name is a string or null");
    return name;
  });
  return { dimensionNames: names };
}

export function parseAttributes(json: JsonValue | undefined): JsonObject {
  if (json === undefined) return {};
  if (!isJsonObject(json)) throw refuse("attributes is no object");
  return json;
}

/** Unknown keys are errors unless they say that they need not be understood. */
function checkUnknownKeys(json: JsonObject, known: ReadonlySet<string>): void {
  for (const [key, value] of Object.entries(json)) {
    if (known.has(key)) continue;
    if (!isJsonObject(value) || value["must_understand"] !== false) {
      throw refuse(`the key "${key}" is not known, and it must be understood`);
    }
  }
}

/**
 * The metadata of an array as `zarr.json` holds it.
 *
 * Errors: `UnsupportedCodec` for records whose fields have different byte orders, which Zarr v2 can say and v3 cannot;
 * `InvalidArgument` for attributes that are no JSON.
 */
export function arrayMetadataToJson(metadata: ArrayMetadata): JsonObject {
  requireStorable(metadata.codecs.map(codecToJson));
  requireJson(metadata.attributes, "attributes");
  return arrayMetadataToShow(metadata);
}

/** Codecs that stand only for what other formats say, also among those of shards, are in no document. */
function requireStorable(codecs: readonly JsonValue[]): void {
  for (const codec of codecs) {
    if (!isJsonObject(codec)) continue;
    if (codec["name"] === MIXED_ENDIAN_BYTES) {
      throw new MoraineError(
        "UnsupportedCodec",
        "Zarr v3 has no codec for records whose fields have different byte orders",
      );
    }
    const inner = isJsonObject(codec["configuration"]) ? codec["configuration"]["codecs"] : undefined;
    if (isJsonArray(inner)) requireStorable(inner);
  }
}

/** The same for people and for records of our own, whatever the codecs. */
export function arrayMetadataToShow(metadata: ArrayMetadata): JsonObject {
  return {
    shape: metadata.shape,
    data_type: dataTypeToJson(metadata.dataType),
    chunk_grid: chunkGridToJson(metadata.chunkGrid),
    chunk_key_encoding: chunkKeyEncodingToJson(metadata.chunkKeyEncoding),
    fill_value: fillValueToJson(metadata.fillValue, metadata.dataType),
    codecs: metadata.codecs.map(codecToJson),
    attributes: metadata.attributes,
    ...(metadata.dimensionNames && { dimension_names: metadata.dimensionNames }),
    zarr_format: 3,
    node_type: "array",
    storage_transformers: [],
  };
}

/** Parses the metadata of a group. Errors: `InvalidMetadata`, `UnsupportedVersion`. */
export function parseGroupMetadata(document: JsonValue): GroupMetadata {
  const { type, json } = nodeTypeOf(document);
  if (type !== "group") throw refuse("this is an array, not a group");
  checkUnknownKeys(json, GROUP_KEYS);
  return { attributes: parseAttributes(json["attributes"]) };
}

/** The metadata of a group as `zarr.json` holds it. Errors: `InvalidArgument` for attributes that are no JSON. */
export function groupMetadataToJson(metadata: GroupMetadata): JsonObject {
  requireJson(metadata.attributes, "attributes");
  return { attributes: metadata.attributes, zarr_format: 3, node_type: "group" };
}
