/**
 * Carries out a write: makes new chunks of the values, changes those that the values cover in part, and hands all
 * to the sink.
 *
 * Chunks go in groups: those of a group are read, encoded and stored side by side. Memory stays under three groups
 * of {@link GROUP_BYTES}, decoded and encoded, unless a single chunk is larger than that.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../../storage/abort.ts";
import type { DurabilityOptions, SharedChange } from "../../storage/storage.ts";
import { chunkExtent } from "../chunk-grid.ts";
import type { ChunkSink, ExpectedState } from "../chunk-sink.ts";
import { type ChunkPlaces, PLACE_OBJECT } from "../chunk-source.ts";
import type { ArrayParts } from "../node.ts";
import { chunkBuffers } from "../read/buffer-pool.ts";
import { Window } from "../read/flow.ts";
import type { ChunkRows, ReadPlan } from "../read/plan.ts";
import type { ChunkChanges } from "./chunk-changes.ts";
import { takeTurns } from "./chunk-queue.ts";
import { decodeShardChange, encodeShardChange, type InnerChunks, type ShardChange } from "./shard-change.ts";
import { errorAt, readStoredChunk, stateOfChunk } from "./stored-chunk.ts";

/** Decoded bytes of the chunks of a group, and how many chunks it has at the most. */
const GROUP_BYTES = 12 * 1024 * 1024;
const GROUP_CHUNKS = 512;
/** Groups that are under way. */
const GROUPS = 3;
/** How often a chunk that others keep writing is read and changed anew. */
const TRIES = 500;

/** A chunk that is ready to be stored. */
interface Encoded {
  readonly row: number;
  readonly bytes: Uint8Array | undefined;
  readonly expected: ExpectedState | undefined;
}

/** Writes one selection of an array. */
export class ChunkWriter {
  readonly #array: ArrayParts;
  readonly #sink: ChunkSink;
  readonly #plan: ReadPlan;
  readonly #changes: ChunkChanges;
  readonly #options: DurabilityOptions;
  readonly #rank: number;
  readonly #itemSize: number;

  constructor(
    array: ArrayParts,
    sink: ChunkSink,
    plan: ReadPlan,
    changes: ChunkChanges,
    options: DurabilityOptions = {},
  ) {
    this.#array = array;
    this.#sink = sink;
    this.#plan = plan;
    this.#changes = changes;
    this.#options = options;
    this.#rank = array.metadata.shape.length;
    this.#itemSize = itemSize(array.metadata.dataType) ?? 32;
  }

