/**
 * What can be chosen about an index.
 *
 * @module
 */

import type { StorageRouter } from "../../storage/router.ts";
import type { CombineOptions } from "../combine/options.ts";
import type { SourceOptions } from "../open.ts";
import type { StorageForm } from "../storage-form.ts";
import type { TargetFormat } from "./summary.ts";

/** With `chunks`, `shards` or `recompress` arrays are decoded and stored anew in that form. */
export interface IndexOptions extends SourceOptions, CombineOptions, StorageForm {
  /** Kind of the target. Default: by its ending, `.json`, `.parquet`, `.parq`, `.zarr`, else a repository. */
  readonly format?: TargetFormat | undefined;
  /** Of the commit, in a repository. */
  readonly message?: string | undefined;
  /** Branch of a repository, which is made where it is not there. Default `main`. */
  readonly branch?: string | undefined;
  /** Path of the group in the target that takes everything; it must not be there yet. Default: the root. */
  readonly group?: string | undefined;
  /** Bytes (decoded) up to which an array is stored decoded where it cannot be virtual. Default 64 MiB. */
  readonly materializeLimit?: number | undefined;
  /** Values that Zarr has no type for (references, ragged arrays) are stored as texts that describe them. */
  readonly describe?: boolean | undefined;
  /** Bytes to which uncompressed chunks are cut, by references to parts of them; nothing is copied. */
  readonly splitChunks?: number | undefined;
  /** A Zarr store keeps references beside its metadata instead of copies of the chunks; only moraine reads it then. */
  readonly virtual?: boolean | undefined;
  /** Arrays that would be left out are an error instead. */
  readonly strict?: boolean | undefined;
  /** Dimension along which sources are added to what a repository holds already. */
  readonly append?: string | undefined;
  /**
   * Look at all sources that the repository was made of: what changed is indexed anew, what went is removed, and the
   * sources given are added, in one commit. The options of the first index hold; `drift` may be given anew. Where
   * sources that changed stand where they stood, only they are looked into. What was written into the repository since
   * (replaced, materialised, edited) stays, and moves along with its sources.
   */
  readonly update?: boolean | undefined;
  /** What is done with sources that cannot be opened: an error (`"stop"`, default), or left out and told of. */
  readonly onError?: "stop" | "skip" | undefined;
  /**
   * Folder that takes what was found in each source (NetCDF classic, HDF5). A later run with the same folder scans
   * only the sources that are not in it or have changed since; it may be deleted at any time between runs.
   */
  readonly journal?: string | undefined;
  /**
   * Threads of Node that scan sources beside this one. Default: by the number of processors and sources, none for
   * fewer than 200 sources or 3 processors; none either where `storage` is given.
   */
  readonly workers?: number | undefined;
  /** Told how far it is. */
  readonly onProgress?: ((progress: IndexProgress) => void) | undefined;
}

/** How far an index is. */
export interface IndexProgress {
  /** Sources scanned. */
  readonly files: number;
  readonly totalFiles: number;
  /** Chunks found or written. */
  readonly chunks: number;
  /** Bytes that were read. */
  readonly bytes: number;
}

/** The options with the storage that everything is read from and written to. */
export type IndexingOptions = IndexOptions & { readonly storage: StorageRouter };
