/**
 * Version 2 B-trees over chunks: the index of datasets with several unlimited dimensions (specification 4.0,
 * VII.E "Version 2 B-tree Index", records of types 10 and 11).
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import { type BTreeRecords, readBTreeV2 } from "../btree-v2.ts";
import type { BlockOptions } from "../file-blocks.ts";
import type { MetadataSource } from "../metadata-source.ts";
import type { ChunkRows } from "./chunk-rows.ts";

const UNFILTERED = 10;
const FILTERED = 11;
const TWO_32 = 2 ** 32;
/** Bytes of a filter mask. */
const MASK = 4;

/** @param address of the tree's header */
export async function readChunkBTreeV2(
  metadata: MetadataSource,
  rows: ChunkRows,
  address: number,
  options: BlockOptions,
): Promise<void> {
  const type = rows.array.filterCount > 0 ? FILTERED : UNFILTERED;
  await readBTreeV2(metadata, address, [type], (records) => append(metadata, rows, records), options);
}

/** A record: address, with filters the stored bytes and the mask, then scaled coordinates of 8 bytes each. */
function append(metadata: MetadataSource, rows: ChunkRows, records: BTreeRecords): void {
  const { offsetSize, source } = metadata;
  const { gridShape } = rows;
  const { filterCount, chunkBytes } = rows.array;
  const rank = gridShape.length;
  const lengthWidth = filterCount > 0 ? records.size - offsetSize - MASK - 8 * rank : 0;
  const fits =
    filterCount > 0 ? lengthWidth >= 1 && lengthWidth <= 8 : records.size === offsetSize + 8 * rank;
  if (!fits) {
    throw new MoraineError("CorruptFile", `chunk records of ${records.size} bytes for ${rank} dimensions`, {
      source,
      offset: records.offset,
    });
  }
  rows.count(records.count);
  const { bytes } = records;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const previous = new Float64Array(rank).fill(-1);
  for (let record = 0; record < records.count; record++) {
    let at = record * records.size;
    const address = unsigned(view, at, offsetSize);
    at += offsetSize;
    let length = chunkBytes;
    let mask = 0;
    if (filterCount > 0) {
      length = unsigned(view, at, lengthWidth);
      mask = view.getUint32(at + lengthWidth, true);
      at += lengthWidth + MASK;
    }
    let position = 0;
    let within = true;
    let order = 0;
    for (let axis = 0; axis < rank; axis++, at += 8) {
      const coordinate = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
      const chunks = gridShape[axis] ?? 0;
      if (coordinate >= chunks) within = false;
      if (order === 0) order = coordinate - (previous[axis] ?? 0);
      previous[axis] = coordinate;
      position = position * chunks + coordinate;
    }
    // The library searches by this order: it would miss a chunk that stands out of it.
    if (order <= 0) {
      throw new MoraineError("CorruptFile", "the records of a B-tree do not ascend", {
        source,
        offset: records.offset + record * records.size,
      });
    }
    if (within) rows.append(position, address, length, mask);
  }
}

function unsigned(view: DataView, at: number, width: number): number {
  if (width === 8) return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + view.getUint8(at + i);
  return value;
}
