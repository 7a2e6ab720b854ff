/**
 * Version 1 B-trees over chunks (specification 4.0, III.A.1 "Version 1 B-trees", node type 1).
 *
 * @module
 */

import { Cursor } from "../../../binary/cursor.ts";
import { MoraineError } from "../../../errors.ts";
import type { BlockOptions } from "../file-blocks.ts";
import type { MetadataSource } from "../metadata-source.ts";
import type { ChunkRows } from "./chunk-rows.ts";

const CHUNK_NODE = 1;
const TWO_32 = 2 ** 32;
/** Bytes of nodes that are asked for at once: the nodes of a level of a million chunks must not be in memory together. */
const BATCH_BYTES = 16 * 1024 * 1024;

/**
 * @param root address of the root node
 * @param k "indexed storage internal node K" of the file: a node has room for twice as many children
 */
export async function readBTreeV1(
  metadata: MetadataSource,
  rows: ChunkRows,
  root: number,
  k: number,
  options: BlockOptions,
): Promise<void> {
  const { offsetSize } = metadata;
  const rank = rows.gridShape.length;
  const headerLength = 8 + 2 * offsetSize;
  // A key: stored bytes, filter mask, an element offset for each axis and one within the element (always 0).
  const keyLength = 4 + 4 + 8 * (rank + 1);
  const nodeLength = headerLength + (2 * k + 1) * keyLength + 2 * k * offsetSize;
  const seen = new Set<number>([root]);
  let level: { readonly addresses: number[]; readonly number: number | undefined } = {
    addresses: [root],
    number: undefined,
  };
  while (level.addresses.length > 0) {
    const children: number[] = [];
    let levelNumber = level.number;
    const batch = Math.max(1, Math.floor(BATCH_BYTES / nodeLength));
    for (let from = 0; from < level.addresses.length; from += batch) {
      const ranges = level.addresses
        .slice(from, from + batch)
        .map((address) => ({ address, length: nodeLength }));
      // The last node of a file may be cut off behind its last entry.
      const nodes = await metadata.readUpTo(ranges, options);
      for (const [i, node] of nodes.entries()) {
        const start = metadata.base + (ranges[i]?.address ?? 0);
        const cursor = new Cursor(node, { source: metadata.source, start });
        if (cursor.text(4) !== "TREE") throw cursor.corrupt("TREE expected", start);
        if (cursor.u8() !== CHUNK_NODE) throw cursor.corrupt("a B-tree node of another type", start);
        const number = cursor.u8();
        levelNumber ??= number;
        if (number !== levelNumber) throw cursor.corrupt("a B-tree node on a wrong level", start);
        const used = cursor.u16();
        cursor.skip(2 * offsetSize);
        const entries = cursor.take(Math.min(used * (keyLength + offsetSize), cursor.remaining));
        if (entries.length < used * (keyLength + offsetSize)) {
          throw cursor.corrupt(`a B-tree node of ${used} entries has room for ${2 * k}`, start);
        }
        rows.count(used);
        if (number === 0) readLeaf(metadata, rows, entries, used, start + headerLength);
        else readChildren(metadata, entries, used, keyLength, seen, children);
      }
    }
    level = { addresses: children, number: (levelNumber ?? 0) - 1 };
  }
}

/** The children's addresses; one that was met before is an error: the tree would have a cycle or a shared branch. */
function readChildren(
  metadata: MetadataSource,
  entries: Uint8Array,
  used: number,
  keyLength: number,
  seen: Set<number>,
  children: number[],
): void {
  const cursor = new Cursor(entries, { source: metadata.source });
  for (let entry = 0; entry < used; entry++) {
    cursor.skip(keyLength);
    const address = cursor.uint(metadata.offsetSize);
    if (seen.has(address)) {
      throw new MoraineError("CorruptFile", "a B-tree node is reached twice", {
        source: metadata.source,
        offset: metadata.base + address,
      });
    }
    seen.add(address);
    children.push(address);
  }
}

function readLeaf(
  metadata: MetadataSource,
  rows: ChunkRows,
  entries: Uint8Array,
  used: number,
  start: number,
): void {
  const { offsetSize } = metadata;
  const { chunkShape, chunkBytes, filterCount } = rows.array;
  const { gridShape } = rows;
  const rank = gridShape.length;
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  let at = 0;
  for (let entry = 0; entry < used; entry++) {
    const entryAt = at;
    const corrupt = (message: string): MoraineError =>
      new MoraineError("CorruptFile", message, { source: metadata.source, offset: start + entryAt });
    const length = view.getUint32(at, true);
    const mask = view.getUint32(at + 4, true);
    at += 8;
    let position = 0;
    let within = true;
    for (let axis = 0; axis < rank; axis++) {
      const offset = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
      at += 8;
      const coordinate = offset / (chunkShape[axis] ?? 1);
      if (!Number.isInteger(coordinate)) throw corrupt(`a chunk at element ${offset} of axis ${axis}`);
      const chunks = gridShape[axis] ?? 0;
      if (coordinate >= chunks) within = false;
      position = position * chunks + coordinate;
    }
    at += 8;
    let address = offsetSize === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
    if (offsetSize === 8) address += view.getUint32(at + 4, true) * TWO_32;
    at += offsetSize;
    if (!within) continue;
    if (filterCount === 0 && length !== chunkBytes) {
      throw corrupt(`an unfiltered chunk of ${length} bytes instead of ${chunkBytes}`);
    }
    rows.append(position, address, length, mask);
  }
}
