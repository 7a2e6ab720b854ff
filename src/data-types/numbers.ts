/**
 * Numbers in the memory of arrays: which types are numbers, views of their bytes, and conversions between them.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { DataType, SimpleName } from "./data-type.ts";
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from "./floats.ts";

export type NumberName = Exclude<SimpleName, "bool" | "complex64" | "complex128">;

/** A type of numbers. */
export interface NumberType {
  readonly name: NumberName;
  readonly kind: "int" | "uint" | "float";
  /** Bytes. */
  readonly size: number;
  /** The least and the greatest integer, of an integer type. */
  readonly low: bigint;
  readonly high: bigint;
}

export type SmallArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array;
export type NumberArray = SmallArray | BigInt64Array | BigUint64Array;

function integer(name: NumberName, kind: "int" | "uint", size: number): NumberType {
  const bits = BigInt(8 * size);
  const [low, high] = kind === "int" ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
  return { name, kind, size, low, high };
}

function float(name: NumberName, size: number): NumberType {
  return { name, kind: "float", size, low: 0n, high: 0n };
}

const TYPES: Readonly<Record<NumberName, NumberType>> = {
  int8: integer("int8", "int", 1),
  int16: integer("int16", "int", 2),
  int32: integer("int32", "int", 4),
  int64: integer("int64", "int", 8),
  uint8: integer("uint8", "uint", 1),
  uint16: integer("uint16", "uint", 2),
  uint32: integer("uint32", "uint", 4),
  uint64: integer("uint64", "uint", 8),
  float16: float("float16", 2),
  bfloat16: float("bfloat16", 2),
  float32: float("float32", 4),
  float64: float("float64", 8),
};

function isNumberName(name: string): name is NumberName {
  return Object.hasOwn(TYPES, name);
}

/** The number type of a data type; undefined for booleans, complex numbers, times, texts and records. */
export function numberTypeOf(dataType: DataType): NumberType | undefined {
  return isNumberName(dataType.name) ? TYPES[dataType.name] : undefined;
}

/** The numbers as a typed array; those of two-byte floats are converted, others share the memory where they can. */
export function viewNumbers(bytes: Uint8Array, { name, size }: NumberType): NumberArray {
  const { buffer, byteOffset, length } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const count = Math.floor(length / size);
  switch (name) {
    case "int8":
      return new Int8Array(buffer, byteOffset, count);
    case "int16":
      return new Int16Array(buffer, byteOffset, count);
    case "int32":
      return new Int32Array(buffer, byteOffset, count);
    case "int64":
      return new BigInt64Array(buffer, byteOffset, count);
    case "uint8":
      return new Uint8Array(buffer, byteOffset, count);
    case "uint16":
      return new Uint16Array(buffer, byteOffset, count);
    case "uint32":
      return new Uint32Array(buffer, byteOffset, count);
    case "uint64":
      return new BigUint64Array(buffer, byteOffset, count);
    case "float16":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, count), float16ToNumber);
    case "bfloat16":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, count), bfloat16ToNumber);
    case "float32":
      return new Float32Array(buffer, byteOffset, count);
    case "float64":
      return new Float64Array(buffer, byteOffset, count);
  }
}

/** The numbers as doubles, 64-bit integers rounded to the nearest. */
export function viewDoubles(bytes: Uint8Array, type: NumberType): SmallArray {
  const view = viewNumbers(bytes, type);
  return view instanceof BigInt64Array || view instanceof BigUint64Array
    ? Float64Array.from(view, Number)
    : view;
}

/** A double rounded to the nearest value of a float type. */
export function roundToFloat(value: number, { name }: NumberType): number {
  switch (name) {
    case "float32":
      return Math.fround(value);
    case "float16":
      return float16ToNumber(numberToFloat16(value));
    case "bfloat16":
      return bfloat16ToNumber(numberToBfloat16(value));
    default:
      return value;
  }
}

/**
 * The bytes of numbers in a type: floats rounded to nearest, fractions cut off for integers, as C casts.
 *
 * Errors: `CorruptChunk` for a number that an integer type does not hold, for which C promises nothing.
 */
export function packDoubles(values: ArrayLike<number>, type: NumberType): Uint8Array {
  const count = values.length;
  switch (type.name) {
    case "float64":
      return bytesOf(Float64Array.from(values));
    case "float32":
      return bytesOf(Float32Array.from(values));
    case "float16":
      return bytesOf(Uint16Array.from(values, numberToFloat16));
    case "bfloat16":
      return bytesOf(Uint16Array.from(values, numberToBfloat16));
    default:
      break;
  }
  const out = new Uint8Array(count * type.size);
  const view = viewNumbers(out, type);
  const [low, high] = [Number(type.low), Number(type.high)];
  for (let i = 0; i < count; i++) {
    const value = Math.trunc(values[i] ?? Number.NaN);
    // The greatest 64-bit integers are no doubles: the next double is one too many.
    const fits = type.size === 8 ? value >= low && value < high : value >= low && value <= high;
    if (!fits) throw new MoraineError("CorruptChunk", `${values[i]} is no ${type.name}`);
    if (view instanceof BigInt64Array || view instanceof BigUint64Array) view[i] = BigInt(value);
    else view[i] = value;
  }
  return out;
}

/**
 * Numbers of one type as those of another, as C casts: integers wrap around, fractions are cut off, floats are
 * rounded to nearest. Errors: as {@link packDoubles}.
 */
export function castNumbers(bytes: Uint8Array, from: NumberType, to: NumberType): Uint8Array {
  if (from.name === to.name) return bytes;
  if (from.kind === "float") return packDoubles(viewDoubles(bytes, from), to);
  const view = viewNumbers(bytes, from);
  if (to.kind === "float") {
    if (!(view instanceof BigInt64Array || view instanceof BigUint64Array)) return packDoubles(view, to);
    return packDoubles(Float64Array.from(view, to.size === 8 ? Number : roundedToOdd), to);
  }
  const out = new Uint8Array(view.length * to.size);
  const target = viewNumbers(out, to);
  for (let i = 0; i < view.length; i++) {
    const value = view[i] ?? 0;
    if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[i] = BigInt(value);
    else target[i] = typeof value === "bigint" ? Number(BigInt.asIntN(32, value)) : value;
  }
  return out;
}

/** A double that rounds to narrower floats as the integer does: its last bit is set where anything was cut off. */
function roundedToOdd(value: bigint): number {
  if (Number.isSafeInteger(Number(value))) return Number(value);
  const upper = value >> 16n;
  return Number(upper) * 65536 + (value === upper << 16n ? 0 : 65536 / 2 ** 4);
}

function bytesOf({ buffer }: Float64Array | Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer);
}
