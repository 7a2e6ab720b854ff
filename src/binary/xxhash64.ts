/**
 * XXH64, the checksum of zstd frames (xxhash_spec.md, "XXH64 algorithm description").
 *
 * @module
 */

const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function rotate(value: bigint, bits: bigint): bigint {
  return unsigned((value << bits) | (value >> (64n - bits)));
}

function round(lane: bigint, word: bigint): bigint {
  return unsigned(rotate(unsigned(lane + unsigned(word * PRIME_2)), 31n) * PRIME_1);
}

/** The hash with seed 0. */
export function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = PRIME_5;
  if (bytes.length >= 32) {
    const lanes = [unsigned(PRIME_1 + PRIME_2), PRIME_2, 0n, unsigned(-PRIME_1)];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let lane = 0; lane < 4; lane++) {
        lanes[lane] = round(lanes[lane] ?? 0n, view.getBigUint64(at + 8 * lane, true));
      }
    }
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
    hash = unsigned(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n));
    for (const lane of lanes) hash = unsigned((hash ^ round(0n, lane)) * PRIME_1 + PRIME_4);
  }
  hash = unsigned(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = unsigned(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * PRIME_1 + PRIME_4);
  }
  if (at + 4 <= bytes.length) {
    hash = unsigned(
      rotate(hash ^ unsigned(BigInt(view.getUint32(at, true)) * PRIME_1), 23n) * PRIME_2 + PRIME_3,
    );
    at += 4;
  }
  for (; at < bytes.length; at++) {
    hash = unsigned(rotate(hash ^ unsigned(BigInt(bytes[at] ?? 0) * PRIME_5), 11n) * PRIME_1);
  }
  hash = unsigned((hash ^ (hash >> 33n)) * PRIME_2);
  hash = unsigned((hash ^ (hash >> 29n)) * PRIME_3);
  return hash ^ (hash >> 32n);
}
