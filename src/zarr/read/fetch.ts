/**
 * Brings the bytes of chunks from their places, neighbours together.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { isNear } from "../../storage/address.ts";
import { planRanges, type RangePolicy } from "../../storage/ranges.ts";
import type { ReadOptions, ReadResult, Storage } from "../../storage/storage.ts";
import { PLACE_INLINE, PLACE_OBJECT, PLACE_RANGE } from "../chunk-source.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { DecodingWindow } from "./decoding-window.ts";
import { FAR_LIMITS, type Flow, NEAR_LIMITS } from "./flow.ts";
import type { PiecePlaces } from "./places.ts";

/** On this machine a further request costs as much as a few pages more. */
const NEAR: RangePolicy = { gap: 16 * 1024, maximum: 1024 * 1024 };
/** A round trip to an object store costs as much as a MiB more. */
const FAR: RangePolicy = { gap: 512 * 1024, maximum: 4 * 1024 * 1024 };

/** Stored bytes of an object for each decoded one, as long as none was seen that compresses worse. */
const STORED_SHARE = 0.6;

/** What is done with the bytes of chunks. */
export interface ChunkConsumer {
  /** Lends the memory that encoded bytes arrive in; undefined where decoded elements may share it. */
  readonly buffers: BufferPool | undefined;
  /** Bytes that a chunk needs in memory once it is decoded. */
  decodedBytes(row: number): number;
  /** The same, or 0 where what it holds is decoded bit by bit, and counted then. */
  decodingBytes(row: number): number;
  /**
   * Where the bytes of a chunk are wanted as they are, in order: memory that they can be read into. Undefined where they
   * must be seen first.
   */
  pieces(row: number): readonly Uint8Array[] | undefined;
  /** Takes the bytes of a chunk, undefined where it is missing. They are valid until the result resolves. */
  consume(row: number, bytes: Uint8Array | undefined): Promise<void> | undefined;
}

/** Fetches some rows of places and hands each chunk's bytes over once, in no promised order. */
export async function fetchChunks(
  storage: Storage,
  places: PiecePlaces,
  rows: readonly number[],
  flow: Flow,
  consumer: ChunkConsumer,
): Promise<void> {
  const ranges = new Map<number, number[]>();
  let share = STORED_SHARE;
  for (const row of rows) {
    const kind = places.kinds[row];
    if (kind === PLACE_RANGE) {
      const location = places.locationIndexes[row] ?? 0;
      const group = ranges.get(location);
      if (group) group.push(row);
      else ranges.set(location, [row]);
    } else if (kind === PLACE_OBJECT) {
      const decoded = consumer.decodedBytes(row);
      const address = places.locations[places.locationIndexes[row] ?? 0] ?? "";
      await flow.start(
        decoded * share,
        async () => {
          const stored = await fetchObject(storage, places, row, flow, consumer);
          share = Math.max(share, stored / decoded);
        },
        isNear(address) ? NEAR_LIMITS : FAR_LIMITS,
      );
    } else {
      flow.throwIfFailed();
      await consumer.consume(row, kind === PLACE_INLINE ? places.inline.get(row) : undefined);
    }
  }
  for (const [location, members] of ranges) {
    const address = places.locations[location] ?? "";
    const merged = planRanges(
      members.map((row) => places.offsets[row] ?? 0),
      members.map((row) => places.lengths[row] ?? 0),
      isNear(address) ? NEAR : FAR,
    );
    for (const { offset, length, members: indexes } of merged) {
      const served = Array.from(indexes, (index) => members[index] ?? 0);
      await flow.start(
        length,
        () => fetchRange(storage, places, location, offset, length, served, flow, consumer),
        isNear(address) ? NEAR_LIMITS : FAR_LIMITS,
      );
    }
  }
}

/** Fetches a whole object; gives its bytes in number. */
async function fetchObject(
  storage: Storage,
  places: PiecePlaces,
  row: number,
  flow: Flow,
  consumer: ChunkConsumer,
): Promise<number> {
  const location = places.locationIndexes[row] ?? 0;
  const loan = consumer.buffers?.loan();
  const result = await readIfPresent(storage, places.locations[location] ?? "", [{ offset: 0 }], {
    signal: flow.signal,
    version: places.versions?.[location],
    allocate: loan?.allocate,
  });
  const bytes = result?.parts[0];
  const decoding = new DecodingWindow(flow.decoding);
  await decoding.add(() => consumer.consume(row, bytes), consumer.decodingBytes(row));
  await decoding.finish();
  loan?.end();
  return bytes?.length ?? 0;
}

