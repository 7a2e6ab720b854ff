/**
 * The objects that lie in a fractal heap's own blocks (specification 4.0, III.G "Fractal Heap Direct Block" and
 * "Fractal Heap Indirect Block").
 *
 * @module
 */

import type { Cursor } from "../../../binary/cursor.ts";
import { lookup3 } from "../../../binary/lookup3.ts";
import { MoraineError } from "../../../errors.ts";
import type { StorageOptions } from "../../../storage/storage.ts";
import { CHECKSUM, checkedBlock, requireVersion, signedBlock } from "../checked-block.ts";
import type { MetadataSource } from "../metadata-source.ts";
import { OverlapGuard } from "../overlap-guard.ts";
import { DoublingTable } from "./doubling-table.ts";
import { undoHeapFilters } from "./heap-filters.ts";
import type { HeapHeader, StoredBlock } from "./heap-header.ts";

/** A direct block as it is in memory. */
interface DirectBlock {
  /** Of the block in the heap's space. */
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Offset in the file; of an encoded block that of its encoded bytes. */
  readonly offset: number;
}

/** An indirect block: the blocks below it, row after row. */
interface IndirectBlock {
  readonly rows: number;
  readonly children: readonly StoredBlock[];
}

/** Signature and version. */
const FRAME = 4 + 1;

/** Finds and remembers the blocks of one heap; used for as long as its objects are wanted. */
export class ManagedObjects {
  readonly #metadata: MetadataSource;
  readonly #header: HeapHeader;
  readonly #table: DoublingTable;
  readonly #offsetWidth: number;
  readonly #guard: OverlapGuard;
  readonly #direct = new Map<number, Promise<DirectBlock>>();
  readonly #indirect = new Map<string, Promise<IndirectBlock>>();

  constructor(metadata: MetadataSource, header: HeapHeader) {
    this.#metadata = metadata;
    this.#header = header;
    this.#table = new DoublingTable(header);
    this.#guard = new OverlapGuard(metadata, "the blocks of a heap");
    this.#offsetWidth = Math.ceil(header.offsetBits / 8);
  }

  /** The object at an offset of the heap's space. */
  async read(
    offset: number,
    length: number,
    options: StorageOptions,
  ): Promise<{ readonly bytes: Uint8Array; readonly offset: number }> {
    const block = await this.#blockAt(offset, options);
    const at = offset - block.start;
    if (at < this.#prefixLength || at + length > block.bytes.length) {
      throw this.#corrupt(`${length} bytes at ${offset} lie outside of their heap block`, block.offset);
    }
    return { bytes: block.bytes.subarray(at, at + length), offset: block.offset + at };
  }

