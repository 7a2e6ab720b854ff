/**
 * Messages that are stored once and shared by several headers: committed datatypes, and the heaps of the shared
 * object header message table (specification 4.0, IV.A.2 "Shared Message" and III.H).
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { requireChecksum, signedBlock } from "./checked-block.ts";
import { isFault } from "./faults.ts";
import { FractalHeap, type HeapObject } from "./fractal-heap/fractal-heap.ts";
import type { MetadataSource } from "./metadata-source.ts";
import type { HeaderMessage } from "./object-header.ts";
import type { StoredMessage } from "./object-header-chunk.ts";
import type { StoredHeaders } from "./object-headers.ts";

/** Flag of a message whose body says where the message itself is. */
export const SHARED = 2;
const IN_HEAP = 1;
const HEAP_ID = 8;
/** The library never makes more. */
const MAXIMUM_INDEXES = 8;

interface SharedIndex {
  /** Bit `i`: messages of type `i` are kept in it. */
  readonly types: number;
  readonly heapAddress: number | undefined;
}

export class SharedMessages {
  readonly #metadata: MetadataSource;
  readonly #headers: StoredHeaders;
  readonly #table: { readonly address: number; readonly indexes: number } | undefined;
  #indexes: Promise<readonly SharedIndex[]> | undefined;
  readonly #heaps = new Map<number, Promise<FractalHeap>>();

  /** @param table as the superblock extension gives it */
  constructor(
    metadata: MetadataSource,
    headers: StoredHeaders,
    table: { readonly address: number; readonly indexes: number } | undefined,
  ) {
    this.#metadata = metadata;
    this.#headers = headers;
    this.#table = table;
  }

  /** The message that another one's body stands for; a fault stands in it. */
  async resolve(message: StoredMessage, options: StorageOptions): Promise<HeaderMessage> {
    if ((message.flags & SHARED) === 0) return message;
    const { type, flags, offset, creationOrder } = message;
    try {
      const found = await this.#find(message, options);
      return { type, flags, creationOrder, ...found };
    } catch (error) {
      if (!isFault(error)) throw error;
      return { type, flags, creationOrder, body: new Uint8Array(0), offset, error };
    }
  }

  /** An object of the heap that keeps the shared messages of a type. */
  async inHeap(type: number, id: Uint8Array, options: StorageOptions): Promise<HeapObject> {
    const { source } = this.#metadata;
    this.#indexes ??= this.#readTable(options);
    let indexes: readonly SharedIndex[];
    try {
      indexes = await this.#indexes;
    } catch (error) {
      if (!isFault(error)) this.#indexes = undefined;
      throw error;
    }
    const index = indexes.find((candidate) => ((candidate.types >>> type) & 1) === 1);
    if (index?.heapAddress === undefined) {
      throw new MoraineError("CorruptFile", `no heap keeps shared messages of type ${type}`, { source });
    }
    const address = index.heapAddress;
    let heap = this.#heaps.get(address);
    if (heap === undefined) {
      heap = FractalHeap.open(this.#metadata, address, options);
      this.#heaps.set(address, heap);
    }
    try {
      return await (await heap).object(id, options);
    } catch (error) {
      if (!isFault(error)) this.#heaps.delete(address);
      throw error;
    }
  }

  async #find(
    { type, body, offset }: StoredMessage,
    options: StorageOptions,
  ): Promise<{ readonly body: Uint8Array; readonly offset: number }> {
    const { offsetSize, lengthSize, source } = this.#metadata;
    const cursor = new Cursor(body, { source, start: offset });
    const version = cursor.u8();
    if (version < 1 || version > 3) {
      throw new MoraineError("UnsupportedVersion", `shared message of version ${version}`, {
        source,
        offset,
      });
    }
    const kind = cursor.u8();
    if (version === 3 && kind === IN_HEAP) {
      const object = await this.inHeap(type, cursor.take(HEAP_ID), options);
      return { body: object.bytes, offset: object.offset };
    }
    // Version 1: reserved bytes, and the name offset of what was a symbol table entry.
    if (version === 1) cursor.skip(6 + lengthSize);
    const address = cursor.uint(offsetSize);
    const messages = await this.#headers.read(address, options);
    const target = messages.find((message) => message.type === type);
    if (target === undefined || (target.flags & SHARED) !== 0) {
      throw cursor.corrupt(`no message of type ${type} at address ${address}`, offset);
    }
    return { body: target.body, offset: target.offset };
  }

  async #readTable(options: StorageOptions): Promise<readonly SharedIndex[]> {
    const metadata = this.#metadata;
    const { offsetSize, source } = metadata;
    if (this.#table === undefined) {
      throw new MoraineError("CorruptFile", "the file has no table of shared messages", { source });
    }
    const { address, indexes } = this.#table;
    if (indexes > MAXIMUM_INDEXES) {
      throw new MoraineError("CorruptFile", `a table of ${indexes} shared message indexes`, { source });
    }
    // Version, kind, types, smallest message, two cut-offs, number of messages, index, heap.
    const entryLength = 1 + 1 + 2 + 4 + 2 + 2 + 2 + 2 * offsetSize;
    const [bytes] = await metadata.read([{ address, length: 4 + indexes * entryLength + 4 }], options);
    const cursor = signedBlock(metadata, bytes, address, "SMTB");
    requireChecksum(cursor, "SMTB");
    const found: SharedIndex[] = [];
    for (let i = 0; i < indexes; i++) {
      cursor.skip(2);
      const types = cursor.u16();
      cursor.skip(4 + 2 + 2 + 2 + offsetSize);
      found.push({ types, heapAddress: cursor.uintOrUndefined(offsetSize) });
    }
    return found;
  }
}
