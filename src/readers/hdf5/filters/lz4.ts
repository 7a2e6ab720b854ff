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
import { decodeLz4Block } from "../../../codecs/lz/lz4-block.ts";
import { MoraineError } from "../../../errors.ts";

/** The best that LZ4 can do: a length byte of 255 for 255 bytes. */
const BEST_RATIO = 256;

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

function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `LZ4 data with ${what}`);
}
