/**
 * A parser of JSON that keeps integers exact and takes the bare numbers NaN and Infinity (RFC 8259, and what
 * Python's `json` writes beyond it).
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/** Values nested deeper than this are refused: no metadata is, and a parser that recurses must end somewhere. */
const MOST_DEPTH = 200;
/** An integer with more digits is refused: turning text into a `bigint` takes time beyond measure. */
const MOST_DIGITS = 4300;
/** An integer of fewer digits is exact in a double. */
const EXACT_DIGITS = 15;

/** What a number of a document looks like; an integer has neither fraction nor exponent. */
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const BARE = /-?Infinity|NaN/y;
const BLANK = /[ \t\n\r]*/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Index of the quote that ends a string which starts at `start`, or -1. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return -1;
}

/**
 * Whether `JSON.parse` gives the right values for a document, if it takes it at all: no integer may need a
 * `bigint`, and the nesting must have an end.
 */
export function isPlainJson(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      if (at < 0) return false;
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > MOST_DEPTH) return false;
    } else if (code === 0x5d || code === 0x7d) {
      depth -= 1;
    } else if (isDigit(code)) {
      let end = at + 1;
      while (isDigit(text.charCodeAt(end))) end += 1;
      // Digits after a point are no integer; those before one may be, as far as this scan looks.
      if (end - at > EXACT_DIGITS && text[at - 1] !== ".") return false;
      at = end - 1;
    }
  }
  return true;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Parses one document. */
export class JsonParser {
  readonly #text: string;
  readonly #source: string | undefined;
  #position = 0;
  #depth = 0;

  constructor(text: string, source: string | undefined) {
    this.#text = text;
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
    switch (this.#text[this.#position]) {
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
    if (this.#text[this.#position] !== '"') throw this.#error("a string was expected");
    const end = endOfString(this.#text, this.#position);
    if (end < 0) throw this.#error("a string does not end");
    let value: unknown;
    try {
      value = JSON.parse(this.#text.slice(this.#position, end + 1));
    } catch {
      // The platform's message quotes the document; this one's offset says where it is.
    }
    if (typeof value !== "string") throw this.#error("a string holds what it must not");
    this.#position = end + 1;
    return value;
  }

  #number(): number | bigint {
    const bare = this.#match(BARE);
    if (bare) return bare[0] === "NaN" ? Number.NaN : bare[0].startsWith("-") ? -Infinity : Infinity;
    const match = this.#match(NUMBER);
    if (!match) throw this.#error("a value was expected");
    const value = Number(match[0]);
    const integer = match[1] === undefined && match[2] === undefined;
    if (!integer || Number.isSafeInteger(value)) return value;
    if (match[0].length > MOST_DIGITS) throw this.#error(`an integer of more than ${MOST_DIGITS} digits`);
    return BigInt(match[0]);
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
