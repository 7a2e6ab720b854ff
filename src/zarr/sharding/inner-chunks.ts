/**
 * Where the inner chunks of shards lie that are not fetched whole.
 *
 * @module
 */

import type { ShardLayout } from "../../codecs/sharding.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import { sameVersion } from "../../storage/version.ts";
import { PLACE_RANGE } from "../chunk-source.ts";
import type { ZarrArray } from "../node.ts";
import type { Flow } from "../read/flow.ts";
import { innerChunkNumber, type Nesting } from "../read/pieces.ts";
import { type PiecePlaces, PlacesBuilder } from "../read/places.ts";
import type { LocatedIndex, ShardPlace } from "./shard-indexes.ts";

/**
 * Places of inner chunks. The indexes of all shards are fetched side by side.
 *
 * Errors: `CorruptChunk`, `ChecksumMismatch` for a shard whose index is broken.
 *
 * @param places of the shards
 * @param shardRows which of them
 */
export async function locateInnerChunks(
  nesting: Nesting,
  places: PiecePlaces,
  shardRows: readonly number[],
  shapeOf: (row: number) => ShardLayout,
  array: ZarrArray,
  flow: Flow,
): Promise<PiecePlaces> {
  const shards = new Map(shardRows.map((row) => [row, shardPlace(places, row, shapeOf(row))]));
  const indexes = new Map<number, LocatedIndex>();
  const reading: Promise<void>[] = [];
  for (const [row, shard] of shards) {
    await flow.start(shard.codec.size * 3, () => {
      const read = readIndex(array, shard, flow.signal).then((located) => {
        if (located) indexes.set(row, located);
      });
      reading.push(read);
      return read;
    });
  }
  await Promise.all(reading);
  await refreshKept(nesting, shards, indexes, shapeOf, array, flow);

  const { children } = nesting;
  const builder = new PlacesBuilder(children.count);
  const locations = new Map<number, number>();
  for (let child = 0; child < children.count; child++) {
    const row = children.parents[child] ?? 0;
    const shard = shards.get(row);
    const located = indexes.get(row);
    if (!shard || !located) continue;
    const entry = innerChunkNumber(nesting, child, shapeOf(row).grid);
    const offset = located.index.offsets[entry] ?? Number.NaN;
    if (Number.isNaN(offset)) continue;
    check(shard, located, entry, array);
    let location = locations.get(row);
    if (location === undefined) {
      location = builder.addLocation(shard.address, located.version);
      locations.set(row, location);
    }
    builder.setRange(child, location, (shard.range?.offset ?? 0) + offset, located.index.lengths[entry] ?? 0);
  }
  return builder.build();
}

function shardPlace(places: PiecePlaces, row: number, shape: ShardLayout): ShardPlace {
  const location = places.locationIndexes[row] ?? 0;
  const isRange = places.kinds[row] === PLACE_RANGE;
  return {
    address: places.locations[location] ?? "",
    version: places.versions?.[location],
    range: isRange ? { offset: places.offsets[row] ?? 0, length: places.lengths[row] ?? 0 } : undefined,
    codec: shape.index,
  };
}

async function readIndex(
  array: ZarrArray,
  shard: ShardPlace,
  signal: AbortSignal,
): Promise<LocatedIndex | undefined> {
  try {
    return await array.shardIndexes.get(array.storage, shard, { signal });
  } catch (error) {
    throw error instanceof MoraineError ? error.at({ source: shard.address, path: array.path }) : error;
  }
}

/**
 * What an index that was kept calls missing may have been written since by somebody else. (What it says is there
 * needs no question: its bytes are read on the condition that the object has not changed.)
 */
async function refreshKept(
  nesting: Nesting,
  shards: ReadonlyMap<number, ShardPlace>,
  indexes: Map<number, LocatedIndex>,
  shapeOf: (row: number) => ShardLayout,
  array: ZarrArray,
  flow: Flow,
): Promise<void> {
  const doubtful = new Set<number>();
  const { children } = nesting;
  for (let child = 0; child < children.count; child++) {
    const row = children.parents[child] ?? 0;
    const located = indexes.get(row);
    if (!located?.kept || shards.get(row)?.version !== undefined) continue;
    const entry = innerChunkNumber(nesting, child, shapeOf(row).grid);
    if (Number.isNaN(located.index.offsets[entry] ?? Number.NaN)) doubtful.add(row);
  }
  const refreshing: Promise<void>[] = [];
  for (const row of doubtful) {
    const shard = shards.get(row);
    if (!shard) continue;
    await flow.start(0, () => {
      const refresh = refreshOne(row, shard, indexes, array, flow.signal);
      refreshing.push(refresh);
      return refresh;
    });
  }
  await Promise.all(refreshing);
}

async function refreshOne(
  row: number,
  shard: ShardPlace,
  indexes: Map<number, LocatedIndex>,
  array: ZarrArray,
  signal: AbortSignal,
): Promise<void> {
  try {
    const now = await array.storage.head(shard.address, { signal });
    const kept = indexes.get(row);
    if (kept && sameVersion(now, kept.version)) return;
  } catch (error) {
    if (!isMoraineError(error, "NotFound")) throw error;
  }
  array.shardIndexes.forget(shard);
  const located = await readIndex(array, shard, signal);
  if (located) indexes.set(row, located);
  else indexes.delete(row);
}

function check(shard: ShardPlace, { index, size }: LocatedIndex, entry: number, array: ZarrArray): void {
  try {
    shard.codec.check(index, entry, size);
  } catch (error) {
    throw error instanceof MoraineError ? error.at({ source: shard.address, path: array.path }) : error;
  }
}
