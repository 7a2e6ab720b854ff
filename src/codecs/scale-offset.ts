/**
 * `scale_offset`: (x - offset) * scale in the arithmetic of the data type, nothing rounded away and nothing out of
 * range for integers (zarr-extensions "scale_offset").
 *
 * @module
 */

import { parseFillValue } from "../data-types/fill-value.ts";
import {
  type NumberType,
  packDoubles,
  roundToFloat,
  viewDoubles,
  viewNumbers,
} from "../data-types/numbers.ts";
import { MoraineError } from "../errors.ts";
import type { CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { encodedFill, numberCodec, numbersOf } from "./number-codec.ts";

export const makeScaleOffset: CodecMaker = (values, representation) => {
  const configuration = new Configuration("scale_offset", values, ["offset", "scale"]);
  const { dataType, fillValue } = representation;
  const type = numbersOf(configuration, dataType);
  const scalar = (key: string, fallback: number): number | bigint => {
    const element = parseFillValue(configuration.value(key) ?? fallback, dataType);
    return viewNumbers(element, type)[0] ?? fallback;
  };
  const [offset, scale] = [scalar("offset", 0), scalar("scale", 1)];
  if (Number(scale) === 0) throw configuration.error("scale must not be 0");
  const transform =
    type.kind === "float"
      ? floats(type, Number(offset), Number(scale))
      : integers(type, BigInt(offset), BigInt(scale));
  return numberCodec(representation, {
    encodedType: dataType,
    ...transform,
    encodedFill: encodedFill(fillValue, transform.encode),
  });
};

interface Transform {
  encode(bytes: Uint8Array): Uint8Array;
  decode(bytes: Uint8Array): Uint8Array;
}

function floats(type: NumberType, offset: number, scale: number): Transform {
  const each = (bytes: Uint8Array, change: (value: number) => number) => {
    const numbers = viewDoubles(bytes, type);
    const out = new Float64Array(numbers.length);
    for (let i = 0; i < out.length; i++) out[i] = change(numbers[i] ?? 0);
    return packDoubles(out, type);
  };
  const round = (value: number) => roundToFloat(value, type);
  return {
    encode: (bytes) => each(bytes, (value) => round(round(value - offset) * scale)),
    decode: (bytes) => each(bytes, (value) => round(round(value / scale) + offset)),
  };
}

function integers(type: NumberType, offset: bigint, scale: bigint): Transform {
  const each = (
    bytes: Uint8Array,
    code: "CorruptChunk" | "InvalidArgument",
    change: (value: bigint) => bigint | undefined,
  ) => {
    const view = viewNumbers(bytes, type);
    const out = new Uint8Array(bytes.length);
    const target = viewNumbers(out, type);
    for (let i = 0; i < view.length; i++) {
      const value = change(BigInt(view[i] ?? 0));
      if (value === undefined || value < type.low || value > type.high) {
        throw new MoraineError(code, `scale_offset: what becomes of ${view[i]} is no ${type.name}`);
      }
      if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[i] = value;
      else target[i] = Number(value);
    }
    return out;
  };
  return {
    encode: (bytes) => each(bytes, "InvalidArgument", (value) => (value - offset) * scale),
    decode: (bytes) =>
      each(bytes, "CorruptChunk", (value) => (value % scale === 0n ? value / scale + offset : undefined)),
  };
}
