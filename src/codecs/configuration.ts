/**
 * Reading the configuration of a codec: every key is checked, none is passed over.
 *
 * @module
 */

import { isJsonArray, type JsonObject, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";

/** Checks a codec's configuration key by key. All errors are `InvalidMetadata` and name the codec. */
export class Configuration {
  readonly #codec: string;
  readonly #values: JsonObject;

  constructor(codec: string, values: JsonObject, known: readonly string[]) {
    this.#codec = codec;
    this.#values = values;
    for (const key of Object.keys(values)) {
      if (!known.includes(key)) throw this.error(`unknown key "${key}" in its configuration`);
    }
  }

  error(message: string): MoraineError {
    return new MoraineError("InvalidMetadata", `codec ${this.#codec}: ${message}`);
  }

  value(key: string): JsonValue | undefined {
    return this.#values[key];
  }

  /** An integer in a range; `fallback` where the key is absent. */
  integer(key: string, low: number, high: number, fallback?: number): number {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high) {
      throw this.error(`${key} must be an integer from ${low} to ${high}`);
    }
    return value;
  }

  number(key: string, fallback?: number): number {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "number" && typeof value !== "bigint") throw this.error(`${key} must be a number`);
    return Number(value);
  }

  boolean(key: string, fallback?: boolean): boolean {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "boolean") throw this.error(`${key} must be true or false`);
    return value;
  }

  /** One of some words; `fallback` where the key is absent. */
  word<T extends string>(key: string, words: readonly T[], fallback?: T): T {
    const value = this.#values[key] ?? fallback;
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw this.error(`${key} must be one of ${words.join(", ")}`);
    return word;
  }

  /** A list of some words. */
  words<T extends string>(key: string, words: readonly T[]): T[] {
    const value = this.#values[key];
    if (!isJsonArray(value)) throw this.error(`${key} must be a list`);
    return value.map((item) => {
      const word = words.find((candidate) => candidate === item);
      if (word === undefined) throw this.error(`${key} must hold only ${words.join(", ")}`);
      return word;
    });
  }
}
