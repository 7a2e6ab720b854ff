/**
 * Templates and generators of Kerchunk JSON version 1 (kerchunk specification, "templates", "gen").
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import { evaluate, type Scope, type Value } from "./expression.ts";

const MAXIMUM_DEPTH = 20;
const MAXIMUM_GENERATED = 50_000_000;

/** Texts with expressions between double braces. */
export class Templates {
  readonly #texts: ReadonlyMap<string, string>;

  /** Errors: `InvalidMetadata`. */
  constructor(json: JsonValue | undefined) {
    const texts = new Map<string, string>();
    if (json !== undefined && json !== null) {
      if (!isJsonObject(json)) throw new MoraineError("InvalidMetadata", "templates are no object");
      for (const [name, text] of Object.entries(json)) {
        if (typeof text !== "string")
          throw new MoraineError("InvalidMetadata", `template "${name}" is no text`);
        texts.set(name, text);
      }
    }
    this.#texts = texts;
  }

  /** The text with every expression replaced by its value. Errors: `InvalidMetadata`. */
  render(text: string, variables: ReadonlyMap<string, Value> = new Map(), depth = 0): string {
    if (!text.includes("{{")) return text;
    if (depth > MAXIMUM_DEPTH)
      throw new MoraineError("InvalidMetadata", "templates call each other without end");
    const scope: Scope = {
      variable: (name) => variables.get(name) ?? this.#call(name, variables, depth),
      call: (name, parameters) => this.#call(name, new Map([...variables, ...parameters]), depth),
    };
    return text.replace(/\{\{(.*?)\}\}/gs, (_, expression: string) => String(evaluate(expression, scope)));
  }

  #call(name: string, variables: ReadonlyMap<string, Value>, depth: number): string | undefined {
    const text = this.#texts.get(name);
    return text === undefined ? undefined : this.render(text, variables, depth + 1);
  }
}

/** A reference that a generator makes. */
export interface GeneratedReference {
  readonly key: string;
  readonly url: string;
  /** Both or neither: without them it is the whole object. */
  readonly range?: { readonly offset: number; readonly length: number } | undefined;
}

/**
 * The references of all generators: each counts through its dimensions, the last one fastest.
 *
 * Errors: `InvalidMetadata`; `LimitExceeded` for more than 50 million.
 */
export function* generateReferences(
  json: JsonValue | undefined,
  templates: Templates,
): Generator<GeneratedReference, void, undefined> {
  if (json === undefined || json === null) return;
  if (!isJsonArray(json)) throw new MoraineError("InvalidMetadata", "gen is no list");
  let left = MAXIMUM_GENERATED;
  for (const generator of json) {
    if (!isJsonObject(generator)) throw new MoraineError("InvalidMetadata", "a generator is no object");
    const { key, url, offset, length } = generator;
    if (typeof key !== "string" || typeof url !== "string") {
      throw new MoraineError("InvalidMetadata", "a generator needs a key and a url");
    }
    if ((offset === undefined) !== (length === undefined)) {
      throw new MoraineError("InvalidMetadata", "a generator has an offset and a length, or neither");
    }
    const dimensions = dimensionsOf(generator["dimensions"]);
    const total = dimensions.reduce((product, { values }) => product * values.length, 1);
    left -= total;
    if (left < 0)
      throw new MoraineError("LimitExceeded", `generators make more than ${MAXIMUM_GENERATED} references`);
    for (let index = 0; index < total; index++) {
      const variables = variablesAt(dimensions, index);
      const range =
        offset === undefined || length === undefined
          ? undefined
          : { offset: integer(templates, offset, variables), length: integer(templates, length, variables) };
      yield { key: templates.render(key, variables), url: templates.render(url, variables), range };
    }
  }
}

interface Dimension {
  readonly name: string;
  readonly values: readonly Value[];
}

function variablesAt(dimensions: readonly Dimension[], index: number): Map<string, Value> {
  const variables = new Map<string, Value>();
  let rest = index;
  for (const { name, values } of dimensions.toReversed()) {
    variables.set(name, values[rest % values.length] ?? 0);
    rest = Math.floor(rest / values.length);
  }
  return variables;
}

function dimensionsOf(json: JsonValue | undefined): Dimension[] {
  if (!isJsonObject(json)) throw new MoraineError("InvalidMetadata", "a generator needs dimensions");
  return Object.entries(json).map(([name, given]) => {
    if (isJsonArray(given)) {
      return { name, values: given.map((value) => (typeof value === "number" ? value : String(value))) };
    }
    if (!isJsonObject(given)) throw new MoraineError("InvalidMetadata", `dimension "${name}" of a generator`);
    const start = whole(given["start"] ?? 0);
    const stop = whole(given["stop"]);
    const step = whole(given["step"] ?? 1);
    if (step === 0)
      throw new MoraineError("InvalidMetadata", `dimension "${name}" of a generator has step 0`);
    const count = Math.max(Math.ceil((stop - start) / step), 0);
    if (count > MAXIMUM_GENERATED) throw new MoraineError("LimitExceeded", `dimension "${name}" is too long`);
    return { name, values: Array.from({ length: count }, (_, index) => start + index * step) };
  });
}

function whole(json: JsonValue | undefined): number {
  const value = typeof json === "string" ? Number(json) : json;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw new MoraineError("InvalidMetadata", "a generator counts in whole numbers");
  }
  return value;
}

function integer(templates: Templates, json: JsonValue, variables: ReadonlyMap<string, Value>): number {
  const value = typeof json === "string" ? Number(templates.render(json, variables)) : json;
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new MoraineError("InvalidMetadata", "offsets and lengths are whole numbers");
  }
  return Math.trunc(value);
}
