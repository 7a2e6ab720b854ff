/**
 * The literals section of a block (RFC 8878, section 3.1.1.3.1).
 */

import { decodeStream, decodeStreams, huffmanEnd, readHuffman } from "./huffman";
import { LITERALS } from "./memory";

/** The literals, in the block itself or decoded; and where their section ended. */
export let literals: usize = 0;
export let literalCount: usize = 0;
export let literalsEnd: usize = 0;
/** Whether there is a Huffman table that a block may use again. */
let hasTable = false;

export function forgetHuffman(): void {
  hasTable = false;
}

/** Reads the section; whether it is one of at most `most` literals. */
export function readLiterals(source: usize, end: usize, most: usize): bool {
  const size = end - source;
  if (size < 1) return false;
  const first = load<u8>(source) as u32;
  const kind = first & 3;
  const format = (first >> 2) & 3;
  if (kind < 2) {
    const header: usize = format === 1 ? 2 : format === 3 ? 3 : 1;
    const word = load<u32>(source);
    literalCount = format === 1 ? (word & 0xffff) >> 4 : format === 3 ? (word & 0xffffff) >> 4 : first >> 3;
    const stored = kind === 0 ? literalCount : 1;
    if (literalCount > most || header + stored > size) return false;
    literals = kind === 0 ? source + header : LITERALS;
    literalsEnd = source + header + stored;
    if (kind === 1) memory.fill(LITERALS, load<u8>(source + header), literalCount);
    return true;
  }
  const header: usize = format < 2 ? 3 : format + 2;
  const bits: u64 = format < 2 ? 10 : format === 2 ? 14 : 18;
  const mask: u64 = ((1 as u64) << bits) - 1;
  const word = load<u64>(source) >> 4;
  const length = ((word >> bits) & mask) as usize;
  literalCount = (word & mask) as usize;
  if (literalCount === 0 || literalCount > most || header + length > size) return false;
  let from = source + header;
  literals = LITERALS;
  literalsEnd = from + length;
  if (kind === 2) {
    hasTable = readHuffman(from, literalsEnd);
    from = huffmanEnd;
  }
  if (!hasTable) return false;
  return format === 0
    ? decodeStream(from, literalsEnd, literalCount)
    : decodeStreams(from, literalsEnd, literalCount);
}
