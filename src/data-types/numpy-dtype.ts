/**
 * NumPy's names of data types, as Zarr v2 and the codecs of numcodecs use them: `<f4`, `|S3`, `>M8[10us]`, and lists
 * of fields for records (NumPy's array protocol, "typestr" and "descr").
 *
 * @module
 */

import { isJsonArray, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import { type DataType, itemSize, type StructField } from "./data-type.ts";
import { parseDataType, structOf } from "./data-type-json.ts";

export type ByteOrder = "little" | "big";

/** A data type and how its elements are stored. */
export interface NumpyDtype {
  readonly dataType: DataType;
  /** For each field (each leaf of nested records) with numbers of more than one byte; of a plain type none or one. */
  readonly byteOrders: readonly ByteOrder[];
}

/** Of an array in a record, and of all in it. */
const MOST_ELEMENTS = 1024;

const NUMBERS: Readonly<Record<string, string>> = {
  b1: "bool",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
  c8: "complex64",
  c16: "complex128",
};

/** Other names that NumPy understands, which people put into the configurations of codecs. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(NUMBERS),
  ...Object.values(NUMBERS).map((name): [string, string] => [name, name]),
  ["?", "bool"],
  ["b", "int8"],
  ["B", "uint8"],
  ["h", "int16"],
  ["H", "uint16"],
  ["i", "int32"],
  ["I", "uint32"],
  ["q", "int64"],
  ["Q", "uint64"],
  ["e", "float16"],
  ["f", "float32"],
  ["d", "float64"],
  ["int", "int64"],
  ["float", "float64"],
]);

/**
 * Parses the dtype that a codec of numcodecs is told, which may be any name that NumPy understands.
 *
 * Errors: as {@link parseNumpyDtype}.
 */
export function parseCodecDtype(json: JsonValue | undefined): NumpyDtype {
  const word = typeof json === "string" ? WORDS.get(json) : undefined;
  return word === undefined ? parseNumpyDtype(json) : numbered(word, "little");
}

/**
 * Parses a dtype.
 *
 * Errors: `InvalidMetadata` for what is none, `UnsupportedDataType` for objects and for types that Zarr v3 does not
 * have.
 */
export function parseNumpyDtype(json: JsonValue | undefined): NumpyDtype {
  if (typeof json === "string") return parseName(json);
  if (!isJsonArray(json) || json.length === 0) {
    throw new MoraineError("InvalidMetadata", "dtype is neither a name nor a list of fields");
  }
  const fields: StructField[] = [];
  const byteOrders: ByteOrder[] = [];
  const seen = new Set<string>();
  for (const item of json) {
    const [name, type, shape] = isJsonArray(item) ? item : [];
    if (typeof name !== "string" || type === undefined || seen.has(name)) {
      throw new MoraineError("InvalidMetadata", "dtype: a field needs a name of its own and a type");
    }
    seen.add(name);
    const element = parseNumpyDtype(type);
    const field = shape === undefined ? element : repeated(element, shape, name);
    fields.push({ name, dataType: field.dataType });
    byteOrders.push(...field.byteOrders);
  }
  return { dataType: structOf(fields), byteOrders };
}

/** Zarr v3 has no arrays in records: they are records of their elements in C order, named by number. */
function repeated({ dataType, byteOrders }: NumpyDtype, shape: JsonValue, name: string): NumpyDtype {
  const lengths = isJsonArray(shape) ? shape : [shape];
  let count = 1;
  for (const length of lengths) {
    if (typeof length !== "number" || !Number.isInteger(length) || length < 1) {
      throw new MoraineError("InvalidMetadata", `dtype: the shape of field "${name}" is none`);
    }
    count *= length;
  }
  if (count * leafCount(dataType) > MOST_ELEMENTS) {
    throw new MoraineError("UnsupportedDataType", `dtype: field "${name}" holds arrays of ${count} elements`);
  }
  const fields = Array.from({ length: count }, (_, index): StructField => ({ name: `${index}`, dataType }));
  return { dataType: structOf(fields), byteOrders: fields.flatMap(() => byteOrders) };
}

function leafCount(dataType: DataType): number {
  if (dataType.name !== "struct") return 1;
  return dataType.fields.reduce((total, field) => total + leafCount(field.dataType), 0);
}

function parseName(text: string): NumpyDtype {
  const match = /^([<>|])([a-zA-Z])(\d*)(?:\[(\d*)(\w+)\])?$/.exec(text);
  if (!match) throw new MoraineError("InvalidMetadata", `"${text}" is no dtype`);
  const [, mark, kind = "", digits = "", scale, unit] = match;
  const order: ByteOrder = mark === ">" ? "big" : "little";
  if (kind === "M" || kind === "m") {
    if (digits !== "8") throw new MoraineError("InvalidMetadata", `"${text}" is no dtype`);
    const dataType = parseDataType({
      name: kind === "M" ? "numpy.datetime64" : "numpy.timedelta64",
      configuration: { unit: unit ?? "generic", scale_factor: Number(scale || 1) },
    });
    return { dataType, byteOrders: [order] };
  }
  if (unit !== undefined) throw new MoraineError("InvalidMetadata", `"${text}" is no dtype`);
  if (kind === "O")
    throw new MoraineError("UnsupportedDataType", "an array of objects needs a codec for them");
  const length = Number(digits);
  if (kind === "S" || kind === "U" || kind === "V") {
    if (digits === "")
      throw new MoraineError("InvalidMetadata", `dtype "${text}" does not say how long it is`);
    const name = kind === "S" ? "null_terminated_bytes" : kind === "V" ? "raw_bytes" : "fixed_length_utf32";
    const lengthBytes = kind === "U" ? 4 * length : length;
    const dataType = parseDataType({ name, configuration: { length_bytes: lengthBytes } });
    return { dataType, byteOrders: kind === "U" ? [order] : [] };
  }
  const number = NUMBERS[kind + digits];
  if (number === undefined) throw new MoraineError("UnsupportedDataType", `there is no dtype "${text}" here`);
  return numbered(number, order);
}

function numbered(name: string, order: ByteOrder): NumpyDtype {
  const dataType = parseDataType(name);
  return { dataType, byteOrders: itemSize(dataType) === 1 ? [] : [order] };
}

const NUMBER_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(NUMBERS).map(([name, dataType]) => [dataType, name]),
);

