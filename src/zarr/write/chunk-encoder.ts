/**
 * Encodes chunks as an array's metadata says, shards inner chunk by inner chunk.
 *
 * @module
 */

import type { ChunkData, CodecSpecification } from "../../codecs/codec.ts";
import { isAllFill } from "../../codecs/empty-chunk.ts";
import { createPipeline, type Pipeline } from "../../codecs/pipeline.ts";
import { parseSharding, type Sharding } from "../../codecs/sharding.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../array-metadata.ts";
import { remembered } from "../by-shape.ts";
import { chunkExtent, largestChunk } from "../chunk-grid.ts";
import { filledChunk } from "../filled.ts";
import { Window } from "../read/flow.ts";
import { StridedBox } from "../read/strided-copy.ts";
import { ShardEncoder } from "./shard-encoder.ts";

/** Reads a part of what is to be written: elements in C order. */
export type RegionReader = (
  start: readonly number[],
  shape: readonly number[],
  options?: StorageOptions,
) => Promise<ChunkData>;

/** Decoded bytes of inner chunks that are encoded side by side. */
const ENCODING_BYTES = 16 * 1024 * 1024;

/**
 * Encodes the chunks of one array.
 *
 * @example
 * const encoder = await ChunkEncoder.create(array.metadata);
 * const bytes = await encoder.encode([0, 3], (start, shape) => source.readRegion(start, shape));
 */
export class ChunkEncoder {
  readonly metadata: ArrayMetadata;
  /** How shards are made; undefined where a chunk is no shard, or something else encodes the shard as a whole. */
  readonly sharding: Sharding | undefined;
  readonly #codecs: readonly CodecSpecification[];
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #shards = new Map<string, ShardEncoder>();

  private constructor(metadata: ArrayMetadata) {
    const [first, ...others] = metadata.codecs;
    this.metadata = metadata;
    this.sharding =
      first?.name === "sharding_indexed" && others.length === 0
        ? parseSharding(first.configuration ?? {})
        : undefined;
    this.#codecs = this.sharding?.codecs ?? metadata.codecs;
  }

  /**
   * An encoder whose codecs are loaded.
   *
   * Errors: `UnsupportedCodec` for codecs that only decode, `InvalidMetadata`.
   */
  static async create(metadata: ArrayMetadata): Promise<ChunkEncoder> {
    const encoder = new ChunkEncoder(metadata);
    const shape = encoder.sharding?.chunkShape ?? largestChunk(metadata.chunkGrid);
    await encoder.pipeline(shape).ready();
    return encoder;
  }

  /** The codecs of inner chunks, or of chunks that are no shards. */
  pipeline(shape: readonly number[]): Pipeline {
    const { dataType, fillValue } = this.metadata;
    return remembered(this.#pipelines, shape.join(), () =>
      createPipeline(this.#codecs, { shape, dataType, fillValue }),
    );
  }

  /** For shards of a shape. */
  shard(shape: readonly number[]): ShardEncoder {
    const { sharding } = this;
    if (sharding === undefined) throw new MoraineError("InvalidArgument", "the array has no shards");
    return remembered(this.#shards, shape.join(), () => new ShardEncoder(sharding, shape));
  }

  /**
   * The bytes of a chunk of the grid, whose elements a reader gives.
   *
   * @param coordinates in the chunk grid
   * @param region asked for the part of the chunk that is inside of the array
   * @returns undefined where every element equals the fill value to the bit: such a chunk is not stored
   */
  async encode(
    coordinates: readonly number[],
    region: RegionReader,
    options?: StorageOptions,
  ): Promise<Uint8Array | undefined> {
    const { start, shape, inside } = chunkExtent(this.metadata, coordinates);
    const data = await region(start, inside, options);
    return await this.encodeChunk(padded(data, inside, shape, this.metadata), shape);
  }

  /**
   * The bytes of a whole chunk.
   *
   * @param data its elements in C order, also those beyond the end of the array
   * @returns undefined where every element equals the fill value to the bit
   */
  async encodeChunk(data: ChunkData, shape: readonly number[]): Promise<Uint8Array | undefined> {
    const { fillValue } = this.metadata;
    if (isAllFill(data, fillValue)) return undefined;
    if (this.sharding === undefined) return await this.pipeline(shape).encodeAsync(data);
    const shard = this.shard(shape);
    const parts = new Array<Uint8Array | undefined>(shard.index.count);
    const { chunkShape } = this.sharding;
    const cutter = new InnerChunks(data, shape, chunkShape, this.metadata);
    const window = new Window(ENCODING_BYTES);
    for (let entry = 0; entry < parts.length; entry++) {
      const inner = cutter.cut(entry);
      if (isAllFill(inner, fillValue)) continue;
      const encoding = this.pipeline(chunkShape)
        .encodeAsync(inner)
        .then((bytes) => {
          parts[entry] = bytes;
        });
      await window.add(encoding, cutter.bytes);
    }
    await window.finish();
    return shard.assemble(parts);
  }
}

/** Cuts inner chunks out of the elements of a shard. */
class InnerChunks {
  /** Of an inner chunk in memory, where that is known. */
  readonly bytes: number;
  readonly #data: ChunkData;
  readonly #shape: readonly number[];
  readonly #inner: readonly number[];
  readonly #metadata: ArrayMetadata;
  readonly #box: StridedBox = new StridedBox();

  constructor(data: ChunkData, shape: readonly number[], inner: readonly number[], metadata: ArrayMetadata) {
    this.#data = data;
    this.#shape = shape;
    this.#inner = inner;
    this.#metadata = metadata;
    this.bytes = inner.reduce((product, length) => product * length, itemSize(metadata.dataType) ?? 16);
  }

  /** @param entry its number in C order */
  cut(entry: number): ChunkData {
    const to = filledChunk(this.#inner, this.#metadata);
    let rest = entry;
    let offset = 0;
    let [fromStride, toStride] = [1, 1];
    const strides: [number, number][] = [];
    for (let axis = this.#shape.length - 1; axis >= 0; axis--) {
      const length = this.#inner[axis] ?? 1;
      const count = (this.#shape[axis] ?? 1) / length;
      offset += (rest % count) * length * fromStride;
      rest = Math.floor(rest / count);
      strides[axis] = [fromStride, toStride];
      fromStride *= this.#shape[axis] ?? 1;
      toStride *= length;
    }
    this.#box.reset();
    this.#inner.forEach((length, axis) => {
      const [from, into] = strides[axis] ?? [0, 0];
      this.#box.axis(length, from, into);
    });
    this.#box.copy(this.#data, offset, to, 0, itemSize(this.#metadata.dataType) ?? 1);
    return to;
  }
}

/** The elements of a part of a chunk, the rest of the chunk filled with the fill value. */
export function padded(
  data: ChunkData,
  inside: readonly number[],
  shape: readonly number[],
  metadata: ArrayMetadata,
): ChunkData {
  if (inside.every((length, axis) => length === shape[axis])) return data;
  const to = filledChunk(shape, metadata);
  const box = new StridedBox();
  let [fromStride, toStride] = [1, 1];
  const strides: [number, number][] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = [fromStride, toStride];
    fromStride *= inside[axis] ?? 1;
    toStride *= shape[axis] ?? 1;
  }
  inside.forEach((length, axis) => {
    const [from, into] = strides[axis] ?? [0, 0];
    box.axis(length, from, into);
  });
  box.copy(data, 0, to, 0, itemSize(metadata.dataType) ?? 1);
  return to;
}
