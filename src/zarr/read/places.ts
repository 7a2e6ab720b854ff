/**
 * Places of chunks while a read is under way: those of a chunk source, and what is found inside of them.
 *
 * @module
 */

import type { Version } from "../../storage/storage.ts";
import { type ChunkPlaces, PLACE_MISSING, PLACE_RANGE } from "../chunk-source.ts";

/** Places, with what is known of the objects that they are ranges of. */
export interface PiecePlaces extends ChunkPlaces {
  /**
   * For each location the size that the object must have; then it may also be absent, and the chunk is
   * missing. Undefined where it can be of any size and must be there.
   */
  readonly objectSizes?: readonly (number | undefined)[] | undefined;
}

/** Builds places of ranges, row by row. */
export class PlacesBuilder {
  readonly #kinds: Uint8Array;
  readonly #locationIndexes: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #lengths: Float64Array;
  readonly #locations: string[] = [];
  readonly #versions: (Version | undefined)[] = [];
  readonly #objectSizes: (number | undefined)[] = [];

  constructor(count: number) {
    this.#kinds = new Uint8Array(count).fill(PLACE_MISSING);
    this.#locationIndexes = new Uint32Array(count);
    this.#offsets = new Float64Array(count);
    this.#lengths = new Float64Array(count);
  }

  /** Index of a further location. */
  addLocation(address: string, version: Version | undefined, objectSize?: number | undefined): number {
    this.#locations.push(address);
    this.#versions.push(version);
    this.#objectSizes.push(objectSize);
    return this.#locations.length - 1;
  }

  setRange(row: number, location: number, offset: number, length: number): void {
    this.#kinds[row] = PLACE_RANGE;
    this.#locationIndexes[row] = location;
    this.#offsets[row] = offset;
    this.#lengths[row] = length;
  }

  build(): PiecePlaces {
    return {
      kinds: this.#kinds,
      locations: this.#locations,
      locationIndexes: this.#locationIndexes,
      offsets: this.#offsets,
      lengths: this.#lengths,
      inline: new Map(),
      versions: this.#versions,
      objectSizes: this.#objectSizes,
    };
  }
}
