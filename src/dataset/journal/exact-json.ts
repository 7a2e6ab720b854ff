/**
 * JSON that keeps every value of attributes as it is, for documents that only this program reads.
 *
 * @module
 */

import { sameBytes } from "../../binary/byte-sequences.ts";
import { isJsonArray, type JsonObject, type JsonValue, stringifyJson } from "../../binary/json.ts";

/** As {@link stringifyJson}, but NaN and the infinities stand bare, so that `parseJson` gives numbers again. */
export function exactJson(value: JsonValue): string {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null) return stringifyJson(value);
  if (isJsonArray(value)) return `[${value.map(exactJson).join(",")}]`;
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${exactJson(item)}`);
  return `{${members.join(",")}}`;
}

/** An object without the members that are undefined. */
export function definedMembers(members: { readonly [key: string]: JsonValue | undefined }): JsonObject {
  return Object.fromEntries(
    Object.entries(members).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** Whether two plain values (objects, lists, bytes, numbers of every kind) are the same to the bit. */
export function isSameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && sameBytes(a, b);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, at) => isSameValue(item, b[at]))
    );
  }
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  let others = 0;
  for (const key of Object.keys(b)) if (b[key] !== undefined) others += 1;
  return keys.length === others && keys.every((key) => Object.hasOwn(b, key) && isSameValue(a[key], b[key]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
