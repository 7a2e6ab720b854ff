/**
 * Takes chunks into a repository as they are encoded, and proves that their values stayed.
 *
 * @module
 */

import { createSha256 } from "../../binary/sha256.ts";
import type { ChunkData } from "../../codecs/codec.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Session } from "../../icechunk/session/session.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { chunkExtent } from "../../zarr/chunk-grid.ts";
import { type ChunkPlaces, PLACE_RANGE } from "../../zarr/chunk-source.ts";
import type { ZarrArray } from "../../zarr/node.ts";
import { storedBytes } from "../../zarr/stored-bytes.ts";
import { mapConcurrent } from "../concurrent.ts";
import type { ArrayBatch, Batch } from "./chunk-batches.ts";

/** Encoded bytes that are in memory at a time; a single chunk may have more. */
const PART_BYTES = 32 * 1024 * 1024;
/** Chunks that are located at a time. */
const PART_CHUNKS = 1024;
/** Chunks that are decoded at a time for the proof. */
const CONCURRENT_PROOFS = 8;

/** Which of the places of chunks are to be stored anew. */
export type PlaceFilter = (places: ChunkPlaces, chunk: number) => boolean;

/** Chunks in a file that the repository refers to. */
export function isVirtual(session: Session): PlaceFilter {
  return (places, chunk) =>
    places.kinds[chunk] === PLACE_RANGE &&
    !session.isNative(places.locations[places.locationIndexes[chunk] ?? 0] ?? "");
}

/** Chunks and bytes that were stored. */
export interface StoredCounts {
  readonly chunks: number;
  readonly bytes: number;
}

/** Where chunks are stored from. */
export interface StoreOptions extends StorageOptions {
  /** An array that has the same chunks in another place; they come from the session's own where it is left out. */
  readonly origin?: ((path: string) => ZarrArray) | undefined;
}

/**
 * Stores the chunks of a batch in the repository, byte for byte, where a filter still lets them through: others may
 * have replaced them since the batch was made. Then decodes each of them from where it was and from where it is now.
 *
 * Errors: `CorruptChunk` where values differ, and for chunks that cannot be decoded; `SourceChanged`; those of the
 * storage.
 */
export async function storeChunks(
  session: Session,
  batch: Batch,
  filter: PlaceFilter,
  options: StoreOptions = {},
): Promise<StoredCounts> {
  let chunks = 0;
  let bytes = 0;
  for (const own of batch.arrays) {
    for (const part of parts(own, session.array(own.path).shape.length)) {
      options.signal?.throwIfAborted();
      const stored = await storePart(session, own.path, part, filter, options);
      chunks += stored.chunks;
      bytes += stored.bytes;
    }
  }
  return { chunks, bytes };
}

/** Coordinates of up to {@link PART_CHUNKS} chunks each. */
function* parts({ coordinates }: ArrayBatch, rank: number): Generator<Float64Array, void, undefined> {
  if (rank === 0) {
    yield new Float64Array(0);
    return;
  }
  for (let at = 0; at < coordinates.length; at += PART_CHUNKS * rank) {
    yield Float64Array.from(coordinates.slice(at, at + PART_CHUNKS * rank));
  }
}

async function storePart(
  session: Session,
  path: string,
  part: Float64Array,
  filter: PlaceFilter,
  options: StoreOptions,
): Promise<StoredCounts> {
  const array = session.array(path);
  const from = options.origin?.(path) ?? array;
  const rank = array.shape.length;
  const located = await array.chunks.locate(part, rank === 0 ? 1 : part.length / rank, options);
  let chunks = 0;
  let bytes = 0;
  for (const rows of runs(located, filter)) {
    const coordinates = Float64Array.from(
      rows.flatMap((row) => [...part.subarray(row * rank, (row + 1) * rank)]),
    );
    const places = await from.chunks.locate(coordinates, rows.length, options);
    const before = await hashes(from, coordinates, rows.length, options);
    const encoded = await storedBytes(places, rows.length, from.storage, options);
    const own = rows.map((_, row) => encoded.get(row)?.slice());
    await session.sink(path).write({ count: rows.length, coordinates, bytes: own }, options);
    const after = await hashes(session.array(path), coordinates, rows.length, options);
    const differing = before.findIndex((hash, row) => hash !== after[row]);
    if (differing >= 0) {
      const at = [...coordinates.subarray(differing * rank, (differing + 1) * rank)];
      throw new MoraineError(
        "CorruptChunk",
        `chunk ${at.join("/")} has other values once it is stored here`,
        {
          source: session.address,
          path,
        },
      );
    }
    chunks += rows.length;
    for (const chunk of own) bytes += chunk?.length ?? 0;
  }
  return { chunks, bytes };
}

/** The chunks that a filter lets through, in runs of bounded bytes. */
function* runs(places: ChunkPlaces, filter: PlaceFilter): Generator<number[], void, undefined> {
  let rows: number[] = [];
  let bytes = 0;
  for (let chunk = 0; chunk < places.kinds.length; chunk++) {
    if (!filter(places, chunk)) continue;
    rows.push(chunk);
    bytes += places.lengths[chunk] ?? 0;
    if (bytes < PART_BYTES) continue;
    yield rows;
    [rows, bytes] = [[], 0];
  }
  if (rows.length > 0) yield rows;
}

/** A digest of the values of each chunk. */
async function hashes(
  array: ZarrArray,
  coordinates: Float64Array,
  count: number,
  options: StorageOptions,
): Promise<string[]> {
  const rank = array.shape.length;
  const rows = Array.from({ length: count }, (_, row) => row);
  return await mapConcurrent(rows, CONCURRENT_PROOFS, async (row) => {
    const at = coordinates.subarray(row * rank, (row + 1) * rank);
    const { start, inside } = chunkExtent(array.metadata, at);
    try {
      return hashOf(await array.readRegion(start, inside, options));
    } catch (error) {
      throw isMoraineError(error) ? error.at({ path: array.path }) : error;
    }
  });
}

/** A digest of elements, for comparison within one run. */
export function hashOf(data: ChunkData): string {
  const hash = createSha256();
  if (data instanceof Uint8Array) hash.update(data);
  else {
    const text = new TextEncoder();
    for (const item of data) {
      const bytes = typeof item === "string" ? text.encode(item) : item;
      hash.update(new Uint8Array(Uint32Array.of(bytes.length).buffer));
      hash.update(bytes);
    }
  }
  return hash.digest();
}
