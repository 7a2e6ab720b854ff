/**
 * `numcodecs.delta`: each number as its difference to the one before (numcodecs, `Delta`).
 *
 * @module
 */

import {
  castNumbers,
  type NumberType,
  numberTypeOf,
  packDoubles,
  roundToFloat,
  viewDoubles,
  viewNumbers,
} from "../data-types/numbers.ts";
import { MoraineError } from "../errors.ts";
import type { CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { castFill, checkItemSize, dtypeOf, numberCodec } from "./number-codec.ts";

export const makeDelta: CodecMaker = (values, representation) => {
  const configuration = new Configuration("numcodecs.delta", values, ["dtype", "astype"]);
  const { dataType, fillValue } = representation;
  if (configuration.value("dtype") === undefined) throw configuration.error("dtype is missing");
  const { dataType: decoded, type } = dtypeOf(configuration, "dtype", dataType);
  const { dataType: encoded, type: stored } = dtypeOf(configuration, "astype", decoded);
  checkItemSize(configuration, dataType, type);
  if (stored.kind === "float" && type.kind !== "float") {
    throw configuration.error(`it cannot add up ${stored.name} to ${type.name}`);
  }
  const isMixed =
    [stored, type].some(({ name }) => name === "uint64") && [stored, type].some(({ kind }) => kind === "int");
  if (isMixed)
    throw configuration.error("NumPy adds up uint64 and signed integers as floats, which loses them");
  return numberCodec(representation, {
    encodedType: configuration.value("astype") === undefined ? dataType : encoded,
    encode: (bytes) => encodeDelta(bytes, type, stored),
    decode: (bytes) => decodeDelta(bytes, stored, type),
    encodedFill: castFill(fillValue, type, stored),
  });
};

/**
 * The type that NumPy adds up in: one that holds the numbers of both.
 *
 * @param to a float type
 */
function sumType(from: NumberType, to: NumberType): NumberType {
  // Integers of 8 bits are exact in floats of 16, those of 16 bits in floats of 32.
  const needed = from.kind === "float" ? from.size : from.size === 1 ? 2 : from.size === 2 ? 4 : 8;
  if (needed <= to.size) return to;
  return numberTypeOf({ name: needed === 4 ? "float32" : "float64" }) ?? to;
}

/** Running sums. */
function decodeDelta(bytes: Uint8Array, from: NumberType, to: NumberType): Uint8Array {
  if (to.kind === "float") {
    const differences = viewDoubles(bytes, from);
    const sums = new Float64Array(differences.length);
    const type = sumType(from, to);
    let sum = 0;
    for (let i = 0; i < sums.length; i++) {
      const difference = roundToFloat(differences[i] ?? 0, type);
      // The first sum is the number itself: adding it to 0 would lose the sign of -0.
      sum = i === 0 ? difference : roundToFloat(sum + difference, type);
      sums[i] = sum;
    }
    return packDoubles(sums, to);
  }
  const sums = castNumbers(bytes, from, to).slice();
  if (to.size === 8) sumPairs(new Uint32Array(sums.buffer));
  else sumWords(sums, to);
  return sums;
}

function sumWords(bytes: Uint8Array, type: NumberType): void {
  const view = viewNumbers(bytes, type);
  if (view instanceof BigInt64Array || view instanceof BigUint64Array) return;
  let sum = 0;
  for (let i = 0; i < view.length; i++) {
    sum = (sum + (view[i] ?? 0)) | 0;
    view[i] = sum;
  }
}

/** Sums of 64 bits, lower and upper halves in turn. */
function sumPairs(words: Uint32Array): void {
  let low = 0;
  let high = 0;
  for (let i = 0; i + 1 < words.length; i += 2) {
    const sum = low + (words[i] ?? 0);
    low = sum >>> 0;
    high = (high + (words[i + 1] ?? 0) + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    words[i] = low;
    words[i + 1] = high;
  }
}

/** Errors: `InvalidArgument` for integers whose differences the stored type does not hold. */
function encodeDelta(bytes: Uint8Array, from: NumberType, to: NumberType): Uint8Array {
  const view = viewNumbers(bytes, from);
  if (from.kind === "float") {
    const numbers = viewDoubles(bytes, from);
    const differences = new Float64Array(numbers.length);
    for (let i = 0; i < differences.length; i++) {
      const number = numbers[i] ?? 0;
      differences[i] = i === 0 ? number : roundToFloat(number - (numbers[i - 1] ?? 0), from);
    }
    return packDoubles(differences, to);
  }
  const differences = new Uint8Array(bytes.length);
  const target = viewNumbers(differences, from);
  for (let i = 0; i < view.length; i++) {
    const [value, before] = [view[i] ?? 0, i === 0 ? undefined : view[i - 1]];
    if (target instanceof BigInt64Array || target instanceof BigUint64Array) {
      target[i] = BigInt(value) - BigInt(before ?? 0);
    } else {
      target[i] = Number(value) - Number(before ?? 0);
    }
  }
  const encoded = castNumbers(differences, from, to);
  const back = decodeDelta(encoded, to, from);
  if (back.some((byte, at) => byte !== bytes[at])) {
    throw new MoraineError("InvalidArgument", `numcodecs.delta: a difference does not fit ${to.name}`);
  }
  return encoded;
}
