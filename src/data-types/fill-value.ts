/**
 * Fill values between their JSON form and one element's bytes, exact to the bit (Zarr v3 core 3.1 "fill value").
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "../binary/base64.ts";
import { isJsonArray, isJsonObject, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import { type DataType, itemSize, type SimpleName } from "./data-type.ts";
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from "./floats.ts";

const UTF8 = new TextEncoder();
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NOT_A_TIME = -(2n ** 63n);

function refuse(dataType: DataType, json: JsonValue | undefined): MoraineError {
  const shown = JSON.stringify(json, (_key, value) => (typeof value === "bigint" ? `${value}` : value));
  return new MoraineError("InvalidMetadata", `${shown} is no fill value for ${dataType.name}`);
}

/**
 * The element that a `fill_value` means: little-endian bytes; UTF-8 for strings.
 *
 * Errors: `InvalidMetadata` where the value does not fit the type.
 */
export function parseFillValue(json: JsonValue | undefined, dataType: DataType): Uint8Array {
  switch (dataType.name) {
    case "fixed_length_utf32": {
      if (typeof json !== "string") throw refuse(dataType, json);
      const points = Array.from(json, (character) => character.codePointAt(0) ?? 0);
      if (points.length * 4 > dataType.lengthBytes) throw refuse(dataType, json);
      const bytes = new Uint8Array(dataType.lengthBytes);
      const view = new DataView(bytes.buffer);
      points.forEach((point, index) => void view.setUint32(index * 4, point, true));
      return bytes;
    }
    case "null_terminated_bytes": {
      const given = binary(json, dataType);
      if (given.length > dataType.lengthBytes) throw refuse(dataType, json);
      const bytes = new Uint8Array(dataType.lengthBytes);
      bytes.set(given);
      return bytes;
    }
    case "raw_bytes": {
      const given = binary(json, dataType);
      if (given.length !== dataType.lengthBytes) throw refuse(dataType, json);
      return given;
    }
    case "numpy.datetime64":
    case "numpy.timedelta64":
      return integerBytes(json === "NaT" ? NOT_A_TIME : json, 8, true, dataType);
    case "string":
      // Half of a surrogate pair has no bytes of its own.
      if (typeof json !== "string" || /\p{Surrogate}/u.test(json)) throw refuse(dataType, json);
      return UTF8.encode(json);
    case "variable_length_bytes":
      return binary(json, dataType);
    case "struct": {
      const bytes = new Uint8Array(itemSize(dataType) ?? 0);
      if (!isJsonObject(json)) {
        // The form before 3.2: the packed bytes in base64.
        if (typeof json !== "string") throw refuse(dataType, json);
        const given = binary(json, dataType);
        if (given.length !== bytes.length) throw refuse(dataType, json);
        return given;
      }
      if (Object.keys(json).length !== dataType.fields.length) throw refuse(dataType, json);
      let at = 0;
      for (const field of dataType.fields) {
        if (!Object.hasOwn(json, field.name)) throw refuse(dataType, json);
        const part = parseFillValue(json[field.name], field.dataType);
        bytes.set(part, at);
        at += part.length;
      }
      return bytes;
    }
    default:
      return simpleBytes(json, dataType.name, dataType);
  }
}

function simpleBytes(json: JsonValue | undefined, name: SimpleName, dataType: DataType): Uint8Array {
  switch (name) {
    case "bool":
      if (typeof json !== "boolean") throw refuse(dataType, json);
      return new Uint8Array([json ? 1 : 0]);
    case "complex64":
    case "complex128": {
      if (!isJsonArray(json) || json.length !== 2) throw refuse(dataType, json);
      const part: SimpleName = name === "complex64" ? "float32" : "float64";
      const size = name === "complex64" ? 4 : 8;
      const bytes = new Uint8Array(2 * size);
      bytes.set(floatBytes(json[0], part, dataType));
      bytes.set(floatBytes(json[1], part, dataType), size);
      return bytes;
    }
    case "float16":
    case "bfloat16":
    case "float32":
    case "float64":
      return floatBytes(json, name, dataType);
    default:
      return integerBytes(json, Number(/\d+$/.exec(name)?.[0] ?? 8) / 8, !name.startsWith("u"), dataType);
  }
}

function integerBytes(
  json: JsonValue | undefined,
  size: number,
  signed: boolean,
  dataType: DataType,
): Uint8Array {
  // zarr-python reads 0.0 and 1e3 for integers too; the value is whole.
  if (typeof json !== "bigint" && !(typeof json === "number" && Number.isInteger(json)))
    throw refuse(dataType, json);
  const value = BigInt(json);
  const bits = BigInt(size * 8);
  const low = signed ? -(2n ** (bits - 1n)) : 0n;
  const high = signed ? 2n ** (bits - 1n) : 2n ** bits;
  if (value < low || value >= high) throw refuse(dataType, json);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, value), true);
  return bytes.slice(0, size);
}

const FLOAT_SIZES: Readonly<Partial<Record<SimpleName, number>>> = {
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
};

