/**
 * The bitshuffle filter (32008): in blocks, all first bits of the elements, all second bits, …; the blocks may be
 * compressed by LZ4 or Zstandard.
 *
 * Parameters: [2] bytes of an element, [3] elements of a block (0: the default), [4] 0 none, 2 LZ4, 3 Zstandard.
 * Compressed: 8 bytes decoded length, 4 bytes decoded length of a block (big-endian), then blocks, each behind 4
 * bytes of its encoded length. Up to 7 elements at the end that do not fill a byte of bits stand as they are.
 *
 * @see https://github.com/kiyo-masui/bitshuffle
 * @module
 */

import { Cursor } from "../../../binary/cursor.ts";
import { untransposeBits } from "../../../codecs/bit-transpose.ts";
import { decodeLz4Block } from "../../../codecs/lz/lz4-block.ts";
import { MoraineError } from "../../../errors.ts";

const LZ4 = 2;
const ZSTANDARD = 3;
/** Elements come in groups of as many as a byte has bits. */
const GROUP = 8;
const DEFAULT_BLOCK_BYTES = 8192;
const SMALLEST_BLOCK = 128;
/** LZ4 reaches 256 at best; Zstandard more, but blocks are small. */
const BEST_RATIO = 70_000;

/** Decodes one Zstandard frame. */
export type ZstandardDecoder = (frame: Uint8Array, decodedLength: number) => Promise<Uint8Array>;

/** @throws `CorruptChunk`, `TruncatedFile`, `UnsupportedFilter` for a compression that is not known */
export async function decodeBitshuffle(
  encoded: Uint8Array,
  parameters: readonly number[],
  decodeZstandard: ZstandardDecoder,
): Promise<Uint8Array> {
  const elementSize = parameters[2] ?? 0;
  const compression = parameters[4] ?? 0;
  if (elementSize === 0) throw corrupt("elements of no bytes");
  if (compression === 0) {
    const decoded = new Uint8Array(encoded.length);
    const blockBytes = (parameters[3] || defaultBlock(elementSize)) * elementSize;
    if ((parameters[3] ?? 0) % GROUP !== 0) throw corrupt(`blocks of ${parameters[3]} elements`);
    for (const [start, length] of blocks(encoded.length, blockBytes, elementSize)) {
      untransposeBits(
        encoded.subarray(start, start + length),
        decoded.subarray(start, start + length),
        elementSize,
      );
    }
    const rest = encoded.length % (elementSize * GROUP);
    decoded.set(encoded.subarray(encoded.length - rest), encoded.length - rest);
    return decoded;
  }
  if (compression !== LZ4 && compression !== ZSTANDARD) {
    throw new MoraineError("UnsupportedFilter", `bitshuffle with compression ${compression}`);
  }
  const cursor = new Cursor(encoded, { source: "chunk", littleEndian: false });
  const length = cursor.uint(8);
  const blockBytes = cursor.u32();
  if (length > encoded.length * BEST_RATIO) throw corrupt(`${length} decoded bytes`);
  if (blockBytes === 0 || blockBytes % (elementSize * GROUP) !== 0)
    throw corrupt(`blocks of ${blockBytes} bytes`);
  const decoded = new Uint8Array(length);
  let scratch = new Uint8Array(Math.min(blockBytes, length));
  for (const [start, size] of blocks(length, blockBytes, elementSize)) {
    const block = cursor.take(cursor.u32());
    if (compression === LZ4) decodeLz4Block(block, scratch.subarray(0, size));
    else scratch = new Uint8Array(await decodeZstandard(block, size));
    untransposeBits(scratch.subarray(0, size), decoded.subarray(start, start + size), elementSize);
  }
  const rest = length % (elementSize * GROUP);
  decoded.set(cursor.take(rest), length - rest);
  return decoded;
}

/** Elements of a block where the parameters leave it open: about 8 KiB, a multiple of 8. */
function defaultBlock(elementSize: number): number {
  const elements = Math.floor(DEFAULT_BLOCK_BYTES / elementSize / GROUP) * GROUP;
  return Math.max(elements, SMALLEST_BLOCK);
}

/** Start and length of each block; the last one is shorter, and what is left after it is less than a group. */
function* blocks(length: number, blockBytes: number, elementSize: number): Generator<[number, number]> {
  const group = elementSize * GROUP;
  const end = length - (length % group);
  for (let start = 0; start < end; start += blockBytes) yield [start, Math.min(blockBytes, end - start)];
}

function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `bitshuffle data with ${what}`);
}
