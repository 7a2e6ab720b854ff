/**
 * Blocks of Blosc's containers that LZ4 compressed, in AssemblyScript: what src/codecs/blosc/block-decoder.ts runs.
 * `node scripts/make-wasm.mjs` compiles it.
 *
 * Memory: the encoded block, its plain bytes and its elements, each with SLACK bytes behind it, since 16 bytes are read
 * and written at a time, some of them beyond what is wanted.
 *
 * @see https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */

/**
 * Decodes a block: `streams` LZ4 blocks, each behind 4 bytes with its length, one after another to `plain`; then puts
 * the bytes of elements of `typeSize` bytes (1, 2, 4 or 8) together at `elements`, unless they have one byte.
 *
 * @returns whether exactly `size` bytes came out
 */
export function decodeBlock(
  encoded: usize,
  encodedEnd: usize,
  streams: u32,
  plain: usize,
  size: usize,
  typeSize: usize,
  elements: usize,
): bool {
  const part = size / streams;
  let from = encoded;
  let to = plain;
  for (let stream: u32 = 0; stream < streams; stream++) {
    if (encodedEnd - from < 4) return false;
    const length: usize = load<u32>(from);
    from += 4;
    if (length === 0 || length > encodedEnd - from) return false;
    if (length === part) memory.copy(to, from, part);
    else if (!decodeLz4(from, from + length, to, to + part)) return false;
    from += length;
    to += part;
  }
  if (typeSize > 1) unshuffle(plain, elements, size, typeSize);
  return true;
}

/** A length that goes on in further bytes while these are 255; -1 where the block ends in it. `at` is where it was read to. */
let at: usize = 0;
function longer(start: usize, from: usize, end: usize): isize {
  let length = start;
  let byte: u32 = 255;
  while (byte === 255) {
    if (from >= end) return -1;
    byte = load<u8>(from++);
    length += byte;
  }
  at = from;
  return length;
}

function decodeLz4(start: usize, end: usize, target: usize, targetEnd: usize): bool {
  let from = start;
  let to = target;
  while (from < end) {
    const token: u32 = load<u8>(from++);
    let literals: isize = token >> 4;
    if (literals === 15) {
      literals = longer(15, from, end);
      if (literals < 0) return false;
      from = at;
    }
    if ((literals as usize) > end - from || (literals as usize) > targetEnd - to) return false;
    const matchStart = to + literals;
    for (let source = from; to < matchStart; to += 16, source += 16) v128.store(to, v128.load(source));
    to = matchStart;
    from += literals;
    // The last sequence has no match.
    if (from === end) break;
    if (end - from < 2) return false;
    const distance: usize = load<u16>(from);
    from += 2;
    let length: isize = token & 15;
    if (length === 15) {
      length = longer(15, from, end);
      if (length < 0) return false;
      from = at;
    }
    length += 4;
    if (distance === 0 || distance > to - target || (length as usize) > targetEnd - to) return false;
    const matchEnd = to + length;
    copyMatch(to, matchEnd, distance);
    to = matchEnd;
  }
  return to === targetEnd;
}

/** Repeats what lies `distance` bytes back; both may overlap. */
function copyMatch(start: usize, end: usize, distance: usize): void {
  let to = start;
  let from = start - distance;
  if (distance >= 16) {
    for (; to < end; to += 16, from += 16) v128.store(to, v128.load(from));
  } else if (distance >= 8) {
    for (; to < end; to += 8, from += 8) store<u64>(to, load<u64>(from));
  } else if (distance === 1) {
    const repeated = i8x16.splat(load<i8>(from));
    for (; to < end; to += 16) v128.store(to, repeated);
  } else {
    for (; to < end; to++, from++) store<u8>(to, load<u8>(from));
  }
}

/** Puts the bytes of elements together; those after the last whole element stay as they are. */
function unshuffle(from: usize, to: usize, size: usize, typeSize: usize): void {
  const count = size / typeSize;
  const whole = count & ~15;
  if (typeSize === 2) {
    for (let i: usize = 0; i < whole; i += 16) {
      const a = v128.load(from + i);
      const b = v128.load(from + count + i);
      v128.store(to + (i << 1), lowBytes(a, b));
      v128.store(to + (i << 1), highBytes(a, b), 16);
    }
  } else if (typeSize === 4) {
    for (let i: usize = 0; i < whole; i += 16) {
      const a = v128.load(from + i);
      const b = v128.load(from + count + i);
      const c = v128.load(from + 2 * count + i);
      const d = v128.load(from + 3 * count + i);
      const place = to + (i << 2);
      storePairs(place, lowBytes(a, b), lowBytes(c, d));
      storePairs(place + 32, highBytes(a, b), highBytes(c, d));
    }
  } else {
    for (let i: usize = 0; i < whole; i += 16) {
      const a = v128.load(from + i);
      const b = v128.load(from + count + i);
      const c = v128.load(from + 2 * count + i);
      const d = v128.load(from + 3 * count + i);
      const e = v128.load(from + 4 * count + i);
      const f = v128.load(from + 5 * count + i);
      const g = v128.load(from + 6 * count + i);
      const h = v128.load(from + 7 * count + i);
      const place = to + (i << 3);
      storeQuads(place, lowBytes(a, b), lowBytes(c, d), lowBytes(e, f), lowBytes(g, h));
      storeQuads(place + 64, highBytes(a, b), highBytes(c, d), highBytes(e, f), highBytes(g, h));
    }
  }
  for (let i = whole; i < count; i++) {
    for (let byte: usize = 0; byte < typeSize; byte++) {
      store<u8>(to + i * typeSize + byte, load<u8>(from + byte * count + i));
    }
  }
  const elements = count * typeSize;
  memory.copy(to + elements, from + elements, size - elements);
}

function lowBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

function highBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

function lowPairs(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

function highPairs(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Eight elements of four bytes, of which two pairs of bytes are given. */
function storePairs(to: usize, first: v128, second: v128): void {
  v128.store(to, lowPairs(first, second));
  v128.store(to, highPairs(first, second), 16);
}

/** Eight elements of eight bytes, of which four pairs of bytes are given. */
function storeQuads(to: usize, first: v128, second: v128, third: v128, fourth: v128): void {
  const low = lowPairs(first, second);
  const high = lowPairs(third, fourth);
  v128.store(to, i32x4.shuffle(low, high, 0, 4, 1, 5));
  v128.store(to, i32x4.shuffle(low, high, 2, 6, 3, 7), 16);
  const low2 = highPairs(first, second);
  const high2 = highPairs(third, fourth);
  v128.store(to, i32x4.shuffle(low2, high2, 0, 4, 1, 5), 32);
  v128.store(to, i32x4.shuffle(low2, high2, 2, 6, 3, 7), 48);
}
