/**
 * Variables that are shorter than their unlimited dimension: netCDF-C gives fill values beyond what is stored.
 *
 * @module
 */

import { ManifestBuilder } from "../../../manifest/manifest-builder.ts";
import { ManifestChunkSource } from "../../../manifest/manifest-chunk-source.ts";
import type { VirtualArray } from "../../../manifest/virtual-group.ts";
import type { Storage } from "../../../storage/storage.ts";
import type { ArrayMetadata } from "../../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../../zarr/chunk-grid.ts";
import { ZarrArray } from "../../../zarr/node.ts";
import { decodedSerializer } from "../conversion.ts";
import { alignedChunks } from "../virtual-layout/aligned-chunks.ts";
import { BlockwiseChunks } from "../virtual-layout/blockwise-chunks.ts";

/**
 * The array with the extent of its dimensions. Its chunks stay where they are if they end with what is stored, for
 * beyond that they may hold anything; else they are decoded when they are asked for.
 *
 * @param fill what stands beyond what is stored
 * @param source address of the file
 */
export function extended(
  array: VirtualArray,
  shape: readonly number[],
  fill: Uint8Array,
  storage: Storage,
  source: string,
): VirtualArray {
  const { metadata } = array;
  const told = `${metadata.shape.join(" x ")} elements are stored`;
  const whole: ArrayMetadata = { ...metadata, shape, fillValue: fill };
  const view = {
    ...array,
    metadata: whole,
    stored: array,
    notes: [...(array.notes ?? []), `${told}; the unlimited dimensions are longer`],
  };
  if (metadata.shape.includes(0)) {
    const manifest = new ManifestBuilder(gridShapeOf(whole), source).build();
    const load = () => Promise.resolve(manifest);
    return { ...view, chunks: new ManifestChunkSource(load), manifest: load };
  }
  const axes = metadata.shape.map((length) => ({ start: 0, stride: 1, block: 1, length }));
  const reader = new ZarrArray({ metadata, chunks: array.chunks, storage, path: "/", source });
  const mapping = {
    source: { shape: metadata.shape, array, reader },
    from: { kind: "axes" as const, axes },
    to: { kind: "axes" as const, axes },
  };
  const aligned = alignedChunks([mapping], shape, whole, source);
  if (aligned) {
    return { ...view, chunks: new ManifestChunkSource(aligned.manifest), manifest: aligned.manifest };
  }
  const decoded = { ...whole, codecs: [decodedSerializer(metadata.dataType)] };
  return {
    ...view,
    metadata: decoded,
    chunks: new BlockwiseChunks(decoded, [mapping]),
    manifest: undefined,
    barrier: array.barrier ?? {
      code: "UnsupportedLayout",
      reason: "its last chunks reach beyond what is stored, into a longer unlimited dimension",
    },
  };
}
