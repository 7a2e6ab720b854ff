/**
 * Where the encoded bytes of chunks lie. A manifest, a folder of chunk objects, a shard and an Icechunk
 * session are chunk sources; the array reader knows nothing else about them.
 *
 * @module
 */

import type { StorageOptions, Version } from "../storage/storage.ts";

/** Nothing is stored: every element is the fill value. */
export const PLACE_MISSING = 0;
/** A range of an object: `locations[locationIndex]`, `offset`, `length`. */
export const PLACE_RANGE = 1;
/** The bytes themselves, in `inline`. */
export const PLACE_INLINE = 2;
/** A whole object of unknown length, which may be absent (then the chunk is missing). */
export const PLACE_OBJECT = 3;

/** Places of many chunks, as columns: entry `i` of each column belongs to the `i`-th chunk asked for. */
export interface ChunkPlaces {
  /** `PLACE_…` for each chunk. */
  readonly kinds: Uint8Array;
  /** Addresses; `locationIndexes` points into it. */
  readonly locations: readonly string[];
  readonly locationIndexes: Uint32Array;
  /** Bytes from the start of the object; exact to 2^53. */
  readonly offsets: Float64Array;
  /** Bytes. */
  readonly lengths: Float64Array;
  /** Bytes of the chunks whose kind is `PLACE_INLINE`, by position in the columns. */
  readonly inline: ReadonlyMap<number, Uint8Array>;
  /**
   * For each chunk which bytes-to-bytes codecs were left out when it was written: bit `i` for the `i`-th of
   * them (HDF5's filter mask). Absent when none was.
   */
  readonly filterMasks?: Uint32Array | undefined;
  /** For each location the version it had when it was scanned, where it is known. */
  readonly versions?: readonly (Version | undefined)[] | undefined;
}

/**
 * Chunk grid coordinates, `rank` numbers a chunk, one chunk after another. 32 bits hold those of nearly every
 * array; doubles come where one of them is 2^32 or more.
 */
export type ChunkCoordinates = Uint32Array | Float64Array;

/** Finds the places of chunks. */
export interface ChunkSource {
  /** Chunks that should be asked for at a time at the most, where their bytes are made on asking. */
  readonly batch?: number | undefined;
  /**
   * Tells that chunks are likely to be asked for soon: what is needed to find them may be fetched ahead. A failure is
   * told by `locate`.
   */
  expectQuestions?(): void;
  /**
   * @param count number of chunks (a chunk of a scalar has no coordinates)
   */
  locate(coordinates: ChunkCoordinates, count: number, options?: StorageOptions): Promise<ChunkPlaces>;
}
