/**
 * Carries out a plan: finds places, descends into shards, decodes, and puts elements into the result.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import { PLACE_INLINE, PLACE_MISSING } from "../chunk-source.ts";
import type { ZarrArray } from "../node.ts";
import { locateInnerChunks } from "../sharding/inner-chunks.ts";
import type { ChunkLayout } from "./chunk-layout.ts";
import { Decoders, type ShardShape } from "./decoders.ts";
import { type ChunkConsumer, fetchChunks } from "./fetch.ts";
import { DECODING_BYTES, Flow, Window } from "./flow.ts";
import { innerChunkNumber, locatePlainPieces, type Nesting, plainLength, plainPiece } from "./pieces.ts";
import type { PiecePlaces } from "./places.ts";
import type { ChunkRows, ReadPlan } from "./plan.ts";
import type { Elements } from "./strided-copy.ts";

/** Pieces that are located at a time: some tens of bytes each. */
const BATCH = 128 * 1024;
/** A shard of more decoded bytes is not fetched whole: it would not leave room for another one. */
const WHOLE_SHARD_BYTES = 16 * 1024 * 1024;

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
    this.#itemSize = itemSize(array.dataType) ?? 1;
    this.#flow = new Flow(signal);
    this.#decoders = new Decoders(array.metadata, layout);
    const { fillValue } = array.metadata;
    this.#fill = to instanceof Uint8Array && fillValue.some((byte) => byte !== 0) ? fillValue : undefined;
  }

  async run(): Promise<void> {
    const { chunkCount } = this.#plan;
    await this.#flow.finish(async () => {
      for (let from = 0; from < chunkCount; ) {
        const pieces = this.#pieceCount(0, this.#plan.chunks(from, from + 1));
        const to = Math.min(chunkCount, from + Math.max(1, Math.floor(BATCH / pieces)));
        const rows = this.#plan.chunks(from, to);
        const places = await this.#array.chunks.locate(this.#coordinates(rows), rows.count, {
          signal: this.#flow.signal,
        });
        await this.#fetch(0, rows, places);
        from = to;
      }
    });
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
      (this.#isFetchedWhole(level, rows, row, kind) ? whole : inParts).push(row);
    }
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

  #isFetchedWhole(level: number, rows: ChunkRows, row: number, kind: number): boolean {
    const piece = this.#layout.levels[level];
    if (piece === undefined || kind === PLACE_MISSING || kind === PLACE_INLINE) return true;
    if (piece.kind === "rows" || this.#decodedBytes(level, rows, row) > WHOLE_SHARD_BYTES) return false;
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
    return {
      decodedBytes: (row) => this.#decodedBytes(level, rows, row),
      consume: (row, bytes) => {
        try {
          return this.#consume(level, rows, row, bytes, places.filterMasks?.[row] ?? 0)?.catch(
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

  /** Takes the bytes of a chunk of any level into the result. */
  #consume(
    level: number,
    rows: ChunkRows,
    row: number,
    bytes: Uint8Array | undefined,
    filterMask: number,
  ): Promise<void> | undefined {
    const piece = this.#layout.levels[level];
    if (bytes === undefined) return this.#fill && this.#fillChunk(level, rows, row, this.#fill);
    if (piece === undefined) {
      const decoded = this.#decoders.pipeline(this.#shape(level, rows, row)).decode(bytes, { filterMask });
      if (decoded instanceof Promise) return decoded.then((from) => this.#place(rows, row, from));
      this.#place(rows, row, decoded);
      return undefined;
    }
    if (piece.kind === "rows") return this.#consumePlain(level, rows, row, bytes, piece);
    if (filterMask !== 0) throw new MoraineError("InvalidMetadata", "a shard cannot leave codecs out");
    return this.#consumeShard(level, rows, row, bytes);
  }

  async #consumeShard(level: number, rows: ChunkRows, row: number, bytes: Uint8Array): Promise<void> {
    const { grid, index: codec } = this.#shard(level, rows, row);
    const index = await codec.decode(codec.bytesIn(bytes));
    const children = this.#plan.children(level, rows, [row]);
    const nesting: Nesting = { plan: this.#plan, level, rows, children, rank: this.#rank };
    const decoding = new Window(DECODING_BYTES);
    for (let child = 0; child < children.count; child++) {
      const entry = innerChunkNumber(nesting, child, grid);
      const offset = index.offsets[entry] ?? Number.NaN;
      let part: Uint8Array | undefined;
      if (!Number.isNaN(offset)) {
        codec.check(index, entry, bytes.length);
        part = bytes.subarray(offset, offset + (index.lengths[entry] ?? 0));
      }
      const done = this.#consume(level + 1, children, child, part, 0);
      if (done) await decoding.add(done, this.#decodedBytes(level + 1, children, child));
    }
    await decoding.finish();
  }
}
