/**
 * CRC-64 as .xz files have it (ECMA-182, reflected; xz-file-format.txt, section 7).
 *
 * @module
 */

const POLYNOMIAL_LOW = 0xd7870f42;
const POLYNOMIAL_HIGH = 0xc96c5795;

/** Lower and upper halves of the table. */
let tables: { readonly low: Uint32Array; readonly high: Uint32Array } | undefined;

function makeTables(): { readonly low: Uint32Array; readonly high: Uint32Array } {
  const low = new Uint32Array(256);
  const high = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let [a, b] = [i, 0];
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = a & 1;
      a = (a >>> 1) | (b << 31);
      b >>>= 1;
      if (isOdd) {
        a ^= POLYNOMIAL_LOW;
        b ^= POLYNOMIAL_HIGH;
      }
    }
    low[i] = a;
    high[i] = b;
  }
  return { low, high };
}

/** The checksum, unsigned. */
export function crc64(bytes: Uint8Array): bigint {
  tables ??= makeTables();
  const { low, high } = tables;
  let [a, b] = [-1, -1];
  for (let at = 0; at < bytes.length; at++) {
    const index = (a ^ (bytes[at] ?? 0)) & 0xff;
    a = ((a >>> 8) | (b << 24)) ^ (low[index] ?? 0);
    b = (b >>> 8) ^ (high[index] ?? 0);
  }
  return (BigInt(~b >>> 0) << 32n) | BigInt(~a >>> 0);
}
