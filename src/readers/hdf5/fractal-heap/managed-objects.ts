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
import { faultOf } from "../faults.ts";
import type { MetadataSource } from "../metadata-source.ts";
import { OverlapGuard } from "../overlap-guard.ts";
import { DoublingTable } from "./doubling-table.ts";
import { undoHeapFilters } from "./heap-filters.ts";
import type { HeapHeader, StoredBlock } from "./heap-header.ts";

/** A direct block as it is in memory. */
interface DirectBlock {
  readonly kind: "direct";
  /** Of the block in the heap's space. */
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Offset in the file; of an encoded block that of its encoded bytes. */
  readonly offset: number;
}

/** An indirect block: the blocks below it, row after row. */
interface IndirectBlock {
  readonly kind: "indirect";
  readonly rows: number;
  readonly children: readonly StoredBlock[];
}

/** Signature and version. */
const FRAME = 4 + 1;

/** A block that has to be read before what lies in it or below it can be found. */
interface MissingBlock {
  readonly kind: "missing";
  readonly key: string;
  readonly read: (options: StorageOptions) => Promise<DirectBlock | IndirectBlock>;
}

/** Finds and remembers the blocks of one heap; used for as long as its objects are wanted. */
export class ManagedObjects {
  readonly #metadata: MetadataSource;
  readonly #header: HeapHeader;
  readonly #table: DoublingTable;
  readonly #offsetWidth: number;
  readonly #prefixLength: number;
  readonly #guard: OverlapGuard;
  /** A block that cannot be read stands as its fault. */
  readonly #blocks = new Map<string, DirectBlock | IndirectBlock | MoraineError>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(metadata: MetadataSource, header: HeapHeader) {
    this.#metadata = metadata;
    this.#header = header;
    this.#table = new DoublingTable(header);
    this.#guard = new OverlapGuard(metadata, "the blocks of a heap");
    this.#offsetWidth = Math.ceil(header.offsetBits / 8);
    const checksum = header.blockChecksums ? CHECKSUM : 0;
    this.#prefixLength = FRAME + metadata.offsetSize + this.#offsetWidth + checksum;
  }

  /** Reads the blocks that hold these offsets of the heap's space: a round for each step down to them. */
  async load(offsets: readonly number[], options: StorageOptions): Promise<void> {
    let left = offsets;
    for (;;) {
      const waiting = new Set<Promise<void>>();
      left = left.filter((offset) => {
        const block = this.#blockAt(offset);
        if (block instanceof MoraineError || block.kind !== "missing") return false;
        waiting.add(this.#underWay.get(block.key) ?? this.#load(block, options));
        return true;
      });
      if (left.length === 0) return;
      await Promise.all(waiting);
    }
  }

  /** The object at an offset whose block was loaded; throws the block's fault. */
  read(offset: number, length: number): { readonly bytes: Uint8Array; readonly offset: number } {
    const block = this.#blockAt(offset);
    if (block instanceof MoraineError) throw block;
    if (block.kind !== "direct") throw this.#corrupt(`offset ${offset} was not looked for`);
    const at = offset - block.start;
    if (at < this.#prefixLength || at + length > block.bytes.length) {
      throw this.#corrupt(`${length} bytes at ${offset} lie outside of their heap block`, block.offset);
    }
    return { bytes: block.bytes.subarray(at, at + length), offset: block.offset + at };
  }

  /** Walks down from the root towards the direct block that holds an offset, as far as blocks are known. */
  #blockAt(offset: number): DirectBlock | MissingBlock | MoraineError {
    const { rootRows, root, startingBlockSize } = this.#header;
    if (rootRows === 0) return this.#directBlock(root, 0, startingBlockSize);
    let block = this.#indirectBlock(root, 0, rootRows);
    for (let start = 0; ; ) {
      if (block instanceof MoraineError || block.kind === "missing") return block;
      const { row, column } = this.#table.locate(offset - start);
      const child = row < block.rows ? block.children[row * this.#table.width + column] : undefined;
      if (child === undefined) return this.#corrupt(`offset ${offset} lies beyond the heap's blocks`);
      const size = this.#table.blockSize(row);
      start += this.#table.rowOffset(row) + column * size;
      if (row < this.#table.directRows) return this.#directBlock(child, start, size);
      // The number of rows becomes smaller with each step.
      const rows = this.#table.rowsBelow(row);
      if (rows < 1) return this.#corrupt("a heap's indirect block without rows");
      block = this.#indirectBlock(child, start, rows);
    }
  }

  #directBlock(block: StoredBlock, start: number, size: number): DirectBlock | MissingBlock | MoraineError {
    const key = `${start}`;
    const known = this.#blocks.get(key);
    if (known instanceof MoraineError || known?.kind === "direct") return known;
    return { kind: "missing", key, read: (options) => this.#readDirect(block, start, size, options) };
  }

  #indirectBlock(
    { address }: StoredBlock,
    start: number,
    rows: number,
  ): IndirectBlock | MissingBlock | MoraineError {
    // The first block of a table starts where the table does: the rows tell them apart.
    const key = `${start}/${rows}`;
    const known = this.#blocks.get(key);
    if (known instanceof MoraineError || known?.kind === "indirect") return known;
    return { kind: "missing", key, read: (options) => this.#readIndirect(address, start, rows, options) };
  }

  #load({ key, read }: MissingBlock, options: StorageOptions): Promise<void> {
    const reading = read(options)
      .catch(faultOf)
      .then((block) => void this.#blocks.set(key, block))
      .finally(() => void this.#underWay.delete(key));
    this.#underWay.set(key, reading);
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
    return { kind: "direct", start, bytes, offset: metadata.base + address };
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
    return { kind: "indirect", rows, children };
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
