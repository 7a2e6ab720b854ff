/**
 * The chunks of another grid that hold something of the chunks that are stored in one: an array of which little was
 * written is not looked through whole.
 *
 * @module
 */

import { type ChunkManifest, entryCoordinates } from "../../manifest/chunk-manifest.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { chunkExtent, gridCoordinates, gridPosition, gridShapeOf } from "../../zarr/chunk-grid.ts";
import { axisChunksOf } from "../../zarr/read/axis-chunks.ts";

/**
 * @param stored what is stored in the grid of `from`
 * @param more positions of further chunks of that grid
 * @returns positions in the grid of `to`, ascending
 */
export function touchedChunks(
  from: ArrayMetadata,
  stored: ChunkManifest,
  more: readonly number[],
  to: ArrayMetadata,
): number[] {
  const fromGrid = gridShapeOf(from);
  const toGrid = gridShapeOf(to);
  const axes = axisChunksOf(to.chunkGrid);
  const touched = new Set<number>();
  const touch = (coordinates: readonly number[]): void => {
    const { start, inside } = chunkExtent(from, coordinates);
    const first = start.map((element, axis) => axes[axis]?.chunkAt(element) ?? 0);
    const last = start.map((element, axis) => axes[axis]?.chunkAt(element + (inside[axis] ?? 1) - 1) ?? 0);
    const counts = first.map((chunk, axis) => (last[axis] ?? chunk) - chunk + 1);
    const total = counts.reduce((product, count) => product * count, 1);
    for (let at = 0; at < total; at++) {
      const offset = gridCoordinates(at, counts);
      touched.add(
        gridPosition(
          first.map((chunk, axis) => chunk + (offset[axis] ?? 0)),
          toGrid,
        ),
      );
    }
  };
  for (let entry = 0; entry < stored.count; entry++) touch(entryCoordinates(stored, entry));
  for (const position of more) touch(gridCoordinates(position, fromGrid));
  return [...touched].sort((a, b) => a - b);
}
