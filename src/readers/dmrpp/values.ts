/**
 * DAP4's types and the texts of their values (DAP4 Specification, Volume 1, "Atomic Types").
 *
 * @module
 */

import type { JsonValue } from "../../binary/json.ts";
import type { SimpleName } from "../../data-types/data-type.ts";
import { parseFillValue } from "../../data-types/fill-value.ts";
import { numberTypeOf } from "../../data-types/numbers.ts";
import { MoraineError } from "../../errors.ts";

/** Types of numbers, with the data type of Zarr that is the same. */
const NUMBERS: ReadonlyMap<string, SimpleName> = new Map([
  ["Byte", "uint8"],
  ["UByte", "uint8"],
  ["UInt8", "uint8"],
  ["Int8", "int8"],
  ["Int16", "int16"],
  ["UInt16", "uint16"],
  ["Int32", "int32"],
  ["UInt32", "uint32"],
  ["Int64", "int64"],
  ["UInt64", "uint64"],
  ["Float32", "float32"],
  ["Float64", "float64"],
]);
const OTHERS: ReadonlySet<string> = new Set([
  "Char",
  "String",
  "URL",
  "Url",
  "Enum",
  "Opaque",
  "Structure",
  "Sequence",
]);

/** Whether an element of this name is a variable. */
export function isVariable(name: string): boolean {
  return NUMBERS.has(name) || OTHERS.has(name);
}

/** Whether elements of the type are texts. */
export function isText(type: string): boolean {
  return type === "String" || type === "URL" || type === "Url";
}

/** The data type of numbers; undefined for other types. */
export function numberName(type: string): SimpleName | undefined {
  return NUMBERS.get(type);
}

/**
 * A number as JSON has it, a `bigint` beyond 2^53. `*` is how some programs write NaN.
 *
 * Errors: `InvalidMetadata` for a text that is no number of the type.
 */
export function parseNumber(text: string, name: SimpleName): JsonValue {
  const trimmed = text.trim();
  const type = numberTypeOf({ name });
  if (type?.kind === "float") {
    if (/^[-+]?nan(\(.*\))?$|^\*$/i.test(trimmed)) return Number.NaN;
    const infinite = /^([-+]?)inf(inity)?$/i.exec(trimmed);
    if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
    if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed)) {
      const value = Number(trimmed);
      return name === "float32" ? Math.fround(value) : value;
    }
  } else if (type && /^[-+]?\d{1,20}$/.test(trimmed)) {
    const value = BigInt(trimmed.replace("+", ""));
    if (value >= type.low && value <= type.high) {
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
  }
  throw new MoraineError("InvalidMetadata", `"${trimmed.slice(0, 40)}" is no ${name}`);
}

/** One element, little-endian, of a number as text. Errors: as {@link parseNumber}. */
export function numberBytes(text: string, name: SimpleName): Uint8Array {
  const value = parseNumber(text, name);
  const json = typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return parseFillValue(json, { name });
}
