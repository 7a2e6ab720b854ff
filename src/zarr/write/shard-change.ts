/**
 * New inner chunks of a shard as bytes, for a process that writes the shard anyway and takes them along.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonValue, parseJson, stringifyJson } from "../../binary/json.ts";
import { isMoraineError } from "../../errors.ts";

/** Encoded inner chunks by their position in C order; undefined where one is all fill value and not stored. */
export type InnerChunks = ReadonlyMap<number, Uint8Array | undefined>;

/** A change and how safely it is wanted. */
export interface ShardChange {
  readonly inner: InnerChunks;
  readonly durable: boolean;
}

const UTF8 = new TextEncoder();
const LENGTH_BYTES = 4;

/** @param form what the inner chunks depend on (their codecs and shape): who has another one leaves them alone */
export function encodeShardChange({ inner, durable }: ShardChange, form: string): Uint8Array {
  const entries: JsonValue = [...inner].map(([entry, bytes]) => [entry, bytes ? bytes.length : null]);
  const head = UTF8.encode(stringifyJson({ form, durable, entries }));
  const parts = [...inner.values()].flatMap((bytes) => (bytes ? [bytes] : []));
  const size = parts.reduce((sum, { length }) => sum + length, LENGTH_BYTES + head.length);
  const words = new Uint8Array(size);
  new DataView(words.buffer).setUint32(0, head.length, true);
  words.set(head, LENGTH_BYTES);
  let at = LENGTH_BYTES + head.length;
  for (const part of parts) {
    words.set(part, at);
    at += part.length;
  }
  return words;
}

/**
 * @param count inner chunks of a shard
 * @returns undefined for what is of another form, or no change
 */
export function decodeShardChange(words: Uint8Array, form: string, count: number): ShardChange | undefined {
  if (words.length < LENGTH_BYTES) return undefined;
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
  let at = LENGTH_BYTES + view.getUint32(0, true);
  if (at > words.length) return undefined;
  const head = parsed(words.subarray(LENGTH_BYTES, at));
  if (!isJsonObject(head) || head["form"] !== form || !isJsonArray(head["entries"])) return undefined;
  const inner = new Map<number, Uint8Array | undefined>();
  for (const item of head["entries"]) {
    const [entry, length] = isJsonArray(item) ? item : [];
    if (typeof entry !== "number" || !Number.isInteger(entry) || entry < 0 || entry >= count)
      return undefined;
    if (length === null) {
      inner.set(entry, undefined);
      continue;
    }
    if (typeof length !== "number" || !Number.isInteger(length) || length < 0) return undefined;
    if (length > words.length - at) return undefined;
    inner.set(entry, words.subarray(at, at + length));
    at += length;
  }
  return at === words.length ? { inner, durable: head["durable"] !== false } : undefined;
}

function parsed(bytes: Uint8Array): JsonValue | undefined {
  try {
    return parseJson(bytes, "a change");
  } catch (error) {
    if (isMoraineError(error)) return undefined;
    throw error;
  }
}
