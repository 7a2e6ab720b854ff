/**
 * Native chunks on their way to chunk objects. Small ones that are written one after another share an object: one
 * request instead of hundreds, and neighbours that can be read together.
 *
 * @module
 */

import { concatenateBytes } from "../binary/byte-sequences.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { decodeIdentifier, OBJECT_ID_BYTES, type ObjectId, randomObjectId } from "./format/identifier.ts";
import { FOLDERS, type RepositoryFiles } from "./repository-files.ts";

/** Chunks of at least the first size have an object of their own; objects are written at the second. */
const LARGE_CHUNK = 1024 * 1024;
const OBJECT_BYTES = 8 * 1024 * 1024;

/** Where a chunk is or will be. */
export interface PackedChunk {
  readonly chunkId: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

interface Pack {
  readonly id: ObjectId;
  readonly idBytes: Uint8Array;
  readonly chunks: Uint8Array[];
  /** Where each chunk begins. */
  readonly starts: number[];
  size: number;
}

export class ChunkPacking {
  readonly #files: RepositoryFiles;
  #pack: Pack | undefined;
  /** Objects that are not written yet, from which the session itself reads. */
  readonly #pending = new Map<ObjectId, Pack>();
  readonly #writing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(files: RepositoryFiles) {
    this.#files = files;
  }

  /** Takes a chunk, which must not be changed afterwards. Waits when much is being written. */
  async add(bytes: Uint8Array, options: StorageOptions = {}): Promise<PackedChunk> {
    if (bytes.length >= LARGE_CHUNK) {
      const own = newPack();
      const chunk = append(own, bytes);
      await this.#write(own, options);
      return chunk;
    }
    this.#pack ??= newPack();
    this.#pending.set(this.#pack.id, this.#pack);
    const chunk = append(this.#pack, bytes);
    if (this.#pack.size >= OBJECT_BYTES) await this.#writePack(options);
    return chunk;
  }

  /** The bytes of a chunk that is not written yet; undefined where it is. */
  pending(chunkId: ObjectId, offset: number, length: number): Uint8Array | undefined {
    const pack = this.#pending.get(chunkId);
    if (!pack) return undefined;
    let low = 0;
    let high = pack.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((pack.starts[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const start = offset - (pack.starts[low - 1] ?? 0);
    const chunk = pack.chunks[low - 1];
    return chunk && start + length <= chunk.length ? chunk.subarray(start, start + length) : undefined;
  }

  /** Whether any chunk is not written yet. */
  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Writes what is waiting and what failed before, and waits for it. */
  async finish(options: StorageOptions = {}): Promise<void> {
    if (this.#pack) await this.#writePack(options);
    await Promise.all(this.#writing);
    this.#failure = undefined;
    for (const pack of [...this.#pending.values()]) await this.#write(pack, options);
    await Promise.all(this.#writing);
    this.#throwFailure();
  }

  async #writePack(options: StorageOptions): Promise<void> {
    const pack = this.#pack;
    this.#pack = undefined;
    if (pack) await this.#write(pack, options);
  }

  /** Begins to write an object; returns when fewer than four are being written. */
  async #write(pack: Pack, options: StorageOptions): Promise<void> {
    this.#pending.set(pack.id, pack);
    const bytes = concatenateBytes(pack.chunks);
    const writing: Promise<void> = this.#files
      .write(`${FOLDERS.chunk}/${pack.id}`, bytes, options)
      .then(() => {
        this.#pending.delete(pack.id);
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
    if (this.#writing.size >= 4) await Promise.race(this.#writing);
    this.#throwFailure();
  }

  /** Tells of a failure once; what it was about stays pending. */
  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }
}

function newPack(): Pack {
  const id = randomObjectId();
  return { id, idBytes: decodeIdentifier(id, OBJECT_ID_BYTES), chunks: [], starts: [], size: 0 };
}

function append(pack: Pack, bytes: Uint8Array): PackedChunk {
  const offset = pack.size;
  pack.chunks.push(bytes);
  pack.starts.push(offset);
  pack.size += bytes.length;
  return { chunkId: pack.idBytes, offset, length: bytes.length };
}
