/**
 * The chunks of a variable: one for a fixed variable, one a record for a record variable. Their places follow
 * from a few numbers, so they are computed when they are asked for.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { Version } from "../../storage/storage.ts";
import {
  type ChunkCoordinates,
  type ChunkPlaces,
  type ChunkSource,
  PLACE_MISSING,
  PLACE_RANGE,
} from "../../zarr/chunk-source.ts";

/** More references than this would need gigabytes. */
const MAXIMUM_REFERENCES = 2 ** 27;

/** Chunks of one size at one distance. */
export class VariableChunks implements ChunkSource {
  /** Chunks along each axis; only the first can have several. */
  readonly gridShape: readonly number[];
  readonly #location: string;
  readonly #version: Version;
  readonly #begin: number;
  readonly #stride: number;
  readonly #size: number;
  readonly #stored: boolean;

  /**
   * @param stride bytes from a chunk to the next
   * @param size bytes of a chunk
   * @param stored false where nothing was written: every chunk is missing
   */
  constructor(
    gridShape: readonly number[],
    file: { readonly location: string; readonly version: Version },
    place: { begin: number; stride: number; size: number; stored: boolean },
  ) {
    this.gridShape = gridShape;
    this.#location = file.location;
    this.#version = file.version;
    this.#begin = place.begin;
    this.#stride = place.stride;
    this.#size = place.size;
    this.#stored = place.stored;
  }

  locate(coordinates: ChunkCoordinates, count: number): Promise<ChunkPlaces> {
    const rank = this.gridShape.length;
    const offsets = new Float64Array(count);
    for (let chunk = 0; chunk < count; chunk++) {
      const record = rank === 0 ? 0 : (coordinates[chunk * rank] ?? 0);
      offsets[chunk] = this.#begin + record * this.#stride;
    }
    return Promise.resolve({
      kinds: new Uint8Array(count).fill(this.#stored ? PLACE_RANGE : PLACE_MISSING),
      locations: [this.#location],
      locationIndexes: new Uint32Array(count),
      offsets,
      lengths: new Float64Array(count).fill(this.#size),
      inline: new Map(),
      versions: [this.#version],
    });
  }

  /**
   * All references.
   *
   * Errors: `LimitExceeded` for more than 2^27.
   */
  manifest(): Promise<ChunkManifest> {
    const cells = this.gridShape.reduce((product, length) => product * length, 1);
    const count = this.#stored ? cells : 0;
    if (count > MAXIMUM_REFERENCES) {
      const error = new MoraineError("LimitExceeded", `${count} references of ${this.#size} bytes`, {
        source: this.#location,
      });
      return Promise.reject(error);
    }
    const offsets = new Float64Array(count);
    for (let chunk = 0; chunk < count; chunk++) offsets[chunk] = this.#begin + chunk * this.#stride;
    return Promise.resolve({
      gridShape: this.gridShape,
      count,
      positions: this.#stored || cells === 0 ? undefined : new Float64Array(0),
      locations: [this.#location],
      versions: [this.#version],
      offsets,
      lengths: new Float64Array(count).fill(this.#size),
      inline: new Map(),
    });
  }
}
