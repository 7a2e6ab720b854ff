/**
 * Carries out a plan: references in bulk, decoded chunks one after another within bounded memory.
 *
 * @module
 */

import type { StorageOptions } from "../../storage/storage.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import { ChunkEncoder } from "../../zarr/write/chunk-encoder.ts";
import { type ArrayPlan, chunkCount, type IndexPlan } from "./plan.ts";
import type { IndexTarget } from "./target.ts";

/** What was written, in chunks and bytes. */
export interface WrittenCounts {
  groups: number;
  arrays: number;
  virtual: number;
  native: number;
  inline: number;
  missing: number;
  virtualBytes: number;
  writtenBytes: number;
}

/** Writes the nodes of a plan; the target shows nothing of it before its commit. */
export async function writePlan(
  plan: IndexPlan,
  target: IndexTarget,
  options: StorageOptions & { readonly onProgress?: (counts: WrittenCounts) => void },
): Promise<WrittenCounts> {
  const counts: WrittenCounts = {
    groups: 0,
    arrays: 0,
    virtual: 0,
    native: 0,
    inline: 0,
    missing: 0,
    virtualBytes: 0,
    writtenBytes: 0,
  };
  for (const node of plan.nodes) {
    options.signal?.throwIfAborted();
    if (node.kind === "group") {
      await target.createGroup(node.path, node.attributes);
      counts.groups += 1;
    } else {
      await target.createArray(node.path, node.metadata);
      counts.arrays += 1;
      await writeArray(node, target, counts, options);
    }
    options.onProgress?.(counts);
  }
  return counts;
}

async function writeArray(
  plan: ArrayPlan,
  target: IndexTarget,
  counts: WrittenCounts,
  options: StorageOptions,
): Promise<void> {
  const total = chunkCount(plan.metadata);
  let stored = 0;
  if (plan.references !== undefined && plan.references.count > 0) {
    await target.setReferences(plan.path, plan.references, options);
    const { count, inline, lengths } = plan.references;
    stored += count;
    counts.inline += inline.size;
    counts.virtual += count - inline.size;
    for (let entry = 0; entry < count; entry++) {
      const bytes = inline.get(entry);
      if (bytes) counts.writtenBytes += bytes.length;
      else counts.virtualBytes += lengths[entry] ?? 0;
    }
  }
  const positions = plan.rewrite === "all" ? range(total) : plan.rewrite;
  if (positions !== undefined) {
    const encoder = await ChunkEncoder.create(plan.metadata);
    const gridShape = gridShapeOf(plan.metadata);
    for (const position of positions) {
      options.signal?.throwIfAborted();
      const coordinates = coordinatesOf(position, gridShape);
      const bytes = await encoder.encode(coordinates, plan.region, options);
      if (bytes === undefined) continue;
      await target.setChunk(plan.path, coordinates, bytes, options);
      stored += 1;
      counts.native += 1;
      counts.writtenBytes += bytes.length;
    }
  }
  counts.missing += Math.max(total - stored, 0);
}

function* range(count: number): Generator<number, void, undefined> {
  for (let position = 0; position < count; position++) yield position;
}

function coordinatesOf(position: number, gridShape: readonly number[]): number[] {
  const coordinates = new Array<number>(gridShape.length).fill(0);
  let rest = position;
  for (let axis = gridShape.length - 1; axis >= 0; axis--) {
    const length = gridShape[axis] ?? 1;
    coordinates[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return coordinates;
}
