/**
 * Where the chunks of a dataset lie, by whatever index it has.
 *
 * @module
 */

import type { ChunkManifest } from "../../../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../../manifest/manifest-builder.ts";
import type { StorageOptions } from "../../../storage/storage.ts";
import type { ChunkedLayout, ChunkIndex } from "../data-layout.ts";
import type { Hdf5File } from "../hdf5-file.ts";
import { readBTreeV1 } from "./btree-v1.ts";
import { readChunkBTreeV2 } from "./btree-v2.ts";
import { type ChunkedArray, ChunkRows } from "./chunk-rows.ts";
import { readExtensibleArray } from "./extensible-array.ts";
import { readFixedArray } from "./fixed-array.ts";
import { readImplicit } from "./implicit.ts";
import { readSingleChunk } from "./single-chunk.ts";

/**
 * The stored chunks of a dataset within its current extent.
 *
 * Bit `i` of a chunk's filter mask: the `i`-th filter of the pipeline was left out. Chunks that reach beyond the
 * extent of a dataset that stores those without filters have all bits set.
 *
 * @returns references into the file itself, by ascending position in the chunk grid
 * Errors: `CorruptFile`, `ChecksumMismatch`, `TruncatedFile`, `LimitExceeded`, `UnsupportedVersion`.
 */
export async function readChunkIndex(
  file: Hdf5File,
  layout: ChunkedLayout,
  array: ChunkedArray,
  options: StorageOptions = {},
): Promise<ChunkManifest> {
  const gridShape = array.shape.map((length, axis) => Math.ceil(length / (array.chunkShape[axis] ?? 1)));
  const builder = new ManifestBuilder(gridShape, file.metadata.source, file.version);
  if (builder.cells > 0 && layout.index.address !== undefined) {
    const rows = new ChunkRows(array, file.metadata, builder);
    await readRows(file, layout.index, layout.index.address, rows, options);
  }
  return builder.build();
}

async function readRows(
  file: Hdf5File,
  index: ChunkIndex,
  address: number,
  rows: ChunkRows,
  options: StorageOptions,
): Promise<void> {
  const { metadata } = file;
  // Nobody asks for a node of an index again: the manifest is what is kept of it.
  const once = { ...options, once: true };
  switch (index.type) {
    case "btree-v1":
      return await readBTreeV1(metadata, rows, address, file.chunkBTreeK, once);
    case "btree-v2":
      return await readChunkBTreeV2(metadata, rows, address, once);
    case "fixed-array":
      return await readFixedArray(metadata, rows, address, once);
    case "extensible-array":
      return await readExtensibleArray(metadata, rows, address, once);
    case "implicit":
      return readImplicit(rows, address);
    case "single":
      return readSingleChunk(rows, address, index.filtered);
  }
}
