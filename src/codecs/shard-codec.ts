/**
 * `sharding_indexed` as one codec of a pipeline: whole shards in memory. (The array reader takes shards apart by
 * itself where nothing else encodes them; this is for those that are transposed or compressed as a whole, and for
 * writing.)
 *
 * @module
 */

import { concatenateBytes } from "../binary/byte-sequences.ts";
import { itemSize } from "../data-types/data-type.ts";
import { decodeElement } from "../data-types/elements.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayToBytesCodec, ChunkData, CodecMaker } from "./codec.ts";
import { isAllFill } from "./empty-chunk.ts";
import { createPipeline } from "./pipeline.ts";
import { parseSharding, shardLayout } from "./sharding.ts";

export const makeSharding: CodecMaker = (values, { shape, dataType, fillValue }) => {
  const sharding = parseSharding(values);
  const { grid, index: indexCodec } = shardLayout(sharding, shape);
  if (fillValue === undefined) {
    throw new MoraineError(
      "InvalidMetadata",
      "codec sharding_indexed: the codecs before it have no fill value",
    );
  }
  const { chunkShape } = sharding;
  const inner = createPipeline(sharding.codecs, { shape: chunkShape, dataType, fillValue });
  const size = itemSize(dataType);
  const count = countOf(shape);
  const codec: ArrayToBytesCodec = {
    kind: "array-to-bytes",
    encodedSize: undefined,
    async ready(only) {
      await Promise.all([inner.ready(only), indexCodec.ready(only)]);
    },
    decode(bytes) {
      indexCodec.requireMemory();
      const index = indexCodec.decodeFrom(bytes);
      const shard = new Shard(size, count, shape, chunkShape, grid);
      shard.fill(fillValue, decodeElement(fillValue, dataType));
      for (let entry = 0; entry < indexCodec.count; entry++) {
        const offset = index.offsets[entry] ?? Number.NaN;
        if (Number.isNaN(offset)) continue;
        indexCodec.check(index, entry, bytes.length);
        shard.put(entry, inner.decode(bytes.subarray(offset, offset + (index.lengths[entry] ?? 0))));
      }
      return shard.data();
    },
    encode(data) {
      indexCodec.requireMemory();
      const shard = new Shard(size, count, shape, chunkShape, grid, data);
      const offsets = new Float64Array(indexCodec.count).fill(Number.NaN);
      const lengths = new Float64Array(indexCodec.count);
      const parts: Uint8Array[] = [];
      let at = indexCodec.location === "start" ? indexCodec.size : 0;
      for (let entry = 0; entry < indexCodec.count; entry++) {
        const chunk = shard.take(entry);
        if (isAllFill(chunk, fillValue)) continue;
        const part = inner.encode(chunk);
        parts.push(part);
        offsets[entry] = at;
        lengths[entry] = part.length;
        at += part.length;
      }
      const index = indexCodec.encode({ offsets, lengths });
      return concatenateBytes(indexCodec.location === "start" ? [index, ...parts] : [...parts, index]);
    },
  };
  return codec;
};

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** The elements of a shard, from which inner chunks are taken and into which they are put. */
class Shard {
  /** Bytes of an element; undefined where elements are values. */
  readonly #size: number | undefined;
  readonly #chunkShape: readonly number[];
  readonly #grid: readonly number[];
  readonly #strides: readonly number[];
  readonly #bytes: Uint8Array;
  readonly #values: (string | Uint8Array)[];

  constructor(
    size: number | undefined,
    count: number,
    shape: readonly number[],
    chunkShape: readonly number[],
    grid: readonly number[],
    data?: ChunkData,
  ) {
    this.#size = size;
    this.#chunkShape = chunkShape;
    this.#grid = grid;
    this.#strides = shape.map((_, axis) => countOf(shape.slice(axis + 1)));
    const isBytes = data instanceof Uint8Array;
    const given = data === undefined ? count : isBytes ? data.length / (size ?? 1) : data.length;
    if (given !== count || (data !== undefined && isBytes !== (size !== undefined))) {
      throw new MoraineError("InvalidArgument", `a shard of ${count} elements was expected`);
    }
    this.#bytes = isBytes ? data : new Uint8Array(data === undefined ? count * (size ?? 0) : 0);
    this.#values = data === undefined || isBytes ? [] : [...data];
    if (data === undefined && size === undefined) this.#values.length = count;
  }

  fill(bytes: Uint8Array, value: string | Uint8Array): void {
    if (this.#size === undefined) this.#values.fill(value);
    else if (bytes.some((byte) => byte !== 0)) {
      for (let at = 0; at < this.#bytes.length; at += bytes.length) this.#bytes.set(bytes, at);
    }
  }

  data(): ChunkData {
    return this.#size === undefined ? listOf(this.#values) : this.#bytes;
  }

  put(entry: number, chunk: ChunkData): void {
    const size = this.#size ?? 1;
    this.#rows(entry, (from, at, length) => {
      if (chunk instanceof Uint8Array) {
        this.#bytes.set(chunk.subarray(at * size, (at + length) * size), from * size);
      } else {
        for (let i = 0; i < length; i++) this.#values[from + i] = chunk[at + i] ?? "";
      }
    });
  }

  take(entry: number): ChunkData {
    const count = countOf(this.#chunkShape);
    const size = this.#size;
    if (size === undefined) {
      const values = new Array<string | Uint8Array>(count);
      this.#rows(entry, (from, at, length) => {
        for (let i = 0; i < length; i++) values[at + i] = this.#values[from + i] ?? "";
      });
      return listOf(values);
    }
    const bytes = new Uint8Array(count * size);
    this.#rows(entry, (from, at, length) => {
      bytes.set(this.#bytes.subarray(from * size, (from + length) * size), at * size);
    });
    return bytes;
  }

  /** Every run of neighbours of an inner chunk: its start in the shard, its start in the chunk, its length. */
  #rows(entry: number, visit: (from: number, at: number, length: number) => void): void {
    const rank = this.#chunkShape.length;
    const strides = this.#strides;
    let rest = entry;
    let start = 0;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const chunks = this.#grid[axis] ?? 1;
      start += (rest % chunks) * (this.#chunkShape[axis] ?? 1) * (strides[axis] ?? 1);
      rest = Math.floor(rest / chunks);
    }
    const length = this.#chunkShape[rank - 1] ?? 1;
    const rows = countOf(this.#chunkShape.slice(0, -1));
    const position = new Array<number>(rank).fill(0);
    for (let row = 0; row < rows; row++) {
      visit(start, row * length, length);
      for (let axis = rank - 2; axis >= 0; axis--) {
        const next = (position[axis] ?? 0) + 1;
        start += strides[axis] ?? 1;
        if (next < (this.#chunkShape[axis] ?? 1)) {
          position[axis] = next;
          break;
        }
        start -= next * (strides[axis] ?? 1);
        position[axis] = 0;
      }
    }
  }
}

function listOf(values: readonly (string | Uint8Array)[]): ChunkData {
  const texts = values.filter((value) => typeof value === "string");
  return texts.length === values.length ? texts : values.filter((value) => value instanceof Uint8Array);
}
