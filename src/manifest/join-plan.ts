/**
 * How the chunk grids of several arrays become one along an axis: which references stay, which are cut by bytes,
 * and which chunks must be encoded anew because no grid can say where they lie.
 *
 * In this order: the regular grid where everything lines up; uncompressed chunks cut by bytes; a rectilinear grid
 * where arrays hold whole chunks of different lengths. A chunk that reaches beyond the end of its array
 * (HDF5 stores edge chunks at full size) can stand only at the very end of an axis (zarr-extensions
 * "rectilinear"): elsewhere it is shortened by bytes, or else encoded anew.
 *
 * @module
 */

import type { ChunkGrid } from "../zarr/array-metadata.ts";
import { axisOf, axisRows, commonLength, commonSection, sectionOf } from "./chunk-rows.ts";
import { Join } from "./join-grids.ts";

/** One of the arrays to be joined. */
export interface JoinPart {
  readonly shape: readonly number[];
  readonly chunkGrid: ChunkGrid;
  /** False where all its chunks must be encoded anew: another encoding, or none that stays where it is. */
  readonly virtual: boolean;
  /** Whether its chunks can be cut along the axis by bytes; see `cuttingAxis`. */
  readonly cuttable: boolean;
  /** Bytes of one step along the axis in a chunk. */
  readonly rowBytes: number;
}

/** Rows of chunks along the axis, in order. */
export type JoinPiece =
  /** Rows of a part's own grid (after cutting), as they are. */
  | { readonly kind: "keep"; readonly part: number; readonly start: number; readonly stop: number }
  /** Rows to be encoded anew. */
  | { readonly kind: "rewrite"; readonly rows: number };

export interface JoinPlan {
  readonly shape: readonly number[];
  readonly chunkGrid: ChunkGrid;
  readonly pieces: readonly JoinPiece[];
  /** Length along the axis into which uncompressed chunks are cut. */
  readonly cutLength?: number | undefined;
  /** Parts whose last chunks are shortened by bytes to what lies inside of the part. */
  readonly trimmed: ReadonlySet<number>;
}

export interface JoinPolicy {
  /** `"regular"`: no rectilinear grid, at the price of more chunks encoded anew. */
  readonly grid: "auto" | "regular";
  /** Uncompressed chunks are not cut into pieces of fewer bytes than this. */
  readonly minimumPieceBytes: number;
}

export const JOIN_POLICY: JoinPolicy = { grid: "auto", minimumPieceBytes: 4096 };

/** Plans the join of parts, which fit in all other axes. */
export function planJoin(
  parts: readonly JoinPart[],
  axis: number,
  policy: JoinPolicy = JOIN_POLICY,
): JoinPlan {
  const section = commonSection(parts, axis);
  const conforming = parts.map((part) => part.virtual && sectionOf(part.chunkGrid, axis) === section.key);
  const rows = parts.map((part) => axisRows(axisOf(part.chunkGrid, axis), part.shape[axis] ?? 0));
  const common = commonLength(
    rows.filter((_, part) => conforming[part] === true),
    section.grid,
    axis,
  );
  const join = new Join(parts, axis, section.grid, conforming, rows);
  return (
    join.regular(common) ??
    join.trimmedRegular() ??
    join.cut(policy.minimumPieceBytes) ??
    (policy.grid === "auto" ? join.rectilinear(common) : join.aligned(common))
  );
}
