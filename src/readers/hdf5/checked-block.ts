/**
 * Blocks that end with a checksum: every structure since version 2 of the format.
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { lookup3 } from "../../binary/lookup3.ts";
import { MoraineError } from "../../errors.ts";
import type { MetadataSource } from "./metadata-source.ts";

export const CHECKSUM = 4;

/** A cursor over a block, behind its signature. */
export function signedBlock(
  metadata: MetadataSource,
  bytes: Uint8Array | undefined,
  address: number,
  signature: string,
): Cursor {
  const start = metadata.base + address;
  const cursor = new Cursor(bytes ?? new Uint8Array(0), { source: metadata.source, start });
  for (let i = 0; i < signature.length; i++) {
    if (cursor.u8() !== signature.charCodeAt(i)) throw cursor.corrupt(`${signature} expected`, start);
  }
  return cursor;
}

/** Reads the version that follows a signature. */
export function requireVersion(cursor: Cursor, signature: string, version: number): void {
  const found = cursor.u8();
  if (found === version) return;
  throw new MoraineError("UnsupportedVersion", `${signature} of version ${found}`, {
    source: cursor.source,
    offset: cursor.offset - 1,
  });
}

/** Verifies the last four bytes of what a cursor reads. */
export function requireChecksum(cursor: Cursor, what: string): void {
  const body = cursor.bytes.subarray(0, Math.max(cursor.bytes.length - CHECKSUM, 0));
  const at = cursor.position;
  cursor.position = body.length;
  const stored = cursor.u32();
  cursor.position = at;
  if (lookup3(body) !== stored) {
    throw new MoraineError("ChecksumMismatch", `the checksum of ${what} is wrong`, {
      source: cursor.source,
      offset: cursor.start,
    });
  }
}

/** A block of version 0, its checksum verified; behind its signature and version. */
export function checkedBlock(
  metadata: MetadataSource,
  bytes: Uint8Array | undefined,
  address: number,
  signature: string,
): Cursor {
  const cursor = signedBlock(metadata, bytes, address, signature);
  requireVersion(cursor, signature, 0);
  requireChecksum(cursor, signature);
  return cursor;
}

/** A page of elements, its checksum verified. */
export function checkedPage(
  metadata: MetadataSource,
  bytes: Uint8Array | undefined,
  address: number,
): Cursor {
  const cursor = new Cursor(bytes ?? new Uint8Array(0), {
    source: metadata.source,
    start: metadata.base + address,
  });
  requireChecksum(cursor, "a page of a chunk index");
  return cursor;
}
