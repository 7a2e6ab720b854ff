/**
 * Manifests side by side: joined along an axis of the chunk grid, which may be a new one.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { type ChunkManifest, isDense } from "./chunk-manifest.ts";
import { ManifestColumns } from "./manifest-columns.ts";

/**
 * Joins chunk grids along an axis, in the order given. Columns are copied as wholes along axis 0, row by row
 * along others.
 *
 * Errors: `Incompatible` for grids that differ along another axis, `InvalidArgument` for no manifests or an axis
 * that there is not, `LimitExceeded` for a grid that a double cannot count.
 *
 * @example
 * concatenateManifests([january, february], 0).gridShape; // [59, 2, 2] of [31, 2, 2] and [28, 2, 2]
 */
export function concatenateManifests(manifests: readonly ChunkManifest[], axis: number): ChunkManifest {
  const [first] = manifests;
  if (first === undefined || axis < 0 || axis >= first.gridShape.length) {
    throw new MoraineError("InvalidArgument", `there is nothing to be joined along axis ${axis}`);
  }
  for (const { gridShape, locations } of manifests) {
    const fits =
      gridShape.length === first.gridShape.length &&
      gridShape.every((length, index) => index === axis || length === first.gridShape[index]);
    if (!fits) {
      throw new MoraineError(
        "Incompatible",
        `grids of ${first.gridShape.join(" x ")} and ${gridShape.join(" x ")} chunks do not join along axis ${axis}`,
        { source: locations[0] },
      );
    }
  }
  const outer = product(first.gridShape.slice(0, axis));
  const inner = product(first.gridShape.slice(axis + 1));
  const rows = manifests.map(({ gridShape }) => (gridShape[axis] ?? 0) * inner);
  const row = rows.reduce((total, length) => total + length, 0);
  const total = manifests.reduce((sum, { gridShape }) => sum + (gridShape[axis] ?? 0), 0);
  const columns = new ManifestColumns(
    first.gridShape.map((length, index) => (index === axis ? total : length)),
    manifests,
    manifests.reduce((sum, { count }) => sum + count, 0),
    manifests.every(isDense),
  );
  for (let index = 0; index < outer; index++) {
    let target = index * row;
    rows.forEach((length, origin) => {
      columns.copy(origin, index * length, (index + 1) * length, target);
      target += length;
    });
  }
  return columns.manifest();
}

/** The same references in a grid with a further axis of one chunk. */
export function insertAxis(manifest: ChunkManifest, axis: number): ChunkManifest {
  const { gridShape } = manifest;
  if (axis < 0 || axis > gridShape.length) {
    throw new MoraineError("InvalidArgument", `a grid of ${gridShape.length} axes has no place ${axis}`);
  }
  return { ...manifest, gridShape: [...gridShape.slice(0, axis), 1, ...gridShape.slice(axis)] };
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total * length, 1);
}
