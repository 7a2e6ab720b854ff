/**
 * Where an index is written: a repository, a Zarr store, a set of references.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import type { ReferencesOfArray } from "../../manifest/manifest-parts.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";

/** What was made visible. */
export interface Committed {
  readonly snapshot?: string | undefined;
  readonly branch?: string | undefined;
}

export interface CommitOptions extends StorageOptions {
  /** Kept with the commit, where the target has such. */
  readonly metadata?: JsonObject | undefined;
  /** Of a repository: also where nothing but what is kept with it changes. */
  readonly allowEmpty?: boolean | undefined;
  /** Of a repository: what others committed meanwhile is no conflict where it goes together. */
  readonly rebase?: boolean | undefined;
}

/** Receives groups and arrays, and makes them visible all at once. */
export interface IndexTarget {
  createGroup(path: string, attributes: JsonObject): Promise<void>;
  /** A new array without chunks. */
  createArray(path: string, metadata: ArrayMetadata): Promise<void>;
  /** Replaces the metadata of an array that is there; its chunks stay. */
  updateArray(path: string, metadata: ArrayMetadata): Promise<void>;
  /** Takes back an array whose chunks could not be stored. */
  removeArray(path: string): Promise<void>;
  /**
   * References for the chunks of an array; bytes that the manifest holds inline are stored as they are.
   *
   * @returns bytes that were copied into the target
   */
  setReferences(path: string, references: ReferencesOfArray, options?: StorageOptions): Promise<number>;
  /** The encoded bytes of one chunk, to be stored in the target itself. */
  setChunk(
    path: string,
    coordinates: readonly number[],
    bytes: Uint8Array,
    options?: StorageOptions,
  ): Promise<void>;
  /**
   * Takes away those of the chunks of an array that is there already which are stored. Only targets that arrays are added
   * to have it.
   */
  deleteChunks?(
    path: string,
    chunks: readonly (readonly number[])[],
    options?: StorageOptions,
  ): Promise<void>;
  /** Makes everything visible; until then the target is as it was. */
  commit(message: string, options?: CommitOptions): Promise<Committed>;
  /** Lets go of what was written; the target is as it was. */
  abandon(): Promise<void>;
}
