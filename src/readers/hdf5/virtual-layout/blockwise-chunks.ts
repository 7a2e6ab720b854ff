/**
 * Virtual datasets whose mappings do not follow chunks: blocks are put together when they are asked for.
 *
 * @module
 */

import { stringifyJson } from "../../../binary/json.ts";
import type { ChunkData } from "../../../codecs/codec.ts";
import { encodeTexts } from "../../../codecs/variable-length.ts";
import { itemSize } from "../../../data-types/data-type.ts";
import { dataTypeToJson } from "../../../data-types/data-type-json.ts";
import { MoraineError } from "../../../errors.ts";
import type { StorageOptions } from "../../../storage/storage.ts";
import type { ArrayMetadata } from "../../../zarr/array-metadata.ts";
import { chunkExtent } from "../../../zarr/chunk-grid.ts";
import {
  type ChunkCoordinates,
  type ChunkPlaces,
  type ChunkSource,
  PLACE_INLINE,
} from "../../../zarr/chunk-source.ts";
import { fillText } from "../../../zarr/filled.ts";
import { type AxisSelection, indexAt, listed } from "./axis-selection.ts";
import type { FixedMapping } from "./extent.ts";
import { type PairedAxes, pairAxes } from "./paired-axes.ts";
import { sourceConversion } from "./source-conversion.ts";
import type { SourceArray } from "./virtual-layout.ts";

/** Bytes of a source that are read at a time. */
const SOURCE_BYTES = 64 * 1024 * 1024;
/** What a string is taken to have. */
const TEXT_BYTES = 32;

/** Elements that go from a source to a block, axis by axis: the `k`-th from `from[k]` to `to[k]`. */
interface AxisMove {
  readonly from: readonly number[];
  readonly to: readonly number[];
  /** How far apart neighbours are in the block, in elements. */
  readonly step: number;
}

export class BlockwiseChunks implements ChunkSource {
  readonly batch = 4;
  readonly #metadata: ArrayMetadata;
  readonly #mappings: readonly FixedMapping<SourceArray>[];
  readonly #itemSize: number;

  constructor(metadata: ArrayMetadata, mappings: readonly FixedMapping<SourceArray>[]) {
    this.#metadata = metadata;
    this.#mappings = mappings;
    this.#itemSize = itemSize(metadata.dataType) ?? TEXT_BYTES;
  }

