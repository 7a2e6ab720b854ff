/**
 * References put in other places of the grid, laid over others, or led to other addresses.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { type ChunkManifest, isDense } from "./chunk-manifest.ts";
import { ManifestColumns } from "./manifest-columns.ts";

/**
 * The chunks of an axis in another order, several times, or not at all.
 *
 * Errors: `OutOfBounds` for an index that the axis has not; `InvalidArgument` for an axis that there is not;
 * `LimitExceeded` for a grid that a double cannot count.
 *
 * @param indexes for each chunk of the result the index along the axis that it has now; -1 for a missing chunk
 * @example
 * takeChunks(manifest, 0, [2, 0, -1]); // the third row of chunks, the first, and one that is missing
 */
export function takeChunks(manifest: ChunkManifest, axis: number, indexes: readonly number[]): ChunkManifest {
  const { gridShape } = manifest;
  const length = gridShape[axis];
  if (length === undefined) {
    throw new MoraineError("InvalidArgument", `a grid of ${gridShape.length} axes has no axis ${axis}`);
  }
  const uses = new Map<number, number>();
  let mostUses = 0;
  for (const index of indexes) {
    if (!Number.isInteger(index) || index < -1 || index >= length) {
      throw new MoraineError("OutOfBounds", `axis ${axis} has ${length} chunks, not one at ${index}`);
    }
    if (index < 0) continue;
    const used = (uses.get(index) ?? 0) + 1;
    uses.set(index, used);
    if (used > mostUses) mostUses = used;
  }
  const outer = product(gridShape.slice(0, axis));
  const inner = product(gridShape.slice(axis + 1));
  const cells = outer * indexes.length * inner;
  const columns = new ManifestColumns(
    gridShape.map((own, at) => (at === axis ? indexes.length : own)),
    [manifest],
    Math.min(cells, mostUses * manifest.count),
    isDense(manifest) && !indexes.includes(-1),
  );
  for (let before = 0; before < outer; before++) {
    indexes.forEach((index, at) => {
      if (index < 0) return;
      const from = (before * length + index) * inner;
      columns.copy(0, from, from + inner, (before * indexes.length + at) * inner);
    });
  }
  return columns.manifest();
}

/**
 * Two manifests of one grid as one: where both have a chunk, it is the second's.
 *
 * Errors: `Incompatible` for grids of different shapes.
 *
 * @example
 * mergeManifests(forecast, analysis); // the analysis where there is one
 */
export function mergeManifests(under: ChunkManifest, over: ChunkManifest): ChunkManifest {
  if (under.gridShape.join() !== over.gridShape.join()) {
    throw new MoraineError(
      "Incompatible",
      `grids of ${under.gridShape.join(" x ")} and ${over.gridShape.join(" x ")} chunks cannot lie over each other`,
    );
  }
  const cells = product(under.gridShape);
  const { positions } = over;
  if (positions === undefined) return over;
  const most = Math.min(cells, under.count + over.count);
  const columns = new ManifestColumns(under.gridShape, [under, over], most, isDense(under));
  let done = 0;
  for (let entry = 0; entry < over.count; ) {
    const start = positions[entry] ?? 0;
    let stop = start;
    for (; entry < over.count && positions[entry] === stop; entry++) stop += 1;
    columns.copy(0, done, start, done);
    columns.copy(1, start, stop, start);
    done = stop;
  }
  columns.copy(0, done, cells, done);
  const merged = columns.manifest();
  return merged.count === cells ? { ...merged, positions: undefined } : merged;
}

/**
 * The same references to files at other addresses. Of the versions of files that move only the size is kept: another
 * server has tags and times of its own.
 *
 * @example
 * renameLocations(manifest, (address) => address.replace("https://host/", "s3://bucket/"));
 */
export function renameLocations(manifest: ChunkManifest, rename: (address: string) => string): ChunkManifest {
  const locations = manifest.locations.map(rename);
  const versions = manifest.versions.map((version, index) =>
    version === undefined || locations[index] === manifest.locations[index]
      ? version
      : { size: version.size },
  );
  return { ...manifest, locations, versions };
}

/** The same references without an axis of one chunk. Errors: `InvalidArgument` for another axis. */
export function removeAxis(manifest: ChunkManifest, axis: number): ChunkManifest {
  if (manifest.gridShape[axis] !== 1) {
    throw new MoraineError("InvalidArgument", `axis ${axis} of the grid has not one chunk`);
  }
  return { ...manifest, gridShape: manifest.gridShape.toSpliced(axis, 1) };
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total * length, 1);
}
