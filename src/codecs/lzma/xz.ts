/**
 * The .xz container: streams of blocks, each with a checksum, an index of the blocks, and a footer.
 *
 * @see https://tukaani.org/xz/xz-file-format.txt
 * @module
 */

import { crc32 } from "../../binary/crc32.ts";
import { createSha256 } from "../../binary/sha256.ts";
import { MoraineError } from "../../errors.ts";
import { crc64 } from "./crc64.ts";
import type { Output } from "./lzma-state.ts";
import { decodeLzma2 } from "./lzma-stream.ts";
import { corrupt } from "./range-decoder.ts";

const HEADER = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const FOOTER = [0x59, 0x5a];
const LZMA2 = 0x21;
const DELTA = 0x03;
/** Bytes of a checksum, by its number. */
const CHECK_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 0],
  [1, 4],
  [4, 8],
  [10, 32],
]);

/** Decodes all streams. Errors: `CorruptChunk`, `ChecksumMismatch`, `UnsupportedCodec` for filters that are not known. */
export function decodeXz(bytes: Uint8Array, output: Output): void {
  let at = 0;
  while (at < bytes.length) {
    at = decodeStream(bytes, at, output);
    // Streams may be followed by zeros, four at a time.
    while (at + 4 <= bytes.length && bytes.subarray(at, at + 4).every((byte) => byte === 0)) at += 4;
  }
}

class Reader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw corrupt("an end that comes too early");
    return this.bytes[this.at++] ?? 0;
  }

  take(count: number): Uint8Array {
    if (count > this.bytes.length - this.at) throw corrupt("an end that comes too early");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  u32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.take(4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** Seven bits a byte, the lowest first. */
  integer(): number {
    let value = 0;
    for (let i = 0; i < 7; i++) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    throw corrupt("an integer beyond 2^49");
  }

  /** Zeros up to a multiple of four bytes from a start. */
  padding(start: number): void {
    while ((this.at - start) % 4 !== 0) if (this.byte() !== 0) throw corrupt("padding that is not zero");
  }
}

interface Block {
  readonly unpadded: number;
  readonly size: number;
}

function decodeStream(bytes: Uint8Array, start: number, output: Output): number {
  const reader = new Reader(bytes, start);
  if (reader.take(6).some((byte, i) => byte !== HEADER[i])) throw corrupt("no stream where one should begin");
  const flags = reader.take(2);
  if (crc32(flags) !== reader.u32()) throw mismatch();
  const check = flags[1] ?? 0;
  const checkBytes = CHECK_BYTES.get(check);
  if (flags[0] !== 0 || checkBytes === undefined) {
    throw new MoraineError("UnsupportedCodec", `LZMA: there is no checksum ${check} here`);
  }
  const blocks: Block[] = [];
  while (bytes[reader.at] !== 0) blocks.push(decodeBlock(reader, check, checkBytes, output));
  const indexStart = reader.at;
  checkIndex(reader, blocks);
  const indexBytes = reader.at - indexStart;
  const sum = reader.u32();
  const tail = reader.take(6);
  if (crc32(tail) !== sum) throw mismatch();
  const backward = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (4 * (backward + 1) !== indexBytes || tail[4] !== flags[0] || tail[5] !== flags[1]) {
    throw corrupt("a footer that does not match");
  }
  if (reader.take(2).some((byte, i) => byte !== FOOTER[i])) throw corrupt("no end where one should be");
  return reader.at;
}

function decodeBlock(reader: Reader, check: number, checkBytes: number, output: Output): Block {
  const start = reader.at;
  const headerBytes = (reader.byte() + 1) * 4;
  const flags = reader.byte();
  if (flags & 0x3c) throw corrupt("a block of an unknown kind");
  const packed = flags & 0x40 ? reader.integer() : undefined;
  const declared = flags & 0x80 ? reader.integer() : undefined;
  const filters = Array.from({ length: (flags & 3) + 1 }, () => {
    const id = reader.integer();
    return { id, properties: reader.take(reader.integer()) };
  });
  while (reader.at < start + headerBytes - 4)
    if (reader.byte() !== 0) throw corrupt("padding that is not zero");
  if (reader.at !== start + headerBytes - 4) throw corrupt("a header of another size");
  if (crc32(reader.bytes.subarray(start, reader.at)) !== reader.u32()) throw mismatch();
  const last = filters.pop();
  const unknown = last?.id !== LZMA2 ? last : filters.find(({ id }) => id !== DELTA);
  if (unknown) throw new MoraineError("UnsupportedCodec", `LZMA: there is no filter ${unknown.id} here`);
  const dataStart = reader.at;
  const from = output.size;
  reader.at = decodeLzma2(reader.bytes, dataStart, output);
  const content = output.bytes.subarray(from, output.size);
  if (packed !== undefined && reader.at - dataStart !== packed) throw corrupt("a block of another size");
  if (declared !== undefined && content.length !== declared) throw corrupt("a block of another size");
  for (const { properties } of filters.reverse()) addUp(content, (properties[0] ?? 0) + 1);
  const unpadded = reader.at - start + checkBytes;
  reader.padding(dataStart);
  verify(check, content, reader.take(checkBytes));
  return { unpadded, size: content.length };
}

/** Undoes the filter "delta": each byte is the difference to one before it. */
function addUp(bytes: Uint8Array, distance: number): void {
  for (let at = distance; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) + (bytes[at - distance] ?? 0);
}

function checkIndex(reader: Reader, blocks: readonly Block[]): void {
  const start = reader.at;
  reader.byte();
  if (reader.integer() !== blocks.length) throw corrupt("an index of other blocks");
  for (const { unpadded, size } of blocks) {
    if (reader.integer() !== unpadded || reader.integer() !== size) throw corrupt("an index of other blocks");
  }
  reader.padding(start);
  const content = reader.bytes.subarray(start, reader.at);
  if (crc32(content) !== reader.u32()) throw mismatch();
}

function verify(check: number, content: Uint8Array, stored: Uint8Array): void {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  if (check === 1 && view.getUint32(0, true) !== crc32(content)) throw mismatch();
  if (check === 4 && view.getBigUint64(0, true) !== crc64(content)) throw mismatch();
  if (check === 10) {
    const hash = createSha256();
    hash.update(content);
    const hex = Array.from(stored, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hash.digest() !== hex) throw mismatch();
  }
}

function mismatch(): MoraineError {
  return new MoraineError("ChecksumMismatch", "the checksum of LZMA data does not match");
}
