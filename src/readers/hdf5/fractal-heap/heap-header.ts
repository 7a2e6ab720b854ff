/**
 * Headers of fractal heaps (specification 4.0, III.G "Fractal Heap").
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import type { StorageOptions } from "../../../storage/storage.ts";
import { CHECKSUM, checkedBlock } from "../checked-block.ts";
import { type Filter, parseFilterPipeline } from "../filter-pipeline.ts";
import type { MetadataSource } from "../metadata-source.ts";

/** A block that holds objects or leads to blocks, and how it is stored. */
export interface StoredBlock {
  readonly address: number | undefined;
  /** Stored bytes and left-out filters, in a heap with filters. */
  readonly filtered: { readonly size: number; readonly mask: number } | undefined;
}

export interface HeapHeader {
  readonly address: number;
  /** Bytes of an object's identifier. */
  readonly idLength: number;
  /** In the order in which they were applied. */
  readonly filters: readonly Filter[];
  readonly blockChecksums: boolean;
  /** Objects larger than this are stored outside of the blocks. */
  readonly largestManaged: number;
  /** Of the version 2 B-tree over those objects. */
  readonly hugeIndex: number | undefined;
  /** Blocks in a row of the doubling table. */
  readonly tableWidth: number;
  /** Bytes of a block in the first two rows. */
  readonly startingBlockSize: number;
  readonly largestDirectBlock: number;
  /** Bits of an offset in the heap's space. */
  readonly offsetBits: number;
  /** Rows of the root indirect block; 0: the root is a direct block. */
  readonly rootRows: number;
  readonly root: StoredBlock;
}

const CHECKSUMMED = 2;
/** The library makes blocks of at most 64 KiB; a few encoded bytes must not become gigabytes. */
const LARGEST_BLOCK = 64 * 1024 * 1024;

export async function readHeapHeader(
  metadata: MetadataSource,
  address: number,
  options: StorageOptions,
): Promise<HeapHeader> {
  const { offsetSize, lengthSize } = metadata;
  const fixed = 4 + 1 + 2 + 2 + 1 + 4 + 12 * lengthSize + 3 * offsetSize + 2 + 2 + 2 + 2;
  let [bytes = new Uint8Array(0)] = await metadata.read([{ address, length: fixed + CHECKSUM }], options);
  // The length of the encoded filters decides how long the header is.
  const filtersLength = (bytes[7] ?? 0) | ((bytes[8] ?? 0) << 8);
  if (filtersLength > 0) {
    const length = fixed + lengthSize + 4 + filtersLength + CHECKSUM;
    [bytes = bytes] = await metadata.read([{ address, length }], options);
  }
  const cursor = checkedBlock(metadata, bytes, address, "FRHP");
  const idLength = cursor.u16();
  cursor.skip(2);
  const flags = cursor.u8();
  const largestManaged = cursor.u32();
  cursor.skip(lengthSize); // next identifier of a huge object
  const hugeIndex = cursor.uintOrUndefined(offsetSize);
  cursor.skip(lengthSize + offsetSize + 8 * lengthSize); // free space; statistics
  const tableWidth = cursor.u16();
  const startingBlockSize = cursor.uint(lengthSize);
  const largestDirectBlock = cursor.uint(lengthSize);
  const offsetBits = cursor.u16();
  cursor.skip(2); // rows that a new root indirect block has
  const rootAddress = cursor.uintOrUndefined(offsetSize);
  const rootRows = cursor.u16();
  const filtered = filtersLength > 0 ? { size: cursor.uint(lengthSize), mask: cursor.u32() } : undefined;
  const filters = filtersLength > 0 ? parseFilterPipeline(cursor) : [];
  const powers = [tableWidth, startingBlockSize, largestDirectBlock].every(isPowerOfTwo);
  if (
    !powers ||
    startingBlockSize > largestDirectBlock ||
    offsetBits < 1 ||
    offsetBits > 64 ||
    idLength < 1
  ) {
    throw cursor.corrupt("a fractal heap with impossible parameters", metadata.base + address);
  }
  if (largestDirectBlock > LARGEST_BLOCK) {
    throw new MoraineError("LimitExceeded", `fractal heap blocks of ${largestDirectBlock} bytes`, {
      source: metadata.source,
      offset: metadata.base + address,
    });
  }
  return {
    address,
    idLength,
    filters,
    blockChecksums: (flags & CHECKSUMMED) !== 0,
    largestManaged,
    hugeIndex,
    tableWidth,
    startingBlockSize,
    largestDirectBlock,
    offsetBits,
    rootRows,
    root: { address: rootAddress, filtered },
  };
}

function isPowerOfTwo(value: number): boolean {
  return value >= 1 && Number.isInteger(Math.log2(value));
}

/** Bytes that hold every number up to a limit (H5VM_limit_enc_size). */
export function widthOf(limit: number): number {
  return limit < 1 ? 1 : Math.floor(Math.floor(Math.log2(limit)) / 8) + 1;
}
