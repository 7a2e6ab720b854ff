/**
 * Adler-32 (RFC 1950, section 8.2).
 *
 * @module
 */

const MODULUS = 65521;
/** So many sums fit 32 bits before the remainder must be taken (zlib's NMAX). */
const RUN = 5552;

/** The checksum, unsigned. */
export function adler32(bytes: Uint8Array, start = 1): number {
  let a = start & 0xffff;
  let b = start >>> 16;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + RUN, bytes.length);
    for (; at < end; at++) {
      a += bytes[at] ?? 0;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}
