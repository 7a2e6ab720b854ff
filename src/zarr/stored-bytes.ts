/**
 * The encoded bytes of chunks, for those who pass them on as they are.
 *
 * @module
 */

import type { Storage, StorageOptions } from "../storage/storage.ts";
import { type ChunkPlaces, PLACE_INLINE, PLACE_MISSING } from "./chunk-source.ts";

/**
 * The bytes of each chunk that is stored, by its position in the columns: one request to the storage for each
 * location. All of them are in memory at the same time.
 *
 * @param places none of them of the kind `PLACE_OBJECT`
 * Errors: `SourceChanged`; those of the storage.
 */
export async function storedBytes(
  places: ChunkPlaces,
  count: number,
  storage: Storage,
  options?: StorageOptions,
): Promise<Map<number, Uint8Array>> {
  const stored = new Map<number, Uint8Array>(places.inline);
  const byLocation = new Map<number, number[]>();
  for (let chunk = 0; chunk < count; chunk++) {
    const kind = places.kinds[chunk];
    if (kind === PLACE_MISSING || kind === PLACE_INLINE) continue;
    const location = places.locationIndexes[chunk] ?? 0;
    const members = byLocation.get(location);
    if (members) members.push(chunk);
    else byLocation.set(location, [chunk]);
  }
  await Promise.all(
    [...byLocation].map(async ([location, chunks]) => {
      const ranges = chunks.map((chunk) => ({
        offset: places.offsets[chunk] ?? 0,
        length: places.lengths[chunk] ?? 0,
      }));
      const version = places.versions?.[location];
      const { parts } = await storage.read(places.locations[location] ?? "", ranges, { ...options, version });
      chunks.forEach((chunk, i) => {
        const bytes = parts[i];
        if (bytes) stored.set(chunk, bytes);
      });
    }),
  );
  return stored;
}
