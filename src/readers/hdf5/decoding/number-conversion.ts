/**
 * Numbers that no Zarr data type holds as they are stored: integers of odd width or precision, floating-point
 * numbers of other formats than IEEE 754's, VAX byte order. Values come out as the HDF5 library converts them.
 *
 * Specification 4.0, IV.A.2.d, classes 0 (fixed-point), 1 (floating-point) and 4 (bit field).
 *
 * @module
 */

import type { Datatype } from "../datatype.ts";

/**
 * Converts elements. Those of `stored` start at `from` and are `stride` bytes apart, those of `target` at `to` and
 * `targetStride`; the target is little-endian.
 */
export type Convert = (
  stored: Uint8Array,
  from: number,
  stride: number,
  count: number,
  target: Uint8Array,
  to: number,
  targetStride: number,
) => void;

type IntegerDatatype = Extract<Datatype, { class: "integer" | "bitfield" }>;
export type FloatDatatype = Extract<Datatype, { class: "float" }>;

/** Elements that need no more than their bytes copied, or copied in reverse order. */
export function copyConvert(size: number, reversed: boolean): Convert {
  return (stored, from, stride, count, target, to, targetStride) => {
    if (!reversed && stride === size && targetStride === size) {
      target.set(stored.subarray(from, from + count * size), to);
      return;
    }
    for (let i = 0; i < count; i++, from += stride, to += targetStride) {
      for (let byte = 0; byte < size; byte++) {
        target[to + byte] = stored[from + (reversed ? size - 1 - byte : byte)] ?? 0;
      }
    }
  };
}

/** The bytes of one element, least significant first. */
function littleEndianBytes(datatype: IntegerDatatype | FloatDatatype): (at: number) => readonly number[] {
  const { size, order } = datatype;
  const sources: number[] = [];
  for (let byte = 0; byte < size; byte++) {
    // VAX: words of two bytes, the most significant word first, the bytes within a word little-endian.
    if (order === "little") sources.push(byte);
    else if (order === "big") sources.push(size - 1 - byte);
    else sources.push(size - 2 - (byte - (byte % 2)) + (byte % 2));
  }
  return (at) => sources.map((source) => at + source);
}

function readBits(stored: Uint8Array, places: readonly number[], first: number, count: number): bigint {
  let value = 0n;
  for (let byte = places.length - 1; byte >= 0; byte--) {
    value = (value << 8n) | BigInt(stored[places[byte] ?? 0] ?? 0);
  }
  return (value >> BigInt(first)) & ((1n << BigInt(count)) - 1n);
}

/** Whether an integer is stored as Zarr's `bytes` codec stores it, in some byte order. */
export function isPlainInteger(datatype: IntegerDatatype): boolean {
  const { size, order, bitOffset, bitPrecision } = datatype;
  return (
    (size === 1 || size === 2 || size === 4 || size === 8) &&
    (order !== "vax" || size === 1) &&
    bitOffset === 0 &&
    bitPrecision === 8 * size
  );
}

/** Bytes of the smallest integer type that holds an odd one; undefined beyond 8. */
export function integerSize(datatype: IntegerDatatype): number | undefined {
  return [1, 2, 4, 8].find((size) => size >= datatype.size);
}

/** The bits of the value are moved to the bottom, the sign is extended. */
export function integerConvert(datatype: IntegerDatatype, targetSize: number): Convert {
  const places = littleEndianBytes(datatype);
  const { bitOffset, bitPrecision, signed } = datatype;
  return (stored, from, stride, count, target, to, targetStride) => {
    for (let i = 0; i < count; i++, from += stride, to += targetStride) {
      let value = readBits(stored, places(from), bitOffset, bitPrecision);
      if (signed) value = BigInt.asIntN(bitPrecision, value);
      for (let byte = 0; byte < targetSize; byte++) {
        target[to + byte] = Number(value & 0xffn);
        value >>= 8n;
      }
    }
  };
}

interface FloatFormat {
  readonly size: number;
  readonly exponentSize: number;
  readonly mantissaSize: number;
}

const IEEE_FORMATS: readonly FloatFormat[] = [
  { size: 2, exponentSize: 5, mantissaSize: 10 },
  { size: 4, exponentSize: 8, mantissaSize: 23 },
  { size: 8, exponentSize: 11, mantissaSize: 52 },
];

const UNNORMALIZED = 0;
const IMPLIED = 2;

