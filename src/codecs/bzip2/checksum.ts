/**
 * The CRC-32 of bzip2: the polynomial of gzip with the bits the other way around.
 *
 * @module
 */

const TABLE = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let value = i << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  TABLE[i] = value >>> 0;
}

/** The checksum, unsigned. */
export function bzip2Crc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) {
    crc = (crc << 8) ^ (TABLE[((crc >>> 24) ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
}

/** The checksum of a stream with a further block. */
export function combineCrc(stream: number, block: number): number {
  return (((stream << 1) | (stream >>> 31)) ^ block) >>> 0;
}
