/**
 * Version 1 B-trees over chunks (specification 4.0, III.A.1 "Version 1 B-trees", node type 1).
 *
 * A node has a key before each child and one after the last: a child's chunks lie from its own key up to the next.
 * The key after a node's last chunk may differ from that chunk's in the offset within the element only.
 * Nodes have no checksum, so this order is verified; the library, which searches by it, would miss chunks that
 * stand out of it.
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import { signedBlock } from "../checked-block.ts";
import type { BlockOptions } from "../file-blocks.ts";
import type { MetadataSource } from "../metadata-source.ts";
import { OverlapGuard } from "../overlap-guard.ts";
import type { ChunkRows } from "./chunk-rows.ts";

const CHUNK_NODE = 1;
const TWO_32 = 2 ** 32;
/** Bytes of nodes that are asked for at once: the nodes of a level of a million chunks must not be in memory together. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** The nodes of a level, in order. */
interface Level {
  /** Distance from the leaves; unknown for the root. */
  readonly number: number | undefined;
  readonly addresses: readonly number[];
  /** The keys before and after each node in its parent: `2 * (rank + 1)` numbers a node. Empty for the root. */
  readonly bounds: readonly number[];
}

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
  await new BTreeWalk(metadata, rows, k).run(root, options);
}

class BTreeWalk {
  readonly #metadata: MetadataSource;
  readonly #rows: ChunkRows;
  readonly #capacity: number;
  readonly #rank: number;
  readonly #headerLength: number;
  /** Stored bytes, filter mask, an element offset for each axis and one within the element (always 0). */
  readonly #keyLength: number;
  readonly #guard: OverlapGuard;
  /** The offsets of the key that was read last, the one within the element among them. */
  readonly #key: Float64Array;

  constructor(metadata: MetadataSource, rows: ChunkRows, k: number) {
    this.#metadata = metadata;
    this.#rows = rows;
    this.#capacity = 2 * k;
    this.#rank = rows.gridShape.length;
    this.#headerLength = 8 + 2 * metadata.offsetSize;
    this.#keyLength = 4 + 4 + 8 * (this.#rank + 1);
    this.#guard = new OverlapGuard(metadata, "the nodes of a B-tree");
    this.#key = new Float64Array(this.#rank + 1);
  }

  async run(root: number, options: BlockOptions): Promise<void> {
    const { offsetSize } = this.#metadata;
    const nodeLength = this.#headerLength + this.#capacity * (this.#keyLength + offsetSize) + this.#keyLength;
    const batch = Math.max(1, Math.floor(BATCH_BYTES / nodeLength));
    let level: Level = { number: undefined, addresses: [root], bounds: [] };
    while (level.addresses.length > 0) {
      const below: { addresses: number[]; bounds: number[] } = { addresses: [], bounds: [] };
      let number = level.number;
      for (let from = 0; from < level.addresses.length; from += batch) {
        const ranges = level.addresses
          .slice(from, from + batch)
          .map((address) => ({ address, length: nodeLength }));
        // The last node of a file may be cut off behind its last entry.
        const nodes = await this.#metadata.readUpTo(ranges, options);
        for (const [i, bytes] of nodes.entries()) {
          const address = ranges[i]?.address ?? 0;
          const found = this.#readNode(bytes, address, level, from + i, below);
          number ??= found;
          if (found !== number) throw this.#corrupt("a B-tree node on a wrong level", address);
        }
      }
      level = { number: (number ?? 0) - 1, ...below };
    }
  }

