/**
 * The objects that are too large for a fractal heap's blocks: each lies by itself in the file (specification 4.0,
 * III.G "Fractal Heap ID for Huge Objects", III.A.2 records of types 1 and 2).
 *
 * @module
 */

import { Cursor } from "../../../binary/cursor.ts";
import { MoraineError } from "../../../errors.ts";
import type { StorageOptions } from "../../../storage/storage.ts";
import { readBTreeV2 } from "../btree-v2.ts";
import type { MetadataSource } from "../metadata-source.ts";
import { undoHeapFilters } from "./heap-filters.ts";
import type { HeapHeader } from "./heap-header.ts";

/** Where a huge object lies. */
interface HugeObject {
  readonly address: number;
  /** Stored bytes. */
  readonly length: number;
  readonly filtered: { readonly mask: number; readonly size: number } | undefined;
}

/** A few encoded bytes must not become gigabytes. */
const LARGEST_DECODED = 64 * 1024 * 1024;
const INDEX_PLAIN = 1;
const INDEX_FILTERED = 2;

export class HugeObjects {
  readonly #metadata: MetadataSource;
  readonly #header: HeapHeader;
  /** Identifiers hold the place itself where they are long enough. */
  readonly #direct: boolean;
  #index: Promise<ReadonlyMap<number, HugeObject>> | undefined;

  constructor(metadata: MetadataSource, header: HeapHeader) {
    this.#metadata = metadata;
    this.#header = header;
    const { offsetSize, lengthSize } = metadata;
    const place = offsetSize + lengthSize + (header.filters.length > 0 ? 4 + lengthSize : 0);
    this.#direct = header.idLength - 1 >= place;
  }

  /** @param id behind its first byte */
  async read(
    id: Cursor,
    options: StorageOptions,
  ): Promise<{ readonly bytes: Uint8Array; readonly offset: number }> {
    const metadata = this.#metadata;
    const { address, length, filtered } = this.#direct ? this.#place(id) : await this.#find(id, options);
    const [stored = new Uint8Array(0)] = await metadata.read([{ address, length }], options);
    if (filtered && filtered.size > LARGEST_DECODED) {
      throw new MoraineError("LimitExceeded", `a heap object of ${filtered.size} bytes`, {
        source: metadata.source,
        offset: metadata.base + address,
      });
    }
    const bytes = filtered
      ? undoHeapFilters(stored, this.#header.filters, filtered.mask, filtered.size)
      : stored;
    return { bytes, offset: metadata.base + address };
  }

  #place(cursor: Cursor): HugeObject {
    const { offsetSize, lengthSize } = this.#metadata;
    return {
      address: cursor.uint(offsetSize),
      length: cursor.uint(lengthSize),
      filtered:
        this.#header.filters.length > 0 ? { mask: cursor.u32(), size: cursor.uint(lengthSize) } : undefined,
    };
  }

  async #find(id: Cursor, options: StorageOptions): Promise<HugeObject> {
    const key = id.uint(Math.min(8, this.#header.idLength - 1));
    this.#index ??= this.#readIndex(options);
    const object = (await this.#index).get(key);
    if (object === undefined) {
      throw new MoraineError("CorruptFile", `the heap has no huge object ${key}`, {
        source: this.#metadata.source,
        offset: this.#metadata.base + this.#header.address,
      });
    }
    return object;
  }

  async #readIndex(options: StorageOptions): Promise<ReadonlyMap<number, HugeObject>> {
    const metadata = this.#metadata;
    const objects = new Map<number, HugeObject>();
    if (this.#header.hugeIndex === undefined) return objects;
    const type = this.#header.filters.length > 0 ? INDEX_FILTERED : INDEX_PLAIN;
    await readBTreeV2(
      metadata,
      this.#header.hugeIndex,
      [type],
      (records) => {
        const cursor = new Cursor(records.bytes, { source: metadata.source, start: records.offset });
        for (let i = 0; i < records.count; i++) {
          cursor.position = i * records.size;
          const object = this.#place(cursor);
          objects.set(cursor.uint(metadata.lengthSize), object);
        }
      },
      options,
    );
    return objects;
  }
}
