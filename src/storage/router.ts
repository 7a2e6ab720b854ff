/**
 * One storage for all addresses: each scheme has its own behind it.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { refuseUserInformation, schemeOf } from "./address.ts";
import { environment } from "./environment.ts";
import {
  countEvent,
  noTraffic,
  type StorageEvent,
  type StorageListener,
  type StorageStatistics,
  type Traffic,
} from "./events.ts";
import { azureAddress, googleAddress } from "./http/cloud-addresses.ts";
import type { HttpOptions } from "./http/http-options.ts";
import { HttpStorage } from "./http/http-storage.ts";
import { MemoryStorage } from "./memory.ts";
import { namesBelow } from "./names.ts";
import type { S3Options } from "./s3/s3-options.ts";
import type {
  ByteRange,
  CopyOptions,
  DeleteOptions,
  ListedObject,
  ReadOptions,
  ReadResult,
  SharedChange,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "./storage.ts";

/** How each kind of storage is reached. */
export interface RouterOptions {
  readonly http?: HttpOptions | undefined;
  readonly s3?: S3Options | undefined;
  /** Account of `az://container/key` addresses; `AZURE_STORAGE_ACCOUNT` where it is not given. */
  readonly azureAccount?: string | undefined;
  /** Told of every request, retry and use of a cache. */
  readonly onEvent?: StorageListener | undefined;
}

/** Makes the storage of a scheme when its first address is met. */
export type StorageMaker = (options: RouterOptions, onEvent: StorageListener) => Promise<Storage> | Storage;

const memory = new MemoryStorage();
const makers = new Map<string, StorageMaker>();

/** Names the storage of a scheme. Node's entry does so for `file`. */
export function registerScheme(scheme: string, maker: StorageMaker): void {
  makers.set(scheme, maker);
}

registerScheme("memory", () => memory);
for (const scheme of ["http", "https"]) {
  registerScheme(scheme, (options, onEvent) => new HttpStorage(options.http, onEvent));
}
for (const scheme of ["gs", "gcs"]) {
  registerScheme(scheme, (options, onEvent) => new HttpStorage(options.http, onEvent, googleAddress));
}
for (const scheme of ["az", "azure", "abfs", "abfss"]) {
  registerScheme(scheme, (options, onEvent) => {
    const account =
      options.azureAccount ??
      environment("AZURE_STORAGE_ACCOUNT") ??
      environment("AZURE_STORAGE_ACCOUNT_NAME");
    return new HttpStorage(options.http, onEvent, (address) => azureAddress(address, account));
  });
}
registerScheme("s3", async (options, onEvent) => {
  const { S3Storage } = await import("./s3/s3-storage.ts");
  return new S3Storage(options.s3, onEvent);
});

/** Addresses whose traffic is counted one by one; about 2 MB of memory. */
const COUNTED_ADDRESSES = 10_000;

/**
 * Sends each call to the storage of its address's scheme, and counts.
 *
 * @example
 * const storage = new StorageRouter();
 * const { parts } = await storage.read("https://host/a.nc", [{ offset: 0, length: 8 }]);
 */
export class StorageRouter implements Storage {
  readonly statistics: StorageStatistics = { ...noTraffic(), rounds: 0 };
  readonly #options: RouterOptions;
  readonly #onEvent: StorageListener;
  readonly #storages = new Map<string, Promise<Storage>>();
  readonly #traffic = new Map<string, Traffic>();
  #underWay = 0;

  constructor(options: RouterOptions = {}) {
    this.#options = options;
    this.#onEvent = (event) => this.record(event);
  }

  /** What went to and fro for one address. Only the first 10,000 addresses are counted one by one. */
  trafficOf(address: string): Readonly<Traffic> {
    return this.#traffic.get(address) ?? noTraffic();
  }

  /** Counts an event and tells it to whoever listens: for wrappers of this storage, such as caches. */
  record(event: StorageEvent): void {
    countEvent(this.statistics, event);
    let own = this.#traffic.get(event.address);
    if (own === undefined && this.#traffic.size < COUNTED_ADDRESSES) {
      own = noTraffic();
      this.#traffic.set(event.address, own);
    }
    if (own !== undefined) countEvent(own, event);
    this.#options.onEvent?.(event);
  }

  async read(address: string, ranges: readonly ByteRange[], options?: ReadOptions): Promise<ReadResult> {
    return await this.#count(async () => (await this.#storageOf(address)).read(address, ranges, options));
  }

  async readInto(
    address: string,
    offset: number,
    pieces: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<Version | undefined> {
    return await this.#count(async () =>
      (await this.#storageOf(address)).readInto?.(address, offset, pieces, options),
    );
  }

  async head(address: string, options?: StorageOptions): Promise<Version & { readonly size: number }> {
    return await this.#count(async () => (await this.#storageOf(address)).head(address, options));
  }

  async write(address: string, bytes: Uint8Array, options?: WriteOptions): Promise<Version> {
    return await this.#count(async () => (await this.#storageOf(address)).write(address, bytes, options));
  }

  async copy(from: string, to: string, options: CopyOptions): Promise<boolean> {
    if (schemeOf(from) !== schemeOf(to)) return false;
    return await this.#count(
      async () => (await (await this.#storageOf(from)).copy?.(from, to, options)) ?? false,
    );
  }

  async changeInTurn(address: string, change: SharedChange, options?: StorageOptions): Promise<void> {
    const storage = await this.#storageOf(address);
    if (storage.changeInTurn) await storage.changeInTurn(address, change, options);
    else await change.carryOut(async () => []);
  }

  async removeUnfinished(folder: string, before: Date): Promise<void> {
    await (await this.#storageOf(folder)).removeUnfinished?.(folder, before);
  }

  async *list(prefix: string, options?: StorageOptions): AsyncGenerator<ListedObject, void, undefined> {
    yield* (await this.#storageOf(prefix)).list(prefix, options);
  }

  async *names(folder: string, options?: StorageOptions): AsyncGenerator<string, void, undefined> {
    yield* namesBelow(await this.#storageOf(folder), folder, options);
  }

  async delete(addresses: readonly string[], options?: DeleteOptions): Promise<void> {
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
      storage = Promise.resolve(maker(this.#options, this.#onEvent));
      this.#storages.set(scheme, storage);
    }
    return storage;
  }
}
