/**
 * JSON that keeps every value of attributes as it is, for documents that only this program reads.
 *
 * @module
 */

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
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b) || a instanceof Uint8Array !== b instanceof Uint8Array)
    return false;
  const own = Object.entries(a).filter(([, value]) => value !== undefined);
  const other = new Map(Object.entries(b).filter(([, value]) => value !== undefined));
  return (
    own.length === other.size &&
    own.every(([key, value]) => other.has(key) && isSameValue(value, other.get(key)))
  );
}
