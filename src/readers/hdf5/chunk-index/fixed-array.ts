/**
 * Fixed arrays: the chunk index of datasets that cannot grow (specification 4.0, VII.C "Fixed Array Index").
 *
 * @module
 */

import type { Cursor } from "../../../binary/cursor.ts";
import { CHECKSUM, checkedBlock, checkedPage } from "../checked-block.ts";
import type { BlockOptions } from "../file-blocks.ts";
import type { MetadataSource } from "../metadata-source.ts";
import { elementReader } from "./array-elements.ts";
import { type ChunkRows, LinearOrder } from "./chunk-rows.ts";

/** Signature, version, client, checksum. */
const FRAME = 4 + 1 + 1 + 4;

/** @param address of the fixed array's header */
export async function readFixedArray(
  metadata: MetadataSource,
  rows: ChunkRows,
  address: number,
  options: BlockOptions,
): Promise<void> {
  const { offsetSize, lengthSize } = metadata;
  const headerLength = FRAME + 1 + 1 + lengthSize + offsetSize;
  const [header] = await metadata.read([{ address, length: headerLength }], options);
  const cursor = checkedBlock(metadata, header, address, "FAHD");
  const client = cursor.u8();
  const entrySize = cursor.u8();
  const pageBits = cursor.u8();
  const entries = cursor.uint(lengthSize);
  const blockAddress = cursor.uintOrUndefined(offsetSize);
  if (blockAddress === undefined) return;

  const order = new LinearOrder(rows.array, rows.gridShape);
  if (order.end > entries)
    throw cursor.corrupt(`a fixed array of ${entries} entries for ${order.end} chunks`);
  const readElements = elementReader(metadata, rows, order, client, entrySize);
  const pageEntries = 2 ** pageBits;
  const prefix = FRAME + offsetSize;
  if (entries <= pageEntries) {
    const range = { address: blockAddress, length: prefix + entries * entrySize };
    const [block] = await metadata.read([range], options);
    const body = checkedBlock(metadata, block, blockAddress, "FADB");
    checkOwner(body, client, address, offsetSize);
    readElements(body.take(entries * entrySize), 0);
    return;
  }

  // A bitmap of initialised pages, then the pages, each with a checksum of its own.
  const pages = Math.ceil(entries / pageEntries);
  const bitmapLength = Math.ceil(pages / 8);
  const pagesAt = blockAddress + prefix + bitmapLength;
  const range = { address: blockAddress, length: prefix + bitmapLength };
  const [block] = await metadata.read([range], options);
  const body = checkedBlock(metadata, block, blockAddress, "FADB");
  checkOwner(body, client, address, offsetSize);
  const bitmap = body.take(bitmapLength);
  const stride = pageEntries * entrySize + CHECKSUM;
  const wanted: number[] = [];
  for (let page = 0; page < pages && page * pageEntries < order.end; page++) {
    if (((bitmap[page >> 3] ?? 0) & (0x80 >> (page & 7))) !== 0) wanted.push(page);
  }
  const ranges = wanted.map((page) => ({
    address: pagesAt + page * stride,
    length: Math.min(pageEntries, entries - page * pageEntries) * entrySize + CHECKSUM,
  }));
  const parts = await metadata.read(ranges, options);
  for (const [i, page] of wanted.entries()) {
    const elements = checkedPage(metadata, parts[i], ranges[i]?.address ?? 0);
    readElements(elements.take(elements.remaining - CHECKSUM), page * pageEntries);
  }
}

/** A data block names its header: it must be the one that it was reached from. */
function checkOwner(body: Cursor, client: number, address: number, offsetSize: number): void {
  if (body.u8() !== client || body.uint(offsetSize) !== address) {
    throw body.corrupt("a fixed array's data block belongs to another header");
  }
}