  async locate(coordinates: ChunkCoordinates, count: number, options?: StorageOptions): Promise<ChunkPlaces> {
    const rank = this.#metadata.shape.length;
    const inline = new Map<number, Uint8Array>();
    for (let chunk = 0; chunk < count; chunk++) {
      options?.signal?.throwIfAborted();
      const at = coordinates.subarray(chunk * rank, (chunk + 1) * rank);
      inline.set(chunk, await this.#block(at, options));
    }
    return {
      kinds: new Uint8Array(count).fill(PLACE_INLINE),
      locations: [],
      locationIndexes: new Uint32Array(count),
      offsets: new Float64Array(count),
      lengths: Float64Array.from({ length: count }, (_, chunk) => inline.get(chunk)?.length ?? 0),
      inline,
    };
  }

  async #block(coordinates: ChunkCoordinates, options: StorageOptions | undefined): Promise<Uint8Array> {
    const { start, shape, inside } = chunkExtent(this.#metadata, coordinates);
    const block = new Block(this.#metadata, shape);
    for (const { source, from, to } of this.#mappings) {
      const pairs = from.kind === "axes" && to.kind === "axes" ? pairAxes(from.axes, to.axes) : undefined;
      if (pairs) await this.#moveAxes(source, pairs, start, inside, block, options);
      else {
        const target = listed(to, this.#metadata.shape);
        await this.#moveListed(source, listed(from, source.shape), target, start, inside, block, options);
      }
    }
    return block.encode();
  }

  async #moveAxes(
    source: SourceArray,
    { pairs, fixed }: PairedAxes,
    start: readonly number[],
    inside: readonly number[],
    block: Block,
    options: StorageOptions | undefined,
  ): Promise<void> {
    const moves = pairs.map(({ from, to, axis }): AxisMove => {
      const low = start[axis] ?? 0;
      const high = low + (inside[axis] ?? 0);
      const move: { from: number[]; to: number[] } = { from: [], to: [] };
      for (let k = firstFrom(to, low); k < to.length; k++) {
        const index = indexAt(to, k);
        if (index >= high) break;
        if (index < low) continue;
        move.from.push(from ? indexAt(from, k) : 0);
        move.to.push(index - low);
      }
      return { ...move, step: block.steps[axis] ?? 1 };
    });
    if (moves.some(({ from }) => from.length === 0)) return;
    const ofSource = source.shape.map((_, axis): AxisMove => {
      const pair = pairs.findIndex((candidate) => candidate.sourceAxis === axis);
      return moves[pair] ?? { from: [fixed.get(axis) ?? 0], to: [0], step: 0 };
    });
    // Virtual axes without a source axis have one index.
    const offset = pairs.reduce((sum, { sourceAxis, axis }, i) => {
      return sourceAxis === undefined ? sum + (moves[i]?.to[0] ?? 0) * (block.steps[axis] ?? 1) : sum;
    }, 0);
    await this.#move(source, ofSource, offset, block, options);
  }

  /** Reads the box around the elements, in parts where it is too large, and puts each where it belongs. */
  async #move(
    source: SourceArray,
    moves: readonly AxisMove[],
    offset: number,
    block: Block,
    options: StorageOptions | undefined,
  ): Promise<void> {
    const low = moves.map(({ from }) => from[0] ?? 0);
    const shape = moves.map(({ from }, axis) => (from.at(-1) ?? 0) - (low[axis] ?? 0) + 1);
    const bytes = shape.reduce((product, length) => product * length, this.#itemSize);
    // The axis on which most of the box is not wanted is halved.
    const waste = moves.map(({ from }, axis) => (from.length > 1 ? (shape[axis] ?? 1) / from.length : 0));
    const worst = waste.indexOf(Math.max(...waste));
    const split = moves[worst];
    if (bytes > SOURCE_BYTES && split && split.from.length > 1) {
      const middle = split.from.length >> 1;
      for (const [begin, end] of [
        [0, middle],
        [middle, split.from.length],
      ] as const) {
        const half = { from: split.from.slice(begin, end), to: split.to.slice(begin, end), step: split.step };
        await this.#move(source, moves.toSpliced(worst, 1, half), offset, block, options);
      }
      return;
    }
    checkInside(source, low, shape);
    const data = await this.#read(source, low, shape, options);
    const strides = stepsOf(shape);
    const copy = (axis: number, from: number, to: number): void => {
      const move = moves[axis];
      if (!move) {
        block.put(data, from, to);
        return;
      }
      for (let k = 0; k < move.from.length; k++) {
        const step = (move.from[k] ?? 0) - (low[axis] ?? 0);
        copy(axis + 1, from + step * (strides[axis] ?? 1), to + (move.to[k] ?? 0) * move.step);
      }
    };
    copy(0, 0, offset);
  }

  async #moveListed(
    source: SourceArray,
    from: Float64Array,
    to: Float64Array,
    start: readonly number[],
    inside: readonly number[],
    block: Block,
    options: StorageOptions | undefined,
  ): Promise<void> {
    if (from.length !== to.length) {
      throw new MoraineError("CorruptFile", `${from.length} elements are mapped to ${to.length}`);
    }
    for (let element = 0; element < to.length; element++) {
      let rest = to[element] ?? 0;
      let target = 0;
      let within = true;
      for (let axis = start.length - 1; axis >= 0; axis--) {
        const length = this.#metadata.shape[axis] ?? 1;
        const index = (rest % length) - (start[axis] ?? 0);
        rest = Math.floor(rest / length);
        if (index < 0 || index >= (inside[axis] ?? 0)) within = false;
        target += index * (block.steps[axis] ?? 1);
      }
      if (!within) continue;
      const data = await this.#element(source, from[element] ?? 0, options);
      block.put(data.data, data.at, target);
    }
  }

  /** Elements of a source in the data type of the virtual dataset. */
  async #read(
    { array, reader }: SourceArray,
    start: readonly number[],
    shape: readonly number[],
    options: StorageOptions | undefined,
  ): Promise<ChunkData> {
    const { dataType } = array.metadata;
    const convert = sourceConversion(dataType, this.#metadata.dataType);
    if (!convert) {
      const reason = `a source of the virtual dataset has another data type: ${stringifyJson(dataTypeToJson(dataType))}`;
      throw new MoraineError("UnsupportedDataType", reason, { source: reader.source, path: reader.path });
    }
    const data = await reader.readRegion(start, shape, options);
    return data instanceof Uint8Array ? convert(data) : data;
  }

  /** An element of a source, which is read whole where it is small enough. */
  async #element(
    source: SourceArray,
    index: number,
    options: StorageOptions | undefined,
  ): Promise<{ data: ChunkData; at: number }> {
    const bytes = source.shape.reduce((product, length) => product * length, this.#itemSize);
    if (bytes > SOURCE_BYTES) {
      throw new MoraineError(
        "LimitExceeded",
        "an irregular selection of a large source of a virtual dataset",
      );
    }
    source.whole ??= this.#read(
      source,
      source.shape.map(() => 0),
      source.shape,
      options,
    );
    return { data: await source.whole, at: index };
  }
}

