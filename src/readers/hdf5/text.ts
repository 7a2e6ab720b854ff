/**
 * Text as HDF5 files hold it: UTF-8 or ASCII by declaration, Latin-1 where old writers paid no heed.
 *
 * @module
 */

import type { Cursor } from "../../binary/cursor.ts";
import { latin1Text } from "../../binary/latin1.ts";

/** Latin-1 has control characters below, which no text holds. */
const FIRST_LATIN1 = 0xa0;
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The bytes as UTF-8. Where they are not: as Latin-1 if they can be text in it, else with U+FFFD for what is wrong,
 * as netCDF4-python does.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    if (bytes.some((byte) => byte >= 0x7f && byte < FIRST_LATIN1)) return LENIENT.decode(bytes);
    return latin1Text(bytes);
  }
}

/** The bytes before the first NUL, or all of them. */
export function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** A field of fixed length, up to the first NUL in it. */
export function takeText(cursor: Cursor, length: number): string {
  const nul = cursor.nul() ?? Number.POSITIVE_INFINITY;
  const used = Math.min(nul - cursor.position, length);
  const text = decodeText(cursor.take(used));
  cursor.skip(length - used);
  return text;
}

/** Text up to a NUL, which is read too; `CorruptFile` where there is none. */
export function terminatedText(cursor: Cursor): string {
  const end = cursor.nul();
  if (end === undefined) throw cursor.corrupt("a name without an end");
  const text = decodeText(cursor.take(end - cursor.position));
  cursor.skip(1);
  return text;
}

/** The value of a fixed-length string: without its padding. */
export function unpadded(
  bytes: Uint8Array,
  padding: "null-terminated" | "null-padded" | "space-padded",
): Uint8Array {
  if (padding === "null-terminated") return untilNul(bytes);
  const pad = padding === "null-padded" ? 0 : 0x20;
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === pad) end -= 1;
  return bytes.subarray(0, end);
}
