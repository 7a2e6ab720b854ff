/**
 * The chunks of an array whose store has an object for each of them (Zarr v3 core 3.1 "chunk key encoding").
 *
 * @module
 */

import type { ChunkKeyEncoding } from "./array-metadata.ts";
import { type ChunkCoordinates, type ChunkPlaces, type ChunkSource, PLACE_OBJECT } from "./chunk-source.ts";

/** Names the object of each chunk, without asking whether it is there. */
export class StoreChunkSource implements ChunkSource {
  readonly #prefix: string;
  readonly #separator: string;
  readonly #scalarKey: string;
  readonly #rank: number;

  /**
   * @param address of the array's folder
   * @param rank number of axes
   */
  constructor(address: string, encoding: ChunkKeyEncoding, rank: number) {
    const folder = address.endsWith("/") ? address : `${address}/`;
    // Keys of chunks hold nothing that an address would have to escape.
    this.#prefix = encoding.name === "default" ? `${folder}c${encoding.separator}` : folder;
    this.#scalarKey = `${folder}${encoding.name === "default" ? "c" : "0"}`;
    this.#separator = encoding.separator;
    this.#rank = rank;
  }

  locate(coordinates: ChunkCoordinates, count: number): Promise<ChunkPlaces> {
    const rank = this.#rank;
    const locations = new Array<string>(count);
    const locationIndexes = new Uint32Array(count);
    for (let chunk = 0, at = 0; chunk < count; chunk++) {
      let address = rank === 0 ? this.#scalarKey : this.#prefix;
      for (let axis = 0; axis < rank; axis++, at++) {
        address += axis === 0 ? coordinates[at] : this.#separator + coordinates[at];
      }
      locations[chunk] = address;
      locationIndexes[chunk] = chunk;
    }
    return Promise.resolve({
      kinds: new Uint8Array(count).fill(PLACE_OBJECT),
      locations,
      locationIndexes,
      offsets: new Float64Array(count),
      lengths: new Float64Array(count),
      inline: new Map(),
    });
  }
}
