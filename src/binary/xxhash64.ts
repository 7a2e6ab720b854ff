/**
 * XXH64, the checksum of zstd frames (xxhash_spec.md, "XXH64 algorithm description").
 *
 * 64-bit numbers are two halves of 32 bits: as `bigint` the hash would take a hundred times as long.
 *
 * @module
 */

import { wasmLanes } from "./xxhash64-wasm.ts";

/** Halves of the primes, high and low. */
const P1 = [0x9e3779b1, 0x85ebca87] as const;
const P2 = [0xc2b2ae3d, 0x27d4eb4f] as const;
const P3 = [0x165667b1, 0x9e3779f9] as const;
const P4 = [0x85ebca77, 0xc2b2ae63] as const;
const P5 = [0x27d4eb2f, 0x165667c5] as const;

type Halves = readonly [high: number, low: number];

/** A 64-bit number that is worked with in place. */
class Word {
  high = 0;
  low = 0;

  set(high: number, low: number): this {
    this.high = high | 0;
    this.low = low | 0;
    return this;
  }

  add(high: number, low: number): this {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0;
    this.low = sum | 0;
    return this;
  }

  xor(high: number, low: number): this {
    this.high ^= high;
    this.low ^= low;
    return this;
  }

  multiply([high, low]: Halves): this {
    // Schoolbook multiplication of 16-bit digits; `imul` keeps the low half of each product.
    const [a0, a1] = [this.low & 0xffff, this.low >>> 16];
    const [b0, b1] = [low & 0xffff, low >>> 16];
    const p00 = Math.imul(a0, b0);
    const p01 = Math.imul(a0, b1);
    const p10 = Math.imul(a1, b0);
    const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
    const carried = Math.imul(a1, b1) + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16);
    this.high = (carried + Math.imul(this.low, high) + Math.imul(this.high, low)) | 0;
    this.low = (middle << 16) | (p00 & 0xffff);
    return this;
  }

  /** @param bits less than 32 */
  rotate(bits: number): this {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
    return this;
  }

  /** Exclusive or with itself shifted to the right. */
  fold(bits: number): this {
    const { high, low } = this;
    if (bits >= 32) this.low = low ^ (high >>> (bits - 32));
    else this.xor(high >>> bits, (low >>> bits) | (high << (32 - bits)));
    return this;
  }
}

const scratch = new Word();

/** After so many bytes it is quicker to compile the loop as WebAssembly. */
const WORTH_WASM = 256 * 1024;
let hashed = 0;

/**
 * The rounds of the four lanes over whole stripes of 32 bytes: lane = rotate(lane + word × P2, 31) × P1. Written out,
 * as nearly all of the time goes here.
 *
 * @param lanes low and high half of each
 */
function runLanes(view: DataView, end: number, lanes: Int32Array): void {
  const [p1h, p1l0, p1l1] = [P1[0] | 0, P1[1] & 0xffff, P1[1] >>> 16];
  const [p2h, p2l0, p2l1] = [P2[0] | 0, P2[1] & 0xffff, P2[1] >>> 16];
  const [p1l, p2l] = [P1[1] | 0, P2[1] | 0];
  for (let lane = 0; lane < 4; lane++) {
    let low = lanes[2 * lane] ?? 0;
    let high = lanes[2 * lane + 1] ?? 0;
    for (let at = 8 * lane; at < end; at += 32) {
      const wordLow = view.getInt32(at, true);
      const wordHigh = view.getInt32(at + 4, true);
      let digit0 = wordLow & 0xffff;
      let digit1 = wordLow >>> 16;
      let p00 = Math.imul(digit0, p2l0);
      let p01 = Math.imul(digit0, p2l1);
      let p10 = Math.imul(digit1, p2l0);
      let middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
      const productHigh =
        (Math.imul(digit1, p2l1) + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16) + Math.imul(wordLow, p2h)) |
        0;
      const sum = (low >>> 0) + (((middle << 16) | (p00 & 0xffff)) >>> 0);
      high = (high + productHigh + Math.imul(wordHigh, p2l) + (sum > 0xffffffff ? 1 : 0)) | 0;
      low = sum | 0;
      const turned = (low << 31) | (high >>> 1);
      high = (high << 31) | (low >>> 1);
      low = turned;
      digit0 = low & 0xffff;
      digit1 = low >>> 16;
      p00 = Math.imul(digit0, p1l0);
      p01 = Math.imul(digit0, p1l1);
      p10 = Math.imul(digit1, p1l0);
      middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
      high =
        (((Math.imul(digit1, p1l1) + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16)) | 0) +
          Math.imul(low, p1h) +
          Math.imul(high, p1l)) |
        0;
      low = (middle << 16) | (p00 & 0xffff);
    }
    lanes[2 * lane] = low;
    lanes[2 * lane + 1] = high;
  }
}

function merge(hash: Word, high: number, low: number): void {
  scratch.set(high, low).multiply(P2).rotate(31).multiply(P1);
  hash.xor(scratch.high, scratch.low);
}

/** The hash with seed 0. */
export function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hash = new Word().set(...P5);
  const { length } = bytes;
  let at = 0;
  if (length >= 32) {
    const start = [
      new Word().set(...P1).add(...P2),
      new Word().set(...P2),
      new Word(),
      new Word().set(~P1[0], ~P1[1]),
    ];
    start[3]?.add(0, 1);
    const halves = Int32Array.from(start.flatMap(({ high, low }) => [low, high]));
    at = length - (length % 32);
    hashed += length;
    const lanesOf = hashed >= WORTH_WASM ? wasmLanes() : undefined;
    if (lanesOf) lanesOf(bytes, at, halves);
    else runLanes(view, at, halves);
    const values = start.map((_, lane): Halves => [halves[2 * lane + 1] ?? 0, halves[2 * lane] ?? 0]);
    const lanes = values.map((value) => new Word().set(...value));
    hash.set(0, 0);
    lanes.forEach((lane, i) => {
      lane.rotate([1, 7, 12, 18][i] ?? 0);
      hash.add(lane.high, lane.low);
    });
    for (const [high, low] of values) {
      merge(hash, high, low);
      hash.multiply(P1).add(...P4);
    }
  }
  hash.add(Math.floor(length / 2 ** 32), length | 0);
  for (; at + 8 <= length; at += 8) {
    merge(hash, view.getInt32(at + 4, true), view.getInt32(at, true));
    hash
      .rotate(27)
      .multiply(P1)
      .add(...P4);
  }
  if (at + 4 <= length) {
    scratch.set(0, view.getInt32(at, true)).multiply(P1);
    hash
      .xor(scratch.high, scratch.low)
      .rotate(23)
      .multiply(P2)
      .add(...P3);
    at += 4;
  }
  for (; at < length; at++) {
    scratch.set(0, bytes[at] ?? 0).multiply(P5);
    hash.xor(scratch.high, scratch.low).rotate(11).multiply(P1);
  }
  hash.fold(33).multiply(P2).fold(29).multiply(P3).fold(32);
  return (BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0);
}
