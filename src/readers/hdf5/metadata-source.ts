/**
 * The metadata bytes of one HDF5 file, by file address.
 *
 * @module
 */

import type { MoraineError } from "../../errors.ts";
import type { BlockOptions } from "./file-blocks.ts";

/** A range of metadata: `address` as the file's structures give it, relative to the base address. */
export interface MetadataRange {
  readonly address: number;
  readonly length: number;
}

/**
 * Reads metadata, remembers what was fetched and merges what lies near. Structures ask for everything that a
 * step needs in one call (all nodes of a level); calls made side by side share their requests, so that a step of
 * any number of structures costs one round trip.
 */
export interface MetadataSource {
  /** Address of the file, for errors and references. */
  readonly source: string;
  /** Offset in the file of address 0: where the superblock's signature lies (specification 3.0, II.A). */
  readonly base: number;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes of an address in this file ("size of offsets"). */
  readonly offsetSize: number;
  /** Bytes of a length in this file ("size of lengths"). */
  readonly lengthSize: number;
  /** A part for each range, in order, exactly as long as asked; `TruncatedFile` beyond the end of the file. */
  read(ranges: readonly MetadataRange[], options?: BlockOptions): Promise<readonly Uint8Array[]>;
  /** As many bytes as there are, for structures whose length only their first bytes tell; at most `length`. */
  readUpTo(ranges: readonly MetadataRange[], options?: BlockOptions): Promise<readonly Uint8Array[]>;
  /** As `read`, for many structures in one step: what is beyond the end is the fault of its own range alone. */
  readEach(
    ranges: readonly MetadataRange[],
    options?: BlockOptions,
  ): Promise<readonly (Uint8Array | MoraineError)[]>;
}
