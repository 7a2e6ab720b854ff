/**
 * Cutting chunks by bytes. Where elements are stored one after another, uncompressed, a slice along the slowest
 * axis is a range of bytes, and a reference to it is exact.
 *
 * @module
 */

import { itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import { gridShapeOf, stridesOf } from "../zarr/chunk-grid.ts";
import { type ChunkManifest, entryLocation } from "./chunk-manifest.ts";
import { ManifestBuilder } from "./manifest-builder.ts";

/** An array's metadata and its references. */
export interface ReferencedArray {
  readonly metadata: ArrayMetadata;
  readonly manifest: ChunkManifest;
}

/** Whether chunks hold their elements in C order, one after another, and nothing else. */
export function isPlainBytes(metadata: ArrayMetadata): boolean {
  const [codec, ...others] = metadata.codecs;
  return codec?.name === "bytes" && others.length === 0 && itemSize(metadata.dataType) !== undefined;
}

/**
 * The axis along which chunks of a shape can be cut into ranges of bytes: the first that is longer than one.
 * The axes after it stay whole. The last axis for chunks of one element.
 */
export function cuttingAxis(chunkShape: readonly number[]): number {
  const axis = chunkShape.findIndex((length) => length > 1);
  return axis < 0 ? chunkShape.length - 1 : axis;
}

/**
 * The chunk shape of at most `targetBytes` into which uncompressed chunks can be cut exactly; the chunks' own
 * shape where they are no larger, or cannot be cut.
 */
export function subChunkShape(metadata: ArrayMetadata, targetBytes: number): readonly number[] | undefined {
  if (metadata.chunkGrid.name !== "regular") return undefined;
  const shape = [...metadata.chunkGrid.chunkShape];
  const size = itemSize(metadata.dataType);
  if (size === undefined || !isPlainBytes(metadata)) return shape;
  let bytes = shape.reduce((product, length) => product * length, size);
  for (let axis = 0; axis < shape.length && bytes > targetBytes; axis++) {
    const length = shape[axis] ?? 1;
    const row = bytes / length;
    let wanted = Math.max(Math.floor(targetBytes / row), 1);
    while (length % wanted !== 0) wanted--;
    shape[axis] = wanted;
    bytes = row * wanted;
  }
  return shape;
}

/**
 * Cuts uncompressed chunks into smaller ones, each a range of the bytes of the one that it was part of.
 *
 * Errors: `Incompatible` for chunks that are encoded otherwise, or a shape that is no exact cut of theirs: its
 * lengths must divide theirs, and behind an axis that is cut to more than one element all axes must stay whole.
 *
 * @example
 * splitChunks(field, [1, 180, 360]); // one reference a step instead of one for all
 */
export function splitChunks(
  { metadata, manifest }: ReferencedArray,
  chunkShape: readonly number[],
): ReferencedArray {
  const { chunkGrid, shape, dataType } = metadata;
  const size = itemSize(dataType);
  if (chunkGrid.name !== "regular" || size === undefined || !isPlainBytes(metadata) || manifest.filterMasks) {
    throw new MoraineError("Incompatible", "only uncompressed chunks of a regular grid can be cut by bytes");
  }
  const old = chunkGrid.chunkShape;
  checkCut(old, chunkShape);
  const result: ArrayMetadata = { ...metadata, chunkGrid: { name: "regular", chunkShape } };
  const gridShape = gridShapeOf(result);
  const builder = new ManifestBuilder(gridShape, manifest.locations[0] ?? "", manifest.versions[0]);
  for (let index = 1; index < manifest.locations.length; index++) {
    builder.addLocation(manifest.locations[index] ?? "", manifest.versions[index]);
  }
  const parts = old.map((length, axis) => length / (chunkShape[axis] ?? 1));
  const pieces = parts.reduce((product, count) => product * count, 1);
  const bytes = chunkShape.reduce((product, length) => product * length, size);
  const rank = shape.length;
  const corner = new Array<number>(rank).fill(0);
  const strides = stridesOf(gridShape);
  for (let entry = 0; entry < manifest.count; entry++) {
    let rest = manifest.positions?.[entry] ?? entry;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const length = manifest.gridShape[axis] ?? 1;
      corner[axis] = (rest % length) * (parts[axis] ?? 1);
      rest = Math.floor(rest / length);
    }
    requireWhole(manifest, entry, pieces * bytes);
    const inline = manifest.inline.get(entry);
    for (let piece = 0; piece < pieces; piece++) {
      let position = 0;
      let within = piece;
      let inside = true;
      for (let axis = rank - 1; axis >= 0; axis--) {
        const count = parts[axis] ?? 1;
        const at = (corner[axis] ?? 0) + (within % count);
        within = Math.floor(within / count);
        position += at * (strides[axis] ?? 1);
        inside &&= at < (gridShape[axis] ?? 0);
      }
      if (!inside) continue;
      if (inline) builder.appendInline(position, inline.subarray(piece * bytes, (piece + 1) * bytes));
      else {
        const location = manifest.locationIndexes?.[entry] ?? 0;
        builder.append(position, (manifest.offsets[entry] ?? 0) + piece * bytes, bytes, 0, location);
      }
    }
  }
  return { metadata: result, manifest: builder.build() };
}

/**
 * Errors: `Incompatible` for an entry of another number of bytes than its chunk has: a part of it could be bytes of
 * something else.
 */
export function requireWhole(manifest: ChunkManifest, entry: number, bytes: number): void {
  if (manifest.lengths[entry] === bytes) return;
  throw new MoraineError("Incompatible", "a chunk holds another number of bytes than its shape has", {
    source: entryLocation(manifest, entry),
    offset: manifest.offsets[entry],
  });
}

function checkCut(old: readonly number[], wanted: readonly number[]): void {
  let whole = false;
  const exact =
    wanted.length === old.length &&
    wanted.every((length, axis) => {
      const before = old[axis] ?? 0;
      const allowed = length >= 1 && before % length === 0 && (!whole || length === before);
      whole ||= length > 1;
      return allowed;
    });
  if (!exact) {
    throw new MoraineError(
      "Incompatible",
      `chunks of ${old.join(" x ")} cannot be cut by bytes into chunks of ${wanted.join(" x ")}`,
    );
  }
}
