/**
 * The range coder of LZMA: bits by adaptive probabilities.
 *
 * @see https://github.com/jljusten/LZMA-SDK/blob/master/DOC/lzma-specification.txt
 * @module
 */

import { MoraineError } from "../../errors.ts";

/** A probability of one half; a probability is a number of 11 bits. */
const EVEN = 1024;
const TOP = 2 ** 24;

export class RangeDecoder {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;
  #range = 0xffffffff;
  #code = 0;

  /** Errors: `CorruptChunk` for a range that does not begin with 0. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    if (this.#next() !== 0) throw corrupt("a wrong first byte");
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  /** Position behind what was read. */
  get position(): number {
    return this.#at;
  }

  /** Whether the coder is in the state that its encoder leaves at the end. */
  get isFinished(): boolean {
    return this.#code === 0;
  }

  bit(probabilities: Uint16Array, index: number): 0 | 1 {
    const probability = probabilities[index] ?? EVEN;
    const bound = (this.#range >>> 11) * probability;
    let bit: 0 | 1;
    if (this.#code < bound) {
      this.#range = bound;
      probabilities[index] = probability + ((2048 - probability) >>> 5);
      bit = 0;
    } else {
      this.#range -= bound;
      this.#code -= bound;
      probabilities[index] = probability - (probability >>> 5);
      bit = 1;
    }
    if (this.#range < TOP) this.#normalize();
    return bit;
  }

  /** A number of `bits` bits, each with a probability that depends on those above it. */
  tree(probabilities: Uint16Array, base: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.bit(probabilities, base + symbol);
    return symbol - (1 << bits);
  }

  /** The same, the lowest bit first. */
  reverseTree(probabilities: Uint16Array, base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(probabilities, base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  /** A number of `bits` bits that are 0 or 1 with the same probability. */
  direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      this.#range = this.#range >>> 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      if (this.#range < TOP) this.#normalize();
      value = value * 2 + bit;
    }
    return value;
  }

  #normalize(): void {
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  #next(): number {
    if (this.#at >= this.#end) throw corrupt("an end that comes too early");
    return this.#bytes[this.#at++] ?? 0;
  }
}

/** Probabilities of one half. */
export function evenProbabilities(count: number): Uint16Array {
  return new Uint16Array(count).fill(EVEN);
}

export function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `LZMA data with ${what}`);
}
