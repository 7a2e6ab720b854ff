/**
 * Reads object headers with all their chunks (specification 4.0, IV.A "Data Object Headers").
 *
 * @module
 */

import type { StorageOptions } from "../../storage/storage.ts";
import { CHECKSUM, signedBlock } from "./checked-block.ts";
import { isFault } from "./faults.ts";
import type { MetadataSource } from "./metadata-source.ts";
import {
  type Continuation,
  type HeaderPrefix,
  parseChunk,
  parsePrefix,
  type StoredMessage,
} from "./object-header-chunk.ts";
import { OverlapGuard } from "./overlap-guard.ts";

/** Bytes read in the hope that they hold the first chunk. */
const GUESS = 512;
/** Headers that are remembered. */
const REMEMBERED = 65_536;
const CONTINUATION_SIGNATURE = "OCHK";

/** The headers of one file as they are stored, each read once. */
export class StoredHeaders {
  readonly #metadata: MetadataSource;
  readonly #known = new Map<number, Promise<readonly StoredMessage[]>>();

  constructor(metadata: MetadataSource) {
    this.#metadata = metadata;
  }

  /** The messages of the header at an address, in the order of its chunks. */
  async read(address: number, options: StorageOptions = {}): Promise<readonly StoredMessage[]> {
    const known = this.#known.get(address);
    if (known) return await known;
    const reading = readHeader(this.#metadata, address, options);
    this.#known.set(address, reading);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
    try {
      return await reading;
    } catch (error) {
      // A fault stays; what the network did to this attempt does not.
      if (!isFault(error)) this.#known.delete(address);
      throw error;
    }
  }
}

async function readHeader(
  metadata: MetadataSource,
  address: number,
  options: StorageOptions,
): Promise<readonly StoredMessage[]> {
  const guard = new OverlapGuard(metadata, "the chunks of an object header");
  let [bytes = new Uint8Array(0)] = await metadata.readUpTo([{ address, length: GUESS }], options);
  const prefix = parsePrefix(metadata, bytes, address);
  const length = prefix.length + prefix.chunkLength + (prefix.version === 2 ? CHECKSUM : 0);
  guard.enter(address, length);
  if (length > bytes.length) [bytes = bytes] = await metadata.read([{ address, length }], options);
  // Bodies live as long as the header does: not as views of a whole block.
  const first = parseChunk(metadata, prefix, bytes.slice(0, length), metadata.base + address, prefix.length);
  const { messages } = first;
  let next: readonly Continuation[] = first.continuations;
  while (next.length > 0) {
    for (const chunk of next) guard.enter(chunk.address, chunk.length);
    const chunks = await metadata.read(next, options);
    const further: Continuation[] = [];
    for (const [i, chunk] of next.entries()) {
      const found = parseContinuation(metadata, prefix, chunks[i] ?? new Uint8Array(0), chunk.address);
      for (const message of found.messages) messages.push(message);
      further.push(...found.continuations);
    }
    next = further;
  }
  return messages;
}

function parseContinuation(
  metadata: MetadataSource,
  prefix: HeaderPrefix,
  bytes: Uint8Array,
  address: number,
) {
  const before = prefix.version === 2 ? CONTINUATION_SIGNATURE.length : 0;
  if (before > 0) signedBlock(metadata, bytes, address, CONTINUATION_SIGNATURE);
  return parseChunk(metadata, prefix, bytes.slice(), metadata.base + address, before);
}
