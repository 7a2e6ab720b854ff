/**
 * What a write makes of each chunk: new bytes, or the old ones with some elements changed. Of shards only the inner
 * chunks that are touched are decoded and encoded; the others stay as they are, byte for byte.
 *
 * @module
 */

import { sameBytes } from "../../binary/byte-sequences.ts";
import type { ChunkData } from "../../codecs/codec.ts";
import { isAllFill } from "../../codecs/empty-chunk.ts";
import type { Pipeline } from "../../codecs/pipeline.ts";
import { itemSize } from "../../data-types/data-type.ts";
import type { ChunkExtent } from "../chunk-grid.ts";
import { filledChunk, type MutableChunkData } from "../filled.ts";
import { Window } from "../read/flow.ts";
import { innerChunkNumber } from "../read/pieces.ts";
import type { ChunkRows, ReadPlan } from "../read/plan.ts";
import type { ReadonlyElements } from "../read/strided-copy.ts";
import type { ChunkEncoder } from "./chunk-encoder.ts";
import type { StoredChunk } from "./stored-chunk.ts";

/** Decoded bytes of inner chunks that are encoded side by side. */
const ENCODING_BYTES = 16 * 1024 * 1024;

/** What is written: elements in C order of the selection, or one that stands for all. */
export interface WrittenElements {
  readonly elements: ReadonlyElements;
  readonly repeat: boolean;
}

export class ChunkChanges {
  readonly #plan: ReadPlan;
  readonly #encoder: ChunkEncoder;
  readonly #values: WrittenElements;
  readonly #itemSize: number;

  constructor(plan: ReadPlan, encoder: ChunkEncoder, values: WrittenElements) {
    this.#plan = plan;
    this.#encoder = encoder;
    this.#values = values;
    this.#itemSize = itemSize(encoder.metadata.dataType) ?? 1;
  }

  /** Whether the plan's chunks are shards, with their inner chunks at its last level. */
  get areShards(): boolean {
    return this.#encoder.sharding !== undefined;
  }

  /** The bytes of a chunk all of which is written; undefined where it is all fill value. */
  async replace(rows: ChunkRows, row: number, extent: ChunkExtent): Promise<Uint8Array | undefined> {
    if (this.areShards) {
      const parts = new Array<Uint8Array | undefined>(this.#encoder.shard(extent.shape).index.count);
      return (await this.#changeShard(rows, row, extent, parts)).bytes;
    }
    return await this.#encode(this.#encoder.pipeline(extent.shape), this.#replaced(extent.shape, rows, row));
  }

  /**
   * The bytes of a chunk some elements of which are written; `bytes` is undefined where it is all fill value now.
   *
   * Errors: `CorruptChunk`, `ChecksumMismatch` where the stored chunk cannot be decoded: it is not written over.
   *
   * @returns undefined where the chunk is already so
   */
  async change(
    rows: ChunkRows,
    row: number,
    extent: ChunkExtent,
    stored: StoredChunk,
  ): Promise<{ readonly bytes: Uint8Array | undefined } | undefined> {
    if (this.areShards) {
      const shard = this.#encoder.shard(extent.shape);
      const parts = stored.bytes
        ? shard.split(stored.bytes)
        : new Array<Uint8Array | undefined>(shard.index.count);
      const { bytes, isChanged } = await this.#changeShard(rows, row, extent, parts);
      return isChanged ? { bytes } : undefined;
    }
    const pipeline = this.#encoder.pipeline(extent.shape);
    const data = await this.#changed(pipeline, rows, row, stored);
    return data && { bytes: await this.#encode(pipeline, data) };
  }

  /** Puts the inner chunks that are touched in the place of those in `parts`. */
  async #changeShard(
    rows: ChunkRows,
    row: number,
    extent: ChunkExtent,
    parts: (Uint8Array | undefined)[],
  ): Promise<{ readonly bytes: Uint8Array | undefined; readonly isChanged: boolean }> {
    const shard = this.#encoder.shard(extent.shape);
    const inner = this.#encoder.sharding?.chunkShape ?? [];
    const pipeline = this.#encoder.pipeline(inner);
    const rank = inner.length;
    const children = this.#plan.children(0, rows, [row]);
    const nesting = { plan: this.#plan, level: 0, rows, children, rank };
    const innerBytes = inner.reduce((product, length) => product * length, this.#itemSize);
    const window = new Window(ENCODING_BYTES);
    let isChanged = false;
    for (let child = 0; child < children.count; child++) {
      const entry = innerChunkNumber(nesting, child, shard.grid);
      const inside = inner.map((length, axis) => {
        const start = this.#plan.coordinate(1, children, child, axis) * length;
        return Math.min(length, (extent.inside[axis] ?? 0) - start);
      });
      const encode = async (): Promise<void> => {
        const old = parts[entry];
        const data = this.#plan.covers(1, children, child, inside)
          ? this.#replaced(inner, children, child)
          : await this.#changed(pipeline, children, child, { bytes: old, filterMask: 0 });
        const bytes = data && (await this.#encode(pipeline, data));
        if (data === undefined || (bytes === undefined && old === undefined)) return;
        parts[entry] = bytes;
        isChanged = true;
      };
      await window.add(encode(), innerBytes);
    }
    await window.finish();
    return { bytes: shard.assemble(parts), isChanged };
  }

  /** The elements of a chunk all of which is written. */
  #replaced(shape: readonly number[], rows: ChunkRows, row: number): MutableChunkData {
    const data = filledChunk(shape, this.#encoder.metadata);
    this.#take(rows, row, data);
    return data;
  }

  /** The elements of a stored chunk after the change; undefined where they are the same as before. */
  async #changed(
    pipeline: Pipeline,
    rows: ChunkRows,
    row: number,
    { bytes, filterMask }: Pick<StoredChunk, "bytes" | "filterMask">,
  ): Promise<MutableChunkData | undefined> {
    if (bytes === undefined) {
      const data = this.#replaced(pipeline.representation.shape, rows, row);
      return isAllFill(data, this.#encoder.metadata.fillValue) ? undefined : data;
    }
    const before = await pipeline.decodeAsync(bytes, { filterMask });
    const data = copyOf(before);
    this.#take(rows, row, data);
    return isSame(before, data) ? undefined : data;
  }

  async #encode(pipeline: Pipeline, data: ChunkData): Promise<Uint8Array | undefined> {
    return isAllFill(data, this.#encoder.metadata.fillValue) ? undefined : await pipeline.encodeAsync(data);
  }

  #take(rows: ChunkRows, row: number, to: MutableChunkData): void {
    const { elements, repeat } = this.#values;
    this.#plan.take(rows, row, { from: elements, repeat, to, itemSize: this.#itemSize });
  }
}

function copyOf(data: ChunkData): MutableChunkData {
  if (data instanceof Uint8Array) return new Uint8Array(data);
  return isTexts(data) ? [...data] : [...data];
}

function isTexts(data: readonly string[] | readonly Uint8Array[]): data is readonly string[] {
  return typeof data[0] === "string";
}

function isSame(before: ChunkData, after: ChunkData): boolean {
  if (before instanceof Uint8Array) return after instanceof Uint8Array && sameBytes(before, after);
  return before.every((element, at) => {
    const other = after[at];
    return element instanceof Uint8Array
      ? other instanceof Uint8Array && sameBytes(element, other)
      : element === other;
  });
}
