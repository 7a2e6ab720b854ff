/**
 * Literals of Python, as far as the headers of NumPy's files have them: dictionaries, tuples, lists, strings, whole
 * numbers, True, False and None (Python reference, "Literals").
 *
 * @module
 */

import type { JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";

const MOST_LEVELS = 32;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\"],
  ["'", "'"],
  ['"', '"'],
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
]);

/**
 * Parses one literal; tuples become lists.
 *
 * Errors: `CorruptFile` for anything else.
 */
export function parsePythonLiteral(text: string): JsonValue {
  const parser = new LiteralParser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class LiteralParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(level: number): JsonValue {
    if (level > MOST_LEVELS) throw this.#error("it is nested too deeply");
    this.#skipSpace();
    const character = this.#text[this.#at] ?? "";
    if (character === "{") return this.#dictionary(level);
    if (character === "(" || character === "[") return this.#list(level, character === "(" ? ")" : "]");
    if (/["'bu]/.test(character)) return this.#string();
    return this.#word();
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#error("something follows it");
  }

  #dictionary(level: number): JsonValue {
    const entries: [string, JsonValue][] = [];
    this.#at += 1;
    while (!this.#takes("}")) {
      const key = this.value(level + 1);
      if (typeof key !== "string" || !this.#takes(":")) throw this.#error("a key is expected");
      entries.push([key, this.value(level + 1)]);
      if (!this.#takes(",") && !this.#isNext("}")) throw this.#error("a comma is expected");
    }
    return Object.fromEntries(entries);
  }

  #list(level: number, close: string): JsonValue {
    const items: JsonValue[] = [];
    this.#at += 1;
    while (!this.#takes(close)) {
      items.push(this.value(level + 1));
      // What stands in parentheses without a comma is no tuple, but its own value.
      if (this.#takes(",")) continue;
      if (!this.#isNext(close)) throw this.#error("a comma is expected");
      if (close === ")" && items.length === 1) {
        this.#at += 1;
        return items[0] ?? null;
      }
    }
    return items;
  }

  #string(): string {
    if (/[bu]/.test(this.#text[this.#at] ?? "")) this.#at += 1;
    const quote = this.#text[this.#at];
    if (quote !== "'" && quote !== '"') throw this.#error("a string is expected");
    this.#at += 1;
    let value = "";
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined || character === "\n") throw this.#error("a string has no end");
      if (character === quote) return value;
      value += character === "\\" ? this.#escape() : character;
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? "";
    const plain = ESCAPES.get(letter);
    if (plain !== undefined) return plain;
    const digits = { x: 2, u: 4, U: 8 }[letter] ?? 0;
    const code = this.#text.slice(this.#at, this.#at + digits);
    const point = Number.parseInt(code, 16);
    if (digits === 0 || !/^[0-9a-f]+$/i.test(code) || code.length < digits || point > 0x10ffff) {
      throw this.#error("an unknown escape");
    }
    this.#at += digits;
    return String.fromCodePoint(point);
  }

  #word(): JsonValue {
    const [word = ""] = /^-?\w*/.exec(this.#text.slice(this.#at, this.#at + 32)) ?? [];
    this.#at += word.length;
    if (word === "True" || word === "False") return word === "True";
    if (word === "None") return null;
    // Python 2 wrote an L after long numbers.
    const number = Number(word.replace(/L$/, ""));
    if (!/^-?\d+L?$/.test(word)) throw this.#error("this is no literal");
    if (!Number.isSafeInteger(number)) throw new MoraineError("NumberTooLarge", `${word} in a header`);
    return number;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #isNext(character: string): boolean {
    this.#skipSpace();
    return this.#text[this.#at] === character;
  }

  #takes(character: string): boolean {
    if (!this.#isNext(character)) return false;
    this.#at += 1;
    return true;
  }

  #error(reason: string): MoraineError {
    return new MoraineError(
      "CorruptFile",
      `a literal of Python cannot be read at character ${this.#at}: ${reason}`,
    );
  }
}
