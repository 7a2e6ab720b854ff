/**
 * Whether chunks of one grid are the same chunks in another.
 *
 * @module
 */

import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import { axisChunksOf } from "../../zarr/read/axis-chunks.ts";

/** Whether every chunk that an array had is at the same place of the same length, but for last ones that were not full. */
export function continuesGrid(before: ArrayMetadata, after: ArrayMetadata): boolean {
  const [old, now] = [axisChunksOf(before.chunkGrid), axisChunksOf(after.chunkGrid)];
  return (
    old.length === now.length &&
    gridShapeOf(before).every((count, axis) => {
      const [was, is] = [old[axis], now[axis]];
      const shape = before.shape[axis] ?? 0;
      for (let chunk = 0; was !== undefined && is !== undefined && chunk < count; chunk++) {
        if (was.startOf(chunk) !== is.startOf(chunk)) return false;
        const isFull = was.startOf(chunk) + was.lengthOf(chunk) <= shape;
        if (isFull && was.lengthOf(chunk) !== is.lengthOf(chunk)) return false;
      }
      return true;
    })
  );
}
