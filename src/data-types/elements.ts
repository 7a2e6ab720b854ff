/**
 * Elements of arrays as values of the language: bytes to typed arrays, texts and records.
 *
 * @module
 */

import type { JsonValue } from "../binary/json.ts";
import { latin1Text } from "../binary/latin1.ts";
import { MoraineError } from "../errors.ts";
import { type DataType, itemSize } from "./data-type.ts";
import { fillValueToJson } from "./fill-value.ts";
import { bfloat16ToNumber, float16ToNumber } from "./floats.ts";

/**
 * Elements in C order as they are held in memory: little-endian bytes without padding for types of fixed size,
 * else a value for each element.
 */
export type PackedElements = Uint8Array | readonly string[] | readonly Uint8Array[];

/** Elements in the form of the language. Complex numbers are two neighbours: real, imaginary. */
export type ElementArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array
  | readonly string[]
  | readonly Uint8Array[]
  | readonly { readonly [field: string]: JsonValue }[];

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The elements of an array as typed arrays: `BigInt64Array` for 64-bit integers, dates and durations,
 * `Uint8Array` of 0 and 1 for booleans, `Float32Array` for floats of two bytes and for `complex64` (twice as
 * long). Fixed and variable strings are texts, raw bytes `Uint8Array`s, records objects of their fields' JSON forms.
 *
 * The result may share the memory of `data`.
 *
 * @example
 * decodeElements(new Uint8Array([1, 0, 2, 0]), { name: "int16" }); // Int16Array [1, 2]
 */
export function decodeElements(data: PackedElements, dataType: DataType): ElementArray {
  if (!(data instanceof Uint8Array)) return data;
  const size = itemSize(dataType);
  if (size === undefined || (size > 0 && data.length % size !== 0)) {
    throw new MoraineError("InvalidArgument", `${data.length} bytes are no elements of ${dataType.name}`);
  }
  const words = aligned(data, Math.min(size, 8));
  const { buffer, byteOffset, length } = words;
  switch (dataType.name) {
    case "bool":
    case "uint8":
      return words;
    case "int8":
      return new Int8Array(buffer, byteOffset, length);
    case "int16":
      return new Int16Array(buffer, byteOffset, length / 2);
    case "uint16":
      return new Uint16Array(buffer, byteOffset, length / 2);
    case "int32":
      return new Int32Array(buffer, byteOffset, length / 4);
    case "uint32":
      return new Uint32Array(buffer, byteOffset, length / 4);
    case "int64":
    case "numpy.datetime64":
    case "numpy.timedelta64":
      return new BigInt64Array(buffer, byteOffset, length / 8);
    case "uint64":
      return new BigUint64Array(buffer, byteOffset, length / 8);
    case "float16":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, length / 2), float16ToNumber);
    case "bfloat16":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, length / 2), bfloat16ToNumber);
    case "float32":
    case "complex64":
      return new Float32Array(buffer, byteOffset, length / 4);
    case "float64":
    case "complex128":
      return new Float64Array(buffer, byteOffset, length / 8);
    case "fixed_length_utf32":
      return each(data, size, utf32Text);
    case "null_terminated_bytes":
      return each(data, size, bytesText);
    case "struct":
      return each(data, size, (element) => record(element, dataType));
    default:
      return each(data, size, (element) => element);
  }
}

/** One element as the value that stands for it among {@link PackedElements}: a text for strings, else its bytes. */
export function decodeElement(element: Uint8Array, dataType: DataType): string | Uint8Array {
  if (dataType.name !== "string") return element;
  try {
    return UTF8.decode(element);
  } catch (cause) {
    throw new MoraineError("CorruptChunk", "a string is not UTF-8", { cause });
  }
}

/**
 * The JSON form of every element: numbers (`bigint` beyond 2^53), texts, `[real, imaginary]`, base64 for raw bytes,
 * an object for a record. NaN and the infinities are numbers here; `stringifyJson` writes them.
 */
export function elementsToJson(data: PackedElements, dataType: DataType): JsonValue[] {
  const items: JsonValue[] = [];
  for (const value of decodeElements(data, dataType)) items.push(jsonOf(value, dataType));
  if (dataType.name !== "complex64" && dataType.name !== "complex128") return items;
  return Array.from({ length: items.length / 2 }, (_, at) => items.slice(2 * at, 2 * at + 2));
}

function jsonOf(value: ElementArray[number] | undefined, dataType: DataType): JsonValue {
  if (value instanceof Uint8Array) return fillValueToJson(value, dataType);
  if (dataType.name === "bool") return value !== 0;
  if (typeof value === "bigint") {
    return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;
  }
  return value ?? null;
}

function record(element: Uint8Array, dataType: DataType): { readonly [field: string]: JsonValue } {
  const fields: Record<string, JsonValue> = Object.create(null);
  if (dataType.name !== "struct") return fields;
  let at = 0;
  for (const field of dataType.fields) {
    const size = itemSize(field.dataType) ?? 0;
    fields[field.name] = elementsToJson(element.subarray(at, at + size), field.dataType)[0] ?? null;
    at += size;
  }
  return fields;
}

/** UTF-32, little-endian, without the NULs at its end. */
function utf32Text(element: Uint8Array): string {
  const view = new DataView(element.buffer, element.byteOffset, element.byteLength);
  let end = element.length;
  while (end >= 4 && view.getUint32(end - 4, true) === 0) end -= 4;
  let text = "";
  for (let at = 0; at < end; at += 4) {
    const point = view.getUint32(at, true);
    if (point > 0x10ffff)
      throw new MoraineError("CorruptChunk", `a string holds ${point}, which is no character`);
    text += String.fromCodePoint(point);
  }
  return text;
}

/** Without the NULs at its end: UTF-8 where it is that, else a character for each byte (ISO 8859-1). */
function bytesText(element: Uint8Array): string {
  let end = element.length;
  while (end > 0 && element[end - 1] === 0) end -= 1;
  const used = element.subarray(0, end);
  try {
    return UTF8.decode(used);
  } catch {
    return latin1Text(used);
  }
}

function each<T>(data: Uint8Array, size: number, value: (element: Uint8Array) => T): T[] {
  const values: T[] = [];
  for (let at = 0; at < data.length; at += size) values.push(value(data.subarray(at, at + size)));
  return values;
}

/** The same bytes where a typed array of words may begin. */
function aligned(bytes: Uint8Array, width: number): Uint8Array {
  return width > 1 && bytes.byteOffset % width !== 0 ? bytes.slice() : bytes;
}
