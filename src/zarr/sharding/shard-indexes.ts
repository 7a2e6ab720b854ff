/**
 * Indexes of shards that are read by ranges: fetched side by side, kept for the next read.
 *
 * @module
 */

import type { ShardIndex, ShardIndexCodec } from "../../codecs/shard-index.ts";
import { MoraineError } from "../../errors.ts";
import type { ByteRange, Storage, StorageOptions, Version } from "../../storage/storage.ts";
import { sameVersion } from "../../storage/version.ts";
import { readIfPresent } from "../read/fetch.ts";

/** Where a shard lies. */
export interface ShardPlace {
  readonly address: string;
  /** The version that it was scanned with. */
  readonly version: Version | undefined;
  /** A range of the object; undefined where the object is the shard. */
  readonly range: { readonly offset: number; readonly length: number } | undefined;
  readonly codec: ShardIndexCodec;
}

/** An index as it was read. */
export interface LocatedIndex {
  readonly index: ShardIndex;
  /** The state of the object that it belongs to. */
  readonly version: Version;
  /** Bytes of the shard, where they are known. */
  readonly size: number | undefined;
  /** Entries were kept from an earlier read: what they call missing may have been written since. */
  readonly kept: boolean;
}

/** Bytes of entries that are kept. */
const KEEP_BYTES = 16 * 1024 * 1024;

/** Keeps the indexes used last. */
export class ShardIndexes {
  readonly #entries = new Map<string, Promise<LocatedIndex | undefined>>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  /**
   * The index of a shard; undefined where the shard does not exist.
   *
   * Errors: `CorruptChunk`, `ChecksumMismatch`, `LimitExceeded`, `SourceChanged`, those of the storage.
   */
  async get(storage: Storage, place: ShardPlace, options: StorageOptions): Promise<LocatedIndex | undefined> {
    const key = keyOf(place);
    const known = this.#entries.get(key);
    if (known) {
      const kept = await known.catch(() => undefined);
      if (kept && (place.version === undefined || sameVersion(kept.version, place.version))) {
        this.#entries.delete(key);
        this.#entries.set(key, known);
        return { ...kept, kept: true };
      }
    }
    const reading = readIndex(storage, place, options);
    this.#keep(key, reading, place.codec.count * 16);
    try {
      const located = await reading;
      // A shard that is not there yet may be there next time, and one without a mark of its state may be another.
      if (located === undefined || !isMarked(located.version)) this.#drop(key, reading);
      return located;
    } catch (error) {
      this.#drop(key, reading);
      throw error;
    }
  }

  /** Forgets a shard that has changed. */
  forget(place: ShardPlace): void {
    this.#drop(keyOf(place));
  }

  /** Forgets everything: some shard has changed. Gives whether anything was known. */
  clear(): boolean {
    const wasKnown = this.#entries.size > 0;
    this.#entries.clear();
    this.#sizes.clear();
    this.#bytes = 0;
    return wasKnown;
  }

  #keep(key: string, reading: Promise<LocatedIndex | undefined>, bytes: number): void {
    this.#drop(key);
    this.#entries.set(key, reading);
    this.#sizes.set(key, bytes);
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= KEEP_BYTES || oldest === key) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string, only?: Promise<LocatedIndex | undefined>): void {
    if (only && this.#entries.get(key) !== only) return;
    this.#entries.delete(key);
    this.#bytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
  }
}

/** Whether another state of the object would be told from this one. */
function isMarked({ etag, lastModified }: Version): boolean {
  return etag !== undefined || lastModified !== undefined;
}

function keyOf({ address, range }: ShardPlace): string {
  return `${range?.offset ?? ""}+${range?.length ?? ""} ${address}`;
}

async function readIndex(
  storage: Storage,
  { address, version, range, codec }: ShardPlace,
  options: StorageOptions,
): Promise<LocatedIndex | undefined> {
  codec.requireMemory();
  const read = { ...options, version };
  if (range) {
    if (range.length < codec.size) {
      throw new MoraineError("CorruptChunk", `a shard of ${range.length} bytes cannot hold its index`, {
        source: address,
        offset: range.offset,
      });
    }
    const offset = codec.location === "start" ? range.offset : range.offset + range.length - codec.size;
    const result = await storage.read(address, [{ offset, length: codec.size }], read);
    const index = codec.decode(result.parts[0] ?? new Uint8Array(0));
    return { index, version: result.version, size: range.length, kept: false };
  }
  const where: ByteRange =
    codec.location === "start" ? { offset: 0, length: codec.size } : { offset: -codec.size };
  const result = await readIfPresent(storage, address, [where], read);
  if (result === undefined) return undefined;
  const index = codec.decode(result.parts[0] ?? new Uint8Array(0));
  return { index, version: result.version, size: result.version.size, kept: false };
}
