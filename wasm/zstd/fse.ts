/**
 * Tables of finite state entropy (RFC 8878, section 4.1). An entry is
 *
 * - bits 0 to 7: how many bits are added to the base of the next state
 * - bits 8 to 15: how many bits are added to the value
 * - bits 16 to 31: the base of the next state
 * - bits 32 to 63: the base of the value
 *
 * so that the lowest 16 bits of three entries can be summed.
 */

import {
  CODES,
  DEFAULT_LITERAL_LENGTHS,
  DEFAULT_MATCH_LENGTHS,
  DEFAULT_OFFSETS,
  NEXT,
  NORMS,
  SPREAD,
} from "./memory";

/** What the symbols of a table are. */
export const LITERAL_LENGTH: u32 = 0;
export const MATCH_LENGTH: u32 = 1;
export const OFFSET: u32 = 2;
export const WEIGHT: u32 = 3;

/** Of the table that was described last: the logarithm of its size, and where the description ended. */
export let accuracy: u32 = 0;
export let normsEnd: usize = 0;

/**
 * Reads a table's description to NORMS (4.1.1).
 *
 * @returns the symbols in number, 0 where it is none of at most `mostSymbol` and `mostAccuracy`
 */
export function readNorms(from: usize, end: usize, mostSymbol: u32, mostAccuracy: u32): u32 {
  if (from >= end) return 0;
  const limit = (end - from) << 3;
  const log = ((load<u8>(from) as u32) & 15) + 5;
  if (log > mostAccuracy) return 0;
  let bit: usize = 4;
  let remaining: i32 = (1 << log) + 1;
  let threshold: i32 = 1 << log;
  let bits = log + 1;
  let symbol: u32 = 0;
  while (remaining > 1) {
    if (symbol > mostSymbol || bit > limit) return 0;
    const word = (load<u64>(from + (bit >> 3)) >> (bit & 7)) as u32;
    // So many small values take a bit less.
    const short = 2 * threshold - 1 - remaining;
    let norm = (word & (threshold - 1)) as i32;
    if (norm < short) {
      bit += bits - 1;
    } else {
      norm = (word & (2 * threshold - 1)) as i32;
      if (norm >= threshold) norm -= short;
      bit += bits;
    }
    norm--;
    remaining -= norm < 0 ? 1 : norm;
    if (remaining < 1) return 0;
    store<i16>(NORMS + (symbol << 1), norm as i16);
    symbol++;
    while (remaining < threshold) {
      bits--;
      threshold >>= 1;
    }
    if (norm === 0 && remaining > 1) {
      for (let times: u32 = 3; times === 3; ) {
        if (bit > limit) return 0;
        times = ((load<u16>(from + (bit >> 3)) as u32) >> ((bit & 7) as u32)) & 3;
        bit += 2;
        if (symbol + times > mostSymbol + 1) return 0;
        for (let i: u32 = 0; i < times; i++, symbol++) store<i16>(NORMS + (symbol << 1), 0);
      }
    }
  }
  if (bit > limit) return 0;
  normsEnd = from + ((bit + 7) >> 3);
  accuracy = log;
  return symbol;
}

/** Builds the table of NORMS (4.1.1, "from normalized distribution to decoding tables"). */
export function buildTable(table: usize, kind: u32, symbols: u32, log: u32): void {
  const size: u32 = 1 << log;
  const mask = size - 1;
  let high = size - 1;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const norm = load<i16>(NORMS + (symbol << 1));
    if (norm === -1) {
      store<u8>(SPREAD + high, symbol as u8);
      high--;
    }
    store<u16>(NEXT + (symbol << 1), norm === -1 ? 1 : (norm as u16));
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let position: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const norm = load<i16>(NORMS + (symbol << 1)) as i32;
    for (let i: i32 = 0; i < norm; i++) {
      store<u8>(SPREAD + position, symbol as u8);
      do {
        position = (position + step) & mask;
      } while (position > high);
    }
  }
  for (let cell: u32 = 0; cell < size; cell++) {
    const symbol = load<u8>(SPREAD + cell) as u32;
    const next = load<u16>(NEXT + (symbol << 1)) as u32;
    store<u16>(NEXT + (symbol << 1), (next + 1) as u16);
    const bits = log - (31 - clz(next));
    const base = (next << bits) - size;
    store<u64>(table + (cell << 3), entryOfSymbol(kind, symbol) | ((base as u64) << 16) | bits);
  }
}

/** The entry of a symbol without a state. */
export function entryOfSymbol(kind: u32, symbol: u32): u64 {
  if (kind === WEIGHT) return (symbol as u64) << 32;
  if (kind === OFFSET) {
    // Offsets are 3 less than their values (3.1.1.3.2.1.1); the codes 0 and 1 stand for repeated ones.
    const base: u64 = ((1 as u64) << symbol) - (symbol > 1 ? 3 : 1);
    return (base << 32) | (symbol << 8);
  }
  return load<u64>(CODES + (((kind === LITERAL_LENGTH ? 0 : 36) + symbol) << 3));
}

/** The codes of lengths (3.1.1.3.2.1.1), and the tables of blocks that bring none (3.1.1.3.2.2). */
export function setUpTables(): void {
  let base: u32 = 0;
  for (let code: u32 = 0; code < 36; code++) {
    let bits: u32 = code < 16 ? 0 : code < 20 ? 1 : code < 22 ? 2 : code < 24 ? 3 : code - 19;
    if (code === 24) bits = 4;
    store<u64>(CODES + (code << 3), ((base as u64) << 32) | (bits << 8));
    base += 1 << bits;
  }
  base = 3;
  for (let code: u32 = 0; code < 53; code++) {
    let bits: u32 = code < 32 ? 0 : code < 36 ? 1 : code < 38 ? 2 : code < 40 ? 3 : code < 42 ? 4 : code - 36;
    if (code === 42) bits = 5;
    store<u64>(CODES + ((36 + code) << 3), ((base as u64) << 32) | (bits << 8));
    base += 1 << bits;
  }
  setNorms(0, 0x22222234);
  setNorms(8, 0x11122222);
  setNorms(16, 0x22222222);
  setNorms(24, 0x11111232);
  setNorms(32, 0xffff);
  buildTable(DEFAULT_LITERAL_LENGTHS, LITERAL_LENGTH, 36, 6);
  setNorms(0, 0x22222341);
  setNorms(8, 0x11111112);
  setNorms(16, 0x11111111);
  setNorms(24, 0x11111111);
  setNorms(32, 0x11111111);
  setNorms(40, 0xff111111);
  setNorms(48, 0xfffff);
  buildTable(DEFAULT_MATCH_LENGTHS, MATCH_LENGTH, 53, 6);
  setNorms(0, 0x22111111);
  setNorms(8, 0x11111112);
  setNorms(16, 0x11111111);
  setNorms(24, 0xfffff);
  buildTable(DEFAULT_OFFSETS, OFFSET, 29, 5);
}

/** Eight norms, the first as the lowest digit; f is -1. */
function setNorms(first: u32, digits: u32): void {
  for (let i: u32 = 0; i < 8; i++) {
    const digit = ((digits >> (i << 2)) & 15) as i16;
    store<i16>(NORMS + ((first + i) << 1), digit === 15 ? -1 : digit);
  }
}
