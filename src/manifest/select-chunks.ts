/**
 * Parts of a manifest, by whole chunks.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { type ChunkManifest, isDense } from "./chunk-manifest.ts";
import { ManifestColumns } from "./manifest-columns.ts";

/** Chunks of an axis: from `start` up to `stop`, which is not among them. */
export interface ChunkRange {
  readonly start: number;
  readonly stop: number;
}

/**
 * The references of a box of chunks, with coordinates that begin at zero.
 *
 * Errors: `OutOfBounds` for a range outside of the grid, `InvalidArgument` where an axis has none.
 */
export function selectChunks(manifest: ChunkManifest, box: readonly ChunkRange[]): ChunkManifest {
  const { gridShape } = manifest;
  if (box.length !== gridShape.length) {
    throw new MoraineError("InvalidArgument", `${box.length} ranges for a grid of ${gridShape.length} axes`);
  }
  box.forEach(({ start, stop }, axis) => {
    if (!(start >= 0 && start <= stop && stop <= (gridShape[axis] ?? 0))) {
      const length = gridShape[axis];
      throw new MoraineError(
        "OutOfBounds",
        `chunks ${start} to ${stop} of axis ${axis}, which has ${length}`,
      );
    }
  });
  const selected = box.map(({ start, stop }) => stop - start);
  const cells = selected.reduce((product, length) => product * length, 1);
  const columns = new ManifestColumns(
    selected,
    [manifest],
    Math.min(cells, manifest.count),
    isDense(manifest),
  );
  // Axes at the end that are taken whole make longer runs of neighbouring positions.
  let split = box.length;
  while (split > 0 && selected[split - 1] === gridShape[split - 1]) split--;
  const inner = gridShape.slice(split).reduce((product, length) => product * length, 1);
  const run = inner * (split === 0 ? 1 : (selected[split - 1] ?? 1));
  const starts = box.map(({ start }) => start);
  const indexes = new Array<number>(Math.max(split - 1, 0)).fill(0);
  for (let target = 0; target < cells; target += run) {
    let position = 0;
    for (let axis = 0; axis < split; axis++) {
      position = position * (gridShape[axis] ?? 0) + (starts[axis] ?? 0) + (indexes[axis] ?? 0);
    }
    columns.copy(0, position * inner, position * inner + run, target);
    for (let axis = indexes.length - 1; axis >= 0; axis--) {
      const next = (indexes[axis] ?? 0) + 1;
      indexes[axis] = next < (selected[axis] ?? 0) ? next : 0;
      if (next < (selected[axis] ?? 0)) break;
    }
  }
  return columns.manifest();
}

/**
 * The entries that a test keeps, as a sparse manifest.
 *
 * @param keep given the entry and its position in the grid
 */
export function filterEntries(
  manifest: ChunkManifest,
  keep: (entry: number, position: number) => boolean,
): ChunkManifest {
  const kept = new Uint32Array(manifest.count);
  let count = 0;
  for (let entry = 0; entry < manifest.count; entry++) {
    if (keep(entry, manifest.positions?.[entry] ?? entry)) kept[count++] = entry;
  }
  if (count === manifest.count) return manifest;
  const entries = kept.subarray(0, count);
  const inline = new Map<number, Uint8Array>();
  if (manifest.inline.size > 0) {
    entries.forEach((entry, index) => {
      const bytes = manifest.inline.get(entry);
      if (bytes) inline.set(index, bytes);
    });
  }
  const pick = (column: Uint32Array) => Uint32Array.from(entries, (entry) => column[entry] ?? 0);
  return {
    ...manifest,
    count,
    positions: Float64Array.from(entries, (entry) => manifest.positions?.[entry] ?? entry),
    locationIndexes: manifest.locationIndexes && pick(manifest.locationIndexes),
    offsets: Float64Array.from(entries, (entry) => manifest.offsets[entry] ?? 0),
    lengths: Float64Array.from(entries, (entry) => manifest.lengths[entry] ?? 0),
    filterMasks: manifest.filterMasks && pick(manifest.filterMasks),
    inline,
  };
}
