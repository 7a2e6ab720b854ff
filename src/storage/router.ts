/**
 * One storage for all addresses: each scheme has its own behind it.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { refuseUserInformation, schemeOf } from "./address.ts";
import { HttpStorage } from "./http/http-storage.ts";
import type { HttpOptions } from "./http/request.ts";
import { MemoryStorage } from "./memory.ts";
import { namesBelow } from "./names.ts";
import type {
  ByteRange,
  ListedObject,
  ReadOptions,
  ReadResult,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "./storage.ts";

/** What was asked of a storage. */
export interface StorageStatistics {
  /** Requests, merged ranges counted once. */
  requests: number;
  /** Bytes received. */
  bytes: number;
  /** Calls that were made while no other was under way: how often something waited for an answer. */
  rounds: number;
  /** Attempts that failed and were followed by another. */
  retries: number;
}

export interface RouterOptions {
  readonly http?: HttpOptions | undefined;
}

/** Makes the storage of a scheme when its first address is met. */
export type StorageMaker = (
  options: RouterOptions,
  statistics: StorageStatistics,
) => Promise<Storage> | Storage;

const memory = new MemoryStorage();
const makers = new Map<string, StorageMaker>();

/** Names the storage of a scheme. Node's entry does so for `file`. */
export function registerScheme(scheme: string, maker: StorageMaker): void {
  makers.set(scheme, maker);
}

registerScheme("memory", () => memory);
const makeHttp: StorageMaker = (options, statistics) =>
  new HttpStorage({
    ...options.http,
    onRequest: (bytes) => {
      statistics.requests += 1;
      statistics.bytes += bytes;
      options.http?.onRequest?.(bytes);
    },
    onRetry: (reason) => {
      statistics.retries += 1;
      options.http?.onRetry?.(reason);
    },
  });
registerScheme("http", makeHttp);
registerScheme("https", makeHttp);

/**
 * Sends each call to the storage of its address's scheme, and counts.
 *
 * @example
 * const storage = new StorageRouter();
 * const { parts } = await storage.read("https://host/a.nc", [{ offset: 0, length: 8 }]);
 */
export class StorageRouter implements Storage {
  readonly statistics: StorageStatistics = { requests: 0, bytes: 0, rounds: 0, retries: 0 };
  readonly #options: RouterOptions;
  readonly #storages = new Map<string, Promise<Storage>>();
  #underWay = 0;

  constructor(options: RouterOptions = {}) {
    this.#options = options;
  }

  async read(address: string, ranges: readonly ByteRange[], options?: ReadOptions): Promise<ReadResult> {
    return await this.#count(async () => (await this.#storageOf(address)).read(address, ranges, options));
  }

  async head(address: string, options?: StorageOptions): Promise<Version & { readonly size: number }> {
    return await this.#count(async () => (await this.#storageOf(address)).head(address, options));
  }

  async write(address: string, bytes: Uint8Array, options?: WriteOptions): Promise<Version> {
    return await this.#count(async () => (await this.#storageOf(address)).write(address, bytes, options));
  }

  async *list(prefix: string, options?: StorageOptions): AsyncGenerator<ListedObject, void, undefined> {
    yield* (await this.#storageOf(prefix)).list(prefix, options);
  }

  async *names(folder: string, options?: StorageOptions): AsyncGenerator<string, void, undefined> {
    yield* namesBelow(await this.#storageOf(folder), folder, options);
  }

  async delete(addresses: readonly string[], options?: StorageOptions): Promise<void> {
    const byScheme = new Map<string, string[]>();
    for (const address of addresses) {
      const scheme = schemeOf(address) ?? "";
      const group = byScheme.get(scheme);
      if (group) group.push(address);
      else byScheme.set(scheme, [address]);
    }
    for (const group of byScheme.values()) {
      await this.#count(async () => (await this.#storageOf(group[0] ?? "")).delete(group, options));
    }
  }

  async #count<T>(task: () => Promise<T>): Promise<T> {
    if (this.#underWay === 0) this.statistics.rounds += 1;
    this.#underWay += 1;
    try {
      return await task();
    } finally {
      this.#underWay -= 1;
    }
  }

  #storageOf(address: string): Promise<Storage> {
    const scheme = schemeOf(address);
    if (scheme === undefined) {
      throw new MoraineError("InvalidArgument", "an address needs a scheme, such as file:// or https://", {
        source: address,
      });
    }
    refuseUserInformation(address);
    let storage = this.#storages.get(scheme);
    if (storage === undefined) {
      const maker = makers.get(scheme);
      if (maker === undefined) {
        throw new MoraineError("InvalidArgument", `there is no storage for ${scheme}:// addresses here`, {
          source: address,
        });
      }
      storage = Promise.resolve(maker(this.#options, this.statistics));
      this.#storages.set(scheme, storage);
    }
    return storage;
  }
}
