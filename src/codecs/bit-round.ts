/**
 * `numcodecs.bitround` and `bitround`: floats with fewer bits in their mantissas (numcodecs, `BitRound`; zarr-extensions
 * "bitround"). What is stored are floats: decoding changes nothing.
 *
 * @module
 */

import type { NumberType } from "../data-types/numbers.ts";
import type { CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { numberCodec, numbersOf } from "./number-codec.ts";

const MANTISSA_BITS: Readonly<Partial<Record<NumberType["name"], number>>> = {
  float16: 10,
  bfloat16: 7,
  float32: 23,
  float64: 52,
};

function makeRounding(name: string): CodecMaker {
  return (values, representation) => {
    const configuration = new Configuration(name, values, ["keepbits"]);
    const type = numbersOf(configuration, representation.dataType);
    const bits = MANTISSA_BITS[type.name];
    if (bits === undefined) throw configuration.error(`it cannot encode ${type.name}`);
    const kept = configuration.integer("keepbits", 0, bits);
    return numberCodec(representation, {
      encodedType: representation.dataType,
      encode: (bytes) => (kept === bits ? bytes : rounded(bytes, type.size, BigInt(bits - kept))),
      decode: (bytes) => bytes,
      encodedFill: representation.fillValue,
    });
  };
}

/** To nearest, halves to even, by adding to the bits of the floats. */
function rounded(bytes: Uint8Array, size: number, dropped: bigint): Uint8Array {
  const out = bytes.slice();
  const words =
    size === 2
      ? new Uint16Array(out.buffer)
      : size === 4
        ? new Uint32Array(out.buffer)
        : new BigUint64Array(out.buffer);
  const half = (1n << (dropped - 1n)) - 1n;
  for (let i = 0; i < words.length; i++) {
    const word = BigInt(words[i] ?? 0);
    const sum = word + ((word >> dropped) & 1n) + half;
    const kept = (sum >> dropped) << dropped;
    if (words instanceof BigUint64Array) words[i] = kept;
    else words[i] = Number(BigInt.asUintN(8 * size, kept));
  }
  return out;
}

export const makeNumcodecsBitRound: CodecMaker = makeRounding("numcodecs.bitround");
export const makeBitRound: CodecMaker = makeRounding("bitround");
