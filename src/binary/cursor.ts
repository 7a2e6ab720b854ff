/**
 * A bounds-checked reader over bytes that came from a file, which knows where in the file they lie, so that
 * every error names the byte.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";

const TEXT = new TextDecoder("utf-8");
const TWO_32 = 4294967296;

export class Cursor {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  /** Address of the file. */
  readonly source: string;
  /** Offset of `bytes[0]` in the file. */
  readonly start: number;
  /** Position in `bytes` of the next byte to be read. */
  position = 0;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, place: { source: string; start?: number; littleEndian?: boolean }) {
    this.bytes = bytes;
    this.source = place.source;
    this.start = place.start ?? 0;
    this.littleEndian = place.littleEndian ?? true;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offset in the file of the next byte. */
  get offset(): number {
    return this.start + this.position;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** An error `CorruptFile` at the current offset (or another one). */
  corrupt(message: string, offset: number = this.offset): MoraineError {
    return new MoraineError("CorruptFile", message, { source: this.source, offset });
  }

  /** Moves on by `count` bytes and gives the position before; `TruncatedFile` where there are fewer. */
  #take(count: number): number {
    const at = this.position;
    if (!(count >= 0) || count > this.bytes.length - at) {
      throw new MoraineError("TruncatedFile", `${count} bytes wanted, ${this.remaining} left`, {
        source: this.source,
        offset: this.offset,
      });
    }
    this.position = at + count;
    return at;
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** Skips to the next multiple of `alignment`, counted from `origin` (a position in `bytes`). */
  align(alignment: number, origin = 0): void {
    const over = (this.position - origin) % alignment;
    if (over !== 0) this.#take(alignment - over);
  }

  /** A view of the next `count` bytes. */
  take(count: number): Uint8Array {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.littleEndian);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), this.littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), this.littleEndian);
  }

  /** An unsigned integer of `width` bytes (1 to 8) as a double; `NumberTooLarge` beyond 2^53 - 1. */
  uint(width: number): number {
    const value = this.#double(width);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new MoraineError("NumberTooLarge", `an integer of ${width} bytes is beyond 2^53 - 1`, {
        source: this.source,
        offset: this.offset - width,
      });
    }
    return value;
  }

  /** As {@link uint}, but undefined where all bits are one: HDF5's undefined address, unlimited length. */
  uintOrUndefined(width: number): number | undefined {
    const at = this.position;
    this.#take(width);
    let ones = true;
    for (let i = at; i < at + width; i++) if (this.bytes[i] !== 255) ones = false;
    if (ones) return undefined;
    this.position = at;
    return this.uint(width);
  }

  /** The next bytes as text, up to the first NUL if there is one. Bytes that are not UTF-8 become U+FFFD. */
  text(length: number): string {
    const bytes = this.take(length);
    const end = bytes.indexOf(0);
    return TEXT.decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  #double(width: number): number {
    const at = this.#take(width);
    if (width === 8) {
      const first = this.#view.getUint32(at, this.littleEndian);
      const second = this.#view.getUint32(at + 4, this.littleEndian);
      return this.littleEndian ? second * TWO_32 + first : first * TWO_32 + second;
    }
    let value = 0;
    for (let i = 0; i < width; i++) {
      const byte = this.#view.getUint8(this.littleEndian ? at + width - 1 - i : at + i);
      value = value * 256 + byte;
    }
    return value;
  }
}
