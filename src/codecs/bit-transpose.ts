/**
 * Elements with their bits taken apart: all first bits, all second bits, … (Masui's bitshuffle).
 *
 * @see https://github.com/kiyo-masui/bitshuffle
 * @module
 */

/** Elements come in groups of as many as a byte has bits. */
const GROUP = 8;

/**
 * Puts the bits of elements together again: bit `j` of byte `i` of plane `8 b + k` becomes bit `k` of byte `b` of
 * element `8 i + j`.
 *
 * @param planes a multiple of eight elements
 */
export function untransposeBits(planes: Uint8Array, elements: Uint8Array, elementSize: number): void {
  const groups = planes.length / elementSize / GROUP;
  for (let byte = 0; byte < elementSize; byte++) {
    transposeMatrices(
      planes,
      byte * GROUP * groups,
      groups,
      1,
      elements,
      byte,
      elementSize,
      GROUP * elementSize,
      groups,
    );
  }
}

/** The opposite of {@link untransposeBits}. */
export function transposeBits(elements: Uint8Array, planes: Uint8Array, elementSize: number): void {
  const groups = elements.length / elementSize / GROUP;
  for (let byte = 0; byte < elementSize; byte++) {
    transposeMatrices(
      elements,
      byte,
      elementSize,
      GROUP * elementSize,
      planes,
      byte * GROUP * groups,
      groups,
      1,
      groups,
    );
  }
}

/**
 * Transposes matrices of 8 x 8 bits, each of eight bytes `step` apart, one matrix `stride` after the other. They are
 * held in two words, and ever smaller quarters are swapped.
 */
function transposeMatrices(
  from: Uint8Array,
  start: number,
  step: number,
  stride: number,
  to: Uint8Array,
  toStart: number,
  toStep: number,
  toStride: number,
  count: number,
): void {
  for (let matrix = 0, a = start, b = toStart; matrix < count; matrix++, a += stride, b += toStride) {
    let low =
      (from[a] ?? 0) |
      ((from[a + step] ?? 0) << 8) |
      ((from[a + 2 * step] ?? 0) << 16) |
      ((from[a + 3 * step] ?? 0) << 24);
    let high =
      (from[a + 4 * step] ?? 0) |
      ((from[a + 5 * step] ?? 0) << 8) |
      ((from[a + 6 * step] ?? 0) << 16) |
      ((from[a + 7 * step] ?? 0) << 24);
    let swap = (low ^ (low >>> 7)) & 0x00aa00aa;
    low ^= swap ^ (swap << 7);
    swap = (high ^ (high >>> 7)) & 0x00aa00aa;
    high ^= swap ^ (swap << 7);
    swap = (low ^ (low >>> 14)) & 0x0000cccc;
    low ^= swap ^ (swap << 14);
    swap = (high ^ (high >>> 14)) & 0x0000cccc;
    high ^= swap ^ (swap << 14);
    const upper = (low & 0x0f0f0f0f) | ((high & 0x0f0f0f0f) << 4);
    const lower = ((low >>> 4) & 0x0f0f0f0f) | (high & 0xf0f0f0f0);
    to[b] = upper;
    to[b + toStep] = upper >>> 8;
    to[b + 2 * toStep] = upper >>> 16;
    to[b + 3 * toStep] = upper >>> 24;
    to[b + 4 * toStep] = lower;
    to[b + 5 * toStep] = lower >>> 8;
    to[b + 6 * toStep] = lower >>> 16;
    to[b + 7 * toStep] = lower >>> 24;
  }
}
