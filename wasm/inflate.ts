/**
 * Deflate (RFC 1951) and the checksum of zlib (RFC 1950), in AssemblyScript: what src/codecs/zlib-inflater.ts runs.
 * `node scripts/make-wasm.mjs` compiles it.
 *
 * Symbols are looked up in tables by their next bits, longer codes in a second table that the first leads to. An entry is
 *
 * - bits 0 to 7: how many bits to drop, those of extra bits among them
 * - bits 8 to 12: how many of them are the code, behind which extra bits lie; how many bits look up a second table
 * - bits 16 to 30: the literal, the smallest length or distance, or where the second table begins
 * - LITERAL, SPECIAL (with SUBTABLE or END; with neither the code has no meaning)
 *
 * Memory below DATA is the module's own. Input is read up to 38 bytes beyond its end, where zeros must lie; output may be
 * written up to 277 bytes beyond its end.
 */

const LITERAL: u32 = 0x80000000;
const SPECIAL: u32 = 0x8000;
const SUBTABLE: u32 = 0x4000;
const END: u32 = 0x2000;

/** What a table is of: the lengths of codes, literals and lengths, distances; and the bits that look up the first table. */
const CODES: u32 = 0;
const LITERALS: u32 = 1;
const DISTANCES: u32 = 2;
const CODE_BITS: u32 = 7;
const LITERAL_BITS: u32 = 11;
const DISTANCE_BITS: u32 = 8;
const LONGEST: u32 = 15;

/** At most 2342, 402 and 128 entries of 4 bytes (zlib's examples/enough.c counts them). */
const LITERAL_TABLE: usize = 0;
const DISTANCE_TABLE: usize = 10240;
const CODE_TABLE: usize = 12288;
/** The length of each symbol's code; the symbols by that length; how many have it, and where they start. */
const LENGTHS: usize = 13312;
const SORTED: usize = 13824;
const COUNTS: usize = 14592;
const STARTS: usize = 14720;
/** Smallest length or distance of a symbol, and how many extra bits follow (RFC 1951, 3.2.5). */
const LENGTH_BASES: usize = 14848;
const LENGTH_EXTRA: usize = 14912;
const DISTANCE_BASES: usize = 14976;
const DISTANCE_EXTRA: usize = 15040;
/** The order in which the lengths of codes' codes are given (3.2.7). */
const ORDER: usize = 15104;
/** Where the caller's bytes begin. */
const DATA: usize = 16384;

/** The next byte of the input, the next of the output, and the bits that were read ahead. */
let from: usize = 0;
let to: usize = 0;
let buffer: u64 = 0;
let left: u32 = 0;
/** Whether the tables are those of blocks that bring none. */
let areFixed = false;

setUp();

export function dataStart(): usize {
  return DATA;
}

/**
 * Decodes deflated bytes to exactly `targetSize` bytes.
 *
 * @returns where the input ended, 0 where it does not decode to them
 */
export function inflate(source: usize, size: usize, target: usize, targetSize: usize): usize {
  const sourceEnd = source + size;
  const targetEnd = target + targetSize;
  from = source;
  to = target;
  buffer = 0;
  left = 0;
  for (let isLast: u32 = 0; isLast === 0; ) {
    refill();
    isLast = take(1);
    const method = take(2);
    if (method === 0) {
      if (!copyStored(sourceEnd, targetEnd)) return 0;
    } else {
      if (method === 3) return 0;
      if (method === 1) useFixedTables();
      else if (!readTables(sourceEnd)) return 0;
      if (!decodeBlock(target, sourceEnd, targetEnd)) return 0;
    }
  }
  const end = from - (left >> 3);
  return end > sourceEnd || to !== targetEnd ? 0 : end;
}

/** The checksum of RFC 1950, section 8.2, sixteen bytes at a time. */
export function adler32(start: usize, size: usize): u32 {
  let a: u64 = 1;
  let b: u64 = 0;
  let at = start;
  const end = start + size;
  const weights = i8x16(16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
  while (end - at >= 16) {
    // So few that no sum of 32 bits overflows.
    let groups: usize = (end - at) >> 4;
    if (groups > 256) groups = 256;
    let sums = i32x4.splat(0);
    let before = i32x4.splat(0);
    let weighted = i32x4.splat(0);
    for (let group: usize = 0; group < groups; group++, at += 16) {
      const bytes = v128.load(at);
      before = i32x4.add(before, sums);
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes)));
      const low = i16x8.extmul_low_i8x16_u(bytes, weights);
      const high = i16x8.extmul_high_i8x16_u(bytes, weights);
      weighted = i32x4.add(weighted, i32x4.extadd_pairwise_i16x8_u(i16x8.add(low, high)));
    }
    b = (b + 16 * (groups as u64) * a + 16 * total(before) + total(weighted)) % 65521;
    a = (a + total(sums)) % 65521;
  }
  for (; at < end; at++) {
    a += load<u8>(at);
    b += a;
  }
  return (((b % 65521) << 16) | (a % 65521)) as u32;
}

