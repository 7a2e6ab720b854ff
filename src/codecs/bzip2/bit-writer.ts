/**
 * Bits into bytes, the highest first.
 *
 * @module
 */

export class BitWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;
  #bits = 0;
  #held = 0;

  /** @param expected bytes that are likely to be written */
  constructor(expected: number) {
    this.#bytes = new Uint8Array(Math.max(expected, 64));
  }

  /** The lowest `count` bits of a value, up to 24. */
  write(value: number, count: number): void {
    this.#bits = (this.#bits << count) | value;
    this.#held += count;
    while (this.#held >= 8) {
      this.#held -= 8;
      this.#byte((this.#bits >>> this.#held) & 0xff);
      this.#bits &= (1 << this.#held) - 1;
    }
  }

  /** The bytes, filled up with zeros. */
  finish(): Uint8Array {
    if (this.#held > 0) this.write(0, 8 - this.#held);
    return this.#bytes.subarray(0, this.#at);
  }

  #byte(byte: number): void {
    if (this.#at === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#at++] = byte;
  }
}
