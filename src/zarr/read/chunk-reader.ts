/**
 * Carries out a plan: finds places, descends into shards, decodes, and puts elements into the result.
 *
 * @module
 */

import { decoding } from "../../codecs/decoding-threads.ts";
import { native } from "../../codecs/native.ts";
import type { ShardLayout } from "../../codecs/sharding.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import { isNear } from "../../storage/address.ts";
import { PLACE_INLINE, PLACE_MISSING } from "../chunk-source.ts";
import type { ZarrArray } from "../node.ts";
import { locateInnerChunks } from "../sharding/inner-chunks.ts";
import { type BufferPool, chunkBuffers } from "./buffer-pool.ts";
import type { ChunkLayout, PieceLevel } from "./chunk-layout.ts";
import { Decoders } from "./decoders.ts";
import { type ChunkTaker, DecodingBatches } from "./decoding-batches.ts";
import { DecodingWindow } from "./decoding-window.ts";
import { type ChunkConsumer, fetchChunks } from "./fetch.ts";
import { Flow } from "./flow.ts";
import { innerChunkNumber, locatePlainPieces, type Nesting, plainLength, plainPiece } from "./pieces.ts";
import type { PiecePlaces } from "./places.ts";
import type { ChunkRows, ReadPlan } from "./plan.ts";
import type { Elements, ReadonlyElements } from "./strided-copy.ts";

/** Pieces that are located at a time: some tens of bytes each. */
const BATCH = 128 * 1024;
/**
 * A shard of more decoded bytes is not fetched whole: it would not leave room for another one. Pieces of it that come
 * side by side are decoded while others are on their way, which is worth the question for the index where the way is long.
 */
const WHOLE_SHARD_BYTES = { near: 16 * 1024 * 1024, far: 4 * 1024 * 1024 } as const;

/** A chunk of fewer decoded bytes is decoded on this thread: handing it to another would take longer. */
const ASYNC_BYTES = 32 * 1024;
/** Chunks of fewer decoded bytes get memory of their own. */
const REUSED_BYTES = 16 * 1024;
/** Runs of so many bytes are read to where they belong: the system copies shorter ones more slowly than a loop does. */
const SCATTERED_BYTES = 2048;
/** What an element of variable length is taken to need in memory. */
const VARIABLE_BYTES = 32;

/** Reads one selection of an array. */
export class ChunkReader {
  readonly #array: ZarrArray;
  readonly #plan: ReadPlan;
  readonly #layout: ChunkLayout;
  readonly #to: Elements;
  readonly #rank: number;
  readonly #itemSize: number;
  readonly #flow: Flow;
  readonly #decoders: Decoders;
  /** What missing elements are, unless the result holds it already. */
  readonly #fill: Uint8Array | undefined;
  readonly #buffers: BufferPool | undefined;
  /** What other threads decode. */
  readonly #batches: DecodingBatches | undefined;
  /** The shape that was asked for last: a read of many chunks makes no garbage. */
  readonly #scratch: number[] = [];

  /** @param to zeros, or the fill value where elements are values */
  constructor(
    array: ZarrArray,
    layout: ChunkLayout,
    plan: ReadPlan,
    to: Elements,
    signal: AbortSignal | undefined,
  ) {
    this.#array = array;
    this.#plan = plan;
    this.#layout = layout;
    this.#to = to;
    this.#rank = array.shape.length;
    this.#itemSize = itemSize(array.dataType) ?? VARIABLE_BYTES;
    this.#flow = new Flow(signal);
    this.#decoders = new Decoders(array.metadata, layout);
    const { fillValue } = array.metadata;
    // The elements of lists may be views of the encoded chunk.
    this.#buffers = to instanceof Uint8Array ? chunkBuffers : undefined;
    this.#batches = this.#buffers && new DecodingBatches(this.#buffers, this.#flow);
    this.#fill = to instanceof Uint8Array && fillValue.some((byte) => byte !== 0) ? fillValue : undefined;
  }

