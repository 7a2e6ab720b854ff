/**
 * Writes the chunks of an array into a store that has an object for each of them (Zarr v3 core 3.1 "chunk key
 * encoding").
 *
 * @module
 */

import { parseJson, stringifyJson } from "../binary/json.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { DurabilityOptions, StorageOptions, Version } from "../storage/storage.ts";
import type { ArrayMetadata } from "./array-metadata.ts";
import { gridShapeOf } from "./chunk-grid.ts";
import { chunkKey, parseChunkKey } from "./chunk-key.ts";
import type { ChunkSink, EncodedChunks, ExpectedState } from "./chunk-sink.ts";
import { arrayMetadataToJson, parseArrayMetadata } from "./metadata-v3.ts";
import { keyOf } from "./node-document.ts";
import { readIfPresent } from "./read/fetch.ts";
import type { ZarrStore } from "./store.ts";
import { putDocument } from "./store-documents.ts";

/** Objects that are written at the same time. */
const CONCURRENT_WRITES = 16;
/** Keys that are deleted at the same time. */
const DELETE_BATCH = 256;

/** Writes objects; each is replaced as a whole. */
export class StoreChunkSink implements ChunkSink {
  readonly owner: object;
  readonly #store: ZarrStore;
  readonly #path: string;
  #metadata: ArrayMetadata;
  /** The state of the document that `#metadata` are of, where it was looked at. */
  #version: Version | undefined;

  /** @param path of the array in its store, without slashes at its ends */
  constructor(store: ZarrStore, path: string, metadata: ArrayMetadata) {
    this.owner = store.storage;
    this.#store = store;
    this.#path = path;
    this.#metadata = metadata;
  }

  async write(chunks: EncodedChunks, options?: DurabilityOptions): Promise<readonly number[]> {
    const rejected: number[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < chunks.count; at = next++) {
        if (!(await this.#writeOne(chunks, at, options))) rejected.push(at);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_WRITES, chunks.count) }, work));
    return rejected.sort((a, b) => a - b);
  }

  async requireCurrent(metadata: ArrayMetadata, options?: StorageOptions): Promise<void> {
    const address = this.#store.addressOf(keyOf(this.#path, "zarr.json"));
    const found = await readIfPresent(this.#store.storage, address, [{ offset: 0 }], options ?? {});
    const document = found?.parts[0];
    const current = document && parseArrayMetadata(parseJson(document, address));
    if (found === undefined || current === undefined || textOf(current) !== textOf(metadata)) {
      throw new MoraineError("Conflict", "somebody else has changed this array: open it again", {
        source: this.#store.address,
        path: `/${this.#path}`,
      });
    }
    this.#version = found.version;
  }

  async writeMetadata(metadata: ArrayMetadata, options?: StorageOptions): Promise<void> {
    const before = gridShapeOf(this.#metadata);
    const after = gridShapeOf(metadata);
    if (after.some((length, axis) => length < (before[axis] ?? 0))) await this.#deleteBeyond(after, options);
    this.#version = await putDocument(this.#store, this.#path, arrayMetadataToJson(metadata), {
      signal: options?.signal,
      precondition: this.#version,
    });
    this.#metadata = metadata;
  }

  /** Whether the chunk was stored; false where it is not in the state that was expected. */
  async #writeOne(
    chunks: EncodedChunks,
    at: number,
    options: DurabilityOptions | undefined,
  ): Promise<boolean> {
    const rank = this.#metadata.shape.length;
    const coordinates = chunks.coordinates.subarray(at * rank, (at + 1) * rank);
    const key = keyOf(this.#path, chunkKey(this.#metadata.chunkKeyEncoding, coordinates));
    const bytes = chunks.bytes[at];
    const expected = chunks.expected?.[at];
    try {
      if (bytes === undefined) await this.#remove(key, expected, options);
      else await this.#store.set(key, bytes, { ...options, precondition: expected });
      return true;
    } catch (error) {
      // Some storages say of an object that is gone that it is not there.
      const isRace = expected !== undefined && isMoraineError(error, "PreconditionFailed", "NotFound");
      if (isRace) return false;
      throw error;
    }
  }

  async #remove(
    key: string,
    expected: ExpectedState | undefined,
    options: StorageOptions | undefined,
  ): Promise<void> {
    if (expected === "absent") return;
    await this.#store.delete([key], { ...options, precondition: expected });
  }

  /** Deletes the chunks outside of a grid. */
  async #deleteBeyond(gridShape: readonly number[], options: StorageOptions | undefined): Promise<void> {
    const { chunkKeyEncoding, shape } = this.#metadata;
    const prefix = this.#path === "" ? 0 : this.#path.length + 1;
    let keys: string[] = [];
    for await (const { key } of this.#store.list(this.#path, options)) {
      const coordinates = parseChunkKey(chunkKeyEncoding, key.slice(prefix), shape.length);
      if (!coordinates?.some((coordinate, axis) => coordinate >= (gridShape[axis] ?? 0))) continue;
      keys.push(key);
      if (keys.length < DELETE_BATCH) continue;
      await this.#store.delete(keys, options);
      keys = [];
    }
    await this.#store.delete(keys, options);
  }
}

/** What is the same for all metadata that say the same: runs of chunk lengths may be cut in several ways. */
function textOf(metadata: ArrayMetadata): string {
  return stringifyJson(arrayMetadataToJson(parseArrayMetadata(arrayMetadataToJson(metadata))));
}
