/**
 * Groups as they were before version 1.8 of the library: a version 1 B-tree over symbol table nodes, and a local
 * heap with the names (specification 4.0, III.A.1, III.B and III.C).
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { requireVersion, signedBlock } from "./checked-block.ts";
import type { Link } from "./link.ts";
import { LocalHeap } from "./local-heap.ts";
import type { MetadataRange, MetadataSource } from "./metadata-source.ts";
import type { HeaderMessage } from "./object-header.ts";
import { OverlapGuard } from "./overlap-guard.ts";

/** Half of the entries that nodes have room for. */
export interface GroupNodeSizes {
  readonly groupLeafK: number;
  readonly groupBTreeK: number;
}

const GROUP_NODE = 0;
/** Signature, type, level, entries used; version, reserved, symbols. */
const NODE_HEAD = 8;
/** Cache type, reserved, scratch space. */
const ENTRY_TAIL = 4 + 4 + 16;
/** Of an entry: its scratch space holds the offset of a soft link's value in the heap. */
const SOFT_LINK = 2;

/** @param message the group's symbol table message (0x11) */
export async function readSymbolTable(
  metadata: MetadataSource,
  message: HeaderMessage,
  sizes: GroupNodeSizes,
  options: StorageOptions,
): Promise<Link[]> {
  const cursor = new Cursor(message.body, { source: metadata.source, start: message.offset });
  const tree = cursor.uint(metadata.offsetSize);
  const heapAddress = cursor.uint(metadata.offsetSize);
  const [heap, nodes] = await Promise.all([
    LocalHeap.open(metadata, heapAddress, options),
    readTree(metadata, tree, sizes, options),
  ]);
  const links: Link[] = [];
  for (const node of nodes) {
    const count = nodeHead(node);
    for (let i = 0; i < count; i++) links.push(readEntry(node, metadata, heap));
  }
  return links;
}

/** A symbol table entry; the offset of the name is as wide as a length (H5G_ent_decode). */
function readEntry(node: Cursor, { offsetSize, lengthSize }: MetadataSource, heap: LocalHeap): Link {
  const name = heap.text(node.uint(lengthSize));
  // Of a soft link it is undefined.
  const address = node.uintOrUndefined(offsetSize);
  const cacheType = node.u32();
  node.skip(4);
  const scratch = node.u32();
  node.skip(12);
  if (name === "") throw node.corrupt("a link without a name");
  if (cacheType === SOFT_LINK) return { name, target: { kind: "soft", path: heap.text(scratch) } };
  if (address === undefined) throw node.corrupt(`${name} has no object`);
  return { name, target: { kind: "hard", address } };
}

/** Number of symbols of a node; the cursor stands behind its head afterwards. */
function nodeHead(node: Cursor): number {
  requireVersion(node, "SNOD", 1);
  node.skip(1);
  return node.u16();
}

/** The symbol table nodes in the order of the tree, behind their signatures. */
async function readTree(
  metadata: MetadataSource,
  root: number,
  { groupLeafK, groupBTreeK }: GroupNodeSizes,
  options: StorageOptions,
): Promise<Cursor[]> {
  const { offsetSize, lengthSize } = metadata;
  const guard = new OverlapGuard(metadata, "the nodes of a group's B-tree");
  const treeLength =
    NODE_HEAD + 2 * offsetSize + (2 * groupBTreeK + 1) * lengthSize + 2 * groupBTreeK * offsetSize;
  const symbolsLength = NODE_HEAD + 2 * groupLeafK * (lengthSize + offsetSize + ENTRY_TAIL);
  let expectedLevel: number | undefined;
  let addresses = [root];
  while (expectedLevel !== 0 || addresses.length > 0) {
    // Nodes at the end of a file may be cut off behind their last entry.
    const nodes = await metadata.readUpTo(ranges(addresses, treeLength, guard), options);
    const children: number[] = [];
    let level: number | undefined = expectedLevel;
    for (const [i, bytes] of nodes.entries()) {
      const cursor = signedBlock(metadata, bytes, addresses[i] ?? 0, "TREE");
      if (cursor.u8() !== GROUP_NODE) throw cursor.corrupt("a B-tree node of another type", cursor.start);
      const found = cursor.u8();
      level ??= found;
      if (found !== level) throw cursor.corrupt("a B-tree node on a wrong level", cursor.start);
      const used = cursor.u16();
      cursor.skip(2 * offsetSize);
      for (let entry = 0; entry < used; entry++) {
        cursor.skip(lengthSize);
        children.push(cursor.uint(offsetSize));
      }
    }
    addresses = children;
    if (level === 0 || level === undefined) break;
    expectedLevel = level - 1;
  }
  const parts = await metadata.readUpTo(ranges(addresses, symbolsLength, guard), options);
  return parts.map((bytes, i) => signedBlock(metadata, bytes, addresses[i] ?? 0, "SNOD"));
}

/** What is cut off does not count: the guard is told of the smallest node only. */
function ranges(addresses: readonly number[], length: number, guard: OverlapGuard): MetadataRange[] {
  return addresses.map((address) => {
    guard.enter(address, NODE_HEAD);
    return { address, length };
  });
}
