/**
 * A Zarr store: keys below a folder of a storage (Zarr v3 core 3.1 "storage"; v2 "storage").
 *
 * A folder on disk, one behind HTTP, a bucket's prefix, a zip (`zip-store.ts`) and the store objects of zarrita
 * (`zarrita-adapter.ts`) are all storages, so there is one class of store.
 *
 * @module
 */

import { isMoraineError } from "../errors.ts";
import { joinAddress, keyBelow } from "../storage/address.ts";
import { namesBelow } from "../storage/names.ts";
import type {
  ByteRange,
  DeleteOptions,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "../storage/storage.ts";

/**
 * Keys and their values.
 *
 * @example
 * const store = new ZarrStore(new StorageRouter(), "https://host/archive.zarr/");
 * const document = await store.get("zarr.json");
 */
export class ZarrStore {
  readonly storage: Storage;
  /** Address of the folder, with a slash at its end. */
  readonly address: string;

  constructor(storage: Storage, address: string) {
    this.storage = storage;
    this.address = address.endsWith("/") ? address : `${address}/`;
  }

  /** Where the value of a key lies. */
  addressOf(key: string): string {
    return joinAddress(this.address, key);
  }

  /** The value of a key, or undefined where there is none. */
  async get(key: string, options?: StorageOptions): Promise<Uint8Array | undefined> {
    return await this.getRange(key, { offset: 0 }, options);
  }

  /** A part of the value of a key, or undefined where there is none. */
  async getRange(key: string, range: ByteRange, options?: StorageOptions): Promise<Uint8Array | undefined> {
    try {
      return (await this.storage.read(this.addressOf(key), [range], options)).parts[0];
    } catch (error) {
      if (isMoraineError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  async set(key: string, value: Uint8Array, options?: WriteOptions): Promise<Version> {
    return await this.storage.write(this.addressOf(key), value, options);
  }

  /** Deletes keys; those without a value are passed over. */
  async delete(keys: readonly string[], options?: DeleteOptions): Promise<void> {
    await this.storage.delete(
      keys.map((key) => this.addressOf(key)),
      options,
    );
  }

  /** All keys below a folder of the store, with the bytes of their values where the storage tells them. */
  async *list(
    folder = "",
    options?: StorageOptions,
  ): AsyncGenerator<{ readonly key: string; readonly size: number | undefined }, void, undefined> {
    for await (const { address, size } of this.storage.list(this.#folder(folder), options)) {
      const key = keyBelow(this.address, address);
      if (key !== undefined) yield { key, size };
    }
  }

  /** The names directly below a folder of the store, those of folders with a slash at their end. */
  async *names(folder = "", options?: StorageOptions): AsyncGenerator<string, void, undefined> {
    yield* namesBelow(this.storage, this.#folder(folder), options);
  }

  #folder(folder: string): string {
    return folder === "" ? this.address : `${this.addressOf(folder.replace(/\/+$/, ""))}/`;
  }
}
