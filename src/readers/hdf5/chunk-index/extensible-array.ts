/**
 * Extensible arrays: the chunk index of datasets with one unlimited dimension (specification 4.0, VII.D
 * "Extensible Array Index").
 *
 * @module
 */

import { CHECKSUM, checkedBlock, checkedPage } from "../checked-block.ts";
import type { BlockOptions } from "../file-blocks.ts";
import type { MetadataRange, MetadataSource } from "../metadata-source.ts";
import { elementReader } from "./array-elements.ts";
import { type ChunkRows, LinearOrder } from "./chunk-rows.ts";
import {
  checkOwner,
  checkPlace,
  FRAME,
  type Header,
  planSuperBlocks,
  readHeader,
  type SuperBlock,
  totalSuperBlocks,
} from "./extensible-array-header.ts";

/** Bytes of blocks that are asked for at once. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** A data block that is there: its place, the linear index of its first element, and its pages. */
interface DataBlock {
  readonly address: number;
  readonly first: number;
  /** What the library writes for its place where it is not `first` (see {@link checkPlace}). */
  readonly misplaced?: number | undefined;
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
  const end = Math.min(order.end, header.end);
  const readElements = elementReader(metadata, rows, order, header.client, header.elementSize, end);
  const superBlocks = planSuperBlocks(header, end);

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
  let precedingBlocks = 0;
  for (const block of superBlocks) {
    if (block.number >= directSuperBlocks) break;
    if (block.elements > header.pageElements) throw cursor.corrupt("pages in a block without a page bitmap");
    for (let i = 0; i < block.blocks; i++) {
      const blockAddress = cursor.uintOrUndefined(offsetSize);
      const first = block.first + i * block.elements;
      if (blockAddress === undefined || first >= end) continue;
      const misplaced = block.first + (precedingBlocks + i) * block.elements;
      dataBlocks.push({
        address: blockAddress,
        first,
        misplaced,
        elements: block.elements,
        pages: undefined,
      });
    }
    precedingBlocks += block.blocks;
  }
  cursor.position = FRAME - CHECKSUM + offsetSize * (1 + directBlocks);
  cursor.skip(header.inlineElements * header.elementSize);
  const wanted: (SuperBlock & { address: number })[] = [];
  for (const block of superBlocks) {
    if (block.number < directSuperBlocks) continue;
    const blockAddress = cursor.uintOrUndefined(offsetSize);
    if (blockAddress !== undefined) wanted.push({ ...block, address: blockAddress });
  }
  dataBlocks.push(...(await readSuperBlocks(metadata, header, wanted, end, options)));
  await readDataBlocks(metadata, header, dataBlocks, end, readElements, options);
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

/** A data block or a page of one, and the linear index of its first element. */
interface Piece extends MetadataRange {
  readonly first: number;
  /** Undefined for a page. */
  readonly block: DataBlock | undefined;
}

/** All data blocks and their pages in one step, or few where there are many. */
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
  const pieces: Piece[] = [];
  for (const block of blocks) {
    const length = prefix + (block.pages ? 0 : block.elements * elementSize);
    pieces.push({ address: block.address, length, first: block.first, block });
    for (const [page, initialised] of (block.pages ?? []).entries()) {
      const first = block.first + page * pageElements;
      if (!initialised || first >= end) continue;
      const address = block.address + prefix + page * pageLength;
      pieces.push({ address, length: pageLength, first, block: undefined });
    }
  }
  let from = 0;
  while (from < pieces.length) {
    let to = from;
    for (let bytes = 0; to < pieces.length && bytes < BATCH_BYTES; to++) bytes += pieces[to]?.length ?? 0;
    const batch = pieces.slice(from, to);
    const parts = await metadata.read(batch, options);
    for (const [i, { address, first, block }] of batch.entries()) {
      const cursor = block
        ? checkedBlock(metadata, parts[i], address, "EADB")
        : checkedPage(metadata, parts[i], address);
      if (block) {
        checkOwner(cursor, header, offsetSize);
        const places = [first, block.misplaced ?? first];
        checkPlace(cursor, blockOffsetSize, ...places.map((place) => place - header.inlineElements));
      }
      readElements(cursor.take(cursor.remaining - CHECKSUM), first);
    }
    from = to;
  }
}
