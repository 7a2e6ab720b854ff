/**
 * A Zarr v3 store as the target of an index: the bytes of chunks are copied as they are.
 *
 * @module
 */

import { type JsonObject, stringifyJson } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import { type ChunkManifest, entryCoordinates } from "../../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import { type ReferencesOfArray, wholeManifest } from "../../manifest/manifest-parts.ts";
import { manifestToJson, REFERENCES_FILE, withReferences } from "../../manifest/references-document.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { chunkKey } from "../../zarr/chunk-key.ts";
import { arrayMetadataToJson, groupMetadataToJson } from "../../zarr/metadata-v3.ts";
import { ZarrStore } from "../../zarr/store.ts";
import { mapConcurrent } from "../concurrent.ts";
import type { Committed, IndexTarget } from "./target.ts";

/** Bytes of chunks that are copied at a time. */
const BATCH_BYTES = 32 * 1024 * 1024;
const BATCH_CHUNKS = 1024;
const CONCURRENT_WRITES = 16;

/** References of one array, and the chunks of it that are stored beside them. */
interface KeptReferences {
  readonly manifest: ChunkManifest;
  readonly stored: {
    readonly coordinates: readonly number[];
    readonly key: string;
    readonly length: number;
  }[];
}

/** Writes chunks at once and metadata at the end, the root's last: until then a reader finds no store. */
export class StoreTarget implements IndexTarget {
  readonly #store: ZarrStore;
  readonly #documents = new Map<string, JsonObject>();
  readonly #arrays = new Map<string, ArrayMetadata>();
  readonly #written = new Map<string, string[]>();
  readonly #isVirtual: boolean;
  /** References that are kept instead of copied, by the array's path. */
  readonly #references = new Map<string, KeptReferences>();

  private constructor(store: ZarrStore, isVirtual: boolean) {
    this.#store = store;
    this.#isVirtual = isVirtual;
  }

  /**
   * Errors: `AlreadyExists` where something is in the folder.
   *
   * @param virtual keep references beside the metadata instead of copying what they lead to
   */
  static async create(
    storage: Storage,
    address: string,
    options: StorageOptions & { readonly virtual?: boolean | undefined },
  ): Promise<StoreTarget> {
    const store = new ZarrStore(storage, address);
    for await (const _ of store.names("", options)) {
      throw new MoraineError("AlreadyExists", "the folder is not empty; a store is only made anew", {
        source: address,
      });
    }
    return new StoreTarget(store, options.virtual === true);
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
    this.#references.delete(path);
    this.#documents.delete(path);
  }

  async setReferences(
    path: string,
    references: ReferencesOfArray,
    options: StorageOptions = {},
  ): Promise<number> {
    const manifest = await wholeManifest(references, options);
    if (this.#isVirtual) {
      this.#references.set(path, { manifest, stored: [] });
      return 0;
    }
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
    const chunk = chunkKey(metadata.chunkKeyEncoding, coordinates);
    this.#references.get(path)?.stored.push({ coordinates, key: chunk, length: bytes.length });
    const key = `${path.slice(1)}/${chunk}`;
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
    const references = this.#references.get(path);
    if (references !== undefined) {
      await this.#writeJson(
        `${path.slice(1)}/${REFERENCES_FILE}`,
        manifestToJson(joined(references)),
        0,
        options,
      );
    }
    const whole = references && withReferences(document);
    const key = path === "/" ? "zarr.json" : `${path.slice(1)}/zarr.json`;
    await this.#writeJson(key, whole ?? document, 2, options);
  }

  async #writeJson(key: string, json: JsonObject, indent: number, options: StorageOptions): Promise<void> {
    this.#written.get("/")?.push(key);
    await this.#store.set(key, new TextEncoder().encode(stringifyJson(json, indent)), options);
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

/** References with the chunks that the store itself holds, under keys beside them. */
function joined({ manifest, stored }: KeptReferences): ChunkManifest {
  if (stored.length === 0) return manifest;
  const { gridShape, locations, versions, locationIndexes, offsets, lengths, inline, count } = manifest;
  const builder = new ManifestBuilder(gridShape, locations[0] ?? "", versions[0]);
  for (const [index, location] of locations.entries()) {
    if (index > 0) builder.addLocation(location, versions[index]);
  }
  for (let entry = 0; entry < count; entry++) {
    const position = manifest.positions?.[entry] ?? entry;
    const bytes = inline.get(entry);
    if (bytes) builder.appendInline(position, bytes);
    else builder.append(position, offsets[entry] ?? 0, lengths[entry] ?? 0, 0, locationIndexes?.[entry] ?? 0);
  }
  for (const { coordinates, key, length } of stored) {
    const position = coordinates.reduce((sum, at, axis) => sum * (gridShape[axis] ?? 1) + at, 0);
    builder.append(position, 0, length, 0, builder.addLocation(key, undefined));
  }
  return builder.build();
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
