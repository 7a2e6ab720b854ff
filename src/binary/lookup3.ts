/**
 * Bob Jenkins's lookup3 hash (`hashlittle`), the checksum of HDF5's newer structures.
 *
 * @see https://www.burtleburtle.net/bob/c/lookup3.c
 * @module
 */

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** @returns an unsigned 32-bit number */
export function lookup3(bytes: Uint8Array, initial = 0): number {
  let length = bytes.length;
  let a = (0xdeadbeef + length + initial) | 0;
  let b = a;
  let c = a;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  // Written out: most of a scan is over before the calls would be compiled away.
  while (length > 12) {
    a = (a + view.getUint32(at, true)) | 0;
    b = (b + view.getUint32(at + 4, true)) | 0;
    c = (c + view.getUint32(at + 8, true)) | 0;
    a = (a - c) ^ ((c << 4) | (c >>> 28));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 6) | (a >>> 26));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 8) | (b >>> 24));
    b = (b + a) | 0;
    a = (a - c) ^ ((c << 16) | (c >>> 16));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 19) | (a >>> 13));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 4) | (b >>> 28));
    b = (b + a) | 0;
    at += 12;
    length -= 12;
  }
  if (length === 0) return c >>> 0;
  // The last 1 to 12 bytes, as if zeros followed them.
  const word = (from: number): number => {
    let value = 0;
    for (let i = Math.min(4, length - from) - 1; i >= 0; i--)
      value = (value << 8) | (bytes[at + from + i] ?? 0);
    return value;
  };
  a = (a + word(0)) | 0;
  b = (b + word(4)) | 0;
  c = (c + word(8)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}
