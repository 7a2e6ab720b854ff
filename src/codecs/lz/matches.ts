/**
 * Finding what occurred before: the part that all compressors of the LZ family share.
 *
 * @module
 */

/** What a format allows. */
export interface MatchRules {
  /** Bytes back from a match to what it repeats, at the most. */
  readonly longestDistance: number;
  /** No match begins in so many bytes at the end. */
  readonly lastStart: number;
  /** So many bytes at the end belong to no match. */
  readonly lastLiterals: number;
}

/** Takes literals from `from` to `start`, then a match there of `length` bytes; 0 for the literals at the end. */
export type SequenceConsumer = (from: number, start: number, length: number, distance: number) => void;

const HASH_BITS = 14;
const SHORTEST = 4;
/** After so many misses steps grow, so that what does not compress costs little time. */
const SKIP_BITS = 6;

/**
 * Cuts bytes greedily into literals and matches of at least four bytes. A table of 16384 positions is kept, so
 * far matches may be missed.
 */
export function findMatches(bytes: Uint8Array, rules: MatchRules, consume: SequenceConsumer): void {
  const table = new Int32Array(1 << HASH_BITS).fill(-1);
  const lastStart = bytes.length - Math.max(rules.lastStart, SHORTEST);
  const lastByte = bytes.length - rules.lastLiterals;
  const word = (at: number): number =>
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  let from = 0;
  let misses = 1 << SKIP_BITS;
  for (let at = 0; at <= lastStart; ) {
    const here = word(at);
    const slot = Math.imul(here, 0x9e3779b1) >>> (32 - HASH_BITS);
    const before = table[slot] ?? -1;
    table[slot] = at;
    const isMatch = before >= 0 && at - before <= rules.longestDistance && word(before) === here;
    if (!isMatch || at + SHORTEST > lastByte) {
      at += misses++ >> SKIP_BITS;
      continue;
    }
    misses = 1 << SKIP_BITS;
    let length = SHORTEST;
    while (at + length < lastByte && bytes[at + length] === bytes[before + length]) length++;
    consume(from, at, length, at - before);
    at += length;
    from = at;
  }
  consume(from, bytes.length, 0, 0);
}