function floatBytes(json: JsonValue | undefined, name: SimpleName, dataType: DataType): Uint8Array {
  const size = FLOAT_SIZES[name] ?? 8;
  if (typeof json === "string" && /^0x[0-9a-fA-F]+$/.test(json)) {
    // The raw bits, most significant first: the only form that keeps the payload of a NaN.
    if (json.length !== 2 + 2 * size) throw refuse(dataType, json);
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++)
      bytes[size - 1 - i] = Number.parseInt(json.slice(2 + 2 * i, 4 + 2 * i), 16);
    return bytes;
  }
  const value =
    typeof json === "number" || typeof json === "bigint"
      ? Number(json)
      : typeof json === "string"
        ? namedFloat(json)
        : undefined;
  if (value === undefined) throw refuse(dataType, json);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const canonical = Number.isNaN(value);
  if (name === "float64") {
    if (canonical) view.setBigUint64(0, 0x7ff8000000000000n, true);
    else view.setFloat64(0, value, true);
  } else if (name === "float32") {
    if (canonical) view.setUint32(0, 0x7fc00000, true);
    else view.setFloat32(0, value, true);
  } else {
    view.setUint16(0, name === "float16" ? numberToFloat16(value) : numberToBfloat16(value), true);
  }
  if (canonical && json === "-NaN") bytes[size - 1] = (bytes[size - 1] ?? 0) | 0x80;
  return bytes;
}

function namedFloat(text: string): number | undefined {
  if (text === "NaN" || text === "-NaN") return Number.NaN;
  if (text === "Infinity" || text === "+Infinity") return Infinity;
  if (text === "-Infinity") return -Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function binary(json: JsonValue | undefined, dataType: DataType): Uint8Array {
  if (typeof json === "string") {
    const bytes = decodeBase64(json);
    if (bytes === undefined) throw refuse(dataType, json);
    return bytes;
  }
  if (
    isJsonArray(json) &&
    json.every((item) => typeof item === "number" && Number.isInteger(item) && item >= 0 && item < 256)
  ) {
    return Uint8Array.from(json, Number);
  }
  throw refuse(dataType, json);
}

/** The JSON form of an element. NaNs other than the usual one are written as their bits, so that they stay. */
export function fillValueToJson(element: Uint8Array, dataType: DataType): JsonValue {
  const view = new DataView(element.buffer, element.byteOffset, element.byteLength);
  switch (dataType.name) {
    case "fixed_length_utf32": {
      let text = "";
      for (let at = 0; at + 4 <= element.length; at += 4) {
        const point = view.getUint32(at, true);
        if (point > 0x10ffff) throw new MoraineError("InvalidMetadata", "a fill value is no UTF-32");
        text += String.fromCodePoint(point);
      }
      return text.replace(/\0+$/, "");
    }
    case "null_terminated_bytes": {
      let end = element.length;
      while (end > 0 && element[end - 1] === 0) end -= 1;
      return encodeBase64(element.subarray(0, end));
    }
    case "raw_bytes":
    case "variable_length_bytes":
      return encodeBase64(element);
    case "numpy.datetime64":
    case "numpy.timedelta64":
      return exactInteger(view.getBigInt64(0, true));
    case "string":
      try {
        return TEXT.decode(element);
      } catch (cause) {
        throw new MoraineError("InvalidMetadata", "the fill value of a string is not UTF-8", { cause });
      }
    case "struct": {
      const entries: [string, JsonValue][] = [];
      let at = 0;
      for (const field of dataType.fields) {
        const size = itemSize(field.dataType) ?? 0;
        entries.push([field.name, fillValueToJson(element.subarray(at, at + size), field.dataType)]);
        at += size;
      }
      return Object.fromEntries(entries);
    }
    case "bool":
      return element[0] !== 0;
    case "complex64":
      return [floatToJson(view, 0, "float32"), floatToJson(view, 4, "float32")];
    case "complex128":
      return [floatToJson(view, 0, "float64"), floatToJson(view, 8, "float64")];
    case "float16":
    case "bfloat16":
    case "float32":
    case "float64":
      return floatToJson(view, 0, dataType.name);
    case "int8":
      return view.getInt8(0);
    case "int16":
      return view.getInt16(0, true);
    case "int32":
      return view.getInt32(0, true);
    case "int64":
      return exactInteger(view.getBigInt64(0, true));
    case "uint8":
      return view.getUint8(0);
    case "uint16":
      return view.getUint16(0, true);
    case "uint32":
      return view.getUint32(0, true);
    case "uint64":
      return exactInteger(view.getBigUint64(0, true));
  }
}

function exactInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const USUAL_NAN: Readonly<Partial<Record<SimpleName, bigint>>> = {
  float16: 0x7e00n,
  bfloat16: 0x7fc0n,
  float32: 0x7fc00000n,
  float64: 0x7ff8000000000000n,
};

function floatToJson(
  view: DataView,
  at: number,
  name: "float16" | "bfloat16" | "float32" | "float64",
): JsonValue {
  const size = FLOAT_SIZES[name] ?? 8;
  const value =
    name === "float64"
      ? view.getFloat64(at, true)
      : name === "float32"
        ? view.getFloat32(at, true)
        : name === "float16"
          ? float16ToNumber(view.getUint16(at, true))
          : bfloat16ToNumber(view.getUint16(at, true));
  if (!Number.isNaN(value)) return Number.isFinite(value) ? value : value > 0 ? "Infinity" : "-Infinity";
  let bits = 0n;
  for (let i = size - 1; i >= 0; i--) bits = bits * 256n + BigInt(view.getUint8(at + i));
  return bits === USUAL_NAN[name] ? "NaN" : `0x${bits.toString(16).padStart(2 * size, "0")}`;
}

/** The element of zeros: `""`, `false`, 0. */
export function defaultFillValue(dataType: DataType): Uint8Array {
  return new Uint8Array(itemSize(dataType) ?? 0);
}
