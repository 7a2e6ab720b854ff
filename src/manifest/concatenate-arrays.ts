/**
 * Arrays with their references one after another, or side by side along a new axis.
 *
 * @module
 */

import { sameBytes } from "../binary/byte-sequences.ts";
import { codecsKey } from "../codecs/codecs-key.ts";
import { itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import type { ChunkManifest } from "./chunk-manifest.ts";
import { insertAxis } from "./concatenate.ts";
import { JOIN_POLICY, type JoinPart, type JoinPolicy, planJoin } from "./join-plan.ts";
import { joinReferences } from "./join-references.ts";
import type { ReferencedArray } from "./split-chunks.ts";
import { canTrim } from "./trim-chunks.ts";

/** Joined arrays, and what their references leave open. */
export interface ConcatenatedArray extends ReferencedArray {
  /** C-order grid positions of the chunks that no reference can give: they must be encoded anew. Ascending. */
  readonly rewrite: readonly number[];
}

/**
 * Joins arrays along an axis: in a regular grid where everything lines up, else by cutting uncompressed chunks, else in
 * a rectilinear grid; chunks that none of these can say are listed in `rewrite`. Type, codecs and attributes are those
 * of the first array.
 *
 * Errors: `Incompatible` for arrays of other types, codecs, fill values or lengths along another axis;
 * `InvalidArgument` for no arrays, or an axis that there is not.
 *
 * @example
 * const year = concatenateArrays([january, february], 0);
 */
export function concatenateArrays(
  arrays: readonly ReferencedArray[],
  axis: number,
  policy: JoinPolicy = JOIN_POLICY,
): ConcatenatedArray {
  const [first] = arrays;
  const rank = first?.metadata.shape.length ?? 0;
  if (first === undefined || !(axis >= 0 && axis < rank)) {
    throw new MoraineError("InvalidArgument", `there is nothing to be joined along axis ${axis}`);
  }
  for (const other of arrays) refuseOther(first, other, axis);
  const plan = planJoin(
    arrays.map((array) => joinPartOf(array.metadata, array.manifest, axis)),
    axis,
    policy,
  );
  const { manifest, rewrite } = joinReferences(arrays, plan, axis);
  return { metadata: { ...first.metadata, shape: plan.shape, chunkGrid: plan.chunkGrid }, manifest, rewrite };
}

/**
 * Puts arrays of one shape side by side along a new axis.
 *
 * Errors: as {@link concatenateArrays}.
 *
 * @param dimension name of the new axis
 * @example
 * stackArrays([run1, run2], 0, "run");
 */
export function stackArrays(
  arrays: readonly ReferencedArray[],
  axis: number,
  dimension: string,
): ConcatenatedArray {
  return concatenateArrays(
    arrays.map(({ metadata, manifest }) => ({
      metadata: withAxis(metadata, axis, dimension),
      manifest: insertAxis(manifest, axis),
    })),
    axis,
  );
}

/** An array's part in a join. @param manifest undefined where all its chunks must be encoded anew */
export function joinPartOf(
  metadata: ArrayMetadata,
  manifest: ChunkManifest | undefined,
  axis: number,
): JoinPart {
  const { shape, chunkGrid, dataType } = metadata;
  const chunkShape = chunkGrid.name === "regular" ? chunkGrid.chunkShape : [];
  return {
    shape,
    chunkGrid,
    virtual: manifest !== undefined,
    cuttable: canTrim({ metadata, manifest }, axis),
    rowBytes: chunkShape
      .toSpliced(axis, 1)
      .reduce((total, length) => total * length, itemSize(dataType) ?? 16),
  };
}

/** The metadata with a further axis of one element. */
export function withAxis(metadata: ArrayMetadata, axis: number, dimension: string): ArrayMetadata {
  const { shape, chunkGrid, dimensionNames } = metadata;
  return {
    ...metadata,
    shape: shape.toSpliced(axis, 0, 1),
    chunkGrid:
      chunkGrid.name === "regular"
        ? { name: "regular", chunkShape: chunkGrid.chunkShape.toSpliced(axis, 0, 1) }
        : { name: "rectilinear", chunkShapes: chunkGrid.chunkShapes.toSpliced(axis, 0, 1) },
    dimensionNames: (dimensionNames ?? shape.map(() => null)).toSpliced(axis, 0, dimension),
  };
}

function refuseOther(first: ReferencedArray, other: ReferencedArray, axis: number): void {
  const what =
    difference(first.metadata, other.metadata, axis) ?? (other.manifest.filterMasks && "filter masks");
  if (what === undefined) return;
  throw new MoraineError("Incompatible", `arrays of other ${what} do not join along axis ${axis}`, {
    source: other.manifest.locations[0],
  });
}

function difference(a: ArrayMetadata, b: ArrayMetadata, axis: number): string | undefined {
  if (JSON.stringify(a.dataType) !== JSON.stringify(b.dataType)) return "data types";
  if (codecsKey(a.codecs) !== codecsKey(b.codecs)) return "codecs";
  if (!sameBytes(a.fillValue, b.fillValue)) return "fill values";
  const sameShape =
    a.shape.length === b.shape.length && a.shape.every((length, at) => at === axis || length === b.shape[at]);
  return sameShape ? undefined : "shapes";
}
