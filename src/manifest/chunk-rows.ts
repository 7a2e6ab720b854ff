/**
 * The chunks of arrays along one axis.
 *
 * @module
 */

import type { ChunkGrid, RectilinearAxis } from "../zarr/array-metadata.ts";

/** Rows of chunks along the axis that are alike, one after another. */
export interface ChunkRows {
  readonly count: number;
  /** The length that is stored. */
  readonly stored: number;
  /** How much of it lies inside of the array. Only the last row of an array can hold less than is stored. */
  readonly inside: number;
}

/** An array among others. */
interface Sectioned {
  readonly shape: readonly number[];
  readonly chunkGrid: ChunkGrid;
  readonly virtual: boolean;
}

/** The chunk lengths of an axis. */
export function axisOf(grid: ChunkGrid, axis: number): RectilinearAxis {
  return (grid.name === "regular" ? grid.chunkShape[axis] : grid.chunkShapes[axis]) ?? 1;
}

/** The chunks of an axis of a length. */
export function axisRows(lengths: RectilinearAxis, length: number): ChunkRows[] {
  const rows: ChunkRows[] = [];
  const runs = typeof lengths === "number" ? [[lengths, Infinity] as const] : lengths;
  let start = 0;
  for (const [stored, most] of runs) {
    if (start >= length) break;
    const whole = Math.min(most, Math.floor((length - start) / stored));
    if (whole > 0) rows.push({ count: whole, stored, inside: stored });
    start += whole * stored;
    if (whole < most && start < length) {
      rows.push({ count: 1, stored, inside: length - start });
      start = length;
    }
  }
  return rows;
}

/** Number of rows. */
export function rowCount(rows: readonly ChunkRows[]): number {
  return rows.reduce((total, { count }) => total + count, 0);
}

/** What must be the same for chunks to lie in one grid: the lengths along all other axes. */
export function sectionOf(grid: ChunkGrid, axis: number): string {
  const axes: readonly RectilinearAxis[] = grid.name === "regular" ? grid.chunkShape : grid.chunkShapes;
  return JSON.stringify(axes.map((length, index) => (index === axis ? null : length)));
}

/** The section that most elements have. */
export function commonSection(parts: readonly Sectioned[], axis: number): { key: string; grid: ChunkGrid } {
  const weights = new Map<string, { grid: ChunkGrid; weight: number }>();
  for (const part of parts) {
    const key = sectionOf(part.chunkGrid, axis);
    const known = weights.get(key) ?? { grid: part.chunkGrid, weight: 0 };
    // One that need not be kept counts only where there is no other.
    known.weight += part.virtual ? 1 + (part.shape[axis] ?? 0) : 0;
    weights.set(key, known);
  }
  let best: { key: string; grid: ChunkGrid; weight: number } | undefined;
  for (const [key, { grid, weight }] of weights) {
    if (best === undefined || weight > best.weight) best = { key, grid, weight };
  }
  return best ?? { key: "", grid: { name: "regular", chunkShape: [] } };
}

/** The length that most steps along the axis are stored in. */
export function commonLength(
  rows: readonly (readonly ChunkRows[])[],
  section: ChunkGrid,
  axis: number,
): number {
  const weights = new Map<number, number>();
  for (const { count, stored, inside } of rows.flat()) {
    weights.set(stored, (weights.get(stored) ?? 0) + count * inside);
  }
  let best: readonly [number, number] | undefined;
  for (const entry of weights) if (best === undefined || entry[1] > best[1]) best = entry;
  if (best) return best[0];
  const own = axisOf(section, axis);
  return typeof own === "number" ? own : (own[0]?.[0] ?? 1);
}
