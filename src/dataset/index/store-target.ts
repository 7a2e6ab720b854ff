/**
 * A Zarr v3 store as the target of an index: the bytes of chunks are copied as they are.
 *
 * @module
 */

import { type JsonObject, stringifyJson } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { chunkKey } from "../../zarr/chunk-key.ts";
import { arrayMetadataToJson, groupMetadataToJson } from "../../zarr/metadata-v3.ts";
import { ZarrStore } from "../../zarr/store.ts";
import { mapConcurrent } from "../concurrent.ts";
import { entryCoordinates } from "../references.ts";
import type { Committed, IndexTarget } from "./target.ts";

/** Bytes of chunks that are copied at a time. */
const BATCH_BYTES = 32 * 1024 * 1024;
const BATCH_CHUNKS = 1024;
const CONCURRENT_WRITES = 16;

/** Writes chunks at once and metadata at the end, the root's last: until then a reader finds no store. */
export class StoreTarget implements IndexTarget {
  readonly #store: ZarrStore;
  readonly #documents = new Map<string, JsonObject>();
  readonly #arrays = new Map<string, ArrayMetadata>();
  readonly #written = new Map<string, string[]>();

  private constructor(store: ZarrStore) {
    this.#store = store;
  }

  /** Errors: `AlreadyExists` where something is in the folder. */
  static async create(storage: Storage, address: string, options: StorageOptions): Promise<StoreTarget> {
    const store = new ZarrStore(storage, address);
    for await (const _ of store.names("", options)) {
      throw new MoraineError("AlreadyExists", "the folder is not empty; a store is only made anew", {
        source: address,
      });
    }
    return new StoreTarget(store);
  }

  async createGroup(path: string, attributes: JsonObject): Promise<void> {
    this.#documents.set(path, groupMetadataToJson({ attributes }));
  }

  async createArray(path: string, metadata: ArrayMetadata): Promise<void> {
    const stored: ArrayMetadata = { ...metadata, chunkKeyEncoding: { name: "default", separator: "/" } };
    this.#arrays.set(path, stored);
    this.#documents.set(path, arrayMetadataToJson(stored));
  }

  async updateArray(path: string): Promise<void> {
    throw new MoraineError("InvalidArgument", "arrays of a Zarr store are not appended to", { path });
  }

  async removeArray(path: string): Promise<void> {
    await this.#store.delete(this.#written.get(path) ?? []);
    this.#written.delete(path);
    this.#arrays.delete(path);
    this.#documents.delete(path);
  }

  async setReferences(path: string, manifest: ChunkManifest, options: StorageOptions = {}): Promise<number> {
    let copied = 0;
    for (const batch of batches(manifest)) {
      options.signal?.throwIfAborted();
      const chunks = await this.#read(manifest, batch, options);
      await mapConcurrent(chunks, CONCURRENT_WRITES, async ([entry, bytes]) => {
        await this.setChunk(path, entryCoordinates(manifest, entry), bytes, options);
        if (!manifest.inline.has(entry)) copied += bytes.length;
      });
    }
    return copied;
  }

  async setChunk(
    path: string,
    coordinates: readonly number[],
    bytes: Uint8Array,
    options: StorageOptions = {},
  ): Promise<void> {
    const metadata = this.#arrays.get(path);
    if (metadata === undefined) throw new MoraineError("NotFound", "there is no such array", { path });
    const key = `${path.slice(1)}/${chunkKey(metadata.chunkKeyEncoding, coordinates)}`;
    const written = this.#written.get(path);
    if (written) written.push(key);
    else this.#written.set(path, [key]);
    await this.#store.set(key, bytes, options);
  }

  async commit(_message: string, options: StorageOptions = {}): Promise<Committed> {
    // Members before their groups, so that whatever a reader finds is complete.
    const paths = [...this.#documents.keys()].sort((a, b) => b.length - a.length);
    const root = paths.includes("/") ? "/" : undefined;
    const others = paths.filter((path) => path !== root);
    this.#written.set("/", []);
    await mapConcurrent(others, CONCURRENT_WRITES, (path) => this.#writeDocument(path, options));
    await this.#writeDocument("/", options);
    return {};
  }

  async abandon(): Promise<void> {
    await this.#store.delete([...this.#written.values()].flat());
  }

  async #writeDocument(path: string, options: StorageOptions): Promise<void> {
    const document = this.#documents.get(path) ?? groupMetadataToJson({ attributes: {} });
    const key = path === "/" ? "zarr.json" : `${path.slice(1)}/zarr.json`;
    this.#written.get("/")?.push(key);
    await this.#store.set(key, new TextEncoder().encode(stringifyJson(document, 2)), options);
  }

  /** The bytes of some entries: one request to the storage for each location. */
  async #read(
    manifest: ChunkManifest,
    entries: readonly number[],
    options: StorageOptions,
  ): Promise<[entry: number, bytes: Uint8Array][]> {
    const byLocation = new Map<number, number[]>();
    const chunks: [number, Uint8Array][] = [];
    for (const entry of entries) {
      const inline = manifest.inline.get(entry);
      if (inline) {
        chunks.push([entry, inline]);
        continue;
      }
      const location = manifest.locationIndexes?.[entry] ?? 0;
      const own = byLocation.get(location);
      if (own) own.push(entry);
      else byLocation.set(location, [entry]);
    }
    await mapConcurrent([...byLocation], CONCURRENT_WRITES, async ([location, own]) => {
      const ranges = own.map((entry) => ({
        offset: manifest.offsets[entry] ?? 0,
        length: manifest.lengths[entry] ?? 0,
      }));
      const { parts } = await this.#store.storage.read(manifest.locations[location] ?? "", ranges, {
        signal: options.signal,
        version: manifest.versions[location],
      });
      own.forEach((entry, at) => {
        const bytes = parts[at];
        if (bytes) chunks.push([entry, bytes]);
      });
    });
    return chunks;
  }
}

/** The entries of a manifest in runs of bounded bytes. */
function* batches(manifest: ChunkManifest): Generator<number[], void, undefined> {
  let batch: number[] = [];
  let bytes = 0;
  for (let entry = 0; entry < manifest.count; entry++) {
    batch.push(entry);
    bytes += manifest.lengths[entry] ?? 0;
    if (bytes >= BATCH_BYTES || batch.length >= BATCH_CHUNKS) {
      yield batch;
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) yield batch;
}
