/**
 * Chunks that reach beyond the end of their array, cut back to it where that is exact.
 *
 * @module
 */

import { itemSize } from "../data-types/data-type.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import { gridShapeOf } from "../zarr/chunk-grid.ts";
import type { ChunkManifest } from "./chunk-manifest.ts";
import { cuttingAxis, isPlainBytes, type ReferencedArray, requireWhole } from "./split-chunks.ts";

/**
 * Whether the last chunks along an axis can be shortened by leaving out their last bytes: they are uncompressed,
 * and all axes before it have chunks of one element.
 */
export function canTrim(
  { metadata, manifest }: { readonly metadata: ArrayMetadata; readonly manifest: ChunkManifest | undefined },
  axis: number,
): boolean {
  if (metadata.chunkGrid.name !== "regular" || !isPlainBytes(metadata) || manifest?.filterMasks) return false;
  return cuttingAxis(metadata.chunkGrid.chunkShape) >= axis;
}

/**
 * The references with the last chunks along an axis shortened to what lies inside of the array. Every chunk
 * then has its own length along the axis; the metadata's grid says it only where there is one chunk.
 *
 * Only where {@link canTrim} holds.
 *
 * Errors: `Incompatible` for a chunk of another number of bytes than its shape has.
 */
export function trimLastChunks({ metadata, manifest }: ReferencedArray, axis: number): ReferencedArray {
  const { chunkGrid, shape, dataType } = metadata;
  if (chunkGrid.name !== "regular") return { metadata, manifest };
  const length = shape[axis] ?? 0;
  const chunkLength = chunkGrid.chunkShape[axis] ?? 1;
  const inside = length % chunkLength;
  if (inside === 0) return { metadata, manifest };
  const row = chunkGrid.chunkShape
    .slice(axis + 1)
    .reduce((product, l) => product * l, itemSize(dataType) ?? 0);
  const gridShape = gridShapeOf(metadata);
  const chunks = gridShape[axis] ?? 1;
  const inner = gridShape.slice(axis + 1).reduce((product, l) => product * l, 1);
  const lengths = manifest.lengths.slice();
  const inline = new Map(manifest.inline);
  for (let entry = 0; entry < manifest.count; entry++) {
    const position = manifest.positions?.[entry] ?? entry;
    if (Math.floor(position / inner) % chunks !== chunks - 1) continue;
    requireWhole(manifest, entry, chunkLength * row);
    lengths[entry] = inside * row;
    const bytes = inline.get(entry);
    if (bytes) inline.set(entry, bytes.subarray(0, inside * row));
  }
  const chunkShape = chunkGrid.chunkShape.map((l, index) => (index === axis ? inside : l));
  return {
    metadata: chunks === 1 ? { ...metadata, chunkGrid: { name: "regular", chunkShape } } : metadata,
    manifest: { ...manifest, lengths, inline },
  };
}
