/**
 * Blocks of objects in memory, the least recently used forgotten first.
 *
 * @module
 */

/** Holds at most so many bytes. Keys are chosen by the user of the cache. */
export class BlockCache {
  readonly #maximumBytes: number;
  readonly #blocks = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Uint8Array | undefined {
    const block = this.#blocks.get(key);
    if (block !== undefined) {
      // A map keeps the order of insertion: what was used last stands last.
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
    }
    return block;
  }

  set(key: string, block: Uint8Array): void {
    this.delete(key);
    // A view would keep the whole buffer that it lies in.
    const kept = block.byteLength < block.buffer.byteLength ? block.slice() : block;
    this.#blocks.set(key, kept);
    this.#bytes += kept.length;
    for (const oldest of this.#blocks.keys()) {
      if (this.#bytes <= this.#maximumBytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const block = this.#blocks.get(key);
    if (block === undefined) return;
    this.#blocks.delete(key);
    this.#bytes -= block.length;
  }
}