function checkInside(
  { shape, reader }: SourceArray,
  start: readonly number[],
  lengths: readonly number[],
): void {
  const inside = shape.every((length, axis) => (start[axis] ?? 0) + (lengths[axis] ?? 0) <= length);
  if (inside) return;
  throw new MoraineError("CorruptFile", "a virtual dataset maps elements beyond the end of its source", {
    source: reader.source,
    path: reader.path,
  });
}

/** The elements of a block in C order, filled before anything is put into it. */
class Block {
  readonly steps: readonly number[];
  readonly #itemSize: number | undefined;
  readonly #bytes: Uint8Array;
  readonly #texts: string[];

  constructor({ dataType, fillValue }: ArrayMetadata, shape: readonly number[]) {
    const count = shape.reduce((product, length) => product * length, 1);
    this.steps = stepsOf(shape);
    this.#itemSize = itemSize(dataType);
    this.#bytes = new Uint8Array(count * (this.#itemSize ?? 0));
    if (this.#itemSize !== undefined && fillValue.some((byte) => byte !== 0)) {
      for (let at = 0; at < this.#bytes.length; at += this.#itemSize) this.#bytes.set(fillValue, at);
    }
    const text = this.#itemSize === undefined ? fillText(fillValue) : "";
    this.#texts = new Array<string>(this.#itemSize === undefined ? count : 0).fill(text);
  }

  /** @param from and `to`: numbers of elements */
  put(data: ChunkData, from: number, to: number): void {
    if (data instanceof Uint8Array) {
      const size = this.#itemSize ?? 1;
      for (let byte = 0; byte < size; byte++) this.#bytes[to * size + byte] = data[from * size + byte] ?? 0;
    } else {
      const value = data[from];
      if (typeof value === "string") this.#texts[to] = value;
    }
  }

  encode(): Uint8Array {
    return this.#itemSize === undefined ? encodeTexts(this.#texts) : this.#bytes;
  }
}

function stepsOf(shape: readonly number[]): number[] {
  const steps = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    steps[axis] = (steps[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return steps;
}

/** The first place in a selection that may reach an index. */
function firstFrom({ start, stride, block }: AxisSelection, index: number): number {
  return index <= start ? 0 : Math.floor((index - start) / stride) * block;
}
