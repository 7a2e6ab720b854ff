/**
 * The values of JSON documents in this field: integers beyond 2^53 are `bigint`, and the numbers NaN and
 * Infinity, which many writers put bare into documents, are numbers.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { isPlainJson, JsonParser } from "./json-parser.ts";

/** A value of a JSON document. Integers that a double cannot hold exactly are `bigint`. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue };

const TEXT = new TextDecoder("utf-8", { fatal: true });
const BYTE_ORDER_MARK = 0xfeff;

/**
 * Parses a JSON document as writers of this field make them: `NaN`, `Infinity` and `-Infinity` may stand bare,
 * integers beyond 2^53 become `bigint`. Of repeated keys the last one counts; `__proto__` is a key like any other.
 *
 * Errors: `InvalidMetadata` with the offset (in characters), also for nesting deeper than 200.
 *
 * @param source address of the document, for errors
 */
export function parseJson(document: string | Uint8Array, source?: string): JsonValue {
  let text: string;
  try {
    text = typeof document === "string" ? document : TEXT.decode(document);
  } catch (cause) {
    throw new MoraineError("InvalidMetadata", "this JSON document is not UTF-8", { source, cause });
  }
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1);
  if (isPlainJson(text)) {
    try {
      const value: JsonValue = JSON.parse(text);
      return value;
    } catch {
      // Bare numbers that are none, or a mistake, which the parser below finds and places.
    }
  }
  return new JsonParser(text, source).document();
}

/**
 * Attributes by whose type clients choose the type of unpacked values (CF conventions, 8.1). xarray makes integers of
 * what is scaled by `1`, and then fails at missing values: with a point it is the real number that the source has.
 */
const REAL_NUMBERS: ReadonlySet<string> = new Set(["scale_factor", "add_offset"]);

/** The name of an array's item: it has none of its own. */
const ITEM = "[]";

/** Whether a member needs a point: only where attributes stand, which is not where values or configurations do. */
function needsPoint(parent: string, key: string, value: JsonValue): boolean {
  return REAL_NUMBERS.has(key) && Number.isInteger(value) && /^(attributes)?$|(^|\/)\.zattrs$/.test(parent);
}

/**
 * A strict JSON document: `bigint` as an integer, -0 as `-0.0`, the attributes `scale_factor` and `add_offset` with a
 * point. NaN and the infinities have no JSON form: they are written as the strings `"NaN"`, `"Infinity"`, `"-Infinity"`,
 * as in Zarr's fill values. (Bare ones, which zarr-python writes into attributes, make other readers refuse the whole
 * document.)
 *
 * @param indent spaces for each level; 0 writes one line without blanks
 */
export function stringifyJson(value: JsonValue, indent = 0): string {
  return isPlainValue(value, "") ? JSON.stringify(value, null, indent) : write(value, "", indent, "");
}

/** Whether `JSON.stringify` writes a value as it must be written. `name` is its key in the object that holds it. */
function isPlainValue(value: JsonValue, name: string): boolean {
  switch (typeof value) {
    case "number":
      return Number.isInteger(value)
        ? Number.isSafeInteger(value) && !Object.is(value, -0)
        : Number.isFinite(value);
    case "bigint":
      return false;
    case "object":
      if (value === null) return true;
      if (isJsonArray(value)) return value.every((item) => isPlainValue(item, ITEM));
      for (const key of Object.keys(value)) {
        const item = value[key] ?? null;
        if (!isPlainValue(item, key) || needsPoint(name, key, item)) return false;
      }
      return true;
    default:
      return true;
  }
}

function write(value: JsonValue, name: string, indent: number, margin: string): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return writeNumber(value);
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "null";
  const deeper = indent > 0 ? margin + " ".repeat(indent) : "";
  const open = indent > 0 ? `\n${deeper}` : "";
  const colon = indent > 0 ? ": " : ":";
  let text = "";
  if (isJsonArray(value)) {
    for (const item of value) text += `${text === "" ? "" : ","}${open}${write(item, ITEM, indent, deeper)}`;
    return text === "" ? "[]" : `[${text}${indent > 0 ? `\n${margin}` : ""}]`;
  }
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item === undefined) continue;
    const written = write(item, key, indent, deeper);
    const point = needsPoint(name, key, item) && !/[.e]/.test(written) ? ".0" : "";
    text += `${text === "" ? "" : ","}${open}${JSON.stringify(key)}${colon}${written}${point}`;
  }
  return text === "" ? "{}" : `{${text}${indent > 0 ? `\n${margin}` : ""}}`;
}

function writeNumber(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0.0" : String(value);
  if (Number.isFinite(value)) {
    const text = String(value);
    // Exact integers of this size are `bigint`: this is a real number, and must be one to other readers.
    return Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
  }
  return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"';
}

/** Values nested deeper are not read back, see `json-parser.ts`; what contains itself has no end. */
const MOST_DEPTH = 190;

/**
 * Checks a value that comes from outside of the type system: JSON has no dates, functions, maps or typed arrays, and
 * what stands for them in a document would be something else. (Members that are undefined are absent.)
 *
 * Errors: `InvalidArgument`.
 */
export function requireJson(value: unknown, what: string, depth = 0): void {
  if (depth > MOST_DEPTH) throw new MoraineError("InvalidArgument", `${what}: nested too deep`);
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
    case "bigint":
      return;
    case "object": {
      if (value === null) return;
      if (Array.isArray(value)) {
        for (const item of value) requireJson(item, what, depth + 1);
        return;
      }
      const prototype: unknown = Object.getPrototypeOf(value);
      // Plain objects, also of other realms.
      if (prototype !== null && Object.getPrototypeOf(prototype) !== null) break;
      for (const item of Object.values(value)) if (item !== undefined) requireJson(item, what, depth + 1);
      return;
    }
    default:
      break;
  }
  throw new MoraineError("InvalidArgument", `${what}: ${Object.prototype.toString.call(value)} is no JSON`);
}

/** Whether a value is an array. (`Array.isArray` does not narrow read-only ones.) */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Whether a value is an object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