function bias(exponentSize: number): number {
  return 2 ** (exponentSize - 1) - 1;
}

/** Whether a floating-point number is one of IEEE 754's, in some byte order. */
export function isPlainFloat(datatype: FloatDatatype): boolean {
  if (datatype.order === "vax") return false;
  return IEEE_FORMATS.some(
    ({ size, exponentSize, mantissaSize }) =>
      datatype.size === size &&
      datatype.bitOffset === 0 &&
      datatype.bitPrecision === 8 * size &&
      datatype.exponentSize === exponentSize &&
      datatype.mantissaSize === mantissaSize &&
      datatype.mantissaLocation === 0 &&
      datatype.exponentLocation === mantissaSize &&
      datatype.signLocation === 8 * size - 1 &&
      datatype.exponentBias === bias(exponentSize) &&
      datatype.normalization === IMPLIED,
  );
}

/** Bytes of the smallest IEEE format that holds every value of an odd one; undefined where none does. */
export function floatSize(datatype: FloatDatatype): number | undefined {
  const { size, exponentSize, mantissaSize, exponentBias } = datatype;
  return IEEE_FORMATS.find(
    (format) =>
      size <= format.size &&
      mantissaSize <= format.mantissaSize &&
      2 ** exponentSize - exponentBias - 1 <= bias(format.exponentSize) + 1 &&
      1 - exponentBias >= 1 - bias(format.exponentSize),
  )?.size;
}

/** Exact where {@link floatSize} chose the target. */
export function floatConvert(datatype: FloatDatatype, targetSize: number): Convert {
  const places = littleEndianBytes(datatype);
  const format = IEEE_FORMATS.find(({ size }) => size === targetSize) ?? IEEE_FORMATS[2];
  const exponentSize = format?.exponentSize ?? 11;
  const mantissaSize = format?.mantissaSize ?? 52;
  return (stored, from, stride, count, target, to, targetStride) => {
    for (let i = 0; i < count; i++, from += stride, to += targetStride) {
      const at = places(from);
      const sign = readBits(stored, at, datatype.signLocation, 1);
      const exponent = readBits(stored, at, datatype.exponentLocation, datatype.exponentSize);
      const mantissa = readBits(stored, at, datatype.mantissaLocation, datatype.mantissaSize);
      let bits = floatBits(datatype, exponent, mantissa, exponentSize, mantissaSize);
      bits |= sign << BigInt(exponentSize + mantissaSize);
      for (let byte = 0; byte < targetSize; byte++) {
        target[to + byte] = Number(bits & 0xffn);
        bits >>= 8n;
      }
    }
  };
}

/** Exponent and mantissa of the target format, without the sign. */
function floatBits(
  datatype: FloatDatatype,
  exponent: bigint,
  mantissa: bigint,
  exponentSize: number,
  mantissaSize: number,
): bigint {
  const largest = (1n << BigInt(exponentSize)) - 1n;
  if (exponent === (1n << BigInt(datatype.exponentSize)) - 1n) {
    // All exponent bits set is infinity, or NaN where the mantissa is not zero: the library sets all its bits.
    // Without normalisation the first bit of the mantissa says nothing: infinity has it set.
    const fractionSize = datatype.mantissaSize - (datatype.normalization === UNNORMALIZED ? 1 : 0);
    const fraction = mantissa & ((1n << BigInt(fractionSize)) - 1n);
    const payload = fraction === 0n ? 0n : (1n << BigInt(mantissaSize)) - 1n;
    return (largest << BigInt(mantissaSize)) | payload;
  }
  // The value is `significand * 2^power`.
  const implied = datatype.normalization === IMPLIED && exponent !== 0n;
  const significand = implied ? mantissa | (1n << BigInt(datatype.mantissaSize)) : mantissa;
  const power = Number(exponent) - datatype.exponentBias - datatype.mantissaSize + (implied ? 0 : 1);
  if (significand === 0n) return 0n;
  const length = significand.toString(2).length;
  let targetExponent = length - 1 + power + bias(exponentSize);
  let shift = mantissaSize - (length - 1);
  if (targetExponent <= 0) {
    shift += targetExponent - 1;
    targetExponent = 0;
  }
  const shifted = shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
  const fraction = shifted & ((1n << BigInt(mantissaSize)) - 1n);
  return (BigInt(targetExponent) << BigInt(mantissaSize)) | fraction;
}
