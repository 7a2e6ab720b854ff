/**
 * Huffman tables and the streams that they decode (RFC 8878, section 4.2). An entry is the length of a code (bits 0 to 7)
 * and its symbol (bits 8 to 15), and is looked up by 11 bits whatever the longest code.
 *
 * A stream is read backward, 8 bytes at a time: the bits that come next are the highest ones, and the lowest one that is set
 * is no part of the stream but tells how many have been taken. What lies before a stream may so be read, and decoded; in
 * the end a stream must have been used up to its first bit and not beyond.
 */

import { accuracy, buildTable, normsEnd, readNorms, WEIGHT } from "./fse";
import { HUFFMAN, LITERALS, RANKS, WEIGHT_TABLE, WEIGHTS } from "./memory";

/** The longest code (4.2.1). */
const LONGEST: u32 = 11;

/** Where the table's description ended. */
export let huffmanEnd: usize = 0;

/** Reads a table's description and builds the table (4.2.1). */
export function readHuffman(source: usize, end: usize): bool {
  if (source >= end) return false;
  let symbols: u32 = 0;
  const first = load<u8>(source) as u32;
  let next: usize = 0;
  if (first >= 128) {
    symbols = first - 127;
    next = source + 1 + ((symbols + 1) >> 1);
    if (next > end) return false;
    for (let i: u32 = 0; i < symbols; i++) {
      const byte = load<u8>(source + 1 + (i >> 1)) as u32;
      store<u8>(WEIGHTS + i, i & 1 ? byte & 15 : byte >> 4);
    }
  } else {
    next = source + 1 + first;
    if (next > end) return false;
    symbols = readWeights(source + 1, next);
    if (symbols === 0) return false;
  }
  huffmanEnd = next;
  memory.fill(RANKS, 0, 64);
  let total: u32 = 0;
  for (let i: u32 = 0; i < symbols; i++) {
    const weight = load<u8>(WEIGHTS + i) as u32;
    if (weight > LONGEST) return false;
    total += (1 << weight) >> 1;
    count(weight);
  }
  if (total === 0) return false;
  // The last weight is the one that makes the total a power of two.
  const log: u32 = 32 - clz(total);
  if (log > LONGEST) return false;
  const rest: u32 = (1 << log) - total;
  if ((rest & (rest - 1)) !== 0) return false;
  const last: u32 = 32 - clz(rest);
  store<u8>(WEIGHTS + symbols, last as u8);
  count(last);
  const ones = load<u32>(RANKS + 4);
  if (ones < 2 || (ones & 1) !== 0) return false;
  fillTable(symbols + 1, log);
  return true;
}

function count(weight: u32): void {
  const rank = RANKS + (weight << 2);
  store<u32>(rank, load<u32>(rank) + 1);
}

/** Enters the symbols, those of the longest codes first. */
function fillTable(symbols: u32, log: u32): void {
  const wider = LONGEST - log;
  let start: u32 = 0;
  for (let weight: u32 = 1; weight <= log; weight++) {
    const rank = RANKS + (weight << 2);
    const members = load<u32>(rank);
    store<u32>(rank, start);
    start += (members << (weight - 1)) << wider;
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const weight = load<u8>(WEIGHTS + symbol) as u32;
    if (weight === 0) continue;
    const rank = RANKS + (weight << 2);
    const place = load<u32>(rank);
    const cells: u32 = (1 << (weight - 1)) << wider;
    store<u32>(rank, place + cells);
    const entry = (symbol << 8) | (log + 1 - weight);
    let cell = HUFFMAN + (place << 1);
    const cellEnd = cell + (cells << 1);
    if (cells >= 8) {
      const entries = i16x8.splat(entry as i16);
      for (; cell < cellEnd; cell += 16) v128.store(cell, entries);
    } else {
      for (; cell < cellEnd; cell += 2) store<u16>(cell, entry as u16);
    }
  }
}

/** Weights that are compressed, by two states in turn (4.2.1.2). How many; 0 where they are none. */
function readWeights(source: usize, end: usize): u32 {
  const norms = readNorms(source, end, 255, 6);
  if (norms === 0) return 0;
  const log = accuracy;
  const start = normsEnd;
  buildTable(WEIGHT_TABLE, WEIGHT, norms, log);
  if (start >= end) return 0;
  const padding = load<u8>(end - 1) as u32;
  if (padding === 0) return 0;
  let left: i32 = (((end - start) << 3) as i32) - ((clz(padding) - 23) as i32);
  left -= (2 * log) as i32;
  if (left < 0) return 0;
  let state = bitsAt(start, left + (log as i32), log);
  let other = bitsAt(start, left, log);
  for (let weights: u32 = 0; weights < 254; ) {
    const entry = load<u64>(WEIGHT_TABLE + (state << 3));
    store<u8>(WEIGHTS + weights++, (entry >> 32) as u8);
    const bits = (entry & 255) as u32;
    left -= bits as i32;
    if (left < 0) {
      // No bits are left for this state's next: the other one's symbol is the last.
      store<u8>(WEIGHTS + weights++, load<u8>(WEIGHT_TABLE + (other << 3), 4));
      return weights;
    }
    state = other;
    other = ((entry >> 16) as u32 & 0xffff) + bitsAt(start, left, bits);
  }
  return 0;
}