async function fetchRange(
  storage: Storage,
  places: PiecePlaces,
  location: number,
  offset: number,
  length: number,
  rows: readonly number[],
  flow: Flow,
  consumer: ChunkConsumer,
): Promise<void> {
  const address = places.locations[location] ?? "";
  const objectSize = places.objectSizes?.[location];
  // A storage of many kinds does not tell beforehand which of them can; none that is far does.
  const pieces =
    isNear(address) && storage.readInto ? piecesOf(places, offset, length, rows, consumer) : undefined;
  if (pieces && (await readPieces(storage, places, location, offset, pieces, flow))) return;
  const loan = consumer.buffers?.loan();
  const options = {
    signal: flow.signal,
    version: places.versions?.[location],
    allocate: loan?.allocate,
  };
  const read = objectSize === undefined ? storage.read.bind(storage) : readIfPresent.bind(null, storage);
  const result = await read(address, [{ offset, length }], options);
  if (result && objectSize !== undefined) {
    const size = result.version.size ?? (await storage.head(address, { signal: flow.signal })).size;
    requireSize(address, size, objectSize);
  }
  const bytes = result?.parts[0];
  const decoding = new DecodingWindow(flow.decoding);
  for (const row of rows) {
    const start = (places.offsets[row] ?? 0) - offset;
    const part = bytes?.subarray(start, start + (places.lengths[row] ?? 0));
    const wait = decoding.add(() => consumer.consume(row, part), consumer.decodingBytes(row));
    if (wait) await wait;
  }
  await decoding.finish();
  loan?.end();
}

function requireSize(address: string, size: number | undefined, expected: number): void {
  if (size === expected) return;
  throw new MoraineError("CorruptChunk", `the chunk has ${size} bytes instead of ${expected}`, {
    source: address,
  });
}

/** The memory that all bytes of a range are wanted in, in order; undefined where there is none for some. */
function piecesOf(
  places: PiecePlaces,
  offset: number,
  length: number,
  rows: readonly number[],
  consumer: ChunkConsumer,
): Uint8Array[] | undefined {
  const all: Uint8Array[] = [];
  let end = offset;
  for (const row of rows) {
    if (places.offsets[row] !== end) return undefined;
    const pieces = consumer.pieces(row);
    if (pieces === undefined) return undefined;
    for (const piece of pieces) {
      const before = all.at(-1);
      if (before && before.byteOffset + before.length === piece.byteOffset) {
        all[all.length - 1] = new Uint8Array(before.buffer, before.byteOffset, before.length + piece.length);
      } else {
        all.push(piece);
      }
    }
    end += places.lengths[row] ?? 0;
  }
  return end === offset + length ? all : undefined;
}

/** Reads a range to where it is wanted; false where the storage cannot, or nothing lies there. */
async function readPieces(
  storage: Storage,
  places: PiecePlaces,
  location: number,
  offset: number,
  pieces: readonly Uint8Array[],
  flow: Flow,
): Promise<boolean> {
  const address = places.locations[location] ?? "";
  const objectSize = places.objectSizes?.[location];
  try {
    const version = await storage.readInto?.(address, offset, pieces, {
      signal: flow.signal,
      version: places.versions?.[location],
    });
    if (version && objectSize !== undefined) requireSize(address, version.size, objectSize);
    return version !== undefined;
  } catch (error) {
    // What is missing is told the ordinary way.
    if (isMoraineError(error, "NotFound")) return false;
    throw error;
  }
}

/** Reads an object, or gives undefined where nothing lies. */
export async function readIfPresent(
  storage: Storage,
  address: string,
  ranges: Parameters<Storage["read"]>[1],
  options: ReadOptions,
): Promise<ReadResult | undefined> {
  try {
    return await storage.read(address, ranges, options);
  } catch (error) {
    if (isMoraineError(error, "NotFound")) return undefined;
    throw error;
  }
}
