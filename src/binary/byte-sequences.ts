/**
 * Sequences of bytes: joined, and compared.
 *
 * @module
 */

/** The parts one after another; a single part is given as it is, not copied. */
export function concatenateBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two sequences of bytes are equal. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const wide = ((a.byteOffset | b.byteOffset) & 3) === 0;
  let at = 0;
  if (wide) {
    const words = a.length >> 2;
    const left = new Uint32Array(a.buffer, a.byteOffset, words);
    const right = new Uint32Array(b.buffer, b.byteOffset, words);
    for (let word = 0; word < words; word++) if (left[word] !== right[word]) return false;
    at = words * 4;
  }
  for (; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
