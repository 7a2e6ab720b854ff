/**
 * The superblock: where a file's addresses count from, how wide they are, and where the root group is
 * (specification 4.0, II.A "Format Signature and Superblock").
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { lookup3 } from "../../binary/lookup3.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { FileBlocks } from "./file-blocks.ts";

export const SIGNATURE: readonly number[] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Addresses are relative to `base`. */
export interface Superblock {
  readonly version: number;
  /** Offset of the signature. The stored base address is ignored where it differs, as the library does. */
  readonly base: number;
  readonly offsetSize: number;
  readonly lengthSize: number;
  /** A writer has the file open, or died over it; only version 3 tells. */
  readonly isUnclosed: boolean;
  /** Of the root group's object header. */
  readonly rootAddress: number;
  /** Of the object header with the rest; versions 2 and 3. */
  readonly extensionAddress: number | undefined;
  /** Of the driver information block; versions 0 and 1. */
  readonly driverAddress: number | undefined;
  /** Entries of symbol table nodes and of B-tree nodes: half of what they have room for. */
  readonly groupLeafK: number;
  readonly groupBTreeK: number;
  readonly chunkBTreeK: number;
}

/** The signature stands at 0 or at a power of two from here on. */
const FIRST_USER_BLOCK = 512;
/** Bytes of the largest superblock: version 1 with offsets and lengths of 32 bytes is not read here. */
const LARGEST = 128;
/** Consistency flags. */
const OPEN_FOR_WRITING = 1;
const OPEN_FOR_SWMR = 4;
const DEFAULT_GROUP_LEAF_K = 4;
const DEFAULT_GROUP_BTREE_K = 16;
const DEFAULT_CHUNK_BTREE_K = 32;

/** Offsets at which a superblock may lie in a file of this size. */
function* signatureOffsets(size: number): Generator<number, void, undefined> {
  if (size >= SIGNATURE.length) yield 0;
  for (let offset = FIRST_USER_BLOCK; offset + SIGNATURE.length <= size; offset *= 2) yield offset;
}

function hasSignature(bytes: Uint8Array, offset: number): boolean {
  return SIGNATURE.every((byte, i) => bytes[offset + i] === byte);
}

/**
 * Finds and reads the superblock.
 *
 * Errors: `UnknownFormat` where there is none, `UnsupportedVersion`, `TruncatedFile` where the file is shorter
 * than it says, `CorruptFile`, `ChecksumMismatch`.
 */
export async function readSuperblock(file: FileBlocks, options: StorageOptions = {}): Promise<Superblock> {
  const offsets = [...signatureOffsets(file.size)];
  // The first place alone first: nearly every file has it there, and it is at hand.
  for (const places of [offsets.slice(0, 1), offsets.slice(1)]) {
    const lengths = places.map((offset) => Math.min(LARGEST, file.size - offset));
    const parts = await file.read(places, lengths, options);
    for (const [i, bytes] of parts.entries()) {
      if (hasSignature(bytes, 0)) return parseSuperblock(bytes, file, places[i] ?? 0);
    }
  }
  throw new MoraineError("UnknownFormat", "there is no HDF5 signature", { source: file.source });
}

function parseSuperblock(bytes: Uint8Array, file: FileBlocks, base: number): Superblock {
  const cursor = new Cursor(bytes, { source: file.source, start: base });
  cursor.skip(SIGNATURE.length);
  const version = cursor.u8();
  if (version > 3) {
    throw new MoraineError("UnsupportedVersion", `superblock of version ${version}`, {
      source: file.source,
      offset: base + SIGNATURE.length,
    });
  }
  return version < 2 ? parseOld(cursor, file, base, version) : parseNew(cursor, file, base, version);
}

