/**
 * An array that can be read and written: metadata, where its chunks are, and the storage that holds them.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { ChunkData } from "../codecs/codec.ts";
import type { DataType } from "../data-types/data-type.ts";
import type { DurabilityOptions, Storage, StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata, ChunkGrid } from "./array-metadata.ts";
import type { ChunkSink } from "./chunk-sink.ts";
import type { ChunkSource } from "./chunk-source.ts";
import { readRegion } from "./read/read.ts";
import type { Selection } from "./selection.ts";
import { ShardIndexes } from "./sharding/shard-indexes.ts";
import { appendValues, resizeArray } from "./write/resize.ts";
import type { ArrayValues } from "./write/values.ts";
import { setValues } from "./write/write.ts";

/** What an array is made of. */
export interface ArrayParts {
  readonly metadata: ArrayMetadata;
  /** Finds the encoded chunks. */
  readonly chunks: ChunkSource;
  /** Reads the places that `chunks` gives. */
  readonly storage: Storage;
  /** Path in its store, with a leading slash; `/` for a store that is itself an array. */
  readonly path: string;
  /** Address of the file, store or repository that it belongs to, for errors. */
  readonly source?: string | undefined;
  /** Takes what is written; the array is read-only without one. */
  readonly sink?: ChunkSink | undefined;
}

/**
 * An array, wherever its chunks lie.
 *
 * @example
 * const { data, shape } = await get(array, [0, slice(10, 20), null]);
 * await array.set([0, slice(0, 10), null], values);
 */
export class ZarrArray {
  readonly kind = "array";
  readonly path: string;
  readonly source: string | undefined;
  readonly chunks: ChunkSource;
  readonly storage: Storage;
  readonly sink: ChunkSink | undefined;
  /** Indexes of shards that were read. */
  readonly shardIndexes: ShardIndexes = new ShardIndexes();
  #metadata: ArrayMetadata;
  #turn: Promise<void> = Promise.resolve();

  constructor({ metadata, chunks, storage, path, source, sink }: ArrayParts) {
    this.#metadata = metadata;
    this.chunks = chunks;
    this.storage = storage;
    this.path = path;
    this.source = source;
    this.sink = sink;
  }

  /** As it is now: `resize` and `append` change the shape. */
  get metadata(): ArrayMetadata {
    return this.#metadata;
  }

  /** Elements along each axis. */
  get shape(): readonly number[] {
    return this.#metadata.shape;
  }

  get dataType(): DataType {
    return this.#metadata.dataType;
  }

  get chunkGrid(): ChunkGrid {
    return this.#metadata.chunkGrid;
  }

  /** A name or null for each axis; undefined when no axis has one. */
  get dimensionNames(): readonly (string | null)[] | undefined {
    return this.#metadata.dimensionNames;
  }

  get attributes(): JsonObject {
    return this.#metadata.attributes;
  }

  /** One element: little-endian bytes, UTF-8 for strings. */
  get fillValue(): Uint8Array {
    return this.#metadata.fillValue;
  }

  /**
   * The elements of a box in C order: little-endian bytes, or one value each for types of variable length.
   *
   * Errors: `OutOfBounds` for a box that is not inside of the array; those of reading.
   *
   * @param start first element along each axis
   * @param shape elements along each axis
   */
  async readRegion(
    start: readonly number[],
    shape: readonly number[],
    options?: StorageOptions,
  ): Promise<ChunkData> {
    return await readRegion(this, start, shape, options);
  }

  /**
   * Writes the elements of a selection. Chunks that the selection covers are written without being read, of the
   * others (and of shards) only those that it touches are read, changed and stored, each once. Several processes may
   * change parts of the same chunks at the same time: nothing of them is lost. Where one of them writes all of a chunk
   * that is no shard, that stands for all of it. With `durable: false` it does not wait until a disk has the bytes.
   *
   * Errors: `ReadOnly`, `InvalidArgument` where the values do not fit the selection or the data type,
   * `OutOfBounds`, `Conflict` where others keep writing the same chunk; those of reading.
   *
   * @param values one value for all elements, or as many as the selection has, in C order
   * @example
   * await array.set([0, slice(0, 10)], new Float32Array(10));
   * await array.set(null, Number.NaN);
   */
  async set(selection: Selection, values: ArrayValues, options?: DurabilityOptions): Promise<void> {
    await setValues(this, selection, values, options);
  }

  /**
   * Gives the array another shape. What is cut off is gone; new elements are the fill value.
   *
   * Errors: `ReadOnly`, `InvalidArgument`, `Conflict` where somebody else has changed the array's metadata meanwhile.
   */
  async resize(shape: readonly number[], options?: StorageOptions): Promise<void> {
    await this.#inTurn(async () => {
      this.#metadata = await resizeArray(this, shape, options);
    });
  }

  /**
   * Makes the array longer along an axis, by values whose shape is the array's along all others. Of several at the same
   * time each goes behind the one before.
   *
   * Errors: as {@link set} and {@link resize}.
   *
   * @returns the new shape
   */
  async append(values: ArrayValues, axis = 0, options?: StorageOptions): Promise<readonly number[]> {
    return await this.#inTurn(async () => {
      await appendValues(this, values, axis, options, (metadata) => {
        this.#metadata = metadata;
      });
      return this.shape;
    });
  }

  /** Runs a change of the shape after those that were begun before. */
  async #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(change);
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    );
    return await turn;
  }
}
