/**
 * `config.yaml` of repositories of specification 1: the part of YAML that serde_yaml writes. Enumerations stand as
 * tags (`!s3 {…}`), and become what they are in JSON and in specification 2: `{"s3": {…}}`.
 *
 * @module
 */

import { isJsonObject, type JsonObject, type JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";

/** Deeper than any configuration; keeps recursion from untrusted files short. */
const MAX_DEPTH = 32;

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly text: string;
}

/** Parses a configuration. Errors: `CorruptFile` for YAML that no configuration has. */
export function parseConfigYaml(bytes: Uint8Array, source: string): JsonObject {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MoraineError("CorruptFile", "config.yaml is not UTF-8", { source, cause });
  }
  const lines = text.split("\n").flatMap((raw, index): Line[] => {
    const trimmed = raw.trimEnd();
    const content = trimmed.trimStart();
    if (content === "" || content.startsWith("#") || content === "---") return [];
    return [{ number: index + 1, indent: trimmed.length - content.length, text: content }];
  });
  const value = new YamlReader(lines, source).document();
  if (value === null) return {};
  if (isJsonObject(value)) return value;
  throw new MoraineError("CorruptFile", "config.yaml is no map", { source });
}

class YamlReader {
  readonly #lines: Line[];
  readonly #source: string;
  #next = 0;
  #depth = 0;

  constructor(lines: Line[], source: string) {
    this.#lines = lines;
    this.#source = source;
  }

  document(): JsonValue {
    const first = this.#lines[0];
    if (!first) return null;
    const value = this.#block(first.indent);
    const rest = this.#lines[this.#next];
    if (rest) throw this.#fail(rest);
    return value;
  }

  #fail(line: Line): MoraineError {
    return new MoraineError("CorruptFile", `config.yaml: line ${line.number} is not understood`, {
      source: this.#source,
    });
  }

  /** What stands at an indentation: a list, a map, or a scalar. */
  #block(indent: number): JsonValue {
    const line = this.#lines[this.#next];
    if (!line || line.indent !== indent) return null;
    if (++this.#depth > MAX_DEPTH) throw this.#fail(line);
    try {
      if (line.text === "-" || line.text.startsWith("- ")) return this.#list(indent);
      if (keyOf(line.text)) return this.#map(indent);
      this.#next += 1;
      // What a tag in a list is of stands in the next lines at the tag's own indentation.
      return this.#inline(line, line.text, indent - 1);
    } finally {
      this.#depth -= 1;
    }
  }

  #list(indent: number): JsonValue {
    const items: JsonValue[] = [];
    for (;;) {
      const line = this.#lines[this.#next];
      if (!line || line.indent !== indent || !(line.text === "-" || line.text.startsWith("- "))) return items;
      const rest = line.text.slice(1).trimStart();
      if (rest === "") {
        this.#next += 1;
        items.push(this.#below(indent));
      } else {
        // The item goes on in the lines below, indented as its first words are.
        const inner = indent + (line.text.length - rest.length);
        this.#lines[this.#next] = { number: line.number, indent: inner, text: rest };
        items.push(this.#block(inner));
      }
    }
  }

  #map(indent: number): JsonValue {
    const entries: [string, JsonValue][] = [];
    for (;;) {
      const line = this.#lines[this.#next];
      const key = line && line.indent === indent ? keyOf(line.text) : undefined;
      if (!line || !key) return Object.fromEntries(entries);
      this.#next += 1;
      entries.push([key.name, key.rest === "" ? this.#below(indent) : this.#inline(line, key.rest, indent)]);
    }
  }

  /** The value in the lines below; lists of a map stand at its own indentation. */
  #below(indent: number): JsonValue {
    const line = this.#lines[this.#next];
    if (!line) return null;
    const isList = line.text === "-" || line.text.startsWith("- ");
    if (line.indent > indent || (line.indent === indent && isList)) return this.#block(line.indent);
    return null;
  }

  /** A value on the line of its key. */
  #inline(line: Line, text: string, indent: number): JsonValue {
    const tag = /^!([A-Za-z_][\w-]*)(?:\s+(.*))?$/.exec(text);
    if (tag) {
      const [, name = "", rest = ""] = tag;
      return { [name]: rest === "" ? this.#below(indent) : this.#inline(line, rest, indent) };
    }
    const value = scalarOf(text);
    if (value === undefined) throw this.#fail(line);
    return value;
  }
}

/** The key at the beginning of a line of a map. */
function keyOf(text: string): { name: string; rest: string } | undefined {
  const plain = /^([^\s'"!{[&*#?|>%@`-][^'"]*?):(?:\s+(.*))?$/.exec(text);
  if (plain) return { name: plain[1] ?? "", rest: plain[2] ?? "" };
  const quoted = /^('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"):(?:\s+(.*))?$/.exec(text);
  const name = quoted && scalarOf(quoted[1] ?? "");
  return typeof name === "string" ? { name, rest: quoted?.[2] ?? "" } : undefined;
}

/** A scalar, or an empty collection; undefined for what configurations do not have. */
function scalarOf(text: string): JsonValue | undefined {
  if (text === "null" || text === "~") return null;
  if (text === "true") return true;
  if (text === "false") return false;
  if (text === "{}") return {};
  if (text === "[]") return [];
  if (/^-?\d+$/.test(text)) {
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : BigInt(text);
  }
  if (/^-?\d+\.\d*(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (/^"(?:[^"\\]|\\.)*"$/.test(text)) {
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === "string" ? value : undefined;
    } catch {
      return undefined;
    }
  }
  return /^[[{&*|>%@`"'!]/.test(text) ? undefined : text;
}
