/**
 * `numcodecs.fixedscaleoffset`: numbers scaled and rounded to fewer bits (numcodecs, `FixedScaleOffset`).
 *
 * @module
 */

import { roundTiesToEven } from "../data-types/floats.ts";
import { type NumberType, packDoubles, roundToFloat, viewDoubles } from "../data-types/numbers.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { castFill, checkItemSize, dtypeOf, numberCodec } from "./number-codec.ts";

export const makeFixedScaleOffset: CodecMaker = (values, representation) => {
  const configuration = new Configuration("numcodecs.fixedscaleoffset", values, [
    "offset",
    "scale",
    "dtype",
    "astype",
  ]);
  const { dataType } = representation;
  const offset = configuration.number("offset");
  const scale = configuration.number("scale");
  if (scale === 0) throw configuration.error("scale must not be 0");
  const { dataType: decoded, type } = dtypeOf(configuration, "dtype", dataType);
  const { dataType: encoded, type: stored } = dtypeOf(configuration, "astype", decoded);
  checkItemSize(configuration, dataType, type);
  return numberCodec(representation, {
    encodedType: encoded,
    encode: (bytes) => encodeScaled(bytes, type, stored, scale, offset),
    decode: (bytes) => decodeScaled(bytes, stored, type, scale, offset),
    encodedFill: castFill(representation.fillValue, type, stored),
  });
};

/** NumPy computes with floats in their own type, with integers in doubles. */
function decodeScaled(
  bytes: Uint8Array,
  from: NumberType,
  to: NumberType,
  scale: number,
  offset: number,
): Uint8Array {
  const numbers = viewDoubles(bytes, from);
  const out = new Float64Array(numbers.length);
  if (from.kind !== "float" || from.name === "float64") {
    for (let i = 0; i < out.length; i++) out[i] = (numbers[i] ?? 0) / scale + offset;
  } else {
    const [divisor, summand] = [roundToFloat(scale, from), roundToFloat(offset, from)];
    for (let i = 0; i < out.length; i++) {
      out[i] = roundToFloat(roundToFloat((numbers[i] ?? 0) / divisor, from) + summand, from);
    }
  }
  return packDoubles(out, to);
}

/** Errors: `InvalidArgument` for numbers that do not fit the stored type. */
function encodeScaled(
  bytes: Uint8Array,
  from: NumberType,
  to: NumberType,
  scale: number,
  offset: number,
): Uint8Array {
  const [factor, summand] =
    from.kind === "float" ? [roundToFloat(scale, from), roundToFloat(offset, from)] : [scale, offset];
  const scaled = Float64Array.from(viewDoubles(bytes, from), (value) =>
    roundTiesToEven(roundToFloat(roundToFloat(value - summand, from) * factor, from)),
  );
  try {
    return packDoubles(scaled, to);
  } catch (error) {
    if (!isMoraineError(error, "CorruptChunk")) throw error;
    throw new MoraineError("InvalidArgument", `numcodecs.fixedscaleoffset: ${error.message}`, {
      cause: error,
    });
  }
}
