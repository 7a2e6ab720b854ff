/**
 * Extensible arrays: the chunk index of datasets with one unlimited dimension (specification 4.0, VII.D
 * "Extensible Array Index").
 *
 * The first elements stand in the index block itself; then data blocks of growing size, the first ones addressed
 * by the index block, the others by "secondary" (super) blocks. Super block `k` has `2^floor(k/2)` data blocks of
 * `minimum * 2^floor((k+1)/2)` elements.
 *
 * @module
 */

import type { Cursor } from "../../../binary/cursor.ts";
import { CHECKSUM, checkedBlock, checkedPage } from "../checked-block.ts";
import type { BlockOptions } from "../file-blocks.ts";
import type { MetadataRange, MetadataSource } from "../metadata-source.ts";
import { elementReader } from "./array-elements.ts";
import { type ChunkRows, LinearOrder } from "./chunk-rows.ts";

/** Signature, version, client, checksum. */
const FRAME = 4 + 1 + 1 + 4;

interface Header {
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
  readonly indexBlock: number | undefined;
}

/** A data block that is there: its place, the linear index of its first element, and its pages. */
interface DataBlock {
  readonly address: number;
  readonly first: number;
  readonly elements: number;
  /** Which pages are initialised; undefined for a block without pages. */
  readonly pages: readonly boolean[] | undefined;
}

/** @param address of the extensible array's header */
export async function readExtensibleArray(
  metadata: MetadataSource,
  rows: ChunkRows,
  address: number,
  options: BlockOptions,
): Promise<void> {
  const header = await readHeader(metadata, address, options);
  if (header.indexBlock === undefined) return;
  const order = new LinearOrder(rows.array, rows.gridShape);
  const readElements = elementReader(metadata, rows, order, header.client, header.elementSize);
  const superBlocks = planSuperBlocks(header, order.end);

  // Index block: elements, then the addresses of the data blocks of the first super blocks, then of the others.
  const { offsetSize } = metadata;
  const directBlocks = 2 * (header.minimumPointers - 1);
  const directSuperBlocks = 2 * Math.log2(header.minimumPointers);
  const pointers = directBlocks + Math.max(totalSuperBlocks(header) - directSuperBlocks, 0);
  const length = FRAME + offsetSize * (1 + pointers) + header.inlineElements * header.elementSize;
  const [indexBlock] = await metadata.read([{ address: header.indexBlock, length }], options);
  const cursor = checkedBlock(metadata, indexBlock, header.indexBlock, "EAIB");
  checkOwner(cursor, header, offsetSize);
  readElements(cursor.take(header.inlineElements * header.elementSize), 0);
  const dataBlocks: DataBlock[] = [];
  for (const block of superBlocks) {
    if (block.number >= directSuperBlocks) break;
    if (block.elements > header.pageElements) throw cursor.corrupt("pages in a block without a page bitmap");
    for (let i = 0; i < block.blocks; i++) {
      const blockAddress = cursor.uintOrUndefined(offsetSize);
      const first = block.first + i * block.elements;
      if (blockAddress === undefined || first >= order.end) continue;
      dataBlocks.push({ address: blockAddress, first, elements: block.elements, pages: undefined });
    }
  }
  cursor.position = FRAME - CHECKSUM + offsetSize * (1 + directBlocks);
  cursor.skip(header.inlineElements * header.elementSize);
  const wanted: (SuperBlock & { address: number })[] = [];
  for (const block of superBlocks) {
    if (block.number < directSuperBlocks) continue;
    const blockAddress = cursor.uintOrUndefined(offsetSize);
    if (blockAddress !== undefined) wanted.push({ ...block, address: blockAddress });
  }
  dataBlocks.push(...(await readSuperBlocks(metadata, header, wanted, order.end, options)));
  await readDataBlocks(metadata, header, dataBlocks, order.end, readElements, options);
}

async function readHeader(metadata: MetadataSource, address: number, options: BlockOptions): Promise<Header> {
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
  cursor.skip(6 * lengthSize); // statistics
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
    indexBlock: cursor.uintOrUndefined(offsetSize),
  };
}

interface SuperBlock {
  readonly number: number;
  /** Linear index of its first element. */
  readonly first: number;
  /** Number of data blocks. */
  readonly blocks: number;
  /** Elements of each data block. */
  readonly elements: number;
}

/** Super blocks that an array of this size can have. */
function totalSuperBlocks(header: Header): number {
  return Math.max(1 + header.indexBits - Math.log2(header.minimumElements), 0);
}

