/**
 * Carries out the plan of a join: the references of several arrays in one grid.
 *
 * @module
 */

import { gridShapeOf } from "../zarr/chunk-grid.ts";
import type { ChunkManifest } from "./chunk-manifest.ts";
import { concatenateManifests } from "./concatenate.ts";
import type { JoinPlan } from "./join-plan.ts";
import { selectChunks } from "./select-chunks.ts";
import { type ReferencedArray, splitChunks } from "./split-chunks.ts";
import { trimLastChunks } from "./trim-chunks.ts";

/** References in the grid of a plan, and what they leave open. */
export interface JoinedReferences {
  readonly manifest: ChunkManifest;
  /** C-order grid positions of the chunks to be encoded anew, ascending. */
  readonly rewrite: readonly number[];
}

/**
 * Joins references along an axis.
 *
 * @param arrays the parts of the plan; undefined for one of which nothing is kept
 */
export function joinReferences(
  arrays: readonly (ReferencedArray | undefined)[],
  plan: JoinPlan,
  axis: number,
): JoinedReferences {
  const gridShape = gridShapeOf(plan);
  const used = new Set(plan.pieces.map((piece) => (piece.kind === "keep" ? piece.part : undefined)));
  const prepared = arrays.map((array, part) =>
    array && used.has(part) ? prepare(array, part, plan, axis) : undefined,
  );
  const rows: number[] = [];
  let row = 0;
  const pieces: ChunkManifest[] = [];
  for (const piece of plan.pieces) {
    if (piece.kind === "rewrite") {
      for (let index = 0; index < piece.rows; index++) rows.push(row + index);
      pieces.push(emptyManifest(gridShape.map((length, index) => (index === axis ? piece.rows : length))));
      row += piece.rows;
      continue;
    }
    const manifest = prepared[piece.part]?.manifest;
    if (manifest === undefined) continue;
    const box = manifest.gridShape.map((length, index) =>
      index === axis ? { start: piece.start, stop: piece.stop } : { start: 0, stop: length },
    );
    const whole = piece.start === 0 && piece.stop === manifest.gridShape[axis];
    pieces.push(whole ? manifest : selectChunks(manifest, box));
    row += piece.stop - piece.start;
  }
  const manifest = pieces.length > 0 ? concatenateManifests(pieces, axis) : emptyManifest(gridShape);
  return { manifest, rewrite: rowPositions(gridShape, axis, rows) };
}

/** A manifest without entries. */
export function emptyManifest(gridShape: readonly number[]): ChunkManifest {
  const cells = gridShape.reduce((product, length) => product * length, 1);
  return {
    gridShape,
    count: 0,
    positions: cells === 0 ? undefined : new Float64Array(0),
    locations: [],
    versions: [],
    offsets: new Float64Array(0),
    lengths: new Float64Array(0),
    inline: new Map(),
  };
}

function prepare(array: ReferencedArray, part: number, plan: JoinPlan, axis: number): ReferencedArray {
  const { chunkGrid } = array.metadata;
  if (plan.cutLength !== undefined && chunkGrid.name === "regular") {
    const wanted = chunkGrid.chunkShape.map((length, index) =>
      index === axis ? (plan.cutLength ?? length) : length,
    );
    return splitChunks(array, wanted);
  }
  return plan.trimmed.has(part) ? trimLastChunks(array, axis) : array;
}

/** All grid positions of rows of chunks, ascending. */
function rowPositions(gridShape: readonly number[], axis: number, rows: readonly number[]): number[] {
  if (rows.length === 0) return [];
  const outer = gridShape.slice(0, axis).reduce((product, length) => product * length, 1);
  const inner = gridShape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const length = gridShape[axis] ?? 0;
  const positions: number[] = [];
  for (let before = 0; before < outer; before++) {
    for (const row of rows) {
      for (let after = 0; after < inner; after++) positions.push((before * length + row) * inner + after);
    }
  }
  return positions;
}