function bitsAt(start: usize, bit: i32, length: u32): u32 {
  return (load<u32>(start + (bit >> 3)) >> (bit & 7)) & ((1 << length) - 1);
}

/** Decodes one stream to LITERALS; whether it holds exactly so many symbols. */
export function decodeStream(start: usize, end: usize, symbols: usize): bool {
  if (start >= end || load<u8>(end - 1) === 0) return false;
  return finishStream(start, end - 8, opened(end), LITERALS, LITERALS + symbols);
}

/** Decodes four streams, the lengths of three in front of them (3.1.1.3.1.6), to LITERALS. */
export function decodeStreams(source: usize, end: usize, symbols: usize): bool {
  if (end - source < 10 || symbols < 6) return false;
  const start1 = source + 6;
  const start2 = start1 + load<u16>(source);
  const start3 = start2 + load<u16>(source, 2);
  const start4 = start3 + load<u16>(source, 4);
  if (start4 >= end || start1 === start2 || start2 === start3 || start3 === start4) return false;
  if (load<u8>(start2 - 1) === 0 || load<u8>(start3 - 1) === 0) return false;
  if (load<u8>(start4 - 1) === 0 || load<u8>(end - 1) === 0) return false;
  const part = (symbols + 3) >> 2;
  let from1 = start2 - 8;
  let from2 = start3 - 8;
  let from3 = start4 - 8;
  let from4 = end - 8;
  let bits1 = opened(start2);
  let bits2 = opened(start3);
  let bits3 = opened(start4);
  let bits4 = opened(end);
  let to = LITERALS;
  // The last stream has fewer symbols than the others, or as many.
  const fewest = symbols - 3 * part;
  const fastEnd = fewest < 5 ? LITERALS : LITERALS + fewest - 4;
  while (to < fastEnd) {
    from1 -= (ctz(bits1) >> 3) as usize;
    bits1 = refilled(from1, bits1);
    from2 -= (ctz(bits2) >> 3) as usize;
    bits2 = refilled(from2, bits2);
    from3 -= (ctz(bits3) >> 3) as usize;
    bits3 = refilled(from3, bits3);
    from4 -= (ctz(bits4) >> 3) as usize;
    bits4 = refilled(from4, bits4);
    // At least 56 bits are there, for five symbols of each stream.
    bits1 = decodeFive(bits1, to);
    bits2 = decodeFive(bits2, to + part);
    bits3 = decodeFive(bits3, to + 2 * part);
    bits4 = decodeFive(bits4, to + 3 * part);
    to += 5;
  }
  const end1 = LITERALS + part;
  return (
    finishStream(start1, from1, bits1, to, end1) &&
    finishStream(start2, from2, bits2, to + part, end1 + part) &&
    finishStream(start3, from3, bits3, to + 2 * part, end1 + 2 * part) &&
    finishStream(start4, from4, bits4, to + 3 * part, LITERALS + symbols)
  );
}

/** Decodes five symbols; what is left of the bits. Of the numbers by which is shifted 6 bits count. */
function decodeFive(bits: u64, to: usize): u64 {
  let rest = bits;
  let entry = entryOf(rest);
  rest <<= entry;
  store<u8>(to, (entry >> 8) as u8);
  entry = entryOf(rest);
  rest <<= entry;
  store<u8>(to, (entry >> 8) as u8, 1);
  entry = entryOf(rest);
  rest <<= entry;
  store<u8>(to, (entry >> 8) as u8, 2);
  entry = entryOf(rest);
  rest <<= entry;
  store<u8>(to, (entry >> 8) as u8, 3);
  entry = entryOf(rest);
  rest <<= entry;
  store<u8>(to, (entry >> 8) as u8, 4);
  return rest;
}

/** Decodes the rest of a stream; whether it ends there. */
function finishStream(start: usize, last: usize, rest: u64, target: usize, targetEnd: usize): bool {
  let from = last;
  let bits = rest;
  let to = target;
  for (;;) {
    from -= (ctz(bits) >> 3) as usize;
    bits = refilled(from, bits);
    const few = min<usize>(targetEnd - to, 5);
    if (few === 0) break;
    for (const stop = to + few; to < stop; to++) {
      const entry = entryOf(bits);
      bits <<= entry;
      store<u8>(to, (entry >> 8) as u8);
    }
  }
  return from + 8 >= start && ctz(bits) === (((from + 8 - start) << 3) as u64);
}

/** The bits of a stream below its padding, which ends with a one (4.2.2). */
function opened(end: usize): u64 {
  return (load<u64>(end - 8) | 1) << ((clz(load<u8>(end - 1) as u32) - 23) as u64);
}

function refilled(from: usize, bits: u64): u64 {
  return (load<u64>(from) | 1) << (ctz(bits) & 7);
}

function entryOf(bits: u64): u64 {
  return load<u16>(HUFFMAN + (((bits >> 53) as usize) << 1)) as u64;
}
