/**
 * The attribute `_FillValue` in the form that xarray keeps in Zarr v3 (its `FillValueCoder`): without it xarray
 * refuses the whole group.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "../binary/base64.ts";
import { isJsonArray, type JsonValue } from "../binary/json.ts";
import type { DataType } from "../data-types/data-type.ts";

/**
 * The attribute as xarray writes it beside an array of this type: floating point numbers as the base64 of a
 * little-endian double, complex ones as a pair of these, integers and booleans as they are.
 *
 * @param value a number, a boolean, a pair for complex types; a list of one is that one
 * @returns undefined where xarray has no form: strings, records, several values, NaN for an integer. The
 * attribute must then be left out.
 *
 * @example
 * encodeFillValueAttribute(-999, { name: "float32" }); // "AAAAAAA4j8A="
 */
export function encodeFillValueAttribute(value: JsonValue, dataType: DataType): JsonValue | undefined {
  if (dataType.name === "complex64" || dataType.name === "complex128") {
    if (!isJsonArray(value) || value.length !== 2) return undefined;
    const [real, imaginary] = value.map(encodeDouble);
    return real === undefined || imaginary === undefined ? undefined : [real, imaginary];
  }
  const single = isJsonArray(value) && value.length === 1 ? (value[0] ?? null) : value;
  switch (dataType.name) {
    case "float16":
    case "bfloat16":
    case "float32":
    case "float64":
      return encodeDouble(single);
    case "bool":
      return typeof single === "boolean" || typeof single === "number" ? Boolean(single) : undefined;
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "uint8":
    case "uint16":
    case "uint32":
    case "uint64":
      if (typeof single === "bigint") return single;
      return typeof single === "number" && Number.isFinite(single) ? Math.trunc(single) : undefined;
    default:
      return undefined;
  }
}

/** The value of an attribute that {@link encodeFillValueAttribute} made; undefined where it is none. */
export function decodeFillValueAttribute(value: JsonValue, dataType: DataType): JsonValue | undefined {
  switch (dataType.name) {
    case "complex64":
    case "complex128": {
      if (!isJsonArray(value) || value.length !== 2) return undefined;
      const [real, imaginary] = value.map(decodeDouble);
      return real === undefined || imaginary === undefined ? undefined : [real, imaginary];
    }
    case "float16":
    case "bfloat16":
    case "float32":
    case "float64":
      return decodeDouble(value);
    default:
      return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean"
        ? value
        : undefined;
  }
}

function encodeDouble(value: JsonValue): string | undefined {
  if (typeof value !== "number" && typeof value !== "bigint") return undefined;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, Number(value), true);
  return encodeBase64(bytes);
}

function decodeDouble(value: JsonValue): number | undefined {
  if (typeof value !== "string") return undefined;
  const bytes = decodeBase64(value);
  if (bytes?.length !== 8) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
}