  async run(): Promise<void> {
    const { chunkCount } = this.#plan;
    await this.#flow.finish(
      async () => {
        if (this.#layout.codecs.length > 1) this.#batches?.expect(this.#plan.count * this.#itemSize);
        await this.#decoders.ready();
        const { batch = BATCH } = this.#array.chunks;
        for (let from = 0; from < chunkCount; ) {
          const pieces = this.#pieceCount(0, this.#plan.chunks(from, from + 1));
          const to = Math.min(chunkCount, from + Math.max(1, Math.min(batch, Math.floor(BATCH / pieces))));
          const rows = this.#plan.chunks(from, to);
          const places = await this.#array.chunks.locate(this.#coordinates(rows), rows.count, {
            signal: this.#flow.signal,
          });
          await this.#fetch(0, rows, places);
          from = to;
        }
      },
      () => this.#batches?.send(),
    );
  }

  #coordinates(rows: ChunkRows): Uint32Array | Float64Array {
    const coordinates = new Float64Array(rows.count * this.#rank);
    let largest = 0;
    for (let row = 0; row < rows.count; row++) {
      for (let axis = 0; axis < this.#rank; axis++) {
        const coordinate = this.#plan.coordinate(0, rows, row, axis);
        coordinates[row * this.#rank + axis] = coordinate;
        largest = Math.max(largest, coordinate);
      }
    }
    return largest < 2 ** 32 ? Uint32Array.from(coordinates) : coordinates;
  }

  /** Number of pieces of the last level in the first of some rows. */
  #pieceCount(level: number, rows: ChunkRows): number {
    if (level === this.#layout.levels.length) return 1;
    const children = this.#plan.children(level, rows, [0]);
    return children.count * this.#pieceCount(level + 1, children);
  }

  /** Fetches the rows of a level: some whole, of others only what is needed of them. */
  async #fetch(level: number, rows: ChunkRows, places: PiecePlaces): Promise<void> {
    const whole: number[] = [];
    const inParts: number[] = [];
    for (let row = 0; row < rows.count; row++) {
      const kind = places.kinds[row] ?? PLACE_MISSING;
      (this.#isFetchedWhole(level, rows, row, kind, places) ? whole : inParts).push(row);
    }
    if (level === this.#layout.levels.length) this.#batches?.announce(whole.length);
    await fetchChunks(this.#array.storage, places, whole, this.#flow, this.#consumer(level, rows, places));
    const piece = this.#layout.levels[level];
    if (piece === undefined || inParts.length === 0) return;
    const children = this.#plan.children(level, rows, inParts);
    const nesting: Nesting = { plan: this.#plan, level, rows, children, rank: this.#rank };
    const pieces =
      piece.kind === "rows"
        ? locatePlainPieces(nesting, places, piece.pieceShape, piece.itemSize)
        : await locateInnerChunks(
            nesting,
            places,
            inParts,
            (row) => this.#shard(level, rows, row),
            this.#array,
            this.#flow,
          );
    await this.#fetch(level + 1, children, pieces);
  }

  #isFetchedWhole(level: number, rows: ChunkRows, row: number, kind: number, places: PiecePlaces): boolean {
    const piece = this.#layout.levels[level];
    if (piece === undefined || kind === PLACE_MISSING || kind === PLACE_INLINE) return true;
    if (piece.kind === "rows") return false;
    const way = isNear(places.locations[places.locationIndexes[row] ?? 0] ?? "") ? "near" : "far";
    if (this.#decodedBytes(level, rows, row) > WHOLE_SHARD_BYTES[way]) return false;
    return this.#plan.childCount(level, rows, row) * 2 >= this.#shard(level, rows, row).index.count;
  }

  #consumer(level: number, rows: ChunkRows, places: PiecePlaces): ChunkConsumer {
    const locate = (error: unknown, row: number): unknown =>
      error instanceof MoraineError
        ? error.at({
            source: places.locations[places.locationIndexes[row] ?? 0],
            path: this.#array.path,
            offset: places.offsets[row],
          })
        : error;
    const taker: ChunkTaker = { take: (row, elements) => this.#place(rows, row, elements), locate };
    return {
      buffers: this.#buffers,
      decodedBytes: (row) => this.#decodedBytes(level, rows, row),
      decodingBytes: (row) => (level < this.#layout.levels.length ? 0 : this.#decodedBytes(level, rows, row)),
      pieces: (row) => this.#pieces(level, rows, row, places),
      consume: (row, bytes) => {
        try {
          return this.#consume(level, rows, row, bytes, places.filterMasks?.[row] ?? 0, taker)?.catch(
            (error: unknown) => {
              throw locate(error, row);
            },
          );
        } catch (error) {
          throw locate(error, row);
        }
      },
    };
  }

  /** Where the elements of a chunk that is stored as it is go, if they lie together there. */
  #pieces(level: number, rows: ChunkRows, row: number, places: PiecePlaces): Uint8Array[] | undefined {
    if (!(this.#to instanceof Uint8Array) || level < this.#layout.levels.length) return undefined;
    if (!this.#decoders.pipeline(this.#shape(level, rows, row)).isIdentity) return undefined;
    if (places.lengths[row] !== this.#decodedBytes(level, rows, row)) return undefined;
    return this.#plan.runs(rows, row, this.#to, this.#itemSize, SCATTERED_BYTES);
  }

  /** Takes the bytes of a chunk of any level into the result. */
  #consume(
    level: number,
    rows: ChunkRows,
    row: number,
    bytes: Uint8Array | undefined,
    filterMask: number,
    taker: ChunkTaker,
  ): Promise<void> | undefined {
    const piece = this.#layout.levels[level];
    if (piece === undefined) this.#batches?.announce(-1);
    if (bytes === undefined) return this.#fill && this.#fillChunk(level, rows, row, this.#fill);
    if (piece === undefined) {
      const pipeline = this.#decoders.pipeline(this.#shape(level, rows, row));
      const size = this.#decodedBytes(level, rows, row);
      if (this.#batches?.add(pipeline, bytes, filterMask, size, taker, row)) return undefined;
      const memory = size >= REUSED_BYTES ? this.#buffers?.take(size) : undefined;
      const options = { filterMask, target: memory && new Uint8Array(memory, 0, size) };
      const finish = (from: ReadonlyElements): void => {
        this.#place(rows, row, from);
        if (from instanceof Uint8Array && from.buffer !== bytes.buffer && from.buffer !== memory) {
          native.release(from);
        }
        if (memory) this.#buffers?.give(memory);
      };
      if (pipeline.hasAsyncDecoder && size >= ASYNC_BYTES && !decoding.threads?.areRunning)
        return pipeline.decodeAsync(bytes, options).then(finish);
      finish(pipeline.decode(bytes, options));
      return undefined;
    }
    if (piece.kind === "rows") return this.#consumePlain(level, rows, row, bytes, piece);
    if (filterMask !== 0) throw new MoraineError("InvalidMetadata", "a shard cannot leave codecs out");
    return this.#consumeShard(level, rows, row, bytes, taker);
  }

  /** A chunk that is stored as it is, but that is planned piece by piece. */
  #consumePlain(
    level: number,
    rows: ChunkRows,
    row: number,
    bytes: Uint8Array,
    piece: PieceLevel & { readonly kind: "rows" },
  ): undefined {
    const children = this.#plan.children(level, rows, [row]);
    const nesting: Nesting = { plan: this.#plan, level, rows, children, rank: this.#rank };
    const whole = plainLength(nesting, row, piece.itemSize);
    if (bytes.length !== whole) {
      throw new MoraineError("CorruptChunk", `the chunk has ${bytes.length} bytes instead of ${whole}`);
    }
    for (let child = 0; child < children.count; child++) {
      const { offset, length } = plainPiece(nesting, child, piece.pieceShape, piece.itemSize);
      const pipeline = this.#decoders.pipeline(this.#shape(level + 1, children, child));
      this.#place(children, child, pipeline.decode(bytes.subarray(offset, offset + length)));
    }
  }

  async #consumeShard(
    level: number,
    rows: ChunkRows,
    row: number,
    bytes: Uint8Array,
    { locate }: ChunkTaker,
  ): Promise<void> {
    const { grid, index: codec } = this.#shard(level, rows, row);
    const index = codec.decodeFrom(bytes);
    const children = this.#plan.children(level, rows, [row]);
    const nesting: Nesting = { plan: this.#plan, level, rows, children, rank: this.#rank };
    const taker: ChunkTaker = {
      take: (child, elements) => this.#place(children, child, elements),
      locate: (error) => locate(error, row),
    };
    if (level + 1 === this.#layout.levels.length) this.#batches?.announce(children.count);
    const window = new DecodingWindow(this.#flow.decoding);
    for (let child = 0; child < children.count; child++) {
      const entry = innerChunkNumber(nesting, child, grid);
      const offset = index.offsets[entry] ?? Number.NaN;
      let part: Uint8Array | undefined;
      if (!Number.isNaN(offset)) {
        codec.check(index, entry, bytes.length);
        part = bytes.subarray(offset, offset + (index.lengths[entry] ?? 0));
      }
      const wait = window.add(
        () => this.#consume(level + 1, children, child, part, 0, taker),
        this.#decodedBytes(level + 1, children, child),
      );
      if (wait) await wait;
    }
    await window.finish();
  }

  #place(rows: ChunkRows, row: number, from: ReadonlyElements): void {
    this.#plan.place(rows, row, { from, repeat: false, to: this.#to, itemSize: this.#itemSize });
  }

  /** Puts the fill value where a missing chunk would be. */
  #fillChunk(level: number, rows: ChunkRows, row: number, fill: Uint8Array): undefined {
    if (level === this.#layout.levels.length) {
      this.#plan.place(rows, row, { from: fill, repeat: true, to: this.#to, itemSize: this.#itemSize });
      return;
    }
    const children = this.#plan.children(level, rows, [row]);
    for (let child = 0; child < children.count; child++) this.#fillChunk(level + 1, children, child, fill);
  }

  #shape(level: number, rows: ChunkRows, row: number): readonly number[] {
    const shape = this.#scratch;
    for (let axis = 0; axis < this.#rank; axis++) shape[axis] = this.#plan.length(level, rows, row, axis);
    return shape;
  }

  #decodedBytes(level: number, rows: ChunkRows, row: number): number {
    let bytes = this.#itemSize;
    for (let axis = 0; axis < this.#rank; axis++) bytes *= this.#plan.length(level, rows, row, axis);
    return bytes;
  }

  #shard(level: number, rows: ChunkRows, row: number): ShardLayout {
    return this.#decoders.shard(level, this.#shape(level, rows, row));
  }
}
