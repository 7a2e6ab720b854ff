/**
 * Metadata cache images: blocks of metadata that a writer left in one piece when it closed the file, instead of
 * writing them to their own places (specification 4.0, IV.A.2.y "The Metadata Cache Image Message", and
 * H5Cimage.c of the library, which alone describes the block itself).
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { checkedBlock } from "./checked-block.ts";
import type { MetadataSource } from "./metadata-source.ts";

/** A block of metadata and the address where it belongs. */
export interface CachedEntry {
  readonly address: number;
  readonly image: Uint8Array;
}

/** Type, flags, ring, age, three counts of flush dependencies, rank. */
const ENTRY_HEAD = 4;
const DEPENDENCY_COUNTS = 4;
const RANK = 4;

/**
 * @param bytes the whole block
 * @throws `CorruptFile`, `ChecksumMismatch`, `UnsupportedVersion`
 */
export function parseCacheImage(metadata: MetadataSource, bytes: Uint8Array, address: number): CachedEntry[] {
  const cursor = checkedBlock(metadata, bytes, address, "MDCI");
  cursor.skip(1); // flags
  cursor.skip(metadata.lengthSize); // of the block
  const count = cursor.u32();
  const entries: CachedEntry[] = [];
  for (let i = 0; i < count; i++) {
    cursor.skip(ENTRY_HEAD + DEPENDENCY_COUNTS);
    const parents = cursor.u16();
    cursor.skip(RANK);
    const entryAddress = cursor.uint(metadata.offsetSize);
    const length = cursor.uint(metadata.lengthSize);
    cursor.skip(parents * metadata.offsetSize);
    entries.push({ address: entryAddress, image: cursor.take(length) });
  }
  return entries;
}

/** Where the block lies, as message 0x18 of the superblock extension says; undefined where there is none. */
export function parseCacheImageMessage(
  metadata: MetadataSource,
  body: Uint8Array,
  offset: number,
): { readonly address: number; readonly length: number } | undefined {
  const cursor = new Cursor(body, { source: metadata.source, start: offset });
  const version = cursor.u8();
  if (version !== 0) throw cursor.corrupt(`metadata cache image message of version ${version}`);
  const address = cursor.uintOrUndefined(metadata.offsetSize);
  return address === undefined ? undefined : { address, length: cursor.uint(metadata.lengthSize) };
}
