/**
 * The values of JSON documents in this field: integers beyond 2^53 are `bigint`, and the numbers NaN and
 * Infinity, which many writers put bare into documents, are numbers.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";

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

/** Values nested deeper than this are refused: no metadata is, and a parser that recurses must end somewhere. */
const MOST_DEPTH = 200;

const TEXT = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses a JSON document as writers of this field make them: `NaN`, `Infinity` and `-Infinity` may stand bare,
 * integers beyond 2^53 become `bigint`. Of repeated keys the last one counts.
 *
 * Errors: `InvalidMetadata` with the offset (in characters).
 */
export function parseJson(document: string | Uint8Array, source?: string): JsonValue {
  let text: string;
  try {
    text = typeof document === "string" ? document : TEXT.decode(document);
  } catch (cause) {
    throw new MoraineError("InvalidMetadata", "this JSON document is not UTF-8", { source, cause });
  }
  return new JsonParser(text, source).document();
}

/** What a number of a document looks like; an integer has neither fraction nor exponent. */
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const BARE = /-?Infinity|NaN/y;
const BLANK = /[ \t\n\r]*/y;
/** A string without escapes and control characters. */
const PLAIN_STRING = /"([^"\\\u0000-\u001f]*)"/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

class JsonParser {
  readonly #text: string;
  readonly #source: string | undefined;
  #position = 0;
  #depth = 0;

  constructor(text: string, source: string | undefined) {
    this.#text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    this.#source = source;
  }

  document(): JsonValue {
    const value = this.#value();
    this.#match(BLANK);
    if (this.#position < this.#text.length) throw this.#error("something follows the document");
    return value;
  }

  #value(): JsonValue {
    this.#match(BLANK);
    const character = this.#text[this.#position];
    switch (character) {
      case "{":
        return this.#nested(() => this.#object());
      case "[":
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #nested<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) throw this.#error(`nested deeper than ${MOST_DEPTH}`);
    const value = parse();
    this.#depth -= 1;
    return value;
  }

  #object(): JsonObject {
    this.#position += 1;
    const entries: [string, JsonValue][] = [];
    this.#match(BLANK);
    if (this.#text[this.#position] === "}") {
      this.#position += 1;
      return {};
    }
    for (;;) {
      this.#match(BLANK);
      const key = this.#string();
      this.#match(BLANK);
      this.#expect(":");
      entries.push([key, this.#value()]);
      this.#match(BLANK);
      if (this.#text[this.#position] !== ",") break;
      this.#position += 1;
    }
    this.#expect("}");
    // `__proto__` as a key must be a key: fromEntries defines, it does not assign.
    return Object.fromEntries(entries);
  }

  #array(): JsonValue[] {
    this.#position += 1;
    const items: JsonValue[] = [];
    this.#match(BLANK);
    if (this.#text[this.#position] === "]") {
      this.#position += 1;
      return items;
    }
    for (;;) {
      items.push(this.#value());
      this.#match(BLANK);
      if (this.#text[this.#position] !== ",") break;
      this.#position += 1;
    }
    this.#expect("]");
    return items;
  }

  #string(): string {
    const plain = this.#match(PLAIN_STRING);
    if (plain) return plain[1] ?? "";
    const quoted = this.#match(STRING);
    if (!quoted) throw this.#error("a string was expected");
    const value: unknown = JSON.parse(quoted[0]);
    return typeof value === "string" ? value : "";
  }

  #number(): number | bigint {
    const bare = this.#match(BARE);
    if (bare) return bare[0] === "NaN" ? Number.NaN : bare[0].startsWith("-") ? -Infinity : Infinity;
    const match = this.#match(NUMBER);
    if (!match) throw this.#error("a value was expected");
    const value = Number(match[0]);
    const integer = match[1] === undefined && match[2] === undefined;
    return integer && !Number.isSafeInteger(value) ? BigInt(match[0]) : value;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#position)) throw this.#error("a value was expected");
    this.#position += word.length;
    return value;
  }

  #expect(character: string): void {
    if (this.#text[this.#position] !== character) throw this.#error(`"${character}" was expected`);
    this.#position += 1;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match) this.#position = pattern.lastIndex;
    return match;
  }

  #error(message: string): MoraineError {
    return new MoraineError("InvalidMetadata", `this is not JSON: ${message}`, {
      source: this.#source,
      offset: this.#position,
    });
  }
}

/**
 * A strict JSON document: `bigint` as an integer, -0 as `-0.0`. NaN and the infinities have no JSON form; they
 * are written as the strings `"NaN"`, `"Infinity"`, `"-Infinity"`, which Zarr's fill values use and xarray reads.
 */
export function stringifyJson(value: JsonValue, indent = 0): string {
  return write(value, indent, "");
}

function write(value: JsonValue, indent: number, margin: string): string {
  if (typeof value === "number") return writeNumber(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const deeper = margin + " ".repeat(indent);
  const [open, close] = indent > 0 ? [`\n${deeper}`, `\n${margin}`] : ["", ""];
  const separator = indent > 0 ? `,${open}` : ",";
  if (isJsonArray(value)) {
    if (value.length === 0) return "[]";
    return `[${open}${value.map((item) => write(item, indent, deeper)).join(separator)}${close}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return "{}";
  const colon = indent > 0 ? ": " : ":";
  return `{${open}${entries
    .map(([key, item]) => `${JSON.stringify(key)}${colon}${write(item, indent, deeper)}`)
    .join(separator)}${close}}`;
}

function writeNumber(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0.0" : JSON.stringify(value);
  return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"';
}

/** Whether a value is an array. (`Array.isArray` does not narrow read-only ones.) */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Whether a value is an object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