function total(lanes: v128): u64 {
  const first = (i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1)) as u32;
  const second = (i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3)) as u32;
  return (first as u64) + (second as u64);
}

/** Reads ahead, so that at least 56 bits are there. */
function refill(): void {
  buffer |= load<u64>(from) << left;
  from += (63 - left) >> 3;
  left |= 56;
}

function take(count: u32): u32 {
  const bits = (buffer & ((1 << (count as u64)) - 1)) as u32;
  buffer >>= count;
  left -= count;
  return bits;
}

/** A block that is stored as it is (3.2.4). */
function copyStored(sourceEnd: usize, targetEnd: usize): bool {
  from -= left >> 3;
  left = 0;
  buffer = 0;
  if (from + 4 > sourceEnd) return false;
  const length: usize = load<u16>(from);
  if ((length ^ load<u16>(from, 2)) !== 0xffff) return false;
  from += 4;
  if (length > sourceEnd - from || length > targetEnd - to) return false;
  memory.copy(to, from, length);
  from += length;
  to += length;
  return true;
}

/** A block of literals and matches, with the tables that are there (3.2.3). */
function decodeBlock(target: usize, sourceEnd: usize, targetEnd: usize): bool {
  // In variables of its own, which stay in registers.
  let bits = buffer;
  let count = left;
  let source = from;
  let out = to;
  while (source <= sourceEnd + 16 && out <= targetEnd) {
    bits |= load<u64>(source) << count;
    source += (63 - count) >> 3;
    count |= 56;
    let entry = load<u32>(LITERAL_TABLE + (((bits & 2047) as usize) << 2));
    // Three codes of the first table have at most 33 of the 56 bits; a length with its extra bits has 20.
    if (entry & LITERAL) {
      bits >>= entry & 63;
      count -= entry & 63;
      store<u8>(out++, (entry >> 16) as u8);
      entry = load<u32>(LITERAL_TABLE + (((bits & 2047) as usize) << 2));
      if (entry & LITERAL) {
        bits >>= entry & 63;
        count -= entry & 63;
        store<u8>(out++, (entry >> 16) as u8);
        entry = load<u32>(LITERAL_TABLE + (((bits & 2047) as usize) << 2));
        if (entry & LITERAL) {
          bits >>= entry & 63;
          count -= entry & 63;
          store<u8>(out++, (entry >> 16) as u8);
          continue;
        }
      }
    }
    if (entry & SPECIAL) {
      if (entry & SUBTABLE) {
        bits >>= LITERAL_BITS;
        count -= LITERAL_BITS;
        entry = load<u32>(LITERAL_TABLE + (((entry >> 16) + lowest(bits as u32, (entry >> 8) & 15)) << 2));
        if (entry & LITERAL) {
          bits >>= entry & 63;
          count -= entry & 63;
          store<u8>(out++, (entry >> 16) as u8);
          continue;
        }
      }
      if (entry & SPECIAL) {
        if (!(entry & END)) return false;
        buffer = bits >> (entry & 63);
        left = count - (entry & 63);
        from = source;
        to = out;
        return true;
      }
    }
    const length: usize = (entry >> 16) + (lowest(bits as u32, entry & 63) >> ((entry >> 8) & 31));
    bits >>= entry & 63;
    count -= entry & 63;
    bits |= load<u64>(source) << count;
    source += (63 - count) >> 3;
    count |= 56;
    entry = load<u32>(DISTANCE_TABLE + (((bits & 255) as usize) << 2));
    if (entry & SPECIAL) {
      if (!(entry & SUBTABLE)) return false;
      bits >>= DISTANCE_BITS;
      count -= DISTANCE_BITS;
      entry = load<u32>(DISTANCE_TABLE + (((entry >> 16) + lowest(bits as u32, (entry >> 8) & 15)) << 2));
      if (entry & SPECIAL) return false;
    }
    const distance: usize = (entry >> 16) + (lowest(bits as u32, entry & 63) >> ((entry >> 8) & 31));
    bits >>= entry & 63;
    count -= entry & 63;
    if (distance > out - target) return false;
    copyMatch(out, out + length, distance);
    out += length;
  }
  return false;
}