/** The super blocks that hold elements before `end`. */
function planSuperBlocks(header: Header, end: number): SuperBlock[] {
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

/** All super blocks in one step; the data blocks that are there come back. */
async function readSuperBlocks(
  metadata: MetadataSource,
  header: Header,
  superBlocks: readonly (SuperBlock & { readonly address: number })[],
  end: number,
  options: BlockOptions,
): Promise<DataBlock[]> {
  const { offsetSize } = metadata;
  const blockOffsetSize = Math.ceil(header.indexBits / 8);
  const pagesOf = (block: SuperBlock) =>
    block.elements > header.pageElements ? block.elements / header.pageElements : 0;
  const bitmapOf = (block: SuperBlock) => block.blocks * Math.ceil(pagesOf(block) / 8);
  const ranges = superBlocks.map((block): MetadataRange => {
    const length = FRAME + offsetSize * (1 + block.blocks) + blockOffsetSize + bitmapOf(block);
    return { address: block.address, length };
  });
  const parts = await metadata.read(ranges, options);
  const found: DataBlock[] = [];
  for (const [i, block] of superBlocks.entries()) {
    const cursor = checkedBlock(metadata, parts[i], block.address, "EASB");
    checkOwner(cursor, header, offsetSize);
    checkPlace(cursor, blockOffsetSize, block.first - header.inlineElements);
    const pages = pagesOf(block);
    const bitmap = cursor.take(bitmapOf(block));
    for (let j = 0; j < block.blocks; j++) {
      const address = cursor.uintOrUndefined(offsetSize);
      const first = block.first + j * block.elements;
      if (address === undefined || first >= end) continue;
      found.push({
        address,
        first,
        elements: block.elements,
        pages: pages === 0 ? undefined : initialisedPages(bitmap, j, pages),
      });
    }
  }
  return found;
}

/**
 * The bitmaps of a super block's data blocks are one stream of bits, most significant first, although the space
 * for each is rounded up to bytes.
 */
function initialisedPages(bitmap: Uint8Array, block: number, pages: number): boolean[] {
  const set: boolean[] = [];
  for (let bit = block * pages; bit < (block + 1) * pages; bit++) {
    set.push(((bitmap[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
  }
  return set;
}

/** All data blocks, and their pages, in one step. */
async function readDataBlocks(
  metadata: MetadataSource,
  header: Header,
  blocks: readonly DataBlock[],
  end: number,
  readElements: (bytes: Uint8Array, first: number) => void,
  options: BlockOptions,
): Promise<void> {
  const { offsetSize } = metadata;
  const { elementSize, pageElements } = header;
  const blockOffsetSize = Math.ceil(header.indexBits / 8);
  const prefix = FRAME + offsetSize + blockOffsetSize;
  const pageLength = pageElements * elementSize + CHECKSUM;
  const ranges: MetadataRange[] = [];
  /** For each range the index of its first element, and whether it is a block (else a page of one). */
  const firsts: number[] = [];
  const isBlock: boolean[] = [];
  for (const block of blocks) {
    const length = prefix + (block.pages ? 0 : block.elements * elementSize);
    ranges.push({ address: block.address, length });
    firsts.push(block.first);
    isBlock.push(true);
    for (const [page, initialised] of (block.pages ?? []).entries()) {
      const first = block.first + page * pageElements;
      if (!initialised || first >= end) continue;
      ranges.push({ address: block.address + prefix + page * pageLength, length: pageLength });
      firsts.push(first);
      isBlock.push(false);
    }
  }
  const parts = await metadata.read(ranges, options);
  for (const [i, range] of ranges.entries()) {
    const first = firsts[i] ?? 0;
    const cursor = isBlock[i]
      ? checkedBlock(metadata, parts[i], range.address, "EADB")
      : checkedPage(metadata, parts[i], range.address);
    if (isBlock[i]) {
      checkOwner(cursor, header, offsetSize);
      checkPlace(cursor, blockOffsetSize, first - header.inlineElements);
    }
    readElements(cursor.take(cursor.remaining - CHECKSUM), first);
  }
}

/** A block names its header: it must be the one that it was reached from. */
function checkOwner(cursor: Cursor, header: Header, offsetSize: number): void {
  if (cursor.u8() !== header.client || cursor.uint(offsetSize) !== header.address) {
    throw cursor.corrupt("an extensible array's block belongs to another header");
  }
}

/** A block names the index of its first element, not counting those of the index block. */
function checkPlace(cursor: Cursor, width: number, first: number): void {
  if (cursor.uint(width) !== first) throw cursor.corrupt("an extensible array's block is in a wrong place");
}
