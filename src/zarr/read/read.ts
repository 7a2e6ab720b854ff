/**
 * Reading: a selection of an array into memory.
 *
 * First the plan, then the places of all chunks in one question to the chunk source, then merged ranges with bounded
 * requests and bytes under way, decoded into the result. Memory beyond the result stays under 64 MiB, unless a
 * single chunk is larger than that.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { filled, type MutableChunkData, requireMemory } from "../filled.ts";
import type { ZarrArray } from "../node.ts";
import { type ResolvedSelection, resolveSelection, type Selection } from "../selection.ts";
import { layoutOf } from "./chunk-layout.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { planRead } from "./plan.ts";

/** How often a read begins anew when shards change under it. */
const TRIES = 10;

/** Values in C order: little-endian bytes, or one value each for types of variable length. */
export interface RawResult {
  readonly data: MutableChunkData;
  readonly shape: readonly number[];
}

/**
 * Reads a selection as bytes.
 *
 * Errors: `OutOfBounds`, `InvalidArgument` for the selection; `CorruptChunk`, `ChecksumMismatch`, `SourceChanged`,
 * those of the storage; `LimitExceeded` for a result that does not fit in memory; `Aborted`.
 */
export async function readRaw(
  array: ZarrArray,
  selection: Selection,
  options?: StorageOptions,
): Promise<RawResult> {
  const resolved = resolveSelection(selection, array.shape, array.dimensionNames);
  return { data: await readResolved(array, resolved, options), shape: resolved.shape };
}

/** Reads a box, see {@link ZarrArray.readRegion}. */
export async function readRegion(
  array: ZarrArray,
  start: readonly number[],
  shape: readonly number[],
  options?: StorageOptions,
): Promise<MutableChunkData> {
  const { shape: whole } = array;
  const inside =
    start.length === whole.length &&
    shape.length === whole.length &&
    whole.every((length, axis) => {
      const [from, count] = [start[axis] ?? -1, shape[axis] ?? -1];
      return from >= 0 && count >= 0 && from + count <= length;
    });
  if (!inside) {
    throw new MoraineError(
      "OutOfBounds",
      `${shape.join(" x ")} elements from ${start.join()} are not inside`,
      {
        source: array.source,
        path: array.path,
      },
    );
  }
  const axes = start.map((from, axis) => ({
    kind: "range" as const,
    start: from,
    step: 1,
    count: shape[axis] ?? 0,
  }));
  return await readResolved(array, { kind: "orthogonal", axes, shape }, options);
}

async function readResolved(
  array: ZarrArray,
  selection: ResolvedSelection,
  options: StorageOptions | undefined,
): Promise<MutableChunkData> {
  const { dataType, metadata } = array;
  try {
    const count = selection.shape.reduce((product, length) => product * length, 1);
    requireMemory(count, dataType);
    const zeros = (): MutableChunkData => filled(count, dataType, metadata.fillValue, true);
    // Elements of no bytes need none.
    if (count === 0 || itemSize(dataType) === 0) return zeros();
    const layout = layoutOf(metadata, selection);
    const plan = planRead(selection, layout);
    for (let tries = 1; ; tries++) {
      const data = zeros();
      try {
        await new ChunkReader(array, layout, plan, data, options?.signal).run();
        return data;
      } catch (error) {
        // Somebody wrote a shard whose index was read before, so that its inner chunks are at other places now, or made
        // it all fill value, so that it is gone.
        const isStale = isMoraineError(error, "SourceChanged", "NotFound") && array.shardIndexes.clear();
        if (!isStale || tries === TRIES) throw error;
      }
    }
  } catch (error) {
    throw isMoraineError(error) ? error.at({ source: array.source, path: array.path }) : error;
  }
}