/**
 * The dtype as Zarr v2 writes it: a name, or a list of fields.
 *
 * Errors: `UnsupportedDataType` for types that NumPy does not have.
 *
 * @param byteOrders for each field with numbers of more than one byte; one for all where there is only one
 */
export function numpyDtypeToJson(dataType: DataType, byteOrders: readonly ByteOrder[]): JsonValue {
  const orders = byteOrders.length > 1 ? [...byteOrders] : undefined;
  const next = (): string => ((orders ? orders.shift() : byteOrders[0]) === "big" ? ">" : "<");
  return nameOf(dataType, next);
}

function nameOf(dataType: DataType, next: () => string): JsonValue {
  switch (dataType.name) {
    case "struct":
      return dataType.fields.map((field) => [field.name, nameOf(field.dataType, next)]);
    case "null_terminated_bytes":
      return `|S${dataType.lengthBytes}`;
    case "raw_bytes":
      return `|V${dataType.lengthBytes}`;
    case "fixed_length_utf32":
      return `${next()}U${dataType.lengthBytes / 4}`;
    case "numpy.datetime64":
    case "numpy.timedelta64": {
      const kind = dataType.name === "numpy.datetime64" ? "M8" : "m8";
      const scale = dataType.scaleFactor === 1 ? "" : String(dataType.scaleFactor);
      return `${next()}${kind}${dataType.unit === "generic" ? "" : `[${scale}${dataType.unit}]`}`;
    }
    default: {
      const name = NUMBER_NAMES.get(dataType.name);
      if (name === undefined) {
        throw new MoraineError("UnsupportedDataType", `NumPy has no data type ${dataType.name}`);
      }
      return `${itemSize(dataType) === 1 ? "|" : next()}${name}`;
    }
  }
}
