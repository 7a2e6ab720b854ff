/**
 * `dtype`, `filters` and `compressor` of Zarr v2 as the codecs of v3 that read and write the same bytes.
 *
 * Filters of v2 take a flat array as its bytes lie, each seeing it as a dtype of its own. Those that change values
 * come before the codec `bytes` here, which puts the byte order of the last of them; the others come after it.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../binary/json.ts";
import { MIXED_ENDIAN_BYTES } from "../codecs/bytes.ts";
import type { CodecSpecification } from "../codecs/codec.ts";
import { isKnownCodec } from "../codecs/codecs.ts";
import { type DataType, itemSize } from "../data-types/data-type.ts";
import {
  type ByteOrder,
  type NumpyDtype,
  parseCodecDtype,
  parseNumpyDtype,
} from "../data-types/numpy-dtype.ts";
import { MoraineError } from "../errors.ts";

/** The parts of `.zarray` that say how chunks are encoded. */
export interface EncodingV2 {
  readonly dtype: JsonValue | undefined;
  readonly filters: JsonValue;
  readonly compressor: JsonValue | undefined;
  /** Whether the order of elements is Fortran's. */
  readonly transposed: boolean;
  readonly rank: number;
}

function refuse(message: string): MoraineError {
  return new MoraineError("InvalidMetadata", message);
}

/** Codecs that encode objects of which v3 has a type. */
const OBJECT_CODECS: ReadonlyMap<string, DataType> = new Map([
  ["vlen-utf8", { name: "string" }],
  ["vlen-bytes", { name: "variable_length_bytes" }],
  ["json2", { name: "string" }],
  ["categorize", { name: "string" }],
]);

/** The data type, and codecs. Errors: `InvalidMetadata`, `UnsupportedDataType`, `UnsupportedCodec`. */
export function parseCodecsV2(encoding: EncodingV2): NumpyDtype & { readonly codecs: CodecSpecification[] } {
  const filters = steps(encoding.filters);
  if (encoding.compressor === undefined) throw refuse("compressor is missing");
  const compressors = encoding.compressor === null ? [] : [step(encoding.compressor, "compressor")];
  const first: CodecSpecification[] = encoding.transposed
    ? [{ name: "transpose", configuration: { order: reversedAxes(encoding.rank) } }]
    : [];
  if (encoding.dtype === "|O" || encoding.dtype === "O") {
    const [object, ...others] = filters;
    if (object === undefined) throw refuse("an array of objects has no codec for them");
    const dataType = OBJECT_CODECS.get(object.id);
    if (dataType === undefined) {
      throw new MoraineError("UnsupportedCodec", `objects encoded by "${object.id}" cannot be read here`);
    }
    const later = [...others, ...compressors].map(({ id, configuration }) => byteCodec(id, configuration, 1));
    return { dataType, byteOrders: [], codecs: [...first, ...objectCodecs(object, encoding), ...later] };
  }
  const dtype = parseNumpyDtype(encoding.dtype);
  const codecs = [...first];
  let current: NumpyDtype = dtype;
  let at = 0;
  for (let filter = filters[0]; filter && ARRAY_FILTERS.has(filter.id); filter = filters[++at]) {
    const { codec, encoded } = arrayFilter(filter, current);
    codecs.push(codec);
    current = encoded;
  }
  codecs.push(numpySerializer(current));
  const size = itemSize(current.dataType) ?? 1;
  const later = [...filters.slice(at), ...compressors];
  // What comes out of a filter is bytes to the next one.
  codecs.push(
    ...later.map(({ id, configuration }, index) => byteCodec(id, configuration, index === 0 ? size : 1)),
  );
  return { ...dtype, codecs };
}

/** What turns objects into bytes. */
function objectCodecs({ id, configuration }: Step, { transposed }: EncodingV2): CodecSpecification[] {
  if (id === "categorize") {
    const encoded = parseCodecDtype(configuration["astype"] ?? "|u1");
    const astype = littleEndian(configuration["astype"] ?? "|u1");
    return [
      { name: "numcodecs.categorize", configuration: { ...configuration, astype } },
      numpySerializer(encoded),
    ];
  }
  if (id === "json2" && transposed) {
    // It keeps the order of the array, which readers then take for the order of its bytes.
    throw new MoraineError("UnsupportedCodec", "objects as JSON in Fortran's order have no certain order");
  }
  return [{ name: id === "json2" ? "numcodecs.json2" : id, configuration }];
}

interface Step {
  readonly id: string;
  readonly configuration: JsonObject;
}

