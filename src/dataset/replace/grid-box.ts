/**
 * Chunks that a box of elements touches.
 *
 * @module
 */

import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import { axisChunksOf } from "../../zarr/read/axis-chunks.ts";
import type { Box } from "./where.ts";

/** The box of the grid that holds every chunk of which an element is in a box, which must not be empty. */
export function gridBoxOf({ chunkGrid }: Pick<ArrayMetadata, "chunkGrid">, { start, stop }: Box): Box {
  const axes = axisChunksOf(chunkGrid);
  return {
    start: start.map((first, axis) => axes[axis]?.chunkAt(first) ?? 0),
    stop: stop.map((end, axis) => (axes[axis]?.chunkAt(end - 1) ?? 0) + 1),
  };
}

export function isInBox(coordinates: readonly number[], { start, stop }: Box): boolean {
  return coordinates.every((at, axis) => at >= (start[axis] ?? 0) && at < (stop[axis] ?? 0));
}

/** The box of all chunks of an array. */
export function wholeGrid(metadata: Pick<ArrayMetadata, "shape" | "chunkGrid">): Box {
  const stop = gridShapeOf(metadata);
  return { start: stop.map(() => 0), stop };
}

/** Number of cells of a box. */
export function cellCount({ start, stop }: Box): number {
  return start.reduce((product, first, axis) => product * Math.max((stop[axis] ?? 0) - first, 0), 1);
}

/** Every cell of a box in C order. */
export function* cellsOf(box: Box): Generator<number[], void, undefined> {
  const { start, stop } = box;
  const count = cellCount(box);
  const cell = [...start];
  for (let at = 0; at < count; at++) {
    yield [...cell];
    for (let axis = cell.length - 1; axis >= 0; axis--) {
      cell[axis] = (cell[axis] ?? 0) + 1;
      if ((cell[axis] ?? 0) < (stop[axis] ?? 0)) break;
      cell[axis] = start[axis] ?? 0;
    }
  }
}
