/** A storage that dies at a chosen write, as a process that is killed does. */

import { MoraineError } from "../../src/errors.ts";
import type {
  ByteRange,
  CopyOptions,
  ListedObject,
  ReadOptions,
  ReadResult,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "../../src/storage/storage.ts";

/** What happens at the chosen write: it is not made, or it is made and its answer is lost. */
export type Fault = "before" | "after";

export class FaultyStorage implements Storage {
  readonly #storage: Storage;
  readonly #at: number;
  readonly #fault: Fault;
  readonly #dies: boolean;
  /** Writes and deletions so far. */
  changes = 0;
  #dead = false;

  /**
   * @param at the write or deletion, counted from 0, at which it fails
   * @param dies whether nothing works afterwards; else only that answer is lost
   */
  constructor(storage: Storage, at: number, fault: Fault, dies = true) {
    this.#storage = storage;
    this.#at = at;
    this.#fault = fault;
    this.#dies = dies;
  }

  get failed(): boolean {
    return this.changes > this.#at;
  }

  async #change<T>(task: () => Promise<T>): Promise<T> {
    this.#live();
    const isFault = this.changes++ === this.#at;
    if (isFault && this.#dies) this.#dead = true;
    if (isFault && this.#fault === "before") throw dead();
    const result = await task();
    if (isFault) throw dead();
    return result;
  }

  #live(): void {
    if (this.#dead) throw dead();
  }

  async read(address: string, ranges: readonly ByteRange[], options?: ReadOptions): Promise<ReadResult> {
    this.#live();
    return this.#storage.read(address, ranges, options);
  }

  async head(address: string, options?: StorageOptions): Promise<Version & { readonly size: number }> {
    this.#live();
    return this.#storage.head(address, options);
  }

  write(address: string, bytes: Uint8Array, options?: WriteOptions): Promise<Version> {
    return this.#change(() => this.#storage.write(address, bytes, options));
  }

  async copy(from: string, to: string, options: CopyOptions): Promise<boolean> {
    return this.#change(async () => (await this.#storage.copy?.(from, to, options)) ?? false);
  }

  async *list(prefix: string, options?: StorageOptions): AsyncGenerator<ListedObject, void, undefined> {
    this.#live();
    yield* this.#storage.list(prefix, options);
  }

  delete(addresses: readonly string[], options?: StorageOptions): Promise<void> {
    return this.#change(() => this.#storage.delete(addresses, options));
  }
}

function dead(): MoraineError {
  return new MoraineError("StorageFailed", "the storage does not answer");
}
