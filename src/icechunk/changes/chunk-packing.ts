/**
 * Native chunks on their way to chunk objects. Small ones that are written one after another share an object: one
 * request instead of hundreds. In it they lie in the order of the grid, in whatever order they came, so that
 * neighbours can be read together.
 *
 * @module
 */

import { concatenateBytes } from "../../binary/byte-sequences.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { decodeIdentifier, OBJECT_ID_BYTES, type ObjectId, randomObjectId } from "../format/identifier.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";

/** Bytes at which an object is written, where nothing else is asked for. */
export const DEFAULT_OBJECT_BYTES: number = 8 * 1024 * 1024;
/** Chunks of at least this part of an object have one of their own. */
const LARGE_PART = 8;

/** Whose chunk it is. */
export interface ChunkOwner {
  /** Anything that tells arrays apart. */
  readonly array: string;
  /** In its grid, in C order. */
  readonly position: number;
}

/** Where a chunk is or will be. Its place in the object is settled when it is first asked for. */
export class PackedChunk {
  readonly kind = "native";
  readonly chunkId: Uint8Array;
  readonly length: number;
  /** Until its place is settled. */
  #pack: Pack | undefined;
  #offset = 0;

  constructor(length: number, pack: Pack) {
    this.chunkId = pack.idBytes;
    this.length = length;
    this.#pack = pack;
  }

  get offset(): number {
    this.#pack?.settle();
    return this.#offset;
  }

  settle(offset: number): void {
    this.#pack = undefined;
    this.#offset = offset;
  }
}

/** A chunk that has no place yet. */
interface OpenChunk {
  readonly chunk: PackedChunk;
  readonly bytes: Uint8Array;
  readonly owner: ChunkOwner;
}

/** One object while it is filled. */
class Pack {
  readonly id: ObjectId = randomObjectId();
  readonly idBytes: Uint8Array = decodeIdentifier(this.id, OBJECT_ID_BYTES);
  /** Chunks whose place is settled, and where each begins. */
  readonly chunks: Uint8Array[] = [];
  readonly starts: number[] = [];
  /** Bytes of all. */
  size = 0;
  #settled = 0;
  #open: OpenChunk[] = [];
  /** Arrays in the order in which their first chunks came. */
  readonly #arrays = new Map<string, number>();

  add(bytes: Uint8Array, owner: ChunkOwner): PackedChunk {
    const chunk = new PackedChunk(bytes.length, this);
    this.#open.push({ chunk, bytes, owner });
    if (!this.#arrays.has(owner.array)) this.#arrays.set(owner.array, this.#arrays.size);
    this.size += bytes.length;
    return chunk;
  }

  /**
   * Puts the chunks that have no place yet behind the others: array after array, in the order of the grid. What tells
   * arrays apart is random in part, so it does not order them: the same chunks lie in the same places in every run.
   */
  settle(): void {
    const open = this.#open;
    this.#open = [];
    open.sort(
      ({ owner: a }, { owner: b }) =>
        (this.#arrays.get(a.array) ?? 0) - (this.#arrays.get(b.array) ?? 0) || a.position - b.position,
    );
    for (const { chunk, bytes } of open) {
      chunk.settle(this.#settled);
      this.chunks.push(bytes);
      this.starts.push(this.#settled);
      this.#settled += bytes.length;
    }
  }
}

export class ChunkPacking {
  readonly #files: RepositoryFiles;
  readonly #objectBytes: number;
  #pack: Pack | undefined;
  /** Objects that are not written yet, from which the session itself reads. */
  readonly #pending = new Map<ObjectId, Pack>();
  readonly #writing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /**
   * Errors: `InvalidArgument`.
   *
   * @param objectBytes at which an object is written; those of one chunk may have more
   */
  constructor(files: RepositoryFiles, objectBytes: number = DEFAULT_OBJECT_BYTES) {
    if (!(objectBytes > 0)) {
      throw new MoraineError("InvalidArgument", `objects of ${objectBytes} bytes hold no chunks`);
    }
    this.#files = files;
    this.#objectBytes = objectBytes;
  }

  /** Takes a chunk, which must not be changed afterwards. Waits when much is being written. */
  async add(bytes: Uint8Array, owner: ChunkOwner, options: StorageOptions = {}): Promise<PackedChunk> {
    if (bytes.length * LARGE_PART >= this.#objectBytes) {
      const own = new Pack();
      const chunk = own.add(bytes, owner);
      await this.#write(own, options);
      return chunk;
    }
    this.#pack ??= new Pack();
    this.#pending.set(this.#pack.id, this.#pack);
    const chunk = this.#pack.add(bytes, owner);
    if (this.#pack.size >= this.#objectBytes) await this.#writePack(options);
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
    pack.settle();
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
