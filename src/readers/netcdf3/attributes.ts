/**
 * Attributes of a classic file as JSON, as netCDF4-python and xarray give them.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../binary/json.ts";
import { encodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { Attribute, Variable } from "./header.ts";

const STRICT_TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Attributes, and what had to be changed about them, in words. */
export interface ConvertedAttributes {
  readonly attributes: JsonObject;
  readonly notes: readonly string[];
}

/**
 * Text as a string without its NULs, one number as a number, several (or none) as a list. Of attributes of one name
 * the first counts, as in netCDF-C.
 */
export function convertAttributes(
  attributes: readonly Attribute[],
  variable?: Variable,
): ConvertedAttributes {
  const notes: string[] = [];
  const values = new Map<string, JsonValue>();
  for (const attribute of attributes) {
    const { name } = attribute;
    if (values.has(name)) continue;
    let value = attributeValue(attribute, notes);
    if (name === "_FillValue" && variable !== undefined) {
      const encoded = encodeFillValueAttribute(value, variable.type.dataType);
      if (encoded === undefined) {
        notes.push(
          `the attribute _FillValue has no form that xarray reads for ${variable.type.name}; left out`,
        );
        continue;
      }
      value = encoded;
    }
    values.set(name, value);
  }
  return { attributes: Object.fromEntries(values), notes };
}

function attributeValue({ name, type, bytes }: Attribute, notes: string[]): JsonValue {
  if (type.name === "char") {
    try {
      return STRICT_TEXT.decode(bytes).replaceAll("\0", "");
    } catch {
      notes.push(`the text of attribute ${name} is not UTF-8; its other bytes became U+FFFD`);
      return TEXT.decode(bytes).replaceAll("\0", "");
    }
  }
  const values = numbersOf(type.name, bytes);
  return values.length === 1 ? (values[0] ?? null) : values;
}

function numbersOf(type: Exclude<Attribute["type"]["name"], "char">, bytes: Uint8Array): (number | bigint)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (size: number, value: (at: number) => number | bigint) =>
    Array.from({ length: bytes.length / size }, (_, index) => value(index * size));
  switch (type) {
    case "byte":
      return read(1, (at) => view.getInt8(at));
    case "ubyte":
      return read(1, (at) => view.getUint8(at));
    case "short":
      return read(2, (at) => view.getInt16(at));
    case "ushort":
      return read(2, (at) => view.getUint16(at));
    case "int":
      return read(4, (at) => view.getInt32(at));
    case "uint":
      return read(4, (at) => view.getUint32(at));
    case "float":
      return read(4, (at) => view.getFloat32(at));
    case "double":
      return read(8, (at) => view.getFloat64(at));
    case "int64":
      return read(8, (at) => exact(view.getBigInt64(at)));
    case "uint64":
      return read(8, (at) => exact(view.getBigUint64(at)));
  }
}

/** A number where a double holds it. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** One element of a variable's fill value, little-endian: its `_FillValue`, else the library's default. */
export function fillValueOf(variable: Variable): Uint8Array {
  const attribute = variable.attributes.find(({ name }) => name === "_FillValue");
  const { type } = variable;
  const given =
    attribute?.type === type && attribute.bytes.length === type.size ? attribute.bytes : undefined;
  return (given ?? type.fillBytes).slice().reverse();
}
