/**
 * Streams of LZMA and LZMA2.
 *
 * @see https://github.com/jljusten/LZMA-SDK/blob/master/DOC/lzma-specification.txt
 * @see https://github.com/tukaani-project/xz/blob/master/src/liblzma/lzma/lzma2_decoder.c
 * @module
 */

import { LzmaState, type Output } from "./lzma-state.ts";
import { corrupt, RangeDecoder } from "./range-decoder.ts";

/**
 * Decodes the chunks of an LZMA2 stream. Errors: `CorruptChunk`.
 *
 * @returns the position behind the stream
 */
export function decodeLzma2(bytes: Uint8Array, start: number, output: Output): number {
  let at = start;
  let state: LzmaState | undefined;
  let properties: number | undefined;
  let hasDictionary = false;
  const next = (): number => {
    if (at >= bytes.length) throw corrupt("an end that comes too early");
    return bytes[at++] ?? 0;
  };
  for (;;) {
    const control = next();
    if (control === 0) return at;
    const isPlain = control < 0x80;
    if (isPlain && control > 2) throw corrupt(`a chunk of the kind ${control}`);
    // Bits 5 and 6: what begins anew, the state (1), the properties too (2), the dictionary too (3).
    const reset = (control >> 5) & 3;
    if (isPlain ? control === 1 : reset === 3) {
      output.start = output.size;
      hasDictionary = true;
    }
    if (!hasDictionary) throw corrupt("no dictionary");
    const size = (isPlain ? 0 : (control & 31) << 16) + (next() << 8) + next() + 1;
    if (size > output.bytes.length - output.size) {
      output.isFull = true;
      throw corrupt(`more than ${output.bytes.length} bytes`);
    }
    if (isPlain) {
      if (size > bytes.length - at) throw corrupt("an end that comes too early");
      output.bytes.set(bytes.subarray(at, at + size), output.size);
      output.size += size;
      at += size;
      continue;
    }
    const packed = (next() << 8) + next() + 1;
    if (reset >= 2) properties = next();
    if (properties === undefined) throw corrupt("no properties");
    if (reset >= 1) state = new LzmaState(properties);
    if (state === undefined) throw corrupt("no state");
    const end = at + packed;
    if (end > bytes.length) throw corrupt("an end that comes too early");
    const range = new RangeDecoder(bytes, at, end);
    if (state.decode(range, output, output.size + size)) throw corrupt("a mark of the end in a chunk");
    if (range.position !== end || !range.isFinished) throw corrupt("a chunk of another size");
    at = end;
  }
}

/** Decodes an `.lzma` file (LZMA_alone). Errors: `CorruptChunk`. */
export function decodeLzmaAlone(bytes: Uint8Array, output: Output): void {
  if (bytes.length < 18) throw corrupt("an end that comes too early");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declared = view.getBigUint64(5, true);
  const isOpen = declared === 2n ** 64n - 1n;
  const room = output.bytes.length;
  // Without a length that is told, all of the room may be needed.
  output.isFull = isOpen || declared > BigInt(room);
  if (!isOpen && output.isFull) throw corrupt(`${declared} bytes, more than ${room}`);
  const range = new RangeDecoder(bytes, 13, bytes.length);
  const state = new LzmaState(bytes[0] ?? 0);
  const isMarked = state.decode(range, output, isOpen ? room : Number(declared));
  // Without a length a mark must come, which may also follow where a length is told.
  const isEnded = isMarked || !isOpen || state.decode(range, output, room + 1);
  if (!isEnded || (!isOpen && output.size !== Number(declared))) throw corrupt("another size than it says");
}
