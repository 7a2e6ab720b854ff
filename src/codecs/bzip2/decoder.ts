/**
 * Decoding bzip2: bits from the highest on; blocks of Huffman codes, of move-to-front ranks and zero runs, of a
 * Burrows-Wheeler transform, of runs.
 *
 * @see https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { BitReader, corrupt } from "./bit-reader.ts";
import { bzip2Crc, combineCrc } from "./checksum.ts";
import { decodeSymbols } from "./symbols.ts";

const BLOCK = 0x314159265359;
const END = 0x177245385090;

/**
 * Decodes all streams. Errors: `CorruptChunk`, `ChecksumMismatch`.
 *
 * @param maximum bytes that may come out
 */
export function decodeBzip2(bytes: Uint8Array, maximum: number): Uint8Array {
  const bits = new BitReader(bytes);
  const parts: Uint8Array[] = [];
  let total = 0;
  while (bits.bytesLeft > 0) {
    if (bits.read(24) !== 0x425a68) throw corrupt("no stream where one should begin");
    const level = bits.read(8) - 0x30;
    if (level < 1 || level > 9) throw corrupt(`blocks of ${level} x 100,000 bytes`);
    let streamCrc = 0;
    for (;;) {
      const magic = bits.read(24) * 2 ** 24 + bits.read(24);
      if (magic === END) break;
      if (magic !== BLOCK) throw corrupt("no block where one should begin");
      const crc = bits.read(32) >>> 0;
      const part = decodeBlock(bits, level * 100_000, maximum - total);
      if (bzip2Crc(part) !== crc) throw mismatch();
      streamCrc = combineCrc(streamCrc, crc);
      parts.push(part);
      total += part.length;
    }
    if (bits.read(32) >>> 0 !== streamCrc) throw mismatch();
    bits.alignToByte();
  }
  if (parts.length === 0 && bytes.length === 0) throw corrupt("no bytes");
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const out = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function decodeBlock(bits: BitReader, mostBytes: number, maximum: number): Uint8Array {
  if (bits.read(1) === 1) throw corrupt("randomised blocks, which bzip2 0.9 made");
  const origin = bits.read(24);
  const { counts, column } = decodeSymbols(bits, mostBytes);
  const length = column.length;
  if (length === 0 || origin >= length) throw corrupt(`an origin of ${origin} in ${length} bytes`);
  // The Burrows-Wheeler transform undone: the upper 24 bits of each entry are where the next byte stands.
  const starts = new Uint32Array(256);
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    starts[byte] = sum;
    sum += counts[byte] ?? 0;
  }
  for (let at = 0; at < length; at++) {
    const byte = (column[at] ?? 0) & 0xff;
    const slot = starts[byte] ?? 0;
    starts[byte] = slot + 1;
    column[slot] = (column[slot] ?? 0) | (at << 8);
  }
  return expandRuns(column, origin, maximum);
}

/** Four equal bytes are followed by how many more of them there are. */
function expandRuns(column: Uint32Array, origin: number, maximum: number): Uint8Array {
  let out = new Uint8Array(Math.min(maximum, column.length + 1024));
  let size = 0;
  let run = 0;
  let last = -1;
  let entry = column[origin] ?? 0;
  for (let i = 0; i < column.length; i++) {
    entry = column[entry >>> 8] ?? 0;
    const byte = entry & 0xff;
    const added = run === 4 ? byte : 1;
    if (size + added > out.length) out = grown(out, size + added, maximum);
    if (run === 4) {
      out.fill(last, size, size + added);
      run = 0;
      last = -1;
    } else {
      out[size] = byte;
      run = byte === last ? run + 1 : 1;
      last = byte;
    }
    size += added;
  }
  return out.subarray(0, size);
}

function grown(bytes: Uint8Array, needed: number, maximum: number): Uint8Array<ArrayBuffer> {
  if (needed > maximum) throw corrupt(`more than ${maximum} bytes`);
  const larger = new Uint8Array(Math.min(maximum, 2 * needed));
  larger.set(bytes);
  return larger;
}

function mismatch(): MoraineError {
  return new MoraineError("ChecksumMismatch", "the checksum of bzip2 data does not match");
}
