/**
 * Where the encoded bytes of chunks are put: the counterpart of a chunk source. A folder of chunk objects and an
 * Icechunk session are chunk sinks; the array writer knows nothing else about them.
 *
 * @module
 */

import type { DurabilityOptions, StorageOptions, Version } from "../storage/storage.ts";
import type { ArrayMetadata } from "./array-metadata.ts";
import type { ChunkCoordinates } from "./chunk-source.ts";

/** What must still be stored for a chunk when it is written: nothing, or the state that was read. */
export type ExpectedState = "absent" | Version;

/** Encoded chunks, as columns: entry `i` of each column belongs to the `i`-th chunk. */
export interface EncodedChunks {
  readonly count: number;
  /** In the chunk grid, `rank` numbers a chunk. Each chunk appears once. */
  readonly coordinates: ChunkCoordinates;
  /** The encoded bytes; undefined removes the chunk, so that it reads as the fill value. */
  readonly bytes: readonly (Uint8Array | undefined)[];
  /**
   * The states that chunks were changed from, where they were read before (`ChunkPlaces.versions`, or that of the
   * object): a sink whose chunks others write at the same time stores such a chunk only if nobody has. A sink that
   * is one writer's own (a session) may pass over it.
   */
  readonly expected?: readonly (ExpectedState | undefined)[] | undefined;
}

/** Stores the chunks of one array. */
export interface ChunkSink {
  /**
   * What all sinks share that write the same arrays: the session, the store. Changes of one chunk through sinks of one
   * owner follow each other.
   */
  readonly owner: object;
  /**
   * Stores or removes chunks; resolves when all are stored. The bytes are the sink's from then on.
   *
   * @returns positions in the columns of the chunks whose expected state was not found: these are as somebody else
   * left them, all others are stored. Empty for sinks that have one writer.
   */
  write(chunks: EncodedChunks, options?: DurabilityOptions): Promise<readonly number[]>;
  /**
   * Checks that the array is still what these metadata say, before they are replaced. Errors: `Conflict` where somebody
   * else has changed it: what is written after an old shape would take the place of what they have appended.
   */
  requireCurrent(metadata: ArrayMetadata, options?: StorageOptions): Promise<void>;
  /**
   * Puts other metadata in the place of the array's (another shape, other attributes), and removes the chunks that
   * are outside of the new grid. Errors: `Conflict` where somebody has changed them since {@link requireCurrent}.
   */
  writeMetadata(metadata: ArrayMetadata, options?: StorageOptions): Promise<void>;
}
