/**
 * The LZ4 filter (32004): blocks of LZ4's block format behind a header of its own, all numbers big-endian.
 *
 * 8 bytes decoded length, 4 bytes decoded length of a block, then for each block 4 bytes encoded length and the
 * block. A block that is as long encoded as decoded is stored as it is.
 *
 * @see https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 * @module
 */

import { Cursor } from "../../../binary/cursor.ts";
import { MoraineError } from "../../../errors.ts";

/** The best that LZ4 can do: a length byte of 255 for 255 bytes. */
const BEST_RATIO = 256;
const MINIMUM_MATCH = 4;

/** @throws `CorruptChunk`, `TruncatedFile` */
export function decodeLz4(encoded: Uint8Array): Uint8Array {
  const cursor = new Cursor(encoded, { source: "chunk", littleEndian: false });
  const length = cursor.uint(8);
  const blockLength = Math.min(cursor.u32(), length);
  if (length > encoded.length * BEST_RATIO) throw corrupt(`${length} decoded bytes`);
  if (blockLength === 0 && length > 0) throw corrupt("blocks of no bytes");
  const decoded = new Uint8Array(length);
  for (let at = 0; at < length; at += blockLength) {
    const target = decoded.subarray(at, Math.min(at + blockLength, length));
    const block = cursor.take(cursor.u32());
    if (block.length === target.length) target.set(block);
    else decodeLz4Block(block, target);
  }
  return decoded;
}

/**
 * Decodes one block in LZ4's block format into exactly the bytes of `target`.
 *
 * @throws `CorruptChunk`
 */
export function decodeLz4Block(block: Uint8Array, target: Uint8Array): void {
  let from = 0;
  let to = 0;
  /** A length of 15 goes on in the next bytes, as long as they are 255. */
  const longer = (length: number): number => {
    if (length !== 15) return length;
    let total = length;
    let byte: number | undefined;
    do {
      byte = block[from++];
      if (byte === undefined) throw corrupt("an end within a length");
      total += byte;
    } while (byte === 255);
    return total;
  };
  while (from < block.length) {
    const token = block[from++] ?? 0;
    const literals = longer(token >> 4);
    if (literals > block.length - from || literals > target.length - to) throw corrupt("too many literals");
    target.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from === block.length) break; // the last sequence has no match
    const distance = (block[from] ?? 0) | ((block[from + 1] ?? 0) << 8);
    from += 2;
    const length = longer(token & 15) + MINIMUM_MATCH;
    if (distance === 0 || distance > to) throw corrupt("a match before its start");
    if (length > target.length - to) throw corrupt("a match beyond its end");
    if (distance >= length) {
      target.copyWithin(to, to - distance, to - distance + length);
      to += length;
    } else {
      // Source and target overlap: byte for byte.
      for (const end = to + length; to < end; to++) target[to] = target[to - distance] ?? 0;
    }
  }
  if (to !== target.length) throw corrupt(`${to} instead of ${target.length} bytes`);
}

function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `LZ4 data with ${what}`);
}
