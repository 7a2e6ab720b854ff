/**
 * `numcodecs.quantize`: floats rounded to a number of decimal digits (numcodecs, `Quantize`).
 *
 * @module
 */

import { roundTiesToEven } from "../data-types/floats.ts";
import {
  castNumbers,
  type NumberType,
  packDoubles,
  roundToFloat,
  viewDoubles,
} from "../data-types/numbers.ts";
import type { CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { castFill, checkItemSize, dtypeOf, numberCodec } from "./number-codec.ts";

export const makeQuantize: CodecMaker = (values, representation) => {
  const configuration = new Configuration("numcodecs.quantize", values, ["digits", "dtype", "astype"]);
  const { dataType } = representation;
  const digits = configuration.integer("digits", -400, 400);
  const { dataType: decoded, type } = dtypeOf(configuration, "dtype", dataType);
  const { dataType: encoded, type: stored } = dtypeOf(configuration, "astype", decoded);
  checkItemSize(configuration, dataType, type);
  if (type.kind !== "float" || stored.kind !== "float") throw configuration.error("it encodes floats only");
  return numberCodec(representation, {
    encodedType: encoded,
    encode: (bytes) => quantize(bytes, type, stored, digits),
    decode: (bytes) => castNumbers(bytes, stored, type),
    encodedFill: castFill(representation.fillValue, type, stored),
  });
};

/** To the next coarser power of two below 10^-digits. */
function quantize(bytes: Uint8Array, from: NumberType, to: NumberType, digits: number): Uint8Array {
  const exponent = Math.log10(10 ** -digits);
  const whole = exponent < 0 ? Math.floor(exponent) : Math.ceil(exponent);
  const scale = 2 ** Math.ceil(Math.log2(10 ** -whole));
  const rounded = Float64Array.from(viewDoubles(bytes, from), (value) =>
    roundToFloat(roundTiesToEven(roundToFloat(scale * value, from)) / scale, from),
  );
  return packDoubles(rounded, to);
}