  /** @returns the node's level */
  #readNode(
    bytes: Uint8Array,
    address: number,
    level: Level,
    index: number,
    below: { readonly addresses: number[]; readonly bounds: number[] },
  ): number {
    const cursor = signedBlock(this.#metadata, bytes, address, "TREE");
    if (cursor.u8() !== CHUNK_NODE) throw this.#corrupt("a B-tree node of another type", address);
    const number = cursor.u8();
    const used = cursor.u16();
    const length = used * (this.#keyLength + this.#metadata.offsetSize) + this.#keyLength;
    this.#guard.enter(address, this.#headerLength + length);
    if (used > this.#capacity) {
      throw this.#corrupt(`a B-tree node of ${used} entries has room for ${this.#capacity}`, address);
    }
    cursor.skip(this.#headerLength - cursor.position);
    const from = bytes.byteOffset + cursor.position;
    cursor.skip(length);
    this.#rows.count(used);
    const view = new DataView(bytes.buffer, from, length);
    const width = this.#key.length;
    const bounds = level.bounds.slice(2 * index * width, 2 * (index + 1) * width);
    this.#key.fill(-1);
    for (let axis = 0; axis < bounds.length / 2; axis++) this.#key[axis] = bounds[axis] ?? 0;
    const start = address + this.#headerLength;
    if (number === 0) this.#readLeaf(view, used, start, bounds.length > 0);
    else this.#readChildren(view, used, start, bounds.length > 0, below);
    for (let axis = 0; axis < width && bounds.length > 0; axis++) {
      const difference = (this.#key[axis] ?? 0) - (bounds[width + axis] ?? 0);
      if (difference > 0) throw this.#corrupt("a B-tree node reaches beyond its place", address);
      if (difference < 0) break;
    }
    return number;
  }

  /** Reads the offsets of a key, which must be greater than the one before or, where it may be, the same. */
  #nextKey(view: DataView, at: number, mayBeSame: boolean): boolean {
    const key = this.#key;
    let order = 0;
    for (let axis = 0, from = at + 8; axis < key.length; axis++, from += 8) {
      const offset = view.getUint32(from, true) + view.getUint32(from + 4, true) * TWO_32;
      if (order === 0) order = offset - (key[axis] ?? 0);
      key[axis] = offset;
    }
    return order > 0 || (order === 0 && mayBeSame);
  }

  #readChildren(
    view: DataView,
    used: number,
    start: number,
    bounded: boolean,
    below: { readonly addresses: number[]; readonly bounds: number[] },
  ): void {
    const stride = this.#keyLength + this.#metadata.offsetSize;
    for (let entry = 0; entry <= used; entry++) {
      const at = entry * stride;
      if (!this.#nextKey(view, at, bounded && entry === 0)) {
        throw this.#corrupt("the keys of a B-tree do not ascend", start + at);
      }
      if (entry > 0) below.bounds.push(...this.#key);
      if (entry === used) break;
      below.bounds.push(...this.#key);
      below.addresses.push(this.#address(view, at + this.#keyLength));
    }
  }

  #readLeaf(view: DataView, used: number, start: number, bounded: boolean): void {
    const rows = this.#rows;
    const key = this.#key;
    const rank = this.#rank;
    const { chunkShape, chunkBytes, filterCount } = rows.array;
    const { gridShape } = rows;
    const keyLength = this.#keyLength;
    const stride = keyLength + this.#metadata.offsetSize;
    for (let entry = 0, at = 0; entry <= used; entry++, at += stride) {
      if (!this.#nextKey(view, at, bounded && entry === 0)) {
        throw this.#corrupt("the keys of a B-tree do not ascend", start + at);
      }
      if (entry === used) break;
      // Searching, the library compares this number too: it would not find the chunk.
      if (key[rank] !== 0) throw this.#corrupt("a chunk that starts within an element", start + at);
      let position = 0;
      let within = true;
      for (let axis = 0; axis < rank; axis++) {
        const offset = key[axis] ?? 0;
        const coordinate = offset / (chunkShape[axis] ?? 1);
        if (coordinate !== Math.floor(coordinate)) {
          throw this.#corrupt(`a chunk at element ${offset} of axis ${axis}`, start + at);
        }
        const chunks = gridShape[axis] ?? 0;
        if (coordinate >= chunks) within = false;
        position = position * chunks + coordinate;
      }
      if (!within) continue;
      const length = view.getUint32(at, true);
      if (filterCount === 0 && length !== chunkBytes) {
        throw this.#corrupt(`an unfiltered chunk of ${length} bytes instead of ${chunkBytes}`, start + at);
      }
      rows.append(position, this.#address(view, at + keyLength), length, view.getUint32(at + 4, true));
    }
  }

  #address(view: DataView, at: number): number {
    const { offsetSize } = this.#metadata;
    const low = offsetSize === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
    return offsetSize === 8 ? low + view.getUint32(at + 4, true) * TWO_32 : low;
  }

  #corrupt(message: string, address: number): MoraineError {
    const { source, base } = this.#metadata;
    return new MoraineError("CorruptFile", message, { source, offset: base + address });
  }
}