  get #prefixLength(): number {
    const checksum = this.#header.blockChecksums ? CHECKSUM : 0;
    return FRAME + this.#metadata.offsetSize + this.#offsetWidth + checksum;
  }

  /** Walks down from the root to the direct block that holds an offset. */
  async #blockAt(offset: number, options: StorageOptions): Promise<DirectBlock> {
    const { rootRows, root, startingBlockSize } = this.#header;
    if (rootRows === 0) return await this.#directBlock(root, 0, startingBlockSize, options);
    let block = await this.#indirectBlock(root, 0, rootRows, options);
    for (let start = 0; ; ) {
      const { row, column } = this.#table.locate(offset - start);
      const child = row < block.rows ? block.children[row * this.#table.width + column] : undefined;
      if (child === undefined) throw this.#corrupt(`offset ${offset} lies beyond the heap's blocks`);
      const size = this.#table.blockSize(row);
      start += this.#table.rowOffset(row) + column * size;
      if (row < this.#table.directRows) return await this.#directBlock(child, start, size, options);
      // The number of rows becomes smaller with each step.
      const rows = this.#table.rowsBelow(row);
      if (rows < 1) throw this.#corrupt("a heap's indirect block without rows");
      block = await this.#indirectBlock(child, start, rows, options);
    }
  }

  #directBlock(
    block: StoredBlock,
    start: number,
    size: number,
    options: StorageOptions,
  ): Promise<DirectBlock> {
    let reading = this.#direct.get(start);
    if (reading === undefined) {
      reading = this.#readDirect(block, start, size, options);
      this.#direct.set(start, reading);
    }
    return reading;
  }

  async #readDirect(
    { address, filtered }: StoredBlock,
    start: number,
    size: number,
    options: StorageOptions,
  ): Promise<DirectBlock> {
    if (address === undefined) throw this.#corrupt(`the heap has no block at ${start}`);
    const metadata = this.#metadata;
    const length = filtered?.size ?? size;
    this.#guard.enter(address, length);
    const [stored = new Uint8Array(0)] = await metadata.read([{ address, length }], options);
    const bytes = filtered
      ? undoHeapFilters(stored, this.#header.filters, filtered.mask, size)
      : stored.slice();
    const cursor = signedBlock(metadata, bytes, address, "FHDB");
    requireVersion(cursor, "FHDB", 0);
    this.#checkPlace(cursor, start);
    if (this.#header.blockChecksums) {
      const at = cursor.position;
      const expected = cursor.u32();
      // The checksum was computed with zeros in its own place.
      const whole = bytes.slice();
      whole.fill(0, at, at + CHECKSUM);
      if (lookup3(whole) !== expected) {
        throw new MoraineError("ChecksumMismatch", "the checksum of a heap block is wrong", {
          source: metadata.source,
          offset: metadata.base + address,
        });
      }
    }
    return { start, bytes, offset: metadata.base + address };
  }

  #indirectBlock(
    block: StoredBlock,
    start: number,
    rows: number,
    options: StorageOptions,
  ): Promise<IndirectBlock> {
    // The first block of a table starts where the table does: the rows tell them apart.
    const key = `${start}/${rows}`;
    let reading = this.#indirect.get(key);
    if (reading === undefined) {
      reading = this.#readIndirect(block.address, start, rows, options);
      this.#indirect.set(key, reading);
    }
    return reading;
  }

  async #readIndirect(
    address: number | undefined,
    start: number,
    rows: number,
    options: StorageOptions,
  ): Promise<IndirectBlock> {
    if (address === undefined) throw this.#corrupt(`the heap has no block at ${start}`);
    const metadata = this.#metadata;
    const { offsetSize, lengthSize } = metadata;
    const { width, directRows } = this.#table;
    const direct = Math.min(rows, directRows) * width;
    const indirect = Math.max(rows - directRows, 0) * width;
    const isFiltered = this.#header.filters.length > 0;
    const entries = direct * (offsetSize + (isFiltered ? lengthSize + 4 : 0)) + indirect * offsetSize;
    const length = FRAME + offsetSize + this.#offsetWidth + entries + CHECKSUM;
    this.#guard.enter(address, length);
    const [bytes] = await metadata.read([{ address, length }], options);
    const cursor = checkedBlock(metadata, bytes, address, "FHIB");
    this.#checkPlace(cursor, start);
    const children: StoredBlock[] = [];
    for (let i = 0; i < direct + indirect; i++) {
      const child = cursor.uintOrUndefined(offsetSize);
      const filtered =
        isFiltered && i < direct ? { size: cursor.uint(lengthSize), mask: cursor.u32() } : undefined;
      children.push({ address: child, filtered });
    }
    return { rows, children };
  }

  /** A block names its heap and its offset in the heap's space. */
  #checkPlace(cursor: Cursor, start: number): void {
    const heap = cursor.uint(this.#metadata.offsetSize);
    if (heap !== this.#header.address || cursor.uint(this.#offsetWidth) !== start) {
      throw this.#corrupt("a heap block is in a wrong place", cursor.start);
    }
  }

  #corrupt(message: string, offset?: number): MoraineError {
    return new MoraineError("CorruptFile", message, {
      source: this.#metadata.source,
      offset: offset ?? this.#metadata.base + this.#header.address,
    });
  }
}
