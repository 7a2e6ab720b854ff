/**
 * Reading parts of arrays that are made of others.
 *
 * @module
 */

import type { ChunkData } from "../../codecs/codec.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { decodeElement } from "../../data-types/elements.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { RegionReader } from "../../zarr/write/chunk-encoder.ts";
import { mapConcurrent } from "../concurrent.ts";

/** Parts that are read at the same time. */
const CONCURRENT_PARTS = 32;

export interface RegionPart {
  readonly shape: readonly number[];
  readonly region: RegionReader;
}

/** Arrays one after another along an axis as one. */
export function joinedRegion(parts: readonly RegionPart[], axis: number): RegionReader {
  const starts: number[] = [];
  let total = 0;
  for (const { shape } of parts) {
    starts.push(total);
    total += shape[axis] ?? 0;
  }
  return async (start, shape, options) => {
    const from = start[axis] ?? 0;
    const to = from + (shape[axis] ?? 0);
    const wanted = parts.flatMap((part, index) => {
      const begin = starts[index] ?? 0;
      const first = Math.max(from, begin);
      const last = Math.min(to, begin + (part.shape[axis] ?? 0));
      return last > first ? [{ part, start: first - begin, length: last - first }] : [];
    });
    const pieces = await mapConcurrent(wanted, CONCURRENT_PARTS, async (piece) => ({
      length: piece.length,
      data: await piece.part.region(start.with(axis, piece.start), shape.with(axis, piece.length), options),
    }));
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1) return only.data;
    return interleave(pieces, shape, axis);
  };
}

/** Puts the rows of pieces behind each other. */
function interleave(
  pieces: readonly { readonly length: number; readonly data: ChunkData }[],
  shape: readonly number[],
  axis: number,
): ChunkData {
  const outer = shape.slice(0, axis).reduce((product, length) => product * length, 1);
  const bytes = pieces.map(({ data }) => data).filter((data) => data instanceof Uint8Array);
  if (bytes.length === pieces.length) {
    const result = new Uint8Array(bytes.reduce((sum, data) => sum + data.length, 0));
    let at = 0;
    for (let row = 0; row < outer; row++) {
      for (const data of bytes) {
        const length = data.length / outer;
        result.set(data.subarray(row * length, (row + 1) * length), at);
        at += length;
      }
    }
    return result;
  }
  const texts: string[] = [];
  const blobs: Uint8Array[] = [];
  for (let row = 0; row < outer; row++) {
    for (const { data } of pieces) {
      const length = data.length / outer;
      for (const value of data.slice(row * length, (row + 1) * length)) {
        if (typeof value === "string") texts.push(value);
        else if (value instanceof Uint8Array) blobs.push(value);
      }
    }
  }
  return blobs.length > 0 ? blobs : texts;
}

/** An array of nothing but its fill value. */
export function filledRegion(metadata: ArrayMetadata): RegionReader {
  const { dataType, fillValue } = metadata;
  const size = itemSize(dataType);
  return (_start, shape) => {
    const count = shape.reduce((product, length) => product * length, 1);
    if (size === undefined) {
      const value = decodeElement(fillValue, dataType);
      return Promise.resolve(
        typeof value === "string"
          ? new Array<string>(count).fill(value)
          : new Array<Uint8Array>(count).fill(value),
      );
    }
    const bytes = new Uint8Array(count * size);
    for (let at = 0; at < bytes.length; at += size) bytes.set(fillValue, at);
    return Promise.resolve(bytes);
  };
}

/** An array seen with a further axis of one element. */
export function widenedRegion(region: RegionReader, axis: number): RegionReader {
  return (start, shape, options) => region(start.toSpliced(axis, 1), shape.toSpliced(axis, 1), options);
}
