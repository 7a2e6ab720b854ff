/**
 * The chunks that an object header consists of (specification 4.0, IV.A.1.a and b).
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import { CHECKSUM, requireChecksum } from "./checked-block.ts";
import type { MetadataRange, MetadataSource } from "./metadata-source.ts";
import { MESSAGE } from "./object-header.ts";

/** A message as it stands in a header: what it shares is not looked up yet. */
export interface StoredMessage {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
  /** Of the body in the file. */
  readonly offset: number;
  readonly creationOrder: number | undefined;
}

/** What the first bytes of a header tell. */
export interface HeaderPrefix {
  readonly version: 1 | 2;
  /** Bytes before the messages. */
  readonly length: number;
  /** Bytes of the messages in the first chunk, without a checksum. */
  readonly chunkLength: number;
  readonly tracksCreationOrder: boolean;
}

/** Version 1: type, size, flags, reserved. */
const OLD_MESSAGE_HEAD = 8;
const FIRST_CHUNK_WIDTH = 3;
const TRACKS_CREATION_ORDER = 4;
const PHASE_CHANGE = 16;
const TIMES = 32;
/** Of a message: a reader that does not know its type must not use the object. */
const FAIL_IF_UNKNOWN = 0x80;
/** No version defines 0x09 beyond the library's own tests. */
const BOGUS = 0x09;

/** @param bytes from the start of the header, as many as there are */
export function parsePrefix(metadata: MetadataSource, bytes: Uint8Array, address: number): HeaderPrefix {
  const cursor = new Cursor(bytes, { source: metadata.source, start: metadata.base + address });
  const isNew = bytes[0] === 0x4f && bytes[1] === 0x48 && bytes[2] === 0x44 && bytes[3] === 0x52;
  if (isNew) cursor.skip(4);
  const version = cursor.u8();
  if (version !== (isNew ? 2 : 1)) {
    if (isNew) {
      throw new MoraineError("UnsupportedVersion", `object header of version ${version}`, {
        source: metadata.source,
        offset: cursor.offset - 1,
      });
    }
    throw cursor.corrupt("there is no object header", metadata.base + address);
  }
  if (!isNew) {
    cursor.skip(1 + 2 + 4); // reserved, number of messages (which writers get wrong), reference count
    const chunkLength = cursor.u32();
    cursor.skip(4);
    return { version: 1, length: cursor.position, chunkLength, tracksCreationOrder: false };
  }
  const flags = cursor.u8();
  if ((flags & TIMES) !== 0) cursor.skip(16);
  if ((flags & PHASE_CHANGE) !== 0) cursor.skip(4);
  const chunkLength = cursor.uint(2 ** (flags & FIRST_CHUNK_WIDTH));
  const tracksCreationOrder = (flags & TRACKS_CREATION_ORDER) !== 0;
  return { version: 2, length: cursor.position, chunkLength, tracksCreationOrder };
}

/**
 * Reads the messages of one chunk.
 *
 * @param bytes the whole chunk; of version 2 with what stands before the messages, and its checksum
 * @param address of the chunk
 * @param before bytes before the messages
 * @param messages is given what is found
 * @returns where further chunks of the header lie
 * @throws `CorruptFile`, `ChecksumMismatch`, `UnsupportedVersion` for a message that must be known and is not
 */
export function parseChunk(
  metadata: MetadataSource,
  prefix: HeaderPrefix,
  bytes: Uint8Array,
  address: number,
  before: number,
  messages: StoredMessage[],
): MetadataRange[] {
  const isNew = prefix.version === 2;
  const place = { source: metadata.source, start: metadata.base + address };
  if (isNew) requireChecksum(new Cursor(bytes, place), "an object header");
  const end = Math.max(bytes.length - (isNew ? CHECKSUM : 0), 0);
  const tracked = isNew && prefix.tracksCreationOrder;
  const headLength = isNew ? 4 + (tracked ? 2 : 0) : OLD_MESSAGE_HEAD;
  const continuations: MetadataRange[] = [];
  let at = before;
  // Fewer bytes than a message's head are a gap.
  while (at + headLength <= end) {
    const sizeAt = isNew ? at + 1 : at + 2;
    const type = isNew ? (bytes[at] ?? 0) : (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    const length = (bytes[sizeAt] ?? 0) | ((bytes[sizeAt + 1] ?? 0) << 8);
    const flags = bytes[sizeAt + 2] ?? 0;
    const creationOrder = tracked ? (bytes[at + 4] ?? 0) | ((bytes[at + 5] ?? 0) << 8) : undefined;
    const start = at + headLength;
    const offset = place.start + start;
    at = start + length;
    if (at > end) {
      throw new MoraineError("TruncatedFile", `${length} bytes wanted, ${end - start} left`, {
        source: metadata.source,
        offset,
      });
    }
    if (type === MESSAGE.nil) continue;
    const body = bytes.subarray(start, at);
    if (type === MESSAGE.continuation) {
      const target = new Cursor(body, { source: metadata.source, start: offset });
      continuations.push({
        address: target.uint(metadata.offsetSize),
        length: target.uint(metadata.lengthSize),
      });
      continue;
    }
    if ((type > MESSAGE.cacheImage || type === BOGUS) && (flags & FAIL_IF_UNKNOWN) !== 0) {
      throw new MoraineError(
        "UnsupportedVersion",
        `a message of type ${type} that must be known and is not`,
        { source: metadata.source, offset },
      );
    }
    messages.push({ type, flags, body, offset, creationOrder });
  }
  return continuations;
}
