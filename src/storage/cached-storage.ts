/**
 * A storage that remembers blocks of what it read: for the metadata of files, which is read in many small steps
 * that lie near each other.
 *
 * @module
 */

import { throwIfAborted } from "./abort.ts";
import { BlockCache } from "./block-cache.ts";
import type { StorageListener } from "./events.ts";
import { joinRequest, type SharedRequest } from "./shared-request.ts";
import { checkRange, type ResolvedRange, resolveRange, truncated } from "./slice-ranges.ts";
import type {
  ByteRange,
  DeleteOptions,
  ListedObject,
  ReadOptions,
  ReadResult,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "./storage.ts";
import { requireVersion } from "./version.ts";

export interface CacheOptions {
  /** Bytes of a block; default 64 KiB. */
  readonly blockSize?: number | undefined;
  /** Bytes of all blocks held; default 64 MiB. */
  readonly maximumBytes?: number | undefined;
  /** Ranges longer than this are not kept: they are data, read once; default 1 MiB. */
  readonly longest?: number | undefined;
  readonly onEvent?: StorageListener | undefined;
}

/** What is known of an object. */
interface KnownObject {
  readonly id: number;
  version: Version | undefined;
  readonly underWay: Map<number, SharedRequest>;
}

/**
 * Wraps a storage. The version of an object is that of the first read; a later one that differs is an error
 * `SourceChanged`, until {@link CachedStorage.forget} or a write through the wrapper. Requests under way are
 * shared by all who ask for the same blocks.
 *
 * @example
 * const cached = new CachedStorage(router, { maximumBytes: 16 * 1024 * 1024 });
 */
export class CachedStorage implements Storage {
  readonly #storage: Storage;
  readonly #blockSize: number;
  readonly #longest: number;
  readonly #onEvent: StorageListener | undefined;
  readonly #blocks: BlockCache;
  readonly #objects = new Map<string, KnownObject>();
  #nextId = 0;

  constructor(storage: Storage, options: CacheOptions = {}) {
    this.#storage = storage;
    this.#blockSize = options.blockSize ?? 64 * 1024;
    this.#longest = options.longest ?? 1024 * 1024;
    this.#onEvent = options.onEvent;
    this.#blocks = new BlockCache(options.maximumBytes ?? 64 * 1024 * 1024);
  }

  async read(address: string, ranges: readonly ByteRange[], options: ReadOptions = {}): Promise<ReadResult> {
    throwIfAborted(options.signal);
    const object = this.#object(address);
    if (object.version !== undefined) requireVersion(address, object.version, options.version);
    for (const range of ranges) checkRange(address, range);
    const size = object.version?.size;
    const short: number[] = [];
    const long: number[] = [];
    const resolved = ranges.map((range, index): ResolvedRange | undefined => {
      const known = size === undefined ? closed(range) : resolveRange(address, range, size, options);
      if (known !== undefined && known.length <= this.#longest) short.push(index);
      else long.push(index);
      return known;
    });
    const parts = new Array<Uint8Array>(ranges.length);
    await Promise.all([
      this.#readLong(address, object, ranges, long, parts, options),
      this.#readShort(address, object, resolved, short, parts, options),
    ]);
    const version = object.version ?? (await this.head(address, options));
    requireVersion(address, version, options.version);
    return { parts, version };
  }

  async head(address: string, options?: StorageOptions): Promise<Version & { readonly size: number }> {
    throwIfAborted(options?.signal);
    const object = this.#object(address);
    const { version } = object;
    if (version?.size !== undefined) return { ...version, size: version.size };
    const found = await this.#storage.head(address, options);
    this.#saw(address, object, found);
    return found;
  }

  async write(address: string, bytes: Uint8Array, options?: WriteOptions): Promise<Version> {
    this.forget(address);
    try {
      return await this.#storage.write(address, bytes, options);
    } finally {
      this.forget(address);
    }
  }

  list(prefix: string, options?: StorageOptions): AsyncIterable<ListedObject> {
    return this.#storage.list(prefix, options);
  }

  async delete(addresses: readonly string[], options?: DeleteOptions): Promise<void> {
    await this.#storage.delete(addresses, options);
    for (const address of addresses) this.forget(address);
  }

  /** Forgets an object and its version: what is read next is what is there then. */
  forget(address: string): void {
    // Its blocks cannot be found any more and are pushed out by others.
    this.#objects.delete(address);
  }

  async #readLong(
    address: string,
    object: KnownObject,
    ranges: readonly ByteRange[],
    indexes: readonly number[],
    parts: Uint8Array[],
    options: ReadOptions,
  ): Promise<void> {
    if (indexes.length === 0) return;
    const wanted = indexes.map((index) => ranges[index] ?? { offset: 0, length: 0 });
    const version = options.version ?? object.version;
    const result = await this.#storage.read(address, wanted, { ...options, version });
    this.#saw(address, object, result.version);
    indexes.forEach((index, i) => {
      parts[index] = result.parts[i] ?? new Uint8Array(0);
    });
  }

  async #readShort(
    address: string,
    object: KnownObject,
    ranges: readonly (ResolvedRange | undefined)[],
    indexes: readonly number[],
    parts: Uint8Array[],
    options: ReadOptions,
  ): Promise<void> {
    const blocks = new Map<number, Uint8Array>();
    for (const index of indexes) {
      for (const block of this.#blocksOf(ranges[index])) blocks.set(block, EMPTY);
    }
    if (blocks.size === 0) {
      for (const index of indexes) parts[index] = EMPTY;
      return;
    }
    await this.#load(address, object, blocks, options);
    for (const index of indexes) {
      const { offset, length } = ranges[index] ?? { offset: 0, length: 0 };
      const part = this.#assemble(blocks, offset, length);
      if (part.length < length && !options.clip) {
        throw truncated(address, offset, length, object.version?.size ?? offset + part.length);
      }
      parts[index] = part;
    }
  }

  *#blocksOf(range: ResolvedRange | undefined): Generator<number, void, undefined> {
    if (range === undefined || range.length === 0) return;
    const last = Math.floor((range.offset + range.length - 1) / this.#blockSize);
    for (let block = Math.floor(range.offset / this.#blockSize); block <= last; block++) yield block;
  }

  /** Fills the map with the blocks that it names. */
  async #load(
    address: string,
    object: KnownObject,
    blocks: Map<number, Uint8Array>,
    options: ReadOptions,
  ): Promise<void> {
    const missing: number[] = [];
    const requests = new Set<SharedRequest>();
    for (const block of blocks.keys()) {
      const cached = this.#blocks.get(`${object.id}:${block}`);
      const shared = object.underWay.get(block);
      if (cached !== undefined) blocks.set(block, cached);
      else if (shared !== undefined && !shared.controller.signal.aborted) requests.add(shared);
      else missing.push(block);
    }
    this.#onEvent?.({
      type: "cache",
      address,
      hits: blocks.size - missing.length,
      misses: missing.length,
    });
    if (missing.length > 0) requests.add(this.#request(address, object, missing, options.version));
    await Promise.all(
      [...requests].map(async (request) => {
        for (const [block, bytes] of await joinRequest(request, options.signal)) {
          if (blocks.has(block)) blocks.set(block, bytes);
        }
      }),
    );
    if (object.version !== undefined) requireVersion(address, object.version, options.version);
  }

  /** Begins to fetch blocks. */
  #request(
    address: string,
    object: KnownObject,
    missing: readonly number[],
    expected: Version | undefined,
  ): SharedRequest {
    const controller = new AbortController();
    const fetch = async () => {
      try {
        const result = await this.#storage.read(
          address,
          missing.map((block) => ({ offset: block * this.#blockSize, length: this.#blockSize })),
          { clip: true, version: object.version ?? expected, signal: controller.signal },
        );
        this.#saw(address, object, result.version);
        const fetched = new Map<number, Uint8Array>();
        missing.forEach((block, i) => {
          const bytes = result.parts[i] ?? EMPTY;
          fetched.set(block, bytes);
          this.#blocks.set(`${object.id}:${block}`, bytes);
        });
        return fetched;
      } finally {
        for (const block of missing) object.underWay.delete(block);
      }
    };
    const request: SharedRequest = { blocks: fetch(), controller, waiting: 0 };
    for (const block of missing) object.underWay.set(block, request);
    return request;
  }

  #assemble(blocks: ReadonlyMap<number, Uint8Array>, offset: number, length: number): Uint8Array {
    const size = this.#blockSize;
    const first = Math.floor(offset / size);
    const head = (blocks.get(first) ?? EMPTY).subarray(offset - first * size, offset - first * size + length);
    if (offset + length <= (first + 1) * size) return head;
    const part = new Uint8Array(length);
    part.set(head);
    let filled = head.length;
    for (let block = first + 1; filled === block * size - offset && filled < length; block++) {
      const piece = (blocks.get(block) ?? EMPTY).subarray(0, length - filled);
      part.set(piece, filled);
      filled += piece.length;
    }
    return part.subarray(0, filled);
  }

  #saw(address: string, object: KnownObject, version: Version): void {
    requireVersion(address, version, object.version);
    object.version = { ...object.version, ...version };
  }

  #object(address: string): KnownObject {
    let object = this.#objects.get(address);
    if (object === undefined) {
      object = { id: this.#nextId++, version: undefined, underWay: new Map() };
      this.#objects.set(address, object);
    }
    return object;
  }
}

const EMPTY = new Uint8Array(0);

/** The range if both its ends are known without the size of the object. */
function closed({ offset, length }: ByteRange): ResolvedRange | undefined {
  return offset < 0 || length === undefined ? undefined : { offset, length };
}
