/**
 * The sequences section of a block (RFC 8878, sections 3.1.1.3.2 and 3.1.1.4).
 */

import {
  accuracy,
  buildTable,
  entryOfSymbol,
  LITERAL_LENGTH,
  MATCH_LENGTH,
  normsEnd,
  OFFSET,
  readNorms,
} from "./fse";
import {
  DEFAULT_LITERAL_LENGTHS,
  DEFAULT_MATCH_LENGTHS,
  DEFAULT_OFFSETS,
  LITERAL_LENGTHS,
  MASKS,
  MATCH_LENGTHS,
  OFFSETS,
  PATTERNS,
  STEPS,
} from "./memory";

/** The tables in use, each with the logarithm of its size; whether there are some that a block may use again. */
let literalTable: usize = 0;
let literalLog: u32 = 0;
let matchTable: usize = 0;
let matchLog: u32 = 0;
let offsetTable: usize = 0;
let offsetLog: u32 = 0;
let hasTables = false;
/** The offsets that were last. */
let repeated1: u32 = 0;
let repeated2: u32 = 0;
let repeated3: u32 = 0;
/** Of the table that was read last; and where its description ended. */
let table: usize = 0;
let tableLog: u32 = 0;
let tableEnd: usize = 0;

/** As it is at the beginning of a frame. */
export function forgetSequences(): void {
  hasTables = false;
  repeated1 = 1;
  repeated2 = 4;
  repeated3 = 8;
}

/**
 * Decodes the section and puts literals and matches together.
 *
 * @param target where the frame's content begins
 * @param start where that of the block begins
 * @returns where it ended, 0 where it does not decode or would go beyond `targetEnd`
 */
export function decodeSequences(
  source: usize,
  end: usize,
  literals: usize,
  literalsEnd: usize,
  target: usize,
  start: usize,
  targetEnd: usize,
): usize {
  if (source >= end) return 0;
  let from = source + 1;
  let sequences = load<u8>(source) as u32;
  if (sequences === 255) {
    sequences = (load<u16>(from) as u32) + 0x7f00;
    from += 2;
  } else if (sequences > 127) {
    sequences = ((sequences - 128) << 8) + load<u8>(from);
    from += 1;
  }
  // None may take two bytes too. Nothing follows then.
  if (sequences === 0) {
    return from === end ? copyRest(literals, literalsEnd, start, targetEnd) : 0;
  }
  const modes = load<u8>(from) as u32;
  from += 1;
  // A stream is behind the modes, which have two reserved bits.
  if (from >= end || (modes & 3) !== 0) return 0;
  table = literalTable;
  tableLog = literalLog;
  if (!readTable(from, end, modes >> 6, LITERAL_LENGTH, 35, 9, LITERAL_LENGTHS)) return 0;
  literalTable = table;
  literalLog = tableLog;
  table = offsetTable;
  tableLog = offsetLog;
  if (!readTable(tableEnd, end, (modes >> 4) & 3, OFFSET, 31, 8, OFFSETS)) return 0;
  offsetTable = table;
  offsetLog = tableLog;
  table = matchTable;
  tableLog = matchLog;
  if (!readTable(tableEnd, end, (modes >> 2) & 3, MATCH_LENGTH, 52, 9, MATCH_LENGTHS)) return 0;
  matchTable = table;
  matchLog = tableLog;
  hasTables = true;
  return runSequences(sequences, tableEnd, end, literals, literalsEnd, target, start, targetEnd);
}

/** Reads a table's description, or takes the one that its mode names (3.1.1.3.2.1.2). */
function readTable(
  from: usize,
  end: usize,
  mode: u32,
  kind: u32,
  mostSymbol: u32,
  mostLog: u32,
  place: usize,
): bool {
  tableEnd = from;
  if (mode === 3) return hasTables;
  if (mode === 0) {
    table =
      kind === OFFSET
        ? DEFAULT_OFFSETS
        : kind === MATCH_LENGTH
          ? DEFAULT_MATCH_LENGTHS
          : DEFAULT_LITERAL_LENGTHS;
    tableLog = kind === OFFSET ? 5 : 6;
    return true;
  }
  table = place;
  if (mode === 1) {
    if (from >= end) return false;
    const symbol = load<u8>(from) as u32;
    if (symbol > mostSymbol) return false;
    store<u64>(place, entryOfSymbol(kind, symbol));
    tableLog = 0;
    tableEnd = from + 1;
    return true;
  }
  const symbols = readNorms(from, end, mostSymbol, mostLog);
  if (symbols === 0) return false;
  tableLog = accuracy;
  tableEnd = normsEnd;
  buildTable(place, kind, symbols, tableLog);
  return true;
}

/**
 * Decodes so many sequences from a stream that is read backward, 8 bytes at a time. What lies before it may so be read, and
 * decoded; in the end it must have been used up to its first bit and not beyond. 16 bytes are copied at a time, some
 * of them beyond what is wanted.
 */