  async run(): Promise<void> {
    const window = new Window(GROUPS - 1);
    for (let from = 0; from < this.#plan.chunkCount; ) {
      throwIfAborted(this.#options.signal);
      const rows = this.#plan.chunks(from, Math.min(from + GROUP_CHUNKS, this.#plan.chunkCount));
      let bytes = 0;
      let count = 0;
      while (count < rows.count && (count === 0 || bytes < GROUP_BYTES)) {
        bytes += this.#decodedBytes(rows, count);
        count += 1;
      }
      await window.add(this.#writeGroup(this.#plan.chunks(from, from + count)), 1);
      from += count;
    }
    await window.finish();
  }

  async #writeGroup(rows: ChunkRows): Promise<void> {
    const coordinates = this.#coordinates(rows);
    const keys = Array.from({ length: rows.count }, (_, row) => {
      const ofChunk = coordinates.subarray(row * this.#rank, (row + 1) * this.#rank);
      return `${this.#array.path} ${ofChunk.join()}`;
    });
    const endTurns = await takeTurns(this.#sink.owner, keys);
    const window = new Window(GROUP_BYTES);
    try {
      let waiting: number[] = [];
      for (const row of keys.keys()) {
        if (!this.#isPartOfShard(rows, row)) waiting.push(row);
        else await window.add(this.#changeShard(rows, row, coordinates), this.#decodedBytes(rows, row));
      }
      await this.#untilStored(async () => {
        if (waiting.length > 0) waiting = await this.#try(rows, coordinates, waiting);
        return waiting.length === 0;
      });
    } finally {
      // Where one fails the others go on: their turns end when they do.
      await window.finish().finally(endTurns);
    }
  }

  /** Tries until nobody else was faster. Errors: `Conflict`. */
  async #untilStored(work: () => Promise<boolean>): Promise<void> {
    for (let tries = 1; tries <= TRIES; tries++) {
      if (tries > 1) await pause(tries);
      throwIfAborted(this.#options.signal);
      if (await work()) return;
    }
    throw new MoraineError("Conflict", "others keep writing this chunk", {
      source: this.#array.source,
      path: this.#array.path,
    });
  }

  #isPartOfShard(rows: ChunkRows, row: number): boolean {
    if (!this.#changes.areShards) return false;
    return !this.#plan.covers(0, rows, row, chunkExtent(this.#array.metadata, this.#chunk(rows, row)).inside);
  }

  /** Changes inner chunks of a shard, with those that other processes change at the same time where there are such. */
  async #changeShard(rows: ChunkRows, row: number, coordinates: Float64Array): Promise<void> {
    const { storage, metadata, path, chunks } = this.#array;
    const position = smallest(this.#gather(coordinates, [row]));
    const extent = chunkExtent(metadata, this.#chunk(rows, row));
    const { form, count } = this.#changes.innerForm(extent);
    let asked: Promise<InnerChunks | undefined> | undefined;
    let own: InnerChunks | undefined;
    const carryOut: SharedChange["carryOut"] = async (others) => {
      let changes: readonly (ShardChange | undefined)[] = [];
      await this.#untilStored(async () => {
        const places = await chunks.locate(position, 1, this.#options);
        try {
          const loan = chunkBuffers.loan();
          const read = { ...this.#options, allocate: loan.allocate };
          const stored = await readStoredChunk(storage, places, 0, read);
          changes = (await others()).map((words) => decodeShardChange(words, form, count));
          const theirs = changes.flatMap((change) => (change ? [change] : []));
          const inner = theirs.map((change) => change.inner);
          const changed = await this.#changes.changeShard(rows, row, extent, stored, inner, own);
          // The new shard is a copy.
          loan.end();
          if (changed === undefined) return true;
          const chunk = { count: 1, coordinates: position, bytes: [changed.bytes], expected: [stored.state] };
          // As safely as the most careful of all wants it.
          const durable = this.#durable || theirs.some((change) => change.durable);
          return (await this.#sink.write(chunk, { ...this.#options, durable })).length === 0;
        } catch (error) {
          throw errorAt(error, places, 0, path);
        }
      });
      return changes.map((change) => change !== undefined);
    };
    const places = await chunks.locate(position, 1, this.#options);
    const address = places.locations[places.locationIndexes[0] ?? 0];
    if (places.kinds[0] !== PLACE_OBJECT || address === undefined || storage.changeInTurn === undefined) {
      await carryOut(async () => []);
      return;
    }
    const words = async (): Promise<Uint8Array | undefined> => {
      asked ??= this.#changes.innerChunks(rows, row, extent);
      own = await asked;
      return own && encodeShardChange({ inner: own, durable: this.#durable }, form);
    };
    await storage.changeInTurn(address, { words, carryOut }, this.#options);
  }

  /** Reads, changes and stores some rows; gives those that somebody else has written meanwhile. */
  async #try(rows: ChunkRows, coordinates: Float64Array, which: readonly number[]): Promise<number[]> {
    const places = await this.#array.chunks.locate(
      smallest(this.#gather(coordinates, which)),
      which.length,
      this.#options,
    );
    const encoded: Encoded[] = [];
    const window = new Window(GROUP_BYTES);
    for (const [index, row] of which.entries()) {
      const encoding = this.#encode(rows, row, places, index).then((chunk) => {
        if (chunk) encoded.push(chunk);
      });
      await window.add(encoding, this.#decodedBytes(rows, row));
    }
    await window.finish();
    if (encoded.length === 0) return [];
    encoded.sort((a, b) => a.row - b.row);
    const rejected = await this.#sink.write(
      {
        count: encoded.length,
        coordinates: smallest(
          this.#gather(
            coordinates,
            encoded.map(({ row }) => row),
          ),
        ),
        bytes: encoded.map(({ bytes }) => bytes),
        expected: encoded.map(({ expected }) => expected),
      },
      this.#options,
    );
    return rejected.flatMap((position) => encoded[position]?.row ?? []);
  }

  /** One chunk as it is to be stored; undefined where it is already so. */
  async #encode(
    rows: ChunkRows,
    row: number,
    places: ChunkPlaces,
    index: number,
  ): Promise<Encoded | undefined> {
    const { storage, metadata, path } = this.#array;
    const extent = chunkExtent(metadata, this.#chunk(rows, row));
    try {
      if (this.#plan.covers(0, rows, row, extent.inside)) {
        // Shards are guarded even then: an inner chunk that another process changes is before or after, never half.
        const expected = this.#changes.areShards
          ? await stateOfChunk(storage, places, index, this.#options)
          : undefined;
        return { row, bytes: await this.#changes.replace(rows, row, extent), expected };
      }
      const stored = await readStoredChunk(storage, places, index, this.#options);
      const changed = await this.#changes.change(rows, row, extent, stored);
      return changed && { row, bytes: changed.bytes, expected: stored.state };
    } catch (error) {
      throw errorAt(error, places, index, path);
    }
  }

  /** The coordinates of one chunk. */
  #chunk(rows: ChunkRows, row: number): number[] {
    return Array.from({ length: this.#rank }, (_, axis) => this.#plan.coordinate(0, rows, row, axis));
  }

  get #durable(): boolean {
    return this.#options.durable ?? true;
  }

  #coordinates(rows: ChunkRows): Float64Array {
    const coordinates = new Float64Array(rows.count * this.#rank);
    for (let row = 0, at = 0; row < rows.count; row++) {
      for (let axis = 0; axis < this.#rank; axis++, at++) {
        coordinates[at] = this.#plan.coordinate(0, rows, row, axis);
      }
    }
    return coordinates;
  }

  #gather(coordinates: Float64Array, which: readonly number[]): Float64Array {
    const gathered = new Float64Array(which.length * this.#rank);
    which.forEach((row, at) => {
      gathered.set(coordinates.subarray(row * this.#rank, (row + 1) * this.#rank), at * this.#rank);
    });
    return gathered;
  }

  #decodedBytes(rows: ChunkRows, row: number): number {
    let bytes = this.#itemSize;
    for (let axis = 0; axis < this.#rank; axis++) bytes *= this.#plan.length(0, rows, row, axis);
    return bytes;
  }
}

/** Coordinates in 32 bits where all of them fit. */
function smallest(coordinates: Float64Array): Uint32Array | Float64Array {
  return coordinates.every((coordinate) => coordinate < 2 ** 32)
    ? Uint32Array.from(coordinates)
    : coordinates;
}

/** The longer others were faster, the longer; of random length, so that two do not meet again. */
async function pause(tries: number): Promise<void> {
  const milliseconds = Math.random() * Math.min(2 ** tries, 64);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
