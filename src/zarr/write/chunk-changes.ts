/**
 * What a write makes of each chunk: new bytes, or the old ones with some elements changed. Of shards only the inner
 * chunks that are touched are decoded and encoded; the others stay as they are, byte for byte.
 *
 * @module
 */

import { sameBytes } from "../../binary/byte-sequences.ts";
import { stringifyJson } from "../../binary/json.ts";
import type { ChunkData } from "../../codecs/codec.ts";
import { codecToJson } from "../../codecs/codec-list.ts";
import { isAllFill } from "../../codecs/empty-chunk.ts";
import type { Pipeline } from "../../codecs/pipeline.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { dataTypeToJson } from "../../data-types/data-type-json.ts";
import { fillValueToJson } from "../../data-types/fill-value.ts";
import type { ChunkExtent } from "../chunk-grid.ts";
import { filledChunk, type MutableChunkData } from "../filled.ts";
import { Window } from "../read/flow.ts";
import { innerChunkNumber } from "../read/pieces.ts";
import type { ChunkRows, ReadPlan } from "../read/plan.ts";
import type { ReadonlyElements } from "../read/strided-copy.ts";
import type { ChunkEncoder } from "./chunk-encoder.ts";
import type { InnerChunks } from "./shard-change.ts";
import type { StoredChunk } from "./stored-chunk.ts";

/** Decoded bytes of inner chunks that are encoded side by side. */
const ENCODING_BYTES = 16 * 1024 * 1024;

/** What is written: elements in C order of the selection, or one that stands for all. */
export interface WrittenElements {
  readonly elements: ReadonlyElements;
  readonly repeat: boolean;
}

/** An inner chunk that is touched. */
interface InnerChunk {
  readonly rows: ChunkRows;
  readonly row: number;
  readonly shape: readonly number[];
  /** Its position in the shard, in C order. */
  readonly entry: number;
  /** Whether all of it that is inside of the array is written. */
  readonly isCovered: boolean;
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
      const nothing = { bytes: undefined, filterMask: 0, state: undefined };
      return (await this.changeShard(rows, row, extent, nothing, []))?.bytes;
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
    if (this.areShards) return await this.changeShard(rows, row, extent, stored, []);
    const pipeline = this.#encoder.pipeline(extent.shape);
    const data = await this.#changed(pipeline, rows, row, stored);
    return data && { bytes: await this.#encode(pipeline, data) };
  }

  /**
   * The bytes of a shard some elements of which are written, as {@link change}.
   *
   * @param others inner chunks that others put into it at the same time
   * @param own what {@link innerChunks} gave for this very change
   */
  async changeShard(
    rows: ChunkRows,
    row: number,
    extent: ChunkExtent,
    stored: StoredChunk,
    others: readonly InnerChunks[],
    own?: InnerChunks,
  ): Promise<{ readonly bytes: Uint8Array | undefined } | undefined> {
    const shard = this.#encoder.shard(extent.shape);
    const parts = stored.bytes
      ? shard.split(stored.bytes)
      : new Array<Uint8Array | undefined>(shard.index.count);
    let isChanged = false;
    const put = (entry: number, bytes: Uint8Array | undefined): void => {
      if (bytes === undefined && parts[entry] === undefined) return;
      parts[entry] = bytes;
      isChanged = true;
    };
    for (const chunks of others) for (const [entry, bytes] of chunks) put(entry, bytes);
    if (own) for (const [entry, bytes] of own) put(entry, bytes);
    else
      await this.#eachInner(rows, row, extent, (child) => this.#changeInner(child, parts[child.entry], put));
    return isChanged ? { bytes: shard.assemble(parts) } : undefined;
  }

  /**
   * The inner chunks that a write puts into a shard; undefined where it covers one of them only in part, so that what
   * was there before must be known.
   */
  async innerChunks(
    rows: ChunkRows,
    row: number,
    extent: ChunkExtent,
  ): Promise<Map<number, Uint8Array | undefined> | undefined> {
    const chunks = new Map<number, Uint8Array | undefined>();
    let isCovered = true;
    await this.#eachInner(rows, row, extent, async (child) => {
      isCovered &&= child.isCovered;
      if (isCovered) chunks.set(child.entry, await this.#encodeInner(child));
    });
    return isCovered ? chunks : undefined;
  }

  /** What the bytes of inner chunks depend on, and how many there are in a shard. */
  innerForm(extent: ChunkExtent): { readonly form: string; readonly count: number } {
    const { dataType, fillValue } = this.#encoder.metadata;
    const { chunkShape = [], codecs = [] } = this.#encoder.sharding ?? {};
    const form = stringifyJson([
      dataTypeToJson(dataType),
      fillValueToJson(fillValue, dataType),
      chunkShape,
      codecs.map(codecToJson),
    ]);
    return { form, count: this.#encoder.shard(extent.shape).index.count };
  }

  /** Does something for each inner chunk that is touched, some of them side by side. */
  async #eachInner(
    rows: ChunkRows,
    row: number,
    extent: ChunkExtent,
    work: (child: InnerChunk) => Promise<void>,
  ): Promise<void> {
    const { grid } = this.#encoder.shard(extent.shape);
    const inner = this.#encoder.sharding?.chunkShape ?? [];
    const children = this.#plan.children(0, rows, [row]);
    const nesting = { plan: this.#plan, level: 0, rows, children, rank: inner.length };
    const innerBytes = inner.reduce((product, length) => product * length, this.#itemSize);
    const window = new Window(ENCODING_BYTES);
    for (let child = 0; child < children.count; child++) {
      const inside = inner.map((length, axis) => {
        const start = this.#plan.coordinate(1, children, child, axis) * length;
        return Math.min(length, (extent.inside[axis] ?? 0) - start);
      });
      const isCovered = this.#plan.covers(1, children, child, inside);
      const entry = innerChunkNumber(nesting, child, grid);
      await window.add(work({ rows: children, row: child, shape: inner, entry, isCovered }), innerBytes);
    }
    await window.finish();
  }

  async #changeInner(
    child: InnerChunk,
    old: Uint8Array | undefined,
    put: (entry: number, bytes: Uint8Array | undefined) => void,
  ): Promise<void> {
    if (child.isCovered) {
      put(child.entry, await this.#encodeInner(child));
      return;
    }
    const pipeline = this.#encoder.pipeline(child.shape);
    const data = await this.#changed(pipeline, child.rows, child.row, { bytes: old, filterMask: 0 });
    if (data) put(child.entry, await this.#encode(pipeline, data));
  }

  /** The bytes of an inner chunk all of which is written. */
  async #encodeInner({ rows, row, shape }: InnerChunk): Promise<Uint8Array | undefined> {
    return await this.#encode(this.#encoder.pipeline(shape), this.#replaced(shape, rows, row));
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
