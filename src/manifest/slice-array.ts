/**
 * A box of an array by references alone.
 *
 * @module
 */

import { itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";
import { selectChunks } from "./select-chunks.ts";
import { type ReferencedArray, requireWhole, splitChunks } from "./split-chunks.ts";
import { canTrim } from "./trim-chunks.ts";

/** Elements of an axis: from `start` up to `stop`, which is not among them. */
export interface ElementRange {
  readonly start: number;
  readonly stop: number;
}

/**
 * The part of an array within a box, its chunks where they are. The box must begin and end where chunks do; uncompressed
 * chunks are cut by bytes where that makes it so.
 *
 * Errors: `OutOfBounds`; `Incompatible` for a box that cuts through chunks that cannot be cut, or that hold
 * another number of bytes than their shape has.
 *
 * @param box a range for each axis
 * @example
 * sliceArray(sst, [{ start: 31, stop: 59 }, { start: 0, stop: 180 }]); // February
 */
export function sliceArray(array: ReferencedArray, box: readonly ElementRange[]): ReferencedArray {
  const { shape, chunkGrid } = array.metadata;
  if (box.length !== shape.length) {
    throw new MoraineError("InvalidArgument", `${box.length} ranges for an array of ${shape.length} axes`);
  }
  if (chunkGrid.name !== "regular") {
    throw new MoraineError(
      "Incompatible",
      "an array with chunks of different lengths is not sliced by references",
    );
  }
  for (const [axis, { start, stop }] of box.entries()) requireRange(start, stop, shape[axis] ?? 0, axis);
  const chunkShape = chunkGrid.chunkShape;
  const isWithin = (axis: number): boolean => {
    const { start, stop } = box[axis] ?? { start: 0, stop: 0 };
    const length = chunkShape[axis] ?? 1;
    return Math.floor(start / length) === Math.floor((stop - 1) / length) && canTrim(array, axis);
  };
  const isInside = shape.map(() => false);
  const lengths = box.map(({ start, stop }, axis) => {
    const chunk = chunkShape[axis] ?? 1;
    // A last chunk may stay longer than what is inside, as it was.
    const wanted = commonDivisor(commonDivisor(chunk, start), stop === shape[axis] ? chunk : stop);
    isInside[axis] = wanted < chunk && isWithin(axis);
    return isInside[axis] ? chunk : wanted;
  });
  const isCut = lengths.some((length, axis) => length !== chunkShape[axis]);
  const cut = isCut ? splitChunks(array, lengths) : array;
  const manifest = selectChunks(
    cut.manifest,
    box.map(({ start, stop }, axis) => {
      const first = Math.floor(start / (lengths[axis] ?? 1));
      return { start: first, stop: start === stop ? first : Math.ceil(stop / (lengths[axis] ?? 1)) };
    }),
  );
  const selected = {
    metadata: { ...cut.metadata, shape: box.map(({ start, stop }) => stop - start) },
    manifest,
  };
  return box.reduce((part: ReferencedArray, { start }, axis) => {
    const first = start % (lengths[axis] ?? 1);
    return isInside[axis] ? cutWithin(part, axis, first) : part;
  }, selected);
}

function requireRange(start: number, stop: number, length: number, axis: number): void {
  const fits =
    Number.isInteger(start) && Number.isInteger(stop) && start >= 0 && start <= stop && stop <= length;
  if (!fits)
    throw new MoraineError("OutOfBounds", `axis ${axis} has ${length} elements, not ${start} to ${stop}`);
}

/** Of an array that has one row of chunks along an axis, what lies behind the first elements of these. */
function cutWithin({ metadata, manifest }: ReferencedArray, axis: number, first: number): ReferencedArray {
  const { chunkGrid, shape, dataType } = metadata;
  if (chunkGrid.name !== "regular" || manifest.gridShape[axis] !== 1) return { metadata, manifest };
  const length = shape[axis] ?? 1;
  const chunkLength = chunkGrid.chunkShape[axis] ?? 1;
  const row = chunkGrid.chunkShape
    .slice(axis + 1)
    .reduce((product, own) => product * own, itemSize(dataType) ?? 0);
  for (let entry = 0; entry < manifest.count; entry++) requireWhole(manifest, entry, chunkLength * row);
  const inline = [...manifest.inline].map(
    ([entry, bytes]) => [entry, bytes.subarray(first * row, (first + length) * row)] as const,
  );
  return {
    metadata: {
      ...metadata,
      chunkGrid: { name: "regular", chunkShape: chunkGrid.chunkShape.with(axis, length) },
    },
    manifest: {
      ...manifest,
      offsets: manifest.offsets.map((offset, entry) =>
        manifest.inline.has(entry) ? 0 : offset + first * row,
      ),
      lengths: manifest.lengths.map(() => length * row),
      inline: new Map(inline),
    },
  };
}

function commonDivisor(a: number, b: number): number {
  let [large, small] = [a, b];
  while (small !== 0) [large, small] = [small, large % small];
  return large;
}
