/**
 * The structures of one HDF5 file: what datasets and groups are read from.
 *
 * @module
 */

import type { MoraineError } from "../../errors.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";
import type { Link } from "./link.ts";
import type { MetadataSource } from "./metadata-source.ts";
import type { HeaderMessage, ObjectHeader } from "./object-header.ts";

/** An object in a collection of the global heap. */
export interface GlobalHeapReference {
  /** Of the collection. */
  readonly address: number;
  /** Of the object in it, from 1. */
  readonly index: number;
}

/** A message stored elsewhere: the body of an attribute's datatype or dataspace with its "shared" flag set. */
export interface SharedMessageBody {
  /** Type of the message that is wanted. */
  readonly type: number;
  readonly body: Uint8Array;
  /** Offset of the body in the file, for errors. */
  readonly offset: number;
}

/**
 * One HDF5 file. Every call takes as many objects as its caller has in hand and fetches what they need side by
 * side: a call costs a few round trips however many objects it is given. Faults of one object stand in its
 * place in the result; only faults of the storage are thrown.
 */
export declare class Hdf5File {
  private constructor();
  /**
   * Finds and reads the superblock and its extension.
   *
   * Errors: `UnknownFormat` where there is none, `TruncatedFile` where the file is shorter than it says,
   * `UnsupportedLayout` for a file that is spread over several, `CorruptFile`, `ChecksumMismatch`.
   */
  static open(address: string, storage: Storage, options?: StorageOptions): Promise<Hdf5File>;
  readonly metadata: MetadataSource;
  /** What the source was when its first bytes were read. */
  readonly version: Version;
  /** Of the root group's object header. */
  readonly rootAddress: number;
  /** Version of the superblock. */
  readonly superblockVersion: number;
  /** "Indexed storage internal node K": a node of a version 1 B-tree over chunks has twice as many children. */
  readonly chunkBTreeK: number;
  /** The headers at these addresses; remembered, so that an object reached by several links is read once. */
  objectHeaders(
    addresses: readonly number[],
    options?: StorageOptions,
  ): Promise<readonly (ObjectHeader | MoraineError)[]>;
  /** The links of one group; throws its fault. */
  links(header: ObjectHeader, options?: StorageOptions): Promise<readonly Link[]>;
  /** The links of each group, by creation order where that is tracked, else by name; none for other objects. */
  linksOf(
    headers: readonly ObjectHeader[],
    options?: StorageOptions,
  ): Promise<readonly (readonly Link[] | MoraineError)[]>;
  /** The attribute messages (0x0C) of each object, wherever they are stored, in the order of {@link linksOf}. */
  attributeMessagesOf(
    headers: readonly ObjectHeader[],
    options?: StorageOptions,
  ): Promise<readonly (readonly HeaderMessage[] | MoraineError)[]>;
  /** What shared messages stand for, resolved as in headers. */
  sharedMessages(
    bodies: readonly SharedMessageBody[],
    options?: StorageOptions,
  ): Promise<readonly (HeaderMessage | MoraineError)[]>;
  globalHeapObjects(
    references: readonly GlobalHeapReference[],
    options?: StorageOptions,
  ): Promise<readonly (Uint8Array | MoraineError)[]>;
  /** Names in a local heap (external file lists), by their offsets in its data. */
  localHeapTexts(
    heapAddress: number,
    offsets: readonly number[],
    options?: StorageOptions,
  ): Promise<readonly string[]>;
}
