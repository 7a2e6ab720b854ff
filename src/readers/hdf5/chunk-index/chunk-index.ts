/**
 * Where the chunks of a dataset lie, by whatever index it has.
 *
 * @module
 */

import type { ChunkManifest } from "../../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../../storage/storage.ts";
import type { ChunkedLayout } from "../data-layout.ts";
import type { Hdf5File } from "../hdf5-file.ts";
import type { ChunkedArray } from "./chunk-rows.ts";

/**
 * The stored chunks of a dataset within its current extent.
 *
 * Bit `i` of a chunk's filter mask: the `i`-th filter of the pipeline was left out. Chunks that reach beyond the
 * extent of a dataset that stores those without filters have all bits set.
 *
 * @returns references into the file itself, by ascending position in the chunk grid
 * Errors: `CorruptFile`, `ChecksumMismatch`, `TruncatedFile`, `LimitExceeded`, `UnsupportedVersion`.
 */
export declare function readChunkIndex(
  file: Hdf5File,
  layout: ChunkedLayout,
  array: ChunkedArray,
  options?: StorageOptions,
): Promise<ChunkManifest>;
