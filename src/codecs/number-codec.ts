/**
 * What the codecs have in common that make numbers of numbers, one for one.
 *
 * @module
 */

import type { JsonValue } from "../binary/json.ts";
import type { DataType } from "../data-types/data-type.ts";
import { itemSize } from "../data-types/data-type.ts";
import { castNumbers, type NumberType, numberTypeOf } from "../data-types/numbers.ts";
import { type NumpyDtype, parseCodecDtype } from "../data-types/numpy-dtype.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { ArrayToArrayCodec, ChunkData, ChunkRepresentation } from "./codec.ts";
import type { Configuration } from "./configuration.ts";

/** How the bytes of elements change; both directions keep the number of elements. */
export interface NumberTransform {
  readonly encodedType: DataType;
  encode(bytes: Uint8Array): Uint8Array;
  decode(bytes: Uint8Array): Uint8Array;
  /** The encoded fill value, where there is one. */
  readonly encodedFill: Uint8Array | undefined;
}

/** A codec that transforms numbers. */
export function numberCodec(
  representation: ChunkRepresentation,
  { encodedType, encode, decode, encodedFill }: NumberTransform,
): ArrayToArrayCodec {
  return {
    kind: "array-to-array",
    encoded: { shape: representation.shape, dataType: encodedType, fillValue: encodedFill },
    encode: (data) => encode(packed(data)),
    decode: (data) => decode(packed(data)),
  };
}

/** What an encoder makes of a fill value; undefined where it cannot. */
export function encodedFill(
  fillValue: Uint8Array | undefined,
  encode: (bytes: Uint8Array) => Uint8Array,
): Uint8Array | undefined {
  if (fillValue === undefined) return undefined;
  try {
    return encode(fillValue);
  } catch (error) {
    if (isMoraineError(error, "CorruptChunk", "InvalidArgument")) return undefined;
    throw error;
  }
}

/**
 * The fill value behind a codec of numcodecs: the number itself in the stored type. zarr-python does not scale it,
 * and leaves inner chunks of shards out accordingly.
 */
export function castFill(
  fillValue: Uint8Array | undefined,
  type: NumberType,
  stored: NumberType,
): Uint8Array | undefined {
  return encodedFill(fillValue, (bytes) => castNumbers(bytes, type, stored));
}

/** Elements of fixed size. */
export function packed(data: ChunkData): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw new MoraineError("InvalidArgument", "elements of a fixed size were expected");
}

/** The number type of an array. Errors: `InvalidMetadata` where its elements are no numbers. */
export function numbersOf(configuration: Configuration, dataType: DataType): NumberType {
  const type = numberTypeOf(dataType);
  if (type === undefined) throw configuration.error(`it cannot encode ${dataType.name}`);
  return type;
}

/**
 * A dtype in the configuration of a codec of numcodecs, as which it sees the bytes of elements; `fallback` where it
 * is absent.
 *
 * Errors: `InvalidMetadata` for dtypes that are not little-endian numbers (others would be no dtype of the elements
 * in memory).
 */
export function dtypeOf(
  configuration: Configuration,
  key: string,
  fallback: DataType,
): { readonly dataType: DataType; readonly type: NumberType } {
  const json: JsonValue | undefined = configuration.value(key) ?? undefined;
  const dtype: NumpyDtype =
    json === undefined ? { dataType: fallback, byteOrders: [] } : parseCodecDtype(json);
  if (dtype.byteOrders.includes("big")) throw configuration.error(`${key} must be little-endian`);
  return { dataType: dtype.dataType, type: numbersOf(configuration, dtype.dataType) };
}

/** Checks that a codec sees each element as one number. */
export function checkItemSize(configuration: Configuration, dataType: DataType, type: NumberType): void {
  if (itemSize(dataType) !== type.size) {
    throw configuration.error(`it sees ${dataType.name} as ${type.name}, which has another size`);
  }
}