function runSequences(
  count: u32,
  streamStart: usize,
  streamEnd: usize,
  literals: usize,
  literalsEnd: usize,
  target: usize,
  start: usize,
  targetEnd: usize,
): usize {
  if (streamStart >= streamEnd) return 0;
  const padding = load<u8>(streamEnd - 1) as u32;
  if (padding === 0) return 0;
  // In variables of its own, which stay in registers.
  const literalCodes = literalTable;
  const matchCodes = matchTable;
  const offsetCodes = offsetTable;
  let first = repeated1;
  let second = repeated2;
  let third = repeated3;
  let literal = literals;
  let to = start;
  let from = streamEnd - 8;
  let word = load<u64>(from);
  /** How many bits of the word have been taken, from the highest on. */
  let taken: u64 = (clz(padding) - 23) as u64;
  let literalState = bitsOf(word, taken, literalLog) as usize;
  taken += literalLog;
  let offsetState = bitsOf(word, taken, offsetLog) as usize;
  taken += offsetLog;
  let matchState = bitsOf(word, taken, matchLog) as usize;
  taken += matchLog;
  let stateBits: u64 = 0;
  const lowest = streamStart - 8;
  for (let left = count; left !== 0; left--) {
    from -= (taken >> 3) as usize;
    taken &= 7;
    if (from < lowest) return 0;
    word = load<u64>(from);
    const offsetEntry = load<u64>(offsetCodes + (offsetState << 3));
    const matchEntry = load<u64>(matchCodes + (matchState << 3));
    const literalEntry = load<u64>(literalCodes + (literalState << 3));
    let matchLength = (matchEntry >> 32) as usize;
    let literalLength = (literalEntry >> 32) as usize;
    let offset = (offsetEntry >> 32) as u32;
    const sum = offsetEntry + matchEntry + literalEntry;
    const moreBits = (sum >> 8) & 255;
    const offsetBits = (offsetEntry >> 8) & 63;
    if (offsetBits > 1) {
      offset += bitsOf(word, taken, offsetBits) as u32;
      third = second;
      second = first;
      first = offset;
    } else {
      // One that was there already (3.1.1.5).
      let which: u32 = literalLength === 0 ? 1 : 0;
      if (offsetBits === 1) which += 1 + (((word << taken) >> 63) as u32);
      offset = which === 0 ? first : which === 1 ? second : which === 2 ? third : first - 1;
      if (which > 1) third = second;
      if (which !== 0) second = first;
      first = offset;
    }
    taken += offsetBits;
    if (moreBits !== offsetBits) {
      const matchBits = (matchEntry >> 8) & 63;
      const literalBits = (literalEntry >> 8) & 63;
      matchLength += bitsOf(word, taken, matchBits) as usize;
      taken += matchBits;
      // With at most 31 of them and 26 of the states 57 are enough, which are always there.
      if (moreBits > 31) {
        from -= (taken >> 3) as usize;
        taken &= 7;
        if (from < lowest) return 0;
        word = load<u64>(from);
      }
      literalLength += bitsOf(word, taken, literalBits) as usize;
      taken += literalBits;
    }
    // The bits of all three states at once: those of literal lengths first, those of offsets last.
    stateBits = sum & 255;
    const states = bitsOf(word, taken, stateBits) as usize;
    taken += stateBits;
    const offsetStateBits = (offsetEntry & 63) as usize;
    const matchStateBits = (matchEntry & 63) as usize;
    offsetState = ((offsetEntry as usize) >> 16) + (states & load<u32>(MASKS + (offsetStateBits << 2)));
    matchState =
      ((matchEntry as usize) >> 16) +
      ((states >> offsetStateBits) & load<u32>(MASKS + (matchStateBits << 2)));
    literalState = ((literalEntry as usize) >> 16) + (states >> (offsetStateBits + matchStateBits));
    if (literalLength > literalsEnd - literal || literalLength + matchLength > targetEnd - to) return 0;
    v128.store(to, v128.load(literal));
    if (literalLength > 16) {
      for (let i: usize = 16; i < literalLength; i += 16) v128.store(to + i, v128.load(literal + i));
    }
    literal += literalLength;
    to += literalLength;
    // 0 is too far too.
    if ((offset as usize) - 1 >= to - target) return 0;
    copyMatch(to, matchLength, offset);
    to += matchLength;
  }
  // Behind the last sequence states have no bits.
  taken -= stateBits;
  if (from + 8 < streamStart || (((from + 8 - streamStart) << 3) as u64) !== taken) return 0;
  repeated1 = first;
  repeated2 = second;
  repeated3 = third;
  return copyRest(literal, literalsEnd, to, targetEnd);
}

/** So many bits of a word behind so many others, from the highest on; numbers by which is shifted count modulo 64. */
function bitsOf(word: u64, behind: u64, bits: u64): u64 {
  return ((word << behind) >> 1) >> ~bits;
}

/** Repeats what lies `distance` bytes back; both may overlap. Up to 16 bytes more are written. */
function copyMatch(start: usize, length: usize, distance: u32): void {
  let to = start;
  let from = start - distance;
  if (distance >= 16) {
    v128.store(to, v128.load(from));
    if (length > 16) {
      const end = start + length;
      for (to += 16, from += 16; to < end; to += 16, from += 16) v128.store(to, v128.load(from));
    }
  } else {
    const end = start + length;
    const repeated = i8x16.swizzle(v128.load(from), v128.load(PATTERNS + (distance << 4)));
    const step: usize = load<u8>(STEPS + distance);
    for (; to < end; to += step) v128.store(to, repeated);
  }
}

/** The literals behind the last sequence. */
function copyRest(literals: usize, literalsEnd: usize, to: usize, targetEnd: usize): usize {
  const rest = literalsEnd - literals;
  if (rest > targetEnd - to) return 0;
  memory.copy(to, literals, rest);
  return to + rest;
}

export function setUpSequences(): void {
  for (let bits: u32 = 0; bits < 32; bits++) store<u32>(MASKS + (bits << 2), (1 << bits) - 1);
  for (let distance: u32 = 1; distance < 16; distance++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(PATTERNS + (distance << 4) + i, (i % distance) as u8);
    store<u8>(STEPS + distance, (16 - (16 % distance)) as u8);
  }
}
