/**
 * Encoding bzip2.
 *
 * @module
 */

import { BitWriter } from "./bit-writer.ts";
import { bzip2Crc, combineCrc } from "./checksum.ts";
import { codeLengths } from "./code-lengths.ts";
import { sortRotations } from "./rotations.ts";
import { GROUP } from "./symbols.ts";

/** Runs may make a block of runs longer than its bytes: 5 for 4. */
const SLACK = 20;

/** Encodes one stream. @param level blocks of as many times 100,000 bytes */
export function encodeBzip2(bytes: Uint8Array, level: number): Uint8Array {
  const bits = new BitWriter(bytes.length);
  bits.write(0x425a68, 24);
  bits.write(0x30 + level, 8);
  // So much of the input never fills more than a block once runs are spelled out.
  const step = Math.floor(((level * 100_000 - SLACK) * 4) / 5);
  let streamCrc = 0;
  for (let at = 0; at < bytes.length; at += step) {
    const part = bytes.subarray(at, at + step);
    const crc = bzip2Crc(part);
    streamCrc = combineCrc(streamCrc, crc);
    writeBlock(bits, spellRuns(part), crc);
  }
  bits.write(0x177245, 24);
  bits.write(0x385090, 24);
  bits.write(streamCrc >>> 16, 16);
  bits.write(streamCrc & 0xffff, 16);
  return bits.finish();
}

/** Behind four equal bytes how many more of them there are. */
function spellRuns(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil((bytes.length * 5) / 4) + 1);
  let to = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    let run = 1;
    while (run < 259 && at + run < bytes.length && bytes[at + run] === byte) run++;
    for (let i = 0; i < Math.min(run, 4); i++) out[to++] = byte;
    if (run >= 4) out[to++] = run - 4;
    at += run;
  }
  return out.subarray(0, to);
}

function writeBlock(bits: BitWriter, block: Uint8Array, crc: number): void {
  bits.write(0x314159, 24);
  bits.write(0x265359, 24);
  bits.write(crc >>> 16, 16);
  bits.write(crc & 0xffff, 16);
  bits.write(0, 1);
  const order = sortRotations(block);
  bits.write(order.indexOf(0), 24);
  const used = [...new Set(block)].sort((a, b) => a - b);
  writeUsedBytes(bits, used);
  const symbols = toSymbols(block, order, used);
  const alphabet = used.length + 2;
  const counts = new Float64Array(alphabet);
  for (const symbol of symbols) counts[symbol] = (counts[symbol] ?? 0) + 1;
  const lengths = codeLengths(counts);
  const groups = Math.ceil(symbols.length / GROUP);
  // The format wants two codes at least; both are the same here, and the first is always chosen.
  bits.write(2, 3);
  bits.write(groups, 15);
  for (let group = 0; group < groups; group++) bits.write(0, 1);
  writeLengths(bits, lengths);
  writeLengths(bits, lengths);
  const codes = canonicalCodes(lengths);
  for (const symbol of symbols) bits.write(codes[symbol] ?? 0, lengths[symbol] ?? 0);
}

function writeUsedBytes(bits: BitWriter, used: readonly number[]): void {
  const maps = new Uint16Array(16);
  for (const byte of used) maps[byte >> 4] = (maps[byte >> 4] ?? 0) | (0x8000 >> (byte & 15));
  for (const map of maps) bits.write(map === 0 ? 0 : 1, 1);
  for (const map of maps) if (map !== 0) bits.write(map, 16);
}

/** The last column of the sorted rotations as move-to-front ranks, runs of the first rank as digits. */
function toSymbols(block: Uint8Array, order: Int32Array, used: readonly number[]): Uint16Array {
  const front = Uint8Array.from(used);
  const symbols = new Uint16Array(block.length + 1);
  let count = 0;
  let run = 0;
  const endRun = (): void => {
    for (; run > 0; run = (run - 1) >> 1) symbols[count++] = (run - 1) & 1;
  };
  for (const start of order) {
    const byte = block[start === 0 ? block.length - 1 : start - 1] ?? 0;
    const rank = front.indexOf(byte);
    if (rank === 0) {
      run += 1;
      continue;
    }
    endRun();
    front.copyWithin(1, 0, rank);
    front[0] = byte;
    symbols[count++] = rank + 1;
  }
  endRun();
  symbols[count++] = used.length + 1;
  return symbols.subarray(0, count);
}

function writeLengths(bits: BitWriter, lengths: Uint8Array): void {
  let current = lengths[0] ?? 1;
  bits.write(current, 5);
  for (const length of lengths) {
    for (; current < length; current++) bits.write(0b10, 2);
    for (; current > length; current--) bits.write(0b11, 2);
    bits.write(0, 1);
  }
}

function canonicalCodes(lengths: Uint8Array): Int32Array {
  const codes = new Int32Array(lengths.length);
  const longest = Math.max(...lengths);
  let code = 0;
  for (let length = 1; length <= longest; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === length) codes[symbol] = code++;
    }
    code *= 2;
  }
  return codes;
}
