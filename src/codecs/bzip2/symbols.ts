/**
 * The symbols of a bzip2 block: Huffman codes of move-to-front ranks, among which two symbols spell lengths of runs
 * of the first rank.
 *
 * @module
 */

import { type BitReader, corrupt } from "./bit-reader.ts";

/** So many symbols are read with the same Huffman code. */
export const GROUP = 50;
const LONGEST_CODE = 20;
const RUN_A = 0;
const RUN_B = 1;

/** A canonical Huffman code, by length of the codes. */
interface HuffmanCode {
  readonly shortest: number;
  /** The greatest code of each length, plus one; shifted by nothing. */
  readonly limits: Int32Array;
  /** What is subtracted from a code of each length to give its place in `symbols`. */
  readonly bases: Int32Array;
  readonly symbols: Uint16Array;
}

/** A block's last column of the Burrows-Wheeler transform, and how often each byte is in it. */
export interface Column {
  readonly counts: Uint32Array;
  readonly column: Uint32Array;
}

/** Errors: `CorruptChunk`. */
export function decodeSymbols(bits: BitReader, mostBytes: number): Column {
  const used = readUsedBytes(bits);
  const codeCount = bits.read(3);
  const selectorCount = bits.read(15);
  if (used.length === 0 || codeCount < 2 || codeCount > 6 || selectorCount === 0) throw corrupt("no codes");
  const selectors = readSelectors(bits, selectorCount, codeCount);
  const alphabet = used.length + 2;
  const codes = Array.from({ length: codeCount }, () => readCode(bits, alphabet));
  const column = new Uint32Array(mostBytes);
  const counts = new Uint32Array(256);
  const end = alphabet - 1;
  let length = 0;
  let runLength = 0;
  let runBit = 1;
  for (let group = 0; ; group++) {
    const code = codes[selectors[group] ?? -1];
    if (code === undefined) throw corrupt("more symbols than it has codes for");
    for (let i = 0; i < GROUP; i++) {
      const symbol = readSymbol(bits, code);
      if (symbol === RUN_A || symbol === RUN_B) {
        // Digits 1 and 2 in base two, the lowest first.
        runLength += runBit << symbol;
        runBit *= 2;
        if (runLength > mostBytes - length) throw corrupt("a run beyond its block");
        continue;
      }
      if (runLength > 0) {
        const byte = used[0] ?? 0;
        column.fill(byte, length, length + runLength);
        counts[byte] = (counts[byte] ?? 0) + runLength;
        length += runLength;
        runLength = 0;
        runBit = 1;
      }
      if (symbol === end) return { counts, column: column.subarray(0, length) };
      if (length >= mostBytes) throw corrupt("more bytes than its block may have");
      const byte = used[symbol - 1] ?? 0;
      used.copyWithin(1, 0, symbol - 1);
      used[0] = byte;
      column[length++] = byte;
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
  }
}

/** The bytes that occur, in ascending order: a map of sixteen maps. */
function readUsedBytes(bits: BitReader): Uint8Array {
  const used: number[] = [];
  const groups = bits.read(16);
  for (let group = 0; group < 16; group++) {
    if (!((groups >> (15 - group)) & 1)) continue;
    const members = bits.read(16);
    for (let i = 0; i < 16; i++) if ((members >> (15 - i)) & 1) used.push(16 * group + i);
  }
  return Uint8Array.from(used);
}

/** Which code each group of symbols has, as move-to-front ranks in unary. */
function readSelectors(bits: BitReader, count: number, codeCount: number): Uint8Array {
  const order = [0, 1, 2, 3, 4, 5];
  return Uint8Array.from({ length: count }, () => {
    let rank = 0;
    while (bits.read(1) === 1) if (++rank >= codeCount) throw corrupt("a code that it does not have");
    const [code = 0] = order.splice(rank, 1);
    order.unshift(code);
    return code;
  });
}

/** The length of each symbol's code, told as differences. */
function readCode(bits: BitReader, alphabet: number): HuffmanCode {
  const lengths = new Uint8Array(alphabet);
  let length = bits.read(5);
  for (let symbol = 0; symbol < alphabet; symbol++) {
    while (bits.read(1) === 1) length += bits.read(1) === 1 ? -1 : 1;
    if (length < 1 || length > LONGEST_CODE) throw corrupt(`a code of ${length} bits`);
    lengths[symbol] = length;
  }
  return canonicalCode(lengths);
}

function canonicalCode(lengths: Uint8Array): HuffmanCode {
  const limits = new Int32Array(LONGEST_CODE + 1);
  const bases = new Int32Array(LONGEST_CODE + 1);
  const symbols = new Uint16Array(lengths.length);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= LONGEST_CODE; length++) {
    bases[length] = code - place;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      symbols[place++] = symbol;
      code++;
    }
    limits[length] = code;
    code *= 2;
  }
  return {
    shortest: lengths.reduce((least, length) => Math.min(least, length), LONGEST_CODE),
    limits,
    bases,
    symbols,
  };
}

function readSymbol(bits: BitReader, { shortest, limits, bases, symbols }: HuffmanCode): number {
  let code = bits.read(shortest);
  for (let length = shortest; length <= LONGEST_CODE; length++) {
    if (code < (limits[length] ?? 0)) {
      const symbol = symbols[code - (bases[length] ?? 0)];
      if (symbol === undefined) break;
      return symbol;
    }
    code = (code << 1) | bits.read(1);
  }
  throw corrupt("a code that means nothing");
}
