/**
 * Other shapes: longer and shorter arrays.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata, ChunkGrid } from "../array-metadata.ts";
import type { ChunkSink } from "../chunk-sink.ts";
import { fillText } from "../filled.ts";
import type { ArrayParts } from "../node.ts";
import { axisChunksOf } from "../read/axis-chunks.ts";
import type { AxisRange } from "../selection.ts";
import { type ArrayValues, packValues } from "./values.ts";
import { writeElements } from "./write.ts";

/** Gives an array another shape, see `ZarrArray.resize`; gives its metadata. */
export async function resizeArray(
  array: ArrayParts,
  shape: readonly number[],
  options?: StorageOptions,
): Promise<ArrayMetadata> {
  const sink = sinkOf(array);
  const { metadata } = array;
  const valid =
    shape.length === metadata.shape.length &&
    shape.every((length) => Number.isSafeInteger(length) && length >= 0);
  if (!valid) {
    throw new MoraineError("InvalidArgument", `[${shape.join(", ")}] is no shape for this array`, {
      path: array.path,
    });
  }
  await sink.requireCurrent(metadata, options);
  const resized = withShape(metadata, shape);
  for (let axis = 0; axis < shape.length; axis++) await clearBeyond(array, resized, axis, options);
  await sink.writeMetadata(resized, options);
  return resized;
}

/**
 * Chunks at the end of an axis reach beyond it, and may hold anything there: what an array that was shorter for a
 * while held before, what another program left. Before the array reaches there, it becomes the fill value.
 */
async function clearBeyond(
  array: ArrayParts,
  resized: ArrayMetadata,
  axis: number,
  options: StorageOptions | undefined,
): Promise<void> {
  const { metadata } = array;
  const before = metadata.shape[axis] ?? 0;
  const after = resized.shape[axis] ?? 0;
  if (after <= before || metadata.shape.includes(0)) return;
  const grid = axisChunksOf(metadata.chunkGrid);
  /** Where the chunks of the array end along each axis, or the array does if that comes first. */
  const ends = resized.shape.map((length, other) => {
    const chunks = grid[other];
    const last = chunks?.chunkAt((metadata.shape[other] ?? 0) - 1) ?? 0;
    return Math.min((chunks?.startOf(last) ?? 0) + (chunks?.lengthOf(last) ?? 0), length);
  });
  const axes = ends.map((end, other): AxisRange => {
    const start = other === axis ? before : 0;
    return { kind: "range", start, step: 1, count: Math.max(0, end - start) };
  });
  const { dataType, fillValue } = metadata;
  const element =
    itemSize(dataType) !== undefined
      ? fillValue
      : [dataType.name === "string" ? fillText(fillValue) : fillValue];
  await writeElements(
    partsWith(array, resized),
    { kind: "orthogonal", axes, shape: axes.map(({ count }) => count) },
    { elements: element, repeat: true },
    options,
  );
}

/**
 * Makes an array longer, see `ZarrArray.append`.
 *
 * @param accept told of the metadata before the values are written, and of the old ones again if that fails
 */
export async function appendValues(
  array: ArrayParts,
  values: ArrayValues,
  axis: number,
  options: StorageOptions | undefined,
  accept: (metadata: ArrayMetadata) => void,
): Promise<void> {
  const sink = sinkOf(array);
  const { metadata } = array;
  const { shape } = metadata;
  const length = shape[axis];
  if (length === undefined) {
    throw new MoraineError("InvalidArgument", `the array has no axis ${axis}`, { path: array.path });
  }
  const packed = packValues(values, metadata.dataType);
  const addition = packed.shape ?? shapeOfAddition(array, packed.elements.length, packed.repeat, axis);
  const fits =
    addition.length === shape.length &&
    addition.every((size, other) => other === axis || size === shape[other]);
  if (!fits) {
    throw new MoraineError(
      "InvalidArgument",
      `values of shape ${addition.join(" x ")} cannot be appended along axis ${axis} of ${shape.join(" x ")}`,
      { path: array.path },
    );
  }
  const grown = withShape(
    metadata,
    shape.map((size, other) => (other === axis ? size + (addition[axis] ?? 0) : size)),
  );
  const axes = addition.map((count, other): AxisRange => {
    return { kind: "range", start: other === axis ? length : 0, step: 1, count };
  });
  await sink.requireCurrent(metadata, options);
  await sink.writeMetadata(grown, options);
  accept(grown);
  try {
    await writeElements(
      partsWith(array, grown),
      { kind: "orthogonal", axes, shape: addition },
      packed,
      options,
    );
  } catch (error) {
    // Nobody should find fill values where values were meant to be.
    await sink.writeMetadata(metadata);
    accept(metadata);
    throw error;
  }
}

/** The shape of values that come without one. */
function shapeOfAddition(array: ArrayParts, length: number, repeat: boolean, axis: number): number[] {
  const { shape, dataType } = array.metadata;
  const others = shape.reduce((product, size, other) => (other === axis ? product : product * size), 1);
  const count = length / (itemSize(dataType) || 1);
  const along = repeat ? 1 : others === 0 ? Number.NaN : count / others;
  if (!Number.isInteger(along)) {
    throw new MoraineError(
      "InvalidArgument",
      `${count} values do not fill the array's other axes of ${others} elements`,
      {
        path: array.path,
      },
    );
  }
  return shape.map((size, other) => (other === axis ? along : size));
}

function sinkOf(array: ArrayParts): ChunkSink {
  if (array.sink) return array.sink;
  throw new MoraineError("ReadOnly", "this array is only read", { source: array.source, path: array.path });
}

function partsWith({ chunks, storage, path, source, sink }: ArrayParts, metadata: ArrayMetadata): ArrayParts {
  return { metadata, chunks, storage, path, source, sink };
}

/**
 * The metadata with another shape; lists of chunk lengths get a further chunk where they do not reach. A shard holds
 * whole inner chunks, whose length divides those of all shards: the last one may reach beyond the array for that.
 */
function withShape(metadata: ArrayMetadata, shape: readonly number[]): ArrayMetadata {
  const grid = metadata.chunkGrid;
  if (grid.name === "regular") return { ...metadata, shape };
  const isSharded = metadata.codecs.some((codec) => codec.name === "sharding_indexed");
  const chunkGrid: ChunkGrid = {
    name: "rectilinear",
    chunkShapes: grid.chunkShapes.map((axis, at) => {
      if (typeof axis === "number") return axis;
      const reach = axis.reduce((sum, [length, count]) => sum + length * count, 0);
      const missing = (shape[at] ?? 0) - reach;
      if (missing <= 0) return axis;
      const step = isSharded ? axis.reduce((common, [length]) => commonDivisor(common, length), 0) : 1;
      return [...axis, [Math.ceil(missing / step) * step, 1] as const];
    }),
  };
  return { ...metadata, shape, chunkGrid };
}

/** The greatest number that divides both; 0 is divided by all. */
function commonDivisor(a: number, b: number): number {
  return a === 0 ? b : commonDivisor(b % a, a);
}
