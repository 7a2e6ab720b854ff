/**
 * `.zarray` and `.zattrs` of Zarr v2 for an array of v3, where v2 can say the same.
 *
 * @module
 */

import { encodeBase64 } from "../binary/base64.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../binary/json.ts";
import { MIXED_ENDIAN_BYTES } from "../codecs/bytes.ts";
import type { CodecSpecification } from "../codecs/codec.ts";
import type { DataType } from "../data-types/data-type.ts";
import { fillValueToJson } from "../data-types/fill-value.ts";
import { type ByteOrder, numpyDtypeToJson } from "../data-types/numpy-dtype.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayMetadata } from "./array-metadata.ts";

/** Codecs that stand as `compressor`, as zarr-python writes them. */
const COMPRESSORS: ReadonlySet<string> = new Set(["blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"]);
const BLOSC_SHUFFLES: Readonly<Record<string, number>> = { noshuffle: 0, shuffle: 1, bitshuffle: 2 };

/**
 * The document `.zarray`.
 *
 * Errors: `UnsupportedLayout` for shards and grids of different chunks, `UnsupportedCodec`, `UnsupportedDataType`
 * for what v2 has no word for.
 *
 * @param withFill false writes null: nothing is missing, and readers such as xarray take the fill value for a mark
 * of missing values
 */
export function arrayMetadataToJsonV2(metadata: ArrayMetadata, withFill: boolean): JsonObject {
  const { shape, chunkGrid, dataType, chunkKeyEncoding } = metadata;
  if (chunkGrid.name !== "regular") {
    throw new MoraineError("UnsupportedLayout", "Zarr v2 has no chunks of different lengths");
  }
  const { order, dtype, filters, compressor } = encodingOf(metadata);
  return {
    zarr_format: 2,
    shape,
    chunks: chunkGrid.chunkShape,
    dtype,
    fill_value: withFill ? fillValueV2(metadata) : null,
    order,
    filters: filters.length > 0 ? filters : null,
    compressor: compressor ?? null,
    dimension_separator: chunkKeyEncoding.name === "v2" ? chunkKeyEncoding.separator : ".",
    ...(dataType.name === "string" && withFill && { fill_value: "" }),
  };
}

interface Encoding {
  readonly order: "C" | "F";
  readonly dtype: JsonValue;
  readonly filters: JsonObject[];
  readonly compressor: JsonObject | undefined;
}

function encodingOf({ codecs, dataType, shape }: ArrayMetadata): Encoding {
  const rest = [...codecs];
  let order: "C" | "F" = "C";
  if (rest[0]?.name === "transpose") {
    const given = rest.shift()?.configuration?.["order"];
    const reversed = isJsonArray(given) && given.every((axis, at) => axis === shape.length - 1 - at);
    if (!reversed) throw new MoraineError("UnsupportedCodec", "Zarr v2 transposes all axes or none");
    order = "F";
  }
  const serializer = rest.shift();
  const steps: JsonObject[] = [];
  let dtype: JsonValue;
  if (serializer?.name === "bytes" || serializer?.name === MIXED_ENDIAN_BYTES) {
    const endian = serializer.configuration?.["endian"] ?? "little";
    const orders = (isJsonArray(endian) ? endian : [endian]).map(
      (one): ByteOrder => (one === "big" ? "big" : "little"),
    );
    dtype = numpyDtypeToJson(dataType, orders);
  } else if (serializer?.name === "vlen-utf8" || serializer?.name === "vlen-bytes") {
    dtype = "|O";
    steps.push({ id: serializer.name });
  } else if (serializer?.name === "sharding_indexed") {
    throw new MoraineError("UnsupportedLayout", "Zarr v2 has no shards");
  } else {
    throw new MoraineError("UnsupportedCodec", `Zarr v2 has no codec "${serializer?.name}" in this place`);
  }
  steps.push(...rest.map(stepOf));
  const last = steps.at(-1);
  const compressor = last && COMPRESSORS.has(String(last["id"])) ? steps.pop() : undefined;
  return { order, dtype, filters: steps, compressor };
}

/** A codec of bytes as numcodecs names it. */
function stepOf({ name, configuration = {} }: CodecSpecification): JsonObject {
  if (name === "gzip" || name === "zstd") return { id: name, ...configuration };
  if (name === "blosc") {
    const { cname, clevel, shuffle, blocksize } = configuration;
    return {
      id: name,
      cname: cname ?? "lz4",
      clevel: clevel ?? 5,
      shuffle: BLOSC_SHUFFLES[String(shuffle)] ?? 1,
      blocksize: blocksize ?? 0,
    };
  }
  if (name.startsWith("numcodecs.")) return { id: name.slice("numcodecs.".length), ...configuration };
  throw new MoraineError("UnsupportedCodec", `Zarr v2 has no codec "${name}"`);
}

function fillValueV2({ fillValue, dataType }: ArrayMetadata): JsonValue {
  return isPlain(dataType) ? fillValueToJson(fillValue, dataType) : encodeBase64(fillValue);
}

/** Whether the fill values of a type have the same form in both versions. */
function isPlain({ name }: DataType): boolean {
  return name !== "struct" && name !== "raw_bytes" && name !== "null_terminated_bytes";
}
