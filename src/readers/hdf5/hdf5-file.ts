/**
 * The structures of one HDF5 file: what datasets and groups are read from.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";
import type { OpenOptions } from "../reader.ts";
import { readAttributeMessages } from "./attribute-messages.ts";
import { parseCacheImage, parseCacheImageMessage } from "./cache-image.ts";
import { faultOf, settle } from "./faults.ts";
import { FileBlocks } from "./file-blocks.ts";
import { FileMetadata } from "./file-metadata.ts";
import { type GlobalHeapReference, readGlobalHeapObjects } from "./global-heap.ts";
import { readLinks } from "./group-links.ts";
import type { Link } from "./link.ts";
import { LocalHeap } from "./local-heap.ts";
import type { MetadataSource } from "./metadata-source.ts";
import type { HeaderMessage, ObjectHeader } from "./object-header.ts";
import type { StoredMessage } from "./object-header-chunk.ts";
import { StoredHeaders } from "./object-headers.ts";
import { SHARED, SharedMessages } from "./shared-messages.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";
import { checkDriverBlock, type ExtensionFacts, parseExtension } from "./superblock-extension.ts";

export type { GlobalHeapReference } from "./global-heap.ts";

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
 * place in the result; only failures that concern everything (of the storage, a signal) are thrown.
 */
export class Hdf5File {
  readonly metadata: MetadataSource;
  /** What the source was when its first bytes were read. */
  readonly version: Version;
  /** Of the root group's object header. */
  readonly rootAddress: number;
  /** Version of the superblock. */
  readonly superblockVersion: number;
  /** A writer has the file open, or died over it: what is read may be older than what was written. */
  readonly isUnclosed: boolean;
  /** "Indexed storage internal node K": a node of a version 1 B-tree over chunks has twice as many children. */
  readonly chunkBTreeK: number;
  readonly #sizes: { readonly groupLeafK: number; readonly groupBTreeK: number };
  readonly #headers: StoredHeaders;
  readonly #shared: SharedMessages;

