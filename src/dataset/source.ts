/**
 * A source that was opened: what it holds, and how its bytes are reached.
 *
 * @module
 */

import type { VirtualArray } from "../manifest/virtual-group.ts";
import type { Storage } from "../storage/storage.ts";
import type { TreeGroup } from "./tree.ts";

/** The format of a source, as its bytes tell it. */
export type SourceFormat = "hdf5" | "netcdf3" | "kerchunk-json" | "kerchunk-parquet" | "zarr" | "icechunk";

/** What was asked of the storage so far. */
export interface SourceStatistics {
  readonly requests: number;
  /** Bytes received. */
  readonly bytes: number;
  /** Times that requests had to wait for the answer to earlier ones. */
  readonly rounds: number;
}

export interface OpenedSource {
  /** The address, absolute. */
  readonly address: string;
  readonly format: SourceFormat;
  /** The root group; an array where the source is an array itself. */
  readonly root: TreeGroup | VirtualArray;
  /** Reads the places that the arrays' chunk sources give. */
  readonly storage: Storage;
  /** Whether a location belongs to the source itself (native chunks) rather than to a file it refers to. */
  isNative(location: string): boolean;
  statistics(): SourceStatistics;
  close(): Promise<void>;
}
