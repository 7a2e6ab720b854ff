/**
 * Decoding LZMA symbols: literals, matches, and matches at one of the last four distances.
 *
 * @see https://github.com/jljusten/LZMA-SDK/blob/master/DOC/lzma-specification.txt
 * @module
 */

import { corrupt, evenProbabilities, type RangeDecoder } from "./range-decoder.ts";

const STATES = 12;
const POSITION_STATES = 16;
/** Bits of a literal, in three contexts. */
const LITERAL = 0x300;
const SHORTEST = 2;

/** Lengths of matches: 8 short ones and 8 middle ones for each position state, 256 long ones. */
class LengthCoder {
  readonly #choice = evenProbabilities(2);
  readonly #low = evenProbabilities(POSITION_STATES << 3);
  readonly #middle = evenProbabilities(POSITION_STATES << 3);
  readonly #high = evenProbabilities(256);

  decode(range: RangeDecoder, positionState: number): number {
    if (range.bit(this.#choice, 0) === 0) return range.tree(this.#low, positionState << 3, 3);
    if (range.bit(this.#choice, 1) === 0) return 8 + range.tree(this.#middle, positionState << 3, 3);
    return 16 + range.tree(this.#high, 0, 8);
  }
}

/** The output of a decoder, which is its dictionary too. */
export interface Output {
  readonly bytes: Uint8Array;
  /** Bytes that are written. */
  size: number;
  /** Where the dictionary begins: matches do not reach before it. */
  start: number;
  /** Whether decoding failed for want of room. */
  isFull: boolean;
}

/** What a decoder has learnt. */
export class LzmaState {
  readonly #literalContextBits: number;
  readonly #literalPositionMask: number;
  readonly #positionMask: number;
  readonly #literals: Uint16Array;
  readonly #isMatch = evenProbabilities(STATES * POSITION_STATES);
  readonly #isRepeat = evenProbabilities(STATES);
  readonly #isRepeat0 = evenProbabilities(STATES);
  readonly #isRepeat1 = evenProbabilities(STATES);
  readonly #isRepeat2 = evenProbabilities(STATES);
  readonly #isLongRepeat0 = evenProbabilities(STATES * POSITION_STATES);
  readonly #distanceSlots = evenProbabilities(4 << 6);
  readonly #distanceBits = evenProbabilities(128);
  readonly #alignment = evenProbabilities(16);
  readonly #lengths = new LengthCoder();
  readonly #repeatLengths = new LengthCoder();
  /** The last four distances, less one. */
  #distances: [number, number, number, number] = [0, 0, 0, 0];
  #state = 0;

  /**
   * Errors: `CorruptChunk` for properties that there are not.
   *
   * @param properties (pb * 5 + lp) * 9 + lc
   */
  constructor(properties: number) {
    if (properties >= 9 * 5 * 5) throw corrupt(`properties ${properties}`);
    this.#literalContextBits = properties % 9;
    const literalPositionBits = Math.floor(properties / 9) % 5;
    this.#literalPositionMask = (1 << literalPositionBits) - 1;
    this.#positionMask = (1 << Math.floor(properties / 45)) - 1;
    this.#literals = evenProbabilities(LITERAL << (this.#literalContextBits + literalPositionBits));
  }

  /**
   * Decodes up to `end` bytes of the output, or up to a mark of the end. Errors: `CorruptChunk`.
   *
   * @returns whether there was a mark
   */
  decode(range: RangeDecoder, output: Output, end: number): boolean {
    while (output.size < end) {
      const positionState = (output.size - output.start) & this.#positionMask;
      if (range.bit(this.#isMatch, (this.#state << 4) + positionState) === 0) {
        this.#literal(range, output);
        continue;
      }
      let length: number;
      if (range.bit(this.#isRepeat, this.#state) === 0) {
        length = SHORTEST + this.#lengths.decode(range, positionState);
        this.#state = this.#state < 7 ? 7 : 10;
        const distance = this.#distance(range, length);
        if (distance === 0xffffffff) return true;
        const [first, second, third] = this.#distances;
        this.#distances = [distance, first, second, third];
      } else {
        length = this.#repeat(range, positionState);
      }
      copy(output, this.#distances[0] + 1, length, end);
    }
    return false;
  }

  #literal(range: RangeDecoder, output: Output): void {
    const { bytes, size, start } = output;
    const before = size > start ? (bytes[size - 1] ?? 0) : 0;
    const context =
      (((size - start) & this.#literalPositionMask) << this.#literalContextBits) +
      (before >> (8 - this.#literalContextBits));
    const base = LITERAL * context;
    let symbol = 1;
    if (this.#state >= 7) {
      // What stands at the last distance differs: as long as bits agree they are coded in its context.
      let match = bytes[size - this.#distances[0] - 1] ?? 0;
      while (symbol < 0x100) {
        const matchBit = (match >> 7) & 1;
        match <<= 1;
        const bit = range.bit(this.#literals, base + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | range.bit(this.#literals, base + symbol);
    bytes[size] = symbol & 0xff;
    output.size = size + 1;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  /** A match at one of the last distances, which becomes the last one: its length. */
  #repeat(range: RangeDecoder, positionState: number): number {
    const state = this.#state;
    const [first, second, third, fourth] = this.#distances;
    if (range.bit(this.#isRepeat0, state) === 0) {
      if (range.bit(this.#isLongRepeat0, (state << 4) + positionState) === 0) {
        this.#state = state < 7 ? 9 : 11;
        return 1;
      }
    } else if (range.bit(this.#isRepeat1, state) === 0) {
      this.#distances = [second, first, third, fourth];
    } else if (range.bit(this.#isRepeat2, state) === 0) {
      this.#distances = [third, first, second, fourth];
    } else {
      this.#distances = [fourth, first, second, third];
    }
    this.#state = state < 7 ? 8 : 11;
    return SHORTEST + this.#repeatLengths.decode(range, positionState);
  }

  /** A distance, less one; all bits set is the mark of the end. */
  #distance(range: RangeDecoder, length: number): number {
    const slot = range.tree(this.#distanceSlots, Math.min(length - SHORTEST, 3) << 6, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const upper = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return upper + range.reverseTree(this.#distanceBits, upper - slot, bits);
    return upper + range.direct(bits - 4) * 16 + range.reverseTree(this.#alignment, 0, 4);
  }
}

function copy(output: Output, distance: number, length: number, end: number): void {
  const { bytes, start } = output;
  let to = output.size;
  if (distance > to - start) throw corrupt("a match before its start");
  if (length > end - to) throw corrupt("a match beyond its end");
  for (const stop = to + length; to < stop; to++) bytes[to] = bytes[to - distance] ?? 0;
  output.size = to;
}
