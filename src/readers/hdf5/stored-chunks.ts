/**
 * Chunks of elements as they are stored, filters undone: what has to be converted before Zarr can take it.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { placesIn } from "../../manifest/manifest-chunk-source.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import {
  type ChunkCoordinates,
  type ChunkPlaces,
  type ChunkSource,
  PLACE_INLINE,
  PLACE_MISSING,
} from "../../zarr/chunk-source.ts";
import { storedBytes } from "../../zarr/stored-bytes.ts";
import type { ChunkDecoder } from "./decoding/chunk-decoder.ts";

/** Decoded bytes that are made at a time. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** What is done with the elements of a chunk: they become what the array's codecs encode. */
export type ChunkConversion = (
  stored: Uint8Array,
  options: StorageOptions | undefined,
) => Uint8Array | Promise<Uint8Array>;

/** How the chunks of an array come to be. */
export interface DecodedChunksParts {
  /** Where the chunks lie. One that is shorter than the others (the last rows of an array) is filled with zeros. */
  readonly manifest: (options?: StorageOptions) => Promise<ChunkManifest>;
  readonly storage: Storage;
  /** Bytes of a chunk of elements as they are stored, without filters. */
  readonly chunkBytes: number;
  /** Undefined where there are no filters. */
  readonly decoder: ChunkDecoder | undefined;
  readonly convert: ChunkConversion;
}

/** Makes chunks when they are asked for. */
export class DecodedChunks implements ChunkSource {
  readonly batch: number;
  readonly #parts: DecodedChunksParts;

  constructor(parts: DecodedChunksParts) {
    this.#parts = parts;
    this.batch = Math.max(1, Math.floor(BATCH_BYTES / Math.max(parts.chunkBytes, 1)));
  }

  async locate(coordinates: ChunkCoordinates, count: number, options?: StorageOptions): Promise<ChunkPlaces> {
    const places = placesIn(await this.#parts.manifest(options), coordinates, count);
    const stored = await storedBytes(places, count, this.#parts.storage, options);
    const kinds = new Uint8Array(count).fill(PLACE_MISSING);
    const inline = new Map<number, Uint8Array>();
    for (let chunk = 0; chunk < count; chunk++) {
      options?.signal?.throwIfAborted();
      const bytes = stored.get(chunk);
      if (!bytes) continue;
      inline.set(chunk, await this.#decode(bytes, places, chunk, options));
      kinds[chunk] = PLACE_INLINE;
    }
    return {
      kinds,
      locations: [],
      locationIndexes: new Uint32Array(count),
      offsets: new Float64Array(count),
      lengths: Float64Array.from({ length: count }, (_, chunk) => inline.get(chunk)?.length ?? 0),
      inline,
    };
  }

  async #decode(
    stored: Uint8Array,
    places: ChunkPlaces,
    chunk: number,
    options: StorageOptions | undefined,
  ): Promise<Uint8Array> {
    const { decoder, chunkBytes, convert } = this.#parts;
    try {
      const elements = decoder
        ? await decoder.decode(stored, places.filterMasks?.[chunk] ?? 0)
        : padded(stored, chunkBytes);
      return await convert(elements, options);
    } catch (error) {
      if (!(error instanceof MoraineError)) throw error;
      throw error.at({
        source: places.locations[places.locationIndexes[chunk] ?? 0],
        offset: places.offsets[chunk],
      });
    }
  }
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) return bytes.subarray(0, length);
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}
