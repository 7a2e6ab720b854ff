/**
 * Local heaps: the names of a group's members, or of a dataset's external files (specification 4.0, III.D).
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { requireVersion, signedBlock } from "./checked-block.ts";
import type { MetadataSource } from "./metadata-source.ts";

/** The data of one local heap. */
export class LocalHeap {
  readonly #data: Cursor;

  private constructor(data: Cursor) {
    this.#data = data;
  }

  static async open(
    metadata: MetadataSource,
    address: number,
    options: StorageOptions = {},
  ): Promise<LocalHeap> {
    const { offsetSize, lengthSize } = metadata;
    const length = 8 + 2 * lengthSize + offsetSize;
    const [bytes] = await metadata.read([{ address, length }], options);
    const cursor = signedBlock(metadata, bytes, address, "HEAP");
    requireVersion(cursor, "HEAP", 0);
    cursor.skip(3);
    const dataLength = cursor.uint(lengthSize);
    cursor.skip(lengthSize); // head of the free list
    const dataAddress = cursor.uint(offsetSize);
    const [data] = await metadata.read([{ address: dataAddress, length: dataLength }], options);
    return new LocalHeap(
      new Cursor(data ?? new Uint8Array(0), { source: metadata.source, start: metadata.base + dataAddress }),
    );
  }

  /** The text from an offset on, up to its NUL. */
  text(offset: number): string {
    const data = this.#data;
    data.position = 0;
    data.skip(offset);
    const end = data.bytes.indexOf(0, offset);
    return data.text((end < 0 ? data.bytes.length : end) - offset);
  }
}
