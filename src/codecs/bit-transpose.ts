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
    const first = byte * GROUP * groups;
    for (let group = 0; group < groups; group++) {
      // Eight bytes as a matrix of 8 x 8 bits, in two words, transposed by swapping ever smaller quarters.
      let low = 0;
      let high = 0;
      for (let bit = 0; bit < 4; bit++) {
        low |= (planes[first + bit * groups + group] ?? 0) << (GROUP * bit);
        high |= (planes[first + (bit + 4) * groups + group] ?? 0) << (GROUP * bit);
      }
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
      const at = group * GROUP * elementSize + byte;
      for (let element = 0; element < 4; element++) {
        elements[at + element * elementSize] = upper >>> (GROUP * element);
        elements[at + (element + 4) * elementSize] = lower >>> (GROUP * element);
      }
    }
  }
}

/** The opposite of {@link untransposeBits}. */
export function transposeBits(elements: Uint8Array, planes: Uint8Array, elementSize: number): void {
  const groups = elements.length / elementSize / GROUP;
  for (let byte = 0; byte < elementSize; byte++) {
    const first = byte * GROUP * groups;
    for (let group = 0; group < groups; group++) {
      const at = group * GROUP * elementSize + byte;
      for (let bit = 0; bit < GROUP; bit++) {
        let plane = 0;
        for (let element = 0; element < GROUP; element++) {
          plane |= (((elements[at + element * elementSize] ?? 0) >> bit) & 1) << element;
        }
        planes[first + bit * groups + group] = plane;
      }
    }
  }
}
