/**
 * An array that can be read and written: metadata, where its chunks are, and the storage that holds them.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { DataType } from "../data-types/data-type.ts";
import type { Storage } from "../storage/storage.ts";
import type { ArrayMetadata, ChunkGrid } from "./array-metadata.ts";
import type { ChunkSource } from "./chunk-source.ts";
import { ShardIndexes } from "./sharding/shard-indexes.ts";

/** What an array is made of. */
export interface ArrayParts {
  readonly metadata: ArrayMetadata;
  /** Finds the encoded chunks. */
  readonly chunks: ChunkSource;
  /** Reads the places that `chunks` gives. */
  readonly storage: Storage;
  /** Path in its store, with a leading slash; `/` for a store that is itself an array. */
  readonly path: string;
}

/**
 * An array, wherever its chunks lie.
 *
 * @example
 * const { data, shape } = await get(array, [0, slice(10, 20), null]);
 */
export class ZarrArray {
  readonly kind = "array";
  readonly path: string;
  readonly metadata: ArrayMetadata;
  readonly chunks: ChunkSource;
  readonly storage: Storage;
  /** Indexes of shards that were read. */
  readonly shardIndexes: ShardIndexes = new ShardIndexes();

  constructor({ metadata, chunks, storage, path }: ArrayParts) {
    this.metadata = metadata;
    this.chunks = chunks;
    this.storage = storage;
    this.path = path;
  }

  /** Elements along each axis. */
  get shape(): readonly number[] {
    return this.metadata.shape;
  }

  get dataType(): DataType {
    return this.metadata.dataType;
  }

  get chunkGrid(): ChunkGrid {
    return this.metadata.chunkGrid;
  }

  /** A name or null for each axis; undefined when no axis has one. */
  get dimensionNames(): readonly (string | null)[] | undefined {
    return this.metadata.dimensionNames;
  }

  get attributes(): JsonObject {
    return this.metadata.attributes;
  }
}
