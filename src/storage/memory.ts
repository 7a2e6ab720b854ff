/**
 * Objects in memory, under `memory://` addresses.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { throwIfAborted } from "./abort.ts";
import { sliceRanges } from "./slice-ranges.ts";
import type {
  ByteRange,
  CopyOptions,
  DeleteOptions,
  ListedObject,
  ReadOptions,
  ReadResult,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "./storage.ts";
import { requireVersion, sameVersion } from "./version.ts";

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly version: Version & { readonly size: number };
}

/**
 * A storage that forgets everything with the process. Every write gives a new ETag.
 *
 * @example
 * const storage = new MemoryStorage();
 * await storage.write("memory://a", new Uint8Array([1, 2, 3]), { precondition: "absent" });
 */
export class MemoryStorage implements Storage {
  readonly #objects = new Map<string, StoredObject>();
  #writes = 0;

  async read(address: string, ranges: readonly ByteRange[], options: ReadOptions = {}): Promise<ReadResult> {
    throwIfAborted(options.signal);
    const object = this.#get(address);
    requireVersion(address, object.version, options.version);
    return { parts: sliceRanges(address, object.bytes, ranges, options), version: object.version };
  }

  async head(address: string, options: StorageOptions = {}): Promise<Version & { readonly size: number }> {
    throwIfAborted(options.signal);
    return this.#get(address).version;
  }

  async write(address: string, bytes: Uint8Array, options: WriteOptions = {}): Promise<Version> {
    throwIfAborted(options.signal);
    const existing = this.#objects.get(address);
    const { precondition } = options;
    const holds =
      precondition === undefined ||
      (precondition === "absent"
        ? existing === undefined
        : existing !== undefined && sameVersion(existing.version, precondition));
    if (!holds) throw replaced(address);
    this.#writes += 1;
    const version = { etag: `"${this.#writes}"`, size: bytes.length, lastModified: Date.now() };
    // Not `slice`: that of a Buffer gives a view of the caller's memory.
    this.#objects.set(address, { bytes: new Uint8Array(bytes), version });
    return version;
  }

  async copy(from: string, to: string, options: CopyOptions): Promise<boolean> {
    throwIfAborted(options.signal);
    const { bytes, version } = this.#get(from);
    if (!sameVersion(version, options.version)) throw replaced(from);
    await this.write(to, bytes);
    return true;
  }

  async *list(prefix: string, options: StorageOptions = {}): AsyncGenerator<ListedObject, void, undefined> {
    for (const [address, { version }] of [...this.#objects]) {
      throwIfAborted(options.signal);
      if (address.startsWith(prefix)) yield { address, ...version };
    }
  }

  async delete(addresses: readonly string[], options: DeleteOptions = {}): Promise<void> {
    throwIfAborted(options.signal);
    const { precondition } = options;
    for (const address of addresses) {
      const object = this.#objects.get(address);
      if (object && precondition && !sameVersion(object.version, precondition)) throw replaced(address);
      this.#objects.delete(address);
    }
  }

  #get(address: string): StoredObject {
    const object = this.#objects.get(address);
    if (object === undefined) throw new MoraineError("NotFound", "nothing lies there", { source: address });
    return object;
  }
}

function replaced(address: string): MoraineError {
  return new MoraineError("PreconditionFailed", "somebody else wrote first", { source: address });
}
