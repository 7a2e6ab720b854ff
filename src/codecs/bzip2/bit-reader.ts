/**
 * Bits of bytes, the highest first.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";

export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** The lowest `#held` bits of it are still to be read; never more than 24 + 7. */
  #bits = 0;
  #held = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whole bytes that are not read. */
  get bytesLeft(): number {
    return this.#bytes.length - this.#at;
  }

  /** Up to 32 bits; beyond 31 as a signed number. Errors: `CorruptChunk` where there are not so many. */
  read(count: number): number {
    if (count > 24) return (this.read(count - 16) << 16) | this.read(16);
    while (this.#held < count) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw corrupt("an end that comes too early");
      this.#bits = ((this.#bits & 0xffffff) << 8) | byte;
      this.#held += 8;
    }
    this.#held -= count;
    return (this.#bits >>> this.#held) & ((1 << count) - 1);
  }

  /** Leaves out what is left of the current byte. */
  alignToByte(): void {
    this.#at -= this.#held >> 3;
    this.#held = 0;
  }
}

export function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `bzip2 data with ${what}`);
}