  private constructor(
    metadata: MetadataSource,
    version: Version,
    headers: StoredHeaders,
    superblock: Superblock,
    facts: ExtensionFacts,
  ) {
    this.metadata = metadata;
    this.version = version;
    this.rootAddress = superblock.rootAddress;
    this.superblockVersion = superblock.version;
    this.isUnclosed = superblock.isUnclosed;
    this.chunkBTreeK = facts.chunkBTreeK ?? superblock.chunkBTreeK;
    this.#sizes = {
      groupLeafK: facts.groupLeafK ?? superblock.groupLeafK,
      groupBTreeK: facts.groupBTreeK ?? superblock.groupBTreeK,
    };
    this.#headers = headers;
    this.#shared = new SharedMessages(metadata, headers, facts.sharedMessages);
  }

  /**
   * Finds and reads the superblock and its extension.
   *
   * Errors: `UnknownFormat` where there is none, `TruncatedFile` where the file is shorter than it says,
   * `UnsupportedLayout` for a file that is spread over several, `CorruptFile`, `ChecksumMismatch`.
   *
   * @example
   * const file = await Hdf5File.open("file:///a.nc", storage);
   * const [root] = await file.objectHeaders([file.rootAddress]);
   */
  static async open(address: string, storage: Storage, options: OpenOptions = {}): Promise<Hdf5File> {
    const blocks = await FileBlocks.open(address, storage, options);
    const superblock = await readSuperblock(blocks, options);
    const metadata = new FileMetadata(blocks, superblock);
    if (superblock.driverAddress !== undefined) {
      await checkDriverBlock(metadata, superblock.driverAddress, options);
    }
    let facts: ExtensionFacts = {};
    if (superblock.extensionAddress !== undefined) {
      const messages = await new StoredHeaders(metadata).read(superblock.extensionAddress, options);
      facts = parseExtension(metadata, { address: superblock.extensionAddress, messages });
      if (facts.pageSize !== undefined) blocks.useBlockSize(facts.pageSize);
      if (facts.cacheImage) {
        const place = parseCacheImageMessage(metadata, facts.cacheImage.body, facts.cacheImage.offset);
        const [image] = place ? await metadata.read([place], { ...options, once: true }) : [];
        if (place && image) metadata.overlay(parseCacheImage(metadata, image, place.address));
      }
    }
    return new Hdf5File(metadata, blocks.version, new StoredHeaders(metadata), superblock, facts);
  }

  /** The headers at these addresses; remembered, so that an object reached by several links is read once. */
  async objectHeaders(
    addresses: readonly number[],
    options: StorageOptions = {},
  ): Promise<readonly (ObjectHeader | MoraineError)[]> {
    const headers = await this.#headers.readAll(addresses, options);
    const resolved: Promise<void>[] = [];
    const results = headers.map((stored, i): ObjectHeader | MoraineError => {
      if (stored instanceof MoraineError) return stored;
      const address = addresses[i] ?? 0;
      if (stored.some(isShared)) {
        const resolving = Promise.all(stored.map((message) => this.#shared.resolve(message, options)));
        const keep = (messages: readonly HeaderMessage[]): void => {
          results[i] = { address, messages };
        };
        resolved.push(resolving.then(keep));
      }
      return { address, messages: stored };
    });
    await Promise.all(resolved);
    return results;
  }

  /** The links of one group; throws its fault. */
  async links(header: ObjectHeader, options: StorageOptions = {}): Promise<readonly Link[]> {
    return await readLinks(this.metadata, header, this.#sizes, options);
  }

  /** The links of each group, by creation order where that is tracked, else by name; none for other objects. */
  async linksOf(
    headers: readonly ObjectHeader[],
    options: StorageOptions = {},
  ): Promise<readonly (readonly Link[] | MoraineError)[]> {
    return await settle(headers.map((header) => this.links(header, options)));
  }

  /**
   * The attribute messages (0x0C) of each object, wherever they are stored: by creation order where that is
   * tracked, else in the order of the file. An attribute that cannot be had carries its fault.
   */
  async attributeMessagesOf(
    headers: readonly ObjectHeader[],
    options: StorageOptions = {},
  ): Promise<readonly (readonly HeaderMessage[] | MoraineError)[]> {
    const waiting: Promise<void>[] = [];
    const results = headers.map((header, i): readonly HeaderMessage[] | MoraineError => {
      try {
        const found = readAttributeMessages(this.metadata, header, this.#shared, options);
        if (!(found instanceof Promise)) return found;
        const keep = (messages: readonly HeaderMessage[] | MoraineError): void => {
          results[i] = messages;
        };
        waiting.push(found.catch(faultOf).then(keep));
        return [];
      } catch (error) {
        return faultOf(error);
      }
    });
    await Promise.all(waiting);
    return results;
  }

  /** What shared messages stand for, resolved as in headers. */
  async sharedMessages(
    bodies: readonly SharedMessageBody[],
    options: StorageOptions = {},
  ): Promise<readonly (HeaderMessage | MoraineError)[]> {
    return await Promise.all(
      bodies.map(async (message) => {
        const stored = { ...message, flags: SHARED, creationOrder: undefined };
        const resolved = await this.#shared.resolve(stored, options);
        return resolved.error ?? resolved;
      }),
    );
  }

  /** Objects of the global heap, each collection read once a call. */
  async globalHeapObjects(
    references: readonly GlobalHeapReference[],
    options: StorageOptions = {},
  ): Promise<readonly (Uint8Array | MoraineError)[]> {
    return await readGlobalHeapObjects(this.metadata, references, options);
  }

  /** Names in a local heap (external file lists), by their offsets in its data; throws the heap's fault. */
  async localHeapTexts(
    heapAddress: number,
    offsets: readonly number[],
    options: StorageOptions = {},
  ): Promise<readonly string[]> {
    const heap = await LocalHeap.open(this.metadata, heapAddress, options);
    return offsets.map((offset) => heap.text(offset));
  }
}

function isShared({ flags }: StoredMessage): boolean {
  return (flags & SHARED) !== 0;
}