function lowest(bits: u32, count: u32): u32 {
  return bits & ((1 << count) - 1);
}

/** Repeats what lies `distance` bytes back; both may overlap. Up to 15 bytes more are written. */
function copyMatch(start: usize, end: usize, distance: usize): void {
  let out = start;
  let source = start - distance;
  if (distance >= 16) {
    for (; out < end; out += 16, source += 16) v128.store(out, v128.load(source));
  } else if (distance >= 8) {
    for (; out < end; out += 8, source += 8) store<u64>(out, load<u64>(source));
  } else if (distance === 1) {
    const repeated = i8x16.splat(load<i8>(source));
    for (; out < end; out += 16) v128.store(out, repeated);
  } else {
    for (; out < end; out++, source++) store<u8>(out, load<u8>(source));
  }
}

/** The tables of blocks that bring none (3.2.6). */
function useFixedTables(): void {
  if (areFixed) return;
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, 8);
  buildTable(LITERALS, LENGTHS, 288, LITERAL_BITS, LITERAL_TABLE);
  memory.fill(LENGTHS, 5, 32);
  buildTable(DISTANCES, LENGTHS, 32, DISTANCE_BITS, DISTANCE_TABLE);
  areFixed = true;
}

/** The tables that a block brings (3.2.7); false where they are none. */
function readTables(sourceEnd: usize): bool {
  areFixed = false;
  refill();
  const literals = take(5) + 257;
  const distances = take(5) + 1;
  const codes = take(4) + 4;
  if (literals > 286 || distances > 30) return false;
  memory.fill(LENGTHS, 0, 19);
  for (let code: u32 = 0; code < codes; code++) {
    refill();
    store<u8>(LENGTHS + load<u8>(ORDER + code), take(3) as u8);
  }
  if (!buildTable(CODES, LENGTHS, 19, CODE_BITS, CODE_TABLE)) return false;
  const all = literals + distances;
  for (let symbol: u32 = 0; symbol < all; ) {
    if (from > sourceEnd + 16) return false;
    refill();
    const entry = load<u32>(CODE_TABLE + (((buffer & 127) as usize) << 2));
    if (entry & SPECIAL) return false;
    take(entry & 63);
    const code = entry >> 16;
    if (code < 16) {
      store<u8>(LENGTHS + symbol, code as u8);
      symbol++;
      continue;
    }
    if (code === 16 && symbol === 0) return false;
    const length: u8 = code === 16 ? load<u8>(LENGTHS + symbol - 1) : 0;
    const times = code === 16 ? 3 + take(2) : code === 17 ? 3 + take(3) : 11 + take(7);
    if (symbol + times > all) return false;
    memory.fill(LENGTHS + symbol, length, times);
    symbol += times;
  }
  // A block without a code for its end has none.
  if (load<u8>(LENGTHS + 256) === 0) return false;
  return (
    buildTable(DISTANCES, LENGTHS + literals, distances, DISTANCE_BITS, DISTANCE_TABLE) &&
    buildTable(LITERALS, LENGTHS, literals, LITERAL_BITS, LITERAL_TABLE)
  );
}

/**
 * Builds a table of the canonical code (3.2.2) of some lengths. As zlib has it, false where they give too many codes, or
 * too few, unless there is but one code, or none for distances.
 */