/** Versions 0 and 1. */
function parseOld(cursor: Cursor, file: FileBlocks, base: number, version: number): Superblock {
  cursor.skip(4); // versions of free space, root entry and shared messages, all 0; reserved
  const offsetSize = width(cursor, "addresses");
  const lengthSize = width(cursor, "lengths");
  cursor.skip(1);
  const groupLeafK = cursor.u16();
  const groupBTreeK = cursor.u16();
  cursor.skip(4); // consistency flags
  const chunkBTreeK = version === 1 ? cursor.u16() : DEFAULT_CHUNK_BTREE_K;
  if (version === 1) cursor.skip(2);
  if (groupLeafK === 0 || groupBTreeK === 0 || chunkBTreeK === 0) {
    throw cursor.corrupt("a superblock with nodes of no entries");
  }
  const storedBase = cursor.uint(offsetSize);
  cursor.skip(offsetSize); // free space
  checkEnd(cursor, file, cursor.uint(offsetSize), storedBase, base);
  const driverAddress = cursor.uintOrUndefined(offsetSize);
  // The root group's symbol table entry; its name offset is as wide as a length (H5G_ent_decode).
  cursor.skip(lengthSize);
  const rootAddress = cursor.uint(offsetSize);
  return {
    version,
    base,
    offsetSize,
    lengthSize,
    isUnclosed: false,
    rootAddress,
    extensionAddress: undefined,
    driverAddress,
    groupLeafK,
    groupBTreeK,
    chunkBTreeK,
  };
}

/** Versions 2 and 3. */
function parseNew(cursor: Cursor, file: FileBlocks, base: number, version: number): Superblock {
  const offsetSize = width(cursor, "addresses");
  const lengthSize = width(cursor, "lengths");
  const flags = cursor.u8();
  const end = cursor.position + 4 * offsetSize;
  const stored = new Cursor(cursor.bytes, { source: cursor.source, start: base });
  stored.skip(end);
  if (stored.u32() !== lookup3(cursor.bytes.subarray(0, end))) {
    throw new MoraineError("ChecksumMismatch", "the checksum of the superblock is wrong", {
      source: file.source,
      offset: base,
    });
  }
  const storedBase = cursor.uint(offsetSize);
  const extensionAddress = cursor.uintOrUndefined(offsetSize);
  checkEnd(cursor, file, cursor.uint(offsetSize), storedBase, base);
  return {
    version,
    base,
    offsetSize,
    lengthSize,
    isUnclosed: version === 3 && (flags & (OPEN_FOR_WRITING | OPEN_FOR_SWMR)) !== 0,
    rootAddress: cursor.uint(offsetSize),
    extensionAddress,
    driverAddress: undefined,
    groupLeafK: DEFAULT_GROUP_LEAF_K,
    groupBTreeK: DEFAULT_GROUP_BTREE_K,
    chunkBTreeK: DEFAULT_CHUNK_BTREE_K,
  };
}

/** The specification allows any size, the library 2, 4, 8, 16 and 32; beyond 8 no address is exact in a double. */
function width(cursor: Cursor, of: string): number {
  const size = cursor.u8();
  if (size === 2 || size === 4 || size === 8) return size;
  if (size === 16 || size === 32) {
    throw new MoraineError("UnsupportedLayout", `${of} of ${size} bytes`, {
      source: cursor.source,
      offset: cursor.offset - 1,
    });
  }
  throw cursor.corrupt(`${of} of ${size} bytes`, cursor.offset - 1);
}

/** A file that ends before its stored end is cut off: an upload that broke, a download that goes on. */
function checkEnd(
  cursor: Cursor,
  file: FileBlocks,
  storedEnd: number,
  storedBase: number,
  base: number,
): void {
  // The end counts from the start of the file; where the superblock was moved, it moved along.
  const end = storedEnd + base - storedBase;
  if (end > file.size) {
    throw new MoraineError("TruncatedFile", `the file says it has ${end} bytes, there are ${file.size}`, {
      source: file.source,
      offset: cursor.offset,
    });
  }
}
