/**
 * Frames of Zstandard (RFC 8878), in AssemblyScript: what src/codecs/zstd-decoder.ts runs. `node scripts/make-wasm.mjs`
 * compiles it. A zstd that is compiled to WebAssembly takes its 32-bit addresses for a 32-bit processor, and reads its
 * streams in words of 32 bits; here they have 64.
 *
 * Input is read up to 64 bytes beyond its end, and output written up to 64 bytes beyond its end: nothing that matters may lie
 * there. Frames are whole in memory, so that windows need no limit.
 */

import { setUpTables } from "./zstd/fse";
import { forgetHuffman, literalCount, literals, literalsEnd, readLiterals } from "./zstd/literals";
import { DATA } from "./zstd/memory";
import { decodeSequences, forgetSequences, setUpSequences } from "./zstd/sequences";
import { xxhash64 } from "./zstd/xxhash64";

const MAGIC: u32 = 0xfd2fb528;
const SMALLEST_FRAME: usize = 9;
/** The most that a compressed block may hold (3.1.1.2.4). */
const BLOCK_BYTES: u64 = 131072;

/** The exponent of the largest window, 1 GiB to almost 2 GiB: as the library has it on 32-bit processors. */
const LARGEST_WINDOW: u64 = 20;

/** What is told where there is no content. */
const CORRUPT: i32 = -1;
const CHECKSUM_WRONG: i32 = -2;

setUpTables();
setUpSequences();

export function dataStart(): usize {
  return DATA;
}

/**
 * Decodes a frame that is exactly so large to at most `capacity` bytes.
 *
 * @returns the bytes of its content; or CORRUPT, for a frame that needs a dictionary too, or CHECKSUM_WRONG
 */
export function decodeFrame(source: usize, size: usize, target: usize, capacity: usize): i32 {
  if (size < SMALLEST_FRAME || load<u32>(source) !== MAGIC) return CORRUPT;
  const descriptor = load<u8>(source, 4) as u32;
  // A reserved bit (3.1.1.1.1).
  if ((descriptor & 0b1000) !== 0) return CORRUPT;
  let from = source + 5;
  const isSingle = (descriptor & 0b100000) !== 0;
  let window: u64 = 0;
  if (!isSingle) {
    const byte = load<u8>(from++) as u64;
    if (byte >> 3 > LARGEST_WINDOW) return CORRUPT;
    const base = (1 as u64) << (10 + (byte >> 3));
    window = base + (base >> 3) * (byte & 7);
  }
  // 0 stands for no dictionary (3.1.1.1.3).
  for (let bytes = (1 << (descriptor & 3)) >> 1; bytes > 0; bytes--) {
    if (load<u8>(from++) !== 0) return CORRUPT;
  }
  const kind = descriptor >> 6;
  let declared: u64 = u64.MAX_VALUE;
  if (kind === 0 && isSingle) declared = load<u8>(from++);
  else if (kind === 1) declared = (load<u16>(from) as u64) + 256;
  else if (kind === 2) declared = load<u32>(from);
  else if (kind === 3) declared = load<u64>(from);
  if (kind > 0) from += (1 as usize) << kind;
  if (isSingle) window = declared;
  if (declared !== u64.MAX_VALUE && declared > capacity) return CORRUPT;

  forgetHuffman();
  forgetSequences();
  const content = decodeBlocks(from, source + size, target, target + capacity, window);
  if (content < 0 || (declared !== u64.MAX_VALUE && declared !== (content as u64))) return CORRUPT;
  from = blocksEnd;
  if ((descriptor & 0b100) !== 0) {
    from += 4;
    if (from !== source + size) return CORRUPT;
    if ((xxhash64(target, content) as u32) !== load<u32>(from - 4)) return CHECKSUM_WRONG;
  }
  return from === source + size ? content : CORRUPT;
}

/** Where the last block ended. */
let blocksEnd: usize = 0;

/** Decodes all blocks (3.1.1.2); the bytes of their content, or CORRUPT. */
function decodeBlocks(source: usize, end: usize, target: usize, targetEnd: usize, window: u64): i32 {
  const most: usize = (window < BLOCK_BYTES ? window : BLOCK_BYTES) as usize;
  let from = source;
  let to = target;
  for (let isLast: u32 = 0; isLast === 0; ) {
    if (from + 3 > end) return CORRUPT;
    const header = load<u32>(from) & 0xffffff;
    from += 3;
    isLast = header & 1;
    const kind = (header >> 1) & 3;
    const length: usize = header >> 3;
    const room = targetEnd - to;
    if (kind === 0) {
      if (length > end - from || length > room) return CORRUPT;
      memory.copy(to, from, length);
      from += length;
      to += length;
    } else if (kind === 1) {
      if (from >= end || length > room) return CORRUPT;
      memory.fill(to, load<u8>(from), length);
      from += 1;
      to += length;
    } else {
      if (kind === 3 || length > end - from || length > most) return CORRUPT;
      if (!readLiterals(from, from + length, most)) return CORRUPT;
      const toEnd = to + (room < most ? room : most);
      from += length;
      to = decodeSequences(literalsEnd, from, literals, literals + literalCount, target, to, toEnd);
      if (to === 0) return CORRUPT;
    }
  }
  blocksEnd = from;
  return (to - target) as i32;
}