function buildTable(kind: u32, lengths: usize, symbols: u32, bits: u32, table: usize): bool {
  memory.fill(COUNTS, 0, 64);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = COUNTS + ((load<u8>(lengths + symbol) as usize) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  let longest = LONGEST;
  while (longest > 0 && load<u32>(COUNTS + (longest << 2)) === 0) longest--;
  let free: i32 = 1;
  let start: u32 = 0;
  for (let length: u32 = 1; length <= LONGEST; length++) {
    const count = load<u32>(COUNTS + (length << 2));
    free = (free << 1) - count;
    if (free < 0) return false;
    store<u32>(STARTS + (length << 2), start);
    start += count;
  }
  if (free > 0) {
    if (longest === 0 ? kind !== DISTANCES : kind === CODES || longest !== 1) return false;
    for (let entry: u32 = 0; entry < 1 << bits; entry++) store<u32>(table + (entry << 2), SPECIAL | 1);
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = load<u8>(lengths + symbol) as u32;
    if (length === 0) continue;
    const place = load<u32>(STARTS + (length << 2));
    store<u16>(SORTED + (place << 1), symbol as u16);
    store<u32>(STARTS + (length << 2), place + 1);
  }
  fillTable(kind, longest, bits, table);
  return true;
}

/** Enters the sorted symbols, those of longer codes into further tables behind the first. */
function fillTable(kind: u32, longest: u32, bits: u32, table: usize): void {
  let code: u32 = 0;
  let place: u32 = 0;
  let end: u32 = 1 << bits;
  let prefix: u32 = 0xffffffff;
  let subtable: u32 = 0;
  let subtableBits: u32 = 0;
  for (let length: u32 = 1; length <= longest; length++) {
    code <<= 1;
    const count = load<u32>(COUNTS + (length << 2));
    for (let member: u32 = 0; member < count; member++, code++, place++) {
      const symbol = load<u16>(SORTED + (place << 1)) as u32;
      const word = reversed(code, length);
      if (length <= bits) {
        fillEvery(table, word, length, bits, entryOf(kind, symbol, length));
        continue;
      }
      const low = lowest(word, bits);
      if (low !== prefix) {
        prefix = low;
        subtable = end;
        subtableBits = bitsOfSubtable(length, longest, bits, count - member);
        end += 1 << subtableBits;
        store<u32>(table + (low << 2), (subtable << 16) | SPECIAL | SUBTABLE | (subtableBits << 8) | bits);
      }
      const rest = length - bits;
      fillEvery(table + (subtable << 2), word >> bits, rest, subtableBits, entryOf(kind, symbol, rest));
    }
  }
}

/** Enters a symbol wherever its code is the lowest bits. */
function fillEvery(table: usize, word: u32, length: u32, bits: u32, entry: u32): void {
  for (let at = word; at < 1 << bits; at += 1 << length) store<u32>(table + (at << 2), entry);
}

/** How many bits look up the codes that share the first ones, of which `first` of this length are left. */
function bitsOfSubtable(length: u32, longest: u32, bits: u32, first: u32): u32 {
  let tableBits = length - bits;
  let room: i32 = (1 << tableBits) - first;
  while (room > 0 && tableBits + bits < longest) {
    tableBits++;
    room = (room << 1) - load<u32>(COUNTS + ((tableBits + bits) << 2));
  }
  return tableBits;
}

/** The entry of a symbol, of whose code so many bits are left. */
function entryOf(kind: u32, symbol: u32, length: u32): u32 {
  if (kind === CODES) return (symbol << 16) | (length << 8) | length;
  if (kind === DISTANCES) {
    return symbol > 29 ? SPECIAL | 1 : withExtra(DISTANCE_BASES, DISTANCE_EXTRA, symbol, length);
  }
  if (symbol < 256) return LITERAL | (symbol << 16) | (length << 8) | length;
  if (symbol === 256) return SPECIAL | END | (length << 8) | length;
  return symbol > 285 ? SPECIAL | 1 : withExtra(LENGTH_BASES, LENGTH_EXTRA, symbol - 257, length);
}

function withExtra(bases: usize, extra: usize, at: u32, length: u32): u32 {
  const base = load<u16>(bases + (at << 1)) as u32;
  return (base << 16) | (length << 8) | (length + load<u8>(extra + at));
}

function reversed(code: u32, length: u32): u32 {
  let rest = code;
  let word: u32 = 0;
  for (let bit: u32 = 0; bit < length; bit++, rest >>= 1) word = (word << 1) | (rest & 1);
  return word;
}

function setUp(): void {
  let base: u32 = 3;
  for (let at: u32 = 0; at < 28; at++) {
    const extra: u32 = at < 8 ? 0 : (at >> 2) - 1;
    store<u16>(LENGTH_BASES + (at << 1), base as u16);
    store<u8>(LENGTH_EXTRA + at, extra as u8);
    base += 1 << extra;
  }
  // The longest has a code of its own.
  store<u16>(LENGTH_BASES + 56, 258);
  base = 1;
  for (let at: u32 = 0; at < 30; at++) {
    const extra: u32 = at < 4 ? 0 : (at >> 1) - 1;
    store<u16>(DISTANCE_BASES + (at << 1), base as u16);
    store<u8>(DISTANCE_EXTRA + at, extra as u8);
    base += 1 << extra;
  }
  // 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
  for (let at: u32 = 0; at < 3; at++) store<u8>(ORDER + at, (16 + at) as u8);
  store<u8>(ORDER + 3, 0);
  for (let at: u32 = 4; at < 19; at++) store<u8>(ORDER + at, (at & 1 ? 9 - (at >> 1) : 6 + (at >> 1)) as u8);
}
