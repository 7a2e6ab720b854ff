/**
 * `cast_value`: numbers as those of another type, with what happens to fractions and to numbers out of range said
 * in the metadata (zarr-extensions "cast_value").
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonValue } from "../binary/json.ts";
import type { DataType } from "../data-types/data-type.ts";
import { parseDataType } from "../data-types/data-type-json.ts";
import { parseFillValue } from "../data-types/fill-value.ts";
import { roundTiesToEven } from "../data-types/floats.ts";
import { type NumberType, packDoubles, roundToFloat, viewNumbers } from "../data-types/numbers.ts";
import { type ErrorCode, MoraineError } from "../errors.ts";
import type { CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { encodedFill, numberCodec, numbersOf } from "./number-codec.ts";

const ROUNDINGS = [
  "nearest-even",
  "towards-zero",
  "towards-positive",
  "towards-negative",
  "nearest-away",
] as const;
type Rounding = (typeof ROUNDINGS)[number];
const OUT_OF_RANGE = ["error", "clamp", "wrap"] as const;
type OutOfRange = (typeof OUT_OF_RANGE)[number];

type Scalar = number | bigint;

/** One direction of the codec. */
interface Cast {
  readonly from: NumberType;
  readonly to: NumberType;
  readonly rounding: Rounding;
  readonly outOfRange: OutOfRange;
  /** Numbers that become others, whatever the rules say. */
  readonly exceptions: readonly (readonly [Scalar, Scalar])[];
  /** Of the error for a number that cannot be cast. */
  readonly code: ErrorCode;
}

export const makeCastValue: CodecMaker = (values, representation) => {
  const configuration = new Configuration("cast_value", values, [
    "data_type",
    "rounding",
    "out_of_range",
    "scalar_map",
  ]);
  const { dataType, fillValue } = representation;
  const target = parseDataType(configuration.value("data_type"));
  const from = numbersOf(configuration, dataType);
  const to = numbersOf(configuration, target);
  const rounding = configuration.word("rounding", ROUNDINGS, "nearest-even");
  const outOfRange = configuration.word("out_of_range", OUT_OF_RANGE, "error");
  if (outOfRange === "wrap" && to.kind === "float") {
    throw configuration.error("only integers can wrap around");
  }
  const map = configuration.value("scalar_map") ?? {};
  if (!isJsonObject(map) || Object.keys(map).some((key) => key !== "encode" && key !== "decode")) {
    throw configuration.error("scalar_map holds what is neither encode nor decode");
  }
  const encoding: Cast = {
    from,
    to,
    rounding,
    outOfRange,
    exceptions: exceptionsOf(configuration, map["encode"], dataType, target),
    code: "InvalidArgument",
  };
  const decoding: Cast = {
    from: to,
    to: from,
    rounding,
    // Floats have nothing to wrap around to.
    outOfRange: outOfRange === "wrap" && from.kind === "float" ? "error" : outOfRange,
    exceptions: exceptionsOf(configuration, map["decode"], target, dataType),
    code: "CorruptChunk",
  };
  return numberCodec(representation, {
    encodedType: target,
    encode: (bytes) => cast(bytes, encoding),
    decode: (bytes) => cast(bytes, decoding),
    encodedFill: encodedFill(fillValue, (bytes) => cast(bytes, encoding)),
  });
};

function exceptionsOf(
  configuration: Configuration,
  json: JsonValue | undefined,
  from: DataType,
  to: DataType,
): [Scalar, Scalar][] {
  if (json === undefined || json === null) return [];
  if (!isJsonArray(json)) throw configuration.error("a direction of scalar_map is no list");
  return json.map((pair) => {
    if (!isJsonArray(pair) || pair.length !== 2)
      throw configuration.error("scalar_map holds what is no pair");
    return [
      scalarOf(pair[0], from, numbersOf(configuration, from)),
      scalarOf(pair[1], to, numbersOf(configuration, to)),
    ];
  });
}

function scalarOf(json: JsonValue | undefined, dataType: DataType, type: NumberType): Scalar {
  return viewNumbers(parseFillValue(json, dataType), type)[0] ?? 0;
}

function cast(bytes: Uint8Array, rules: Cast): Uint8Array {
  const { to, exceptions } = rules;
  const view = viewNumbers(bytes, rules.from);
  const convert = (value: Scalar): Scalar => {
    const exception = exceptions.find(([key]) => Object.is(key, value) || key === value);
    if (exception) return exception[1];
    return to.kind === "float" ? toFloat(value, rules) : toInteger(value, rules);
  };
  if (to.kind === "float") {
    const out = new Float64Array(view.length);
    for (let i = 0; i < out.length; i++) out[i] = Number(convert(view[i] ?? 0));
    return packDoubles(out, to);
  }
  const out = new Uint8Array(view.length * to.size);
  const target = viewNumbers(out, to);
  for (let i = 0; i < view.length; i++) {
    const value = convert(view[i] ?? 0);
    if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[i] = BigInt(value);
    else target[i] = Number(value);
  }
  return out;
}

function toInteger(value: Scalar, { to, rounding, outOfRange, code }: Cast): Scalar {
  let whole: bigint;
  if (typeof value === "bigint") whole = value;
  else if (Number.isFinite(value)) whole = BigInt(roundWhole(value, rounding));
  else if (outOfRange === "clamp" && !Number.isNaN(value)) return value > 0 ? to.high : to.low;
  else throw new MoraineError(code, `cast_value: ${value} is no ${to.name}`);
  if (whole >= to.low && whole <= to.high) return whole;
  if (outOfRange === "clamp") return whole > to.high ? to.high : to.low;
  if (outOfRange === "wrap") {
    return to.kind === "int" ? BigInt.asIntN(8 * to.size, whole) : BigInt.asUintN(8 * to.size, whole);
  }
  throw new MoraineError(code, `cast_value: ${value} is no ${to.name}`);
}

function toFloat(value: Scalar, { to, rounding, outOfRange, code }: Cast): number {
  const number = Number(value);
  const rounded = roundToFloat(number, to);
  if (Number.isFinite(number) && !Number.isFinite(rounded)) {
    if (outOfRange !== "clamp")
      throw new MoraineError(code, `cast_value: ${value} is out of range of ${to.name}`);
    return Math.sign(number) * greatest(to);
  }
  const isExact =
    Number.isNaN(number) || (typeof value === "bigint" ? isSame(value, rounded) : rounded === value);
  if (!isExact && (rounding !== "nearest-even" || (typeof value === "bigint" && to.size < 8))) {
    throw new MoraineError(
      "UnsupportedCodec",
      `cast_value: ${value} is not exact in ${to.name}, and rounding it ${rounding} is not known here`,
    );
  }
  return rounded;
}

function isSame(value: bigint, rounded: number): boolean {
  return BigInt(rounded) === value;
}

function greatest({ name }: NumberType): number {
  switch (name) {
    case "float16":
      return 65504;
    case "bfloat16":
      return 2 ** 128 - 2 ** 120;
    case "float32":
      return 2 ** 128 - 2 ** 104;
    default:
      return Number.MAX_VALUE;
  }
}

function roundWhole(value: number, rounding: Rounding): number {
  switch (rounding) {
    case "nearest-even":
      return roundTiesToEven(value);
    case "towards-zero":
      return Math.trunc(value);
    case "towards-positive":
      return Math.ceil(value);
    case "towards-negative":
      return Math.floor(value);
    case "nearest-away": {
      const magnitude = Math.floor(Math.abs(value));
      return Math.sign(value) * (Math.abs(value) - magnitude >= 0.5 ? magnitude + 1 : magnitude);
    }
  }
}
