/**
 * Elements of a source as those of a virtual dataset of another datatype, as the library converts them (HDF5 Reference
 * Manual, "Datatype Conversion"): integers stop at the ends of their range, fractions are cut off, floats are rounded to
 * nearest and become infinite beyond their range.
 *
 * @module
 */

import type { DataType } from "../../../data-types/data-type.ts";
import {
  castNumbers,
  type NumberType,
  numberTypeOf,
  packDoubles,
  viewDoubles,
  viewNumbers,
} from "../../../data-types/numbers.ts";
import { MoraineError } from "../../../errors.ts";

/** Converts elements, little-endian and packed. */
export type SourceConversion = (bytes: Uint8Array) => Uint8Array;

/** The greatest finite numbers of floats. */
const GREATEST: Readonly<Record<number, number>> = { 2: 65504, 4: 2 ** 128 - 2 ** 104, 8: Number.MAX_VALUE };

/**
 * Undefined where the library's result is not known here: only numbers are converted, and texts into longer ones.
 * Errors of the conversion: `UnsupportedDataType` for numbers of which the library makes now this and now that.
 */
export function sourceConversion(from: DataType, to: DataType): SourceConversion | undefined {
  if (JSON.stringify(from) === JSON.stringify(to)) return (bytes) => bytes;
  if (from.name === "null_terminated_bytes" && to.name === "null_terminated_bytes") {
    return from.lengthBytes < to.lengthBytes ? widened(from.lengthBytes, to.lengthBytes) : undefined;
  }
  const [source, target] = [numberTypeOf(from), numberTypeOf(to)];
  if (!source || !target) return undefined;
  if (target.kind !== "float") return (bytes) => saturated(bytes, source, target);
  if (source.kind === "float") return (bytes) => narrowed(viewDoubles(bytes, source), target);
  return (bytes) => castNumbers(bytes, source, target);
}

function widened(from: number, to: number): SourceConversion {
  return (bytes) => {
    const count = bytes.length / from;
    const out = new Uint8Array(count * to);
    for (let i = 0; i < count; i++) out.set(bytes.subarray(i * from, (i + 1) * from), i * to);
    return out;
  };
}

function narrowed(values: ArrayLike<number>, to: NumberType): Uint8Array {
  const greatest = GREATEST[to.size] ?? Number.MAX_VALUE;
  const within = (value: number): number =>
    Math.abs(value) > greatest ? Math.sign(value) * Number.POSITIVE_INFINITY : value;
  return packDoubles(Float64Array.from(values, within), to);
}

function saturated(bytes: Uint8Array, from: NumberType, to: NumberType): Uint8Array {
  const values = viewNumbers(bytes, from);
  const out = new Uint8Array(values.length * to.size);
  const target = viewNumbers(out, to);
  const [low, high] = [Number(to.low), Number(to.high)];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (isDisputed(value, from, to)) {
      const reason = `a source of the virtual dataset has ${value}, and what the library makes of it as ${to.name} is not sure`;
      throw new MoraineError("UnsupportedDataType", reason);
    }
    const whole =
      typeof value === "bigint"
        ? clamped(value, to)
        : value <= low
          ? to.low
          : value >= high
            ? to.high
            : BigInt(Math.trunc(value));
    if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[i] = whole;
    else target[i] = Number(whole);
  }
  return out;
}

/**
 * NaN; the first double beyond the 64-bit integers, which C casts as it likes; and negative numbers for unsigned ones of
 * the same width, which wrap around or not with the byte order in which the library is asked.
 */
function isDisputed(value: number | bigint, from: NumberType, to: NumberType): boolean {
  if (typeof value === "number" && Number.isNaN(value)) return true;
  if (from.kind === "float") return to.size === 8 && value === Number(to.high);
  return value < 0 && to.kind === "uint" && from.size === to.size;
}

function clamped(value: bigint, { low, high }: NumberType): bigint {
  return value < low ? low : value > high ? high : value;
}
