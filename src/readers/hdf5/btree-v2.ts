/**
 * Version 2 B-trees (specification 4.0, III.A.2 "Version 2 B-trees").
 *
 * @module
 */

import type { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import { CHECKSUM, checkedBlock, requireChecksum, requireVersion, signedBlock } from "./checked-block.ts";
import type { BlockOptions } from "./file-blocks.ts";
import type { MetadataSource } from "./metadata-source.ts";
import { OverlapGuard } from "./overlap-guard.ts";

/** Records of one node, one after another. */
export interface BTreeRecords {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Bytes of a record. */
  readonly size: number;
  /** Offset of the first in the file. */
  readonly offset: number;
}

interface Header {
  readonly type: number;
  readonly nodeSize: number;
  readonly recordSize: number;
  readonly depth: number;
  readonly root: Child | undefined;
}

interface Child {
  readonly address: number;
  readonly count: number;
}

/** Signature, version, type before the records, checksum after them. */
const FRAME = 4 + 1 + 1 + CHECKSUM;
/** A tree of nodes with one record each would need 2^64 of them to be deeper. */
const DEEPEST = 64;
/** Bytes of nodes that are asked for at once. */
const BATCH_BYTES = 16 * 1024 * 1024;

/**
 * Reads all records, level by level: the records of inner nodes come before those of the nodes below them.
 *
 * @param address of the tree's header
 * @param types of records that the caller understands
 * @throws `CorruptFile`, `ChecksumMismatch`, `UnsupportedVersion`
 */
export async function readBTreeV2(
  metadata: MetadataSource,
  address: number,
  types: readonly number[],
  visit: (records: BTreeRecords, type: number) => void,
  options: BlockOptions = {},
): Promise<void> {
  const header = await readHeader(metadata, address, options);
  const { type, recordSize } = header;
  if (!types.includes(type)) {
    throw new MoraineError("CorruptFile", `a B-tree of type ${type}, ${types.join(" or ")} expected`, {
      source: metadata.source,
      offset: metadata.base + address,
    });
  }
  if (header.root === undefined) return;
  const pointers = pointerWidths(header, metadata.offsetSize);
  const guard = new OverlapGuard(metadata, "the nodes of a B-tree");
  let level: Child[] = [header.root];
  for (let depth = header.depth; depth >= 0; depth--) {
    const pointer = pointers[depth] ?? 0;
    const below: Child[] = [];
    const lengthOf = (node: Child): number => {
      const children = depth > 0 ? (node.count + 1) * pointer : 0;
      return FRAME + node.count * recordSize + children;
    };
    for (const nodes of batches(level, lengthOf)) {
      const ranges = nodes.map((node) => ({ address: node.address, length: lengthOf(node) }));
      for (const range of ranges) {
        guard.enter(range.address, range.length);
        if (range.length > header.nodeSize) {
          throw new MoraineError("CorruptFile", "a B-tree node with more records than it has room for", {
            source: metadata.source,
            offset: metadata.base + range.address,
          });
        }
      }
      const parts = await metadata.read(ranges, options);
      for (const [i, node] of nodes.entries()) {
        const cursor = openNode(metadata, parts[i], node.address, depth, type);
        const { offset } = cursor;
        const bytes = cursor.take(node.count * recordSize);
        visit({ bytes, count: node.count, size: recordSize, offset }, type);
        if (depth > 0) readChildren(cursor, node.count + 1, pointer, metadata.offsetSize, header, below);
      }
    }
    level = below;
  }
}

async function readHeader(metadata: MetadataSource, address: number, options: BlockOptions): Promise<Header> {
  const { offsetSize, lengthSize } = metadata;
  const length = FRAME + 4 + 2 + 2 + 1 + 1 + offsetSize + 2 + lengthSize;
  const [bytes] = await metadata.read([{ address, length }], options);
  const cursor = checkedBlock(metadata, bytes, address, "BTHD");
  const type = cursor.u8();
  const nodeSize = cursor.u32();
  const recordSize = cursor.u16();
  const depth = cursor.u16();
  cursor.skip(2); // when nodes are split and merged
  const rootAddress = cursor.uintOrUndefined(offsetSize);
  const rootCount = cursor.u16();
  if (recordSize === 0 || nodeSize < FRAME + recordSize || depth > DEEPEST) {
    throw cursor.corrupt("a B-tree with impossible parameters", metadata.base + address);
  }
  const root = rootAddress === undefined ? undefined : { address: rootAddress, count: rootCount };
  return { type, nodeSize, recordSize, depth, root };
}

function openNode(
  metadata: MetadataSource,
  bytes: Uint8Array | undefined,
  address: number,
  depth: number,
  type: number,
): Cursor {
  const signature = depth > 0 ? "BTIN" : "BTLF";
  const cursor = signedBlock(metadata, bytes, address, signature);
  requireVersion(cursor, signature, 0);
  requireChecksum(cursor, signature);
  if (cursor.u8() !== type) throw cursor.corrupt("a B-tree node of another type", metadata.base + address);
  return cursor;
}

/** A pointer: address, number of records in the node, and in all nodes below it. */
function readChildren(
  cursor: Cursor,
  children: number,
  pointer: number,
  offsetSize: number,
  header: Header,
  below: Child[],
): void {
  const countWidth = widthOfCount(BigInt(leafRecords(header)));
  for (let i = 0; i < children; i++) {
    const address = cursor.uint(offsetSize);
    below.push({ address, count: cursor.uint(countWidth) });
    cursor.skip(pointer - offsetSize - countWidth);
  }
}

function leafRecords(header: Header): number {
  return Math.floor((header.nodeSize - FRAME) / header.recordSize);
}

/** Bytes of a pointer in a node of each depth, from 0 (none there) on (H5B2__hdr_init). */
function pointerWidths(header: Header, offsetSize: number): number[] {
  const widths = [0];
  const leaf = leafRecords(header);
  const countWidth = widthOfCount(BigInt(leaf));
  let total = BigInt(leaf);
  let totalWidth = 0;
  for (let depth = 1; depth <= header.depth; depth++) {
    const pointer = offsetSize + countWidth + totalWidth;
    widths.push(pointer);
    const records = Math.max(
      Math.floor((header.nodeSize - FRAME - pointer) / (header.recordSize + pointer)),
      0,
    );
    total = BigInt(records + 1) * total + BigInt(records);
    totalWidth = widthOfCount(total);
  }
  return widths;
}

/** Bytes that hold every count up to a limit (H5VM_limit_enc_size). */
function widthOfCount(limit: bigint): number {
  return Math.floor((limit.toString(2).length - 1) / 8) + 1;
}

/** Nodes by batches of bounded size. */
function* batches(level: readonly Child[], lengthOf: (node: Child) => number): Generator<Child[]> {
  let batch: Child[] = [];
  let bytes = 0;
  for (const node of level) {
    batch.push(node);
    bytes += lengthOf(node);
    if (bytes >= BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) yield batch;
}
