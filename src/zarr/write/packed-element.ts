/**
 * One value of the language as an element in memory: checked, never changed without a word.
 *
 * @module
 */

import { type DataType, itemSize, type SimpleName, type StructField } from "../../data-types/data-type.ts";
import { numberToBfloat16, numberToFloat16 } from "../../data-types/floats.ts";
import { MoraineError } from "../../errors.ts";

const UTF8 = new TextEncoder();

/** The error of a value that a type does not have. */
export function refuse(value: unknown, dataType: DataType): MoraineError {
  return new MoraineError("InvalidArgument", `${String(value)} is no ${dataType.name}`);
}

/** An element of variable length. Errors: `InvalidArgument`. */
export function variableElement(value: unknown, dataType: DataType): string | Uint8Array {
  const fits = dataType.name === "string" ? typeof value === "string" : value instanceof Uint8Array;
  if (!fits || (typeof value !== "string" && !(value instanceof Uint8Array))) throw refuse(value, dataType);
  // A lone surrogate would come back as another character.
  if (typeof value === "string" && /\p{Surrogate}/u.test(value))
    throw refuse(JSON.stringify(value), dataType);
  return value;
}

/** Writes one element of fixed size into zeros, little-endian. Errors: `InvalidArgument`. */
export function packElement(value: unknown, dataType: DataType, view: DataView, at: number): void {
  switch (dataType.name) {
    case "struct":
      packRecord(value, dataType.fields, view, at);
      return;
    case "fixed_length_utf32": {
      if (typeof value !== "string") throw refuse(value, dataType);
      const points = Array.from(value, (character) => character.codePointAt(0) ?? 0);
      if (points.length * 4 > dataType.lengthBytes) throw tooLong(value, dataType);
      points.forEach((point, index) => void view.setUint32(at + 4 * index, point, true));
      return;
    }
    case "null_terminated_bytes":
    case "raw_bytes": {
      const bytes = typeof value === "string" && dataType.name !== "raw_bytes" ? UTF8.encode(value) : value;
      if (!(bytes instanceof Uint8Array)) throw refuse(value, dataType);
      const fits =
        dataType.name === "raw_bytes"
          ? bytes.length === dataType.lengthBytes
          : bytes.length <= dataType.lengthBytes;
      if (!fits) throw tooLong(value, dataType);
      new Uint8Array(view.buffer, view.byteOffset + at, dataType.lengthBytes).set(bytes);
      return;
    }
    case "numpy.datetime64":
    case "numpy.timedelta64":
      view.setBigInt64(at, integer(value, dataType, 64, true), true);
      return;
    case "string":
    case "variable_length_bytes":
      throw refuse(value, dataType);
    default:
      PACKERS[dataType.name](value, view, at);
  }
}

function tooLong(value: unknown, dataType: DataType & { readonly lengthBytes: number }): MoraineError {
  return new MoraineError(
    "InvalidArgument",
    `${JSON.stringify(value)} does not fit ${dataType.name} of ${dataType.lengthBytes} bytes`,
  );
}

function packRecord(value: unknown, fields: readonly StructField[], view: DataView, at: number): void {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== fields.length) {
    throw new MoraineError("InvalidArgument", `a record is an object of ${fields.length} fields`);
  }
  const given = new Map<string, unknown>(Object.entries(value));
  let offset = at;
  for (const { name, dataType } of fields) {
    if (!given.has(name)) throw new MoraineError("InvalidArgument", `the record has no field "${name}"`);
    packElement(given.get(name), dataType, view, offset);
    offset += itemSize(dataType) ?? 0;
  }
}

/** Puts a value at a place. */
type Packer = (value: unknown, view: DataView, at: number) => void;

function smallInteger(
  name: SimpleName,
  least: number,
  most: number,
  put: (view: DataView, at: number, value: number) => void,
): Packer {
  return (value, view, at) => {
    const number = typeof value === "number" ? value : Number(integer(value, { name }, 64, true));
    if (!Number.isInteger(number) || number < least || number > most) throw refuse(value, { name });
    put(view, at, number);
  };
}

function float(name: SimpleName, put: (view: DataView, at: number, value: number) => void): Packer {
  return (value, view, at) => {
    const number = typeof value === "bigint" && BigInt(Number(value)) === value ? Number(value) : value;
    if (typeof number !== "number") throw refuse(value, { name });
    put(view, at, number);
  };
}

function complex(part: Packer, size: number): Packer {
  return (value, view, at) => {
    const [real, imaginary] = Array.isArray(value) && value.length === 2 ? value : [value, 0];
    part(real, view, at);
    part(imaginary, view, at + size);
  };
}

const float32 = float("float32", (view, at, value) => view.setFloat32(at, value, true));
const float64 = float("float64", (view, at, value) => view.setFloat64(at, value, true));

const PACKERS: { readonly [name in SimpleName]: Packer } = {
  bool(value, view, at) {
    const truth = typeof value === "boolean" ? Number(value) : value;
    if (truth !== 0 && truth !== 1) throw refuse(value, { name: "bool" });
    view.setUint8(at, truth);
  },
  int8: smallInteger("int8", -(2 ** 7), 2 ** 7 - 1, (view, at, value) => view.setInt8(at, value)),
  int16: smallInteger("int16", -(2 ** 15), 2 ** 15 - 1, (view, at, value) => view.setInt16(at, value, true)),
  int32: smallInteger("int32", -(2 ** 31), 2 ** 31 - 1, (view, at, value) => view.setInt32(at, value, true)),
  int64: (value, view, at) => view.setBigInt64(at, integer(value, { name: "int64" }, 64, true), true),
  uint8: smallInteger("uint8", 0, 2 ** 8 - 1, (view, at, value) => view.setUint8(at, value)),
  uint16: smallInteger("uint16", 0, 2 ** 16 - 1, (view, at, value) => view.setUint16(at, value, true)),
  uint32: smallInteger("uint32", 0, 2 ** 32 - 1, (view, at, value) => view.setUint32(at, value, true)),
  uint64: (value, view, at) => view.setBigUint64(at, integer(value, { name: "uint64" }, 64, false), true),
  float16: float("float16", (view, at, value) => view.setUint16(at, numberToFloat16(value), true)),
  bfloat16: float("bfloat16", (view, at, value) => view.setUint16(at, numberToBfloat16(value), true)),
  float32,
  float64,
  complex64: complex(float32, 4),
  complex128: complex(float64, 8),
};

function integer(value: unknown, dataType: DataType, bits: number, signed: boolean): bigint {
  const usable =
    typeof value === "bigint" ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isSafeInteger(value));
  if (!usable) throw refuse(value, dataType);
  const exact = BigInt(value);
  const fits = signed ? BigInt.asIntN(bits, exact) === exact : BigInt.asUintN(bits, exact) === exact;
  if (!fits) throw refuse(value, dataType);
  return exact;
}
