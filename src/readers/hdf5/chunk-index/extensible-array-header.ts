/**
 * The header of an extensible array, and the plan of its blocks that follows from it (specification 4.0, VII.D
 * "Extensible Array Index").
 *
 * The first elements stand in the index block itself; then data blocks of growing size, the first ones addressed
 * by the index block, the others by "secondary" (super) blocks. Super block `k` has `2^floor(k/2)` data blocks of
 * `minimum * 2^floor((k+1)/2)` elements.
 *
 * @module
 */

import type { Cursor } from "../../../binary/cursor.ts";
import { checkedBlock } from "../checked-block.ts";
import type { BlockOptions } from "../file-blocks.ts";
import type { MetadataSource } from "../metadata-source.ts";

/** Bytes of every block: signature, version, client, checksum. */
export const FRAME: number = 4 + 1 + 1 + 4;

export interface Header {
  readonly address: number;
  readonly client: number;
  readonly elementSize: number;
  /** Bits of the largest index. */
  readonly indexBits: number;
  /** Elements in the index block. */
  readonly inlineElements: number;
  /** Elements of the smallest data block. */
  readonly minimumElements: number;
  /** Data block pointers of the smallest super block. */
  readonly minimumPointers: number;
  readonly pageElements: number;
  /** One more than the largest index that was ever set: what lies beyond counts as never written. */
  readonly end: number;
  readonly indexBlock: number | undefined;
}

export async function readHeader(
  metadata: MetadataSource,
  address: number,
  options: BlockOptions,
): Promise<Header> {
  const { offsetSize, lengthSize } = metadata;
  const length = FRAME + 6 + 6 * lengthSize + offsetSize;
  const [bytes] = await metadata.read([{ address, length }], options);
  const cursor = checkedBlock(metadata, bytes, address, "EAHD");
  const client = cursor.u8();
  const elementSize = cursor.u8();
  const indexBits = cursor.u8();
  const inlineElements = cursor.u8();
  const minimumElements = cursor.u8();
  const minimumPointers = cursor.u8();
  const pageElements = 2 ** cursor.u8();
  cursor.skip(4 * lengthSize); // number and bytes of super blocks and data blocks
  const end = cursor.uint(lengthSize);
  cursor.skip(lengthSize); // elements for which there is room
  const powerOfTwo = (value: number) => value > 0 && (value & (value - 1)) === 0;
  if (indexBits < 1 || indexBits > 64 || !powerOfTwo(minimumElements) || !powerOfTwo(minimumPointers)) {
    throw cursor.corrupt("an extensible array with impossible parameters");
  }
  return {
    address,
    client,
    elementSize,
    indexBits,
    inlineElements,
    minimumElements,
    minimumPointers,
    pageElements,
    end,
    indexBlock: cursor.uintOrUndefined(offsetSize),
  };
}

export interface SuperBlock {
  readonly number: number;
  /** Linear index of its first element. */
  readonly first: number;
  /** Number of data blocks. */
  readonly blocks: number;
  /** Elements of each data block. */
  readonly elements: number;
}

/** Super blocks that an array of this size can have. */
export function totalSuperBlocks(header: Header): number {
  return Math.max(1 + header.indexBits - Math.log2(header.minimumElements), 0);
}

/** The super blocks that hold elements before `end`. */
export function planSuperBlocks(header: Header, end: number): SuperBlock[] {
  const plan: SuperBlock[] = [];
  let first = header.inlineElements;
  for (let number = 0; number < totalSuperBlocks(header) && first < end; number++) {
    const blocks = 2 ** Math.floor(number / 2);
    const elements = header.minimumElements * 2 ** Math.floor((number + 1) / 2);
    plan.push({ number, first, blocks, elements });
    first += blocks * elements;
  }
  return plan;
}

/** A block names its header: it must be the one that it was reached from. */
export function checkOwner(cursor: Cursor, header: Header, offsetSize: number): void {
  if (cursor.u8() !== header.client || cursor.uint(offsetSize) !== header.address) {
    throw cursor.corrupt("an extensible array's block belongs to another header");
  }
}

/**
 * A block names the index of its first element, not counting those of the index block. In data blocks that the
 * index block addresses the library counts the blocks of the super blocks before a second time
 * (H5EA__lookup_elmt), in every version so far.
 */
export function checkPlace(cursor: Cursor, width: number, ...places: readonly number[]): void {
  if (!places.includes(cursor.uint(width))) {
    throw cursor.corrupt("an extensible array's block is in a wrong place");
  }
}
