/**
 * Fletcher-32 as HDF5 computes it (H5_checksum_fletcher32): over big-endian 16-bit words, a last odd byte being
 * the upper half of a word.
 *
 * @module
 */

/** So many words fit 32-bit sums before they must be folded. */
const RUN = 360;

/** The checksum, unsigned. */
export function fletcher32(bytes: Uint8Array): number {
  let a = 0;
  let b = 0;
  const words = bytes.length >> 1;
  let at = 0;
  for (let word = 0; word < words; ) {
    const end = Math.min(word + RUN, words);
    for (; word < end; word++, at += 2) {
      a += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      b += a;
    }
    a = (a & 0xffff) + (a >>> 16);
    b = (b & 0xffff) + (b >>> 16);
  }
  if (bytes.length % 2 === 1) {
    a += (bytes[at] ?? 0) << 8;
    b += a;
    a = (a & 0xffff) + (a >>> 16);
    b = (b & 0xffff) + (b >>> 16);
  }
  a = (a & 0xffff) + (a >>> 16);
  b = (b & 0xffff) + (b >>> 16);
  return ((b << 16) | a) >>> 0;
}

/**
 * Whether a stored checksum is right by the library's own rule: versions before 1.6.3 stored it with the bytes of each
 * half swapped on little-endian machines, and it takes both (H5Zfletcher32.c).
 */
export function isFletcher32(stored: number, bytes: Uint8Array): boolean {
  const computed = fletcher32(bytes);
  return stored === computed || stored === swappedHalves(computed);
}

function swappedHalves(value: number): number {
  return (((value & 0x00ff00ff) << 8) | ((value >>> 8) & 0x00ff00ff)) >>> 0;
}
