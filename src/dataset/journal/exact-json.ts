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
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && isSameList(a, b);
  // Plain loops: this is asked for every array of every file of an archive.
  let members = 0;
  for (const key of Object.keys(a)) {
    if (a[key] === undefined) continue;
    members += 1;
    if (!Object.hasOwn(b, key) || !isSameValue(a[key], b[key])) return false;
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) members -= 1;
  return members === 0;
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!isSameValue(a[at], b[at])) return false;
  return true;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