function steps(json: JsonValue): Step[] {
  if (json === null) return [];
  if (!isJsonArray(json)) throw refuse("filters is neither null nor a list");
  return json.map((item) => step(item, "a filter"));
}

function step(json: JsonValue, what: string): Step {
  if (!isJsonObject(json) || typeof json["id"] !== "string") throw refuse(`${what} is no object with an id`);
  const { id, ...configuration } = json;
  return { id: json["id"], configuration };
}

function reversedAxes(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
}

/** The codec `bytes`, or one of our own where the fields of a record differ in byte order. */
export function numpySerializer({ byteOrders }: NumpyDtype): CodecSpecification {
  const [order] = byteOrders;
  if (order === undefined) return { name: "bytes" };
  return byteOrders.every((other) => other === order)
    ? { name: "bytes", configuration: { endian: order } }
    : { name: MIXED_ENDIAN_BYTES, configuration: { endian: [...byteOrders] } };
}

/** For each filter that changes values, the keys of its configuration that hold dtypes. */
const ARRAY_FILTERS: ReadonlyMap<string, { readonly decoded: string; readonly encoded: string }> = new Map([
  ["delta", { decoded: "dtype", encoded: "astype" }],
  ["fixedscaleoffset", { decoded: "dtype", encoded: "astype" }],
  ["quantize", { decoded: "dtype", encoded: "astype" }],
  ["astype", { decoded: "decode_dtype", encoded: "encode_dtype" }],
  ["bitround", { decoded: "", encoded: "" }],
  ["packbits", { decoded: "", encoded: "" }],
]);

/** A filter on values that stand in the memory of v3, which is little-endian, and what it makes of them. */
function arrayFilter(
  { id, configuration }: Step,
  given: NumpyDtype,
): { readonly codec: CodecSpecification; readonly encoded: NumpyDtype } {
  const keys = ARRAY_FILTERS.get(id);
  const name = `numcodecs.${id}`;
  if (id === "packbits") return { codec: { name, configuration }, encoded: parseNumpyDtype("|u1") };
  if (keys === undefined || keys.decoded === "") return { codec: { name, configuration }, encoded: given };
  const decoded = parseCodecDtype(configuration[keys.decoded]);
  if (orderOf(decoded) !== orderOf(given) && (itemSize(given.dataType) ?? 1) > 1) {
    throw new MoraineError("UnsupportedCodec", `the filter ${id} sees its input in another byte order`);
  }
  const encoded = parseCodecDtype(configuration[keys.encoded] ?? configuration[keys.decoded]);
  return {
    codec: {
      name,
      configuration: {
        ...configuration,
        [keys.decoded]: littleEndian(configuration[keys.decoded]),
        ...(configuration[keys.encoded] !== undefined && {
          [keys.encoded]: littleEndian(configuration[keys.encoded]),
        }),
      },
    },
    encoded,
  };
}

function orderOf({ byteOrders }: NumpyDtype): ByteOrder {
  return byteOrders[0] ?? "little";
}

function littleEndian(dtype: JsonValue | undefined): JsonValue {
  return typeof dtype === "string" ? dtype.replace(/^>/, "<") : (dtype ?? null);
}

const BLOSC_SHUFFLES: Readonly<Record<string, string>> = {
  "0": "noshuffle",
  "1": "shuffle",
  "2": "bitshuffle",
};

/**
 * A filter or compressor of bytes: the codec of v3's core where there is one, which more readers know.
 *
 * @param size bytes of an element of what it encodes
 */
function byteCodec(id: string, configuration: JsonObject, size: number): CodecSpecification {
  switch (id) {
    case "gzip":
    case "zstd":
      return { name: id, configuration };
    case "blosc": {
      const given = configuration["shuffle"] ?? 1;
      // -1 is bits for elements of one byte, else bytes.
      const shuffle = BLOSC_SHUFFLES[String(given === -1 ? (size === 1 ? 2 : 1) : given)];
      if (shuffle === undefined) throw refuse(`blosc: ${String(given)} is no kind of shuffle`);
      const { cname = "lz4", clevel = 5, blocksize = 0, typesize = Math.min(size, 255) } = configuration;
      return {
        name: "blosc",
        configuration: { cname, clevel, shuffle, typesize, blocksize },
      };
    }
    case "shuffle":
      return { name: "numcodecs.shuffle", configuration: { elementsize: 4, ...configuration } };
    default: {
      const name = `numcodecs.${id}`;
      if (!isKnownCodec(name) || ARRAY_FILTERS.has(id)) {
        throw new MoraineError("UnsupportedCodec", `the filter or compressor "${id}" is not known here`);
      }
      return { name, configuration };
    }
  }
}
