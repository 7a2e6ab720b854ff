/**
 * The encoded bytes of a chunk that is to be changed, and the state of what holds them.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { ReadOptions, Storage, StorageOptions } from "../../storage/storage.ts";
import type { ExpectedState } from "../chunk-sink.ts";
import { type ChunkPlaces, PLACE_INLINE, PLACE_MISSING, PLACE_OBJECT } from "../chunk-source.ts";
import { readIfPresent } from "../read/fetch.ts";

/** A chunk as it is stored. */
export interface StoredChunk {
  /** Undefined where nothing is stored. */
  readonly bytes: Uint8Array | undefined;
  /** Bit `i`: the `i`-th bytes-to-bytes codec was left out. */
  readonly filterMask: number;
  /** To be found again when the chunk is written; undefined where that does not matter. */
  readonly state: ExpectedState | undefined;
}

/** Reads the chunk at a row of places. Errors: those of the storage. */
export async function readStoredChunk(
  storage: Storage,
  places: ChunkPlaces,
  row: number,
  options: Omit<ReadOptions, "version"> | undefined,
): Promise<StoredChunk> {
  const kind = places.kinds[row] ?? PLACE_MISSING;
  const filterMask = places.filterMasks?.[row] ?? 0;
  if (kind === PLACE_MISSING) return { bytes: undefined, filterMask, state: undefined };
  if (kind === PLACE_INLINE) return { bytes: places.inline.get(row), filterMask, state: undefined };
  const location = places.locationIndexes[row] ?? 0;
  const address = places.locations[location] ?? "";
  const read = { ...options, version: places.versions?.[location] };
  if (kind === PLACE_OBJECT) {
    const result = await readIfPresent(storage, address, [{ offset: 0 }], read);
    return { bytes: result?.parts[0], filterMask, state: result?.version ?? "absent" };
  }
  const [offset, length] = [places.offsets[row] ?? 0, places.lengths[row] ?? 0];
  const { parts } = await storage.read(address, [{ offset, length }], read);
  return { bytes: parts[0], filterMask, state: undefined };
}

/** The state of a chunk whose bytes do not matter, since all of it is written. */
export async function stateOfChunk(
  storage: Storage,
  places: ChunkPlaces,
  row: number,
  options: StorageOptions | undefined,
): Promise<ExpectedState | undefined> {
  if (places.kinds[row] !== PLACE_OBJECT) return undefined;
  const address = places.locations[places.locationIndexes[row] ?? 0] ?? "";
  try {
    return await storage.head(address, options);
  } catch (error) {
    if (isMoraineError(error, "NotFound")) return "absent";
    throw error;
  }
}

/** Adds where a chunk lies to an error about it. */
export function errorAt(error: unknown, places: ChunkPlaces, row: number, path: string): unknown {
  if (!(error instanceof MoraineError)) return error;
  const source = places.locations[places.locationIndexes[row] ?? 0];
  return error.at({ source, path, offset: places.offsets[row] });
}
