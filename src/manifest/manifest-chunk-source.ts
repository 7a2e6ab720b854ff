/**
 * A chunk manifest as a chunk source.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import {
  type ChunkCoordinates,
  type ChunkPlaces,
  type ChunkSource,
  PLACE_INLINE,
  PLACE_MISSING,
  PLACE_RANGE,
} from "../zarr/chunk-source.ts";
import { type ChunkManifest, findEntry } from "./chunk-manifest.ts";

/** Loads a manifest; asked once for each `locate`, so it should remember what it loaded. */
export type ManifestLoader = (options?: StorageOptions) => Promise<ChunkManifest>;

/** Finds chunks in a manifest, which is loaded when the first chunk is asked for. */
export class ManifestChunkSource implements ChunkSource {
  readonly #load: ManifestLoader;

  constructor(load: ManifestLoader) {
    this.#load = load;
  }

  async locate(coordinates: ChunkCoordinates, count: number, options?: StorageOptions): Promise<ChunkPlaces> {
    return placesIn(await this.#load(options), coordinates, count);
  }
}

/**
 * The places of chunks in a manifest.
 *
 * Errors: `OutOfBounds` for a chunk outside of the grid.
 */
export function placesIn(manifest: ChunkManifest, coordinates: ChunkCoordinates, count: number): ChunkPlaces {
  const kinds = new Uint8Array(count);
  const locationIndexes = new Uint32Array(count);
  const offsets = new Float64Array(count);
  const lengths = new Float64Array(count);
  const inline = new Map<number, Uint8Array>();
  const filterMasks = manifest.filterMasks && new Uint32Array(count);
  const rank = manifest.gridShape.length;
  for (let chunk = 0; chunk < count; chunk++) {
    const entry = findEntry(manifest, positionOf(manifest.gridShape, coordinates, chunk * rank));
    if (entry < 0) {
      kinds[chunk] = PLACE_MISSING;
      continue;
    }
    const bytes = manifest.inline.size > 0 ? manifest.inline.get(entry) : undefined;
    kinds[chunk] = bytes ? PLACE_INLINE : PLACE_RANGE;
    if (bytes) inline.set(chunk, bytes);
    locationIndexes[chunk] = manifest.locationIndexes?.[entry] ?? 0;
    offsets[chunk] = manifest.offsets[entry] ?? 0;
    lengths[chunk] = manifest.lengths[entry] ?? 0;
    if (filterMasks) filterMasks[chunk] = manifest.filterMasks?.[entry] ?? 0;
  }
  const { locations, versions } = manifest;
  return { kinds, locations, locationIndexes, offsets, lengths, inline, filterMasks, versions };
}

/** C-order position in a grid of the coordinates that begin at `from`. */
function positionOf(gridShape: readonly number[], coordinates: ChunkCoordinates, from: number): number {
  let position = 0;
  for (let axis = 0; axis < gridShape.length; axis++) {
    const length = gridShape[axis] ?? 0;
    const coordinate = coordinates[from + axis] ?? 0;
    if (coordinate >= length) {
      throw new MoraineError("OutOfBounds", `chunk ${coordinate} of axis ${axis}, which has ${length}`);
    }
    position = position * length + coordinate;
  }
  return position;
}
