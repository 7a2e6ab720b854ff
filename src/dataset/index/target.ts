/**
 * Where an index is written: a repository, a Zarr store, a set of references.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";

/** Receives groups and arrays, and makes them visible all at once. */
export interface IndexTarget {
  createGroup(path: string, attributes: JsonObject): Promise<void>;
  /** A new array without chunks. */
  createArray(path: string, metadata: ArrayMetadata): Promise<void>;
  /** References for the chunks of an array; bytes that the manifest holds inline are stored as they are. */
  setReferences(path: string, manifest: ChunkManifest, options?: StorageOptions): Promise<void>;
  /** The encoded bytes of one chunk, to be stored in the target itself. */
  setChunk(
    path: string,
    coordinates: readonly number[],
    bytes: Uint8Array,
    options?: StorageOptions,
  ): Promise<void>;
  /** Makes everything visible; until then the target is as it was. Gives the id of the commit if it has one. */
  commit(message: string, options?: StorageOptions): Promise<string | undefined>;
}
