/**
 * A bounds-checked reader over bytes that came from a file, which knows where in the file they lie, so that
 * every error names the byte.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { latin1Text } from "./latin1.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
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
  /** Position behind the last byte that may be read. */
  readonly end: number;

  /** @param end position in `bytes` where to stop; default: their end */
  constructor(
    bytes: Uint8Array,
    place: { source: string; start?: number; littleEndian?: boolean },
    end: number = bytes.length,
  ) {
    this.bytes = bytes;
    this.source = place.source;
    this.start = place.start ?? 0;
    this.littleEndian = place.littleEndian ?? true;
    this.end = end;
  }

  /** A cursor over the next `length` bytes, which this one passes. */
  within(length: number): Cursor {
    const at = this.#take(length);
    const inner = new Cursor(this.bytes, this, at + length);
    inner.position = at;
    return inner;
  }

  /** Offset in the file of the next byte. */
  get offset(): number {
    return this.start + this.position;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** An error `CorruptFile` at the current offset (or another one). */
  corrupt(message: string, offset: number = this.offset): MoraineError {
    return new MoraineError("CorruptFile", message, { source: this.source, offset });
  }

  /** Moves on by `count` bytes and gives the position before; `TruncatedFile` where there are fewer. */
  #take(count: number): number {
    const at = this.position;
    if (!(count >= 0) || count > this.end - at) {
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
    return this.bytes[this.#take(1)] ?? 0;
  }

  // Put together here: a view for each of the very many cursors of a scan costs more than it saves.
  u16(): number {
    const at = this.#take(2);
    const first = this.bytes[at] ?? 0;
    const second = this.bytes[at + 1] ?? 0;
    return this.littleEndian ? first | (second << 8) : (first << 8) | second;
  }

  u32(): number {
    return this.#word(this.#take(4)) >>> 0;
  }

  i32(): number {
    return this.#word(this.#take(4));
  }

  u64(): bigint {
    const at = this.#take(8);
    const first = BigInt(this.#word(at) >>> 0);
    const second = BigInt(this.#word(at + 4) >>> 0);
    return this.littleEndian ? (second << 32n) | first : (first << 32n) | second;
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
    const at = this.#take(width);
    let ones = true;
    for (let i = at; ones && i < at + width; i++) ones = this.bytes[i] === 255;
    if (ones) return undefined;
    this.position = at;
    return this.uint(width);
  }

  /** Position of the next NUL; undefined where there is none before the end. */
  nul(): number | undefined {
    const at = this.bytes.indexOf(0, this.position);
    return at < 0 || at >= this.end ? undefined : at;
  }

  /**
   * The next bytes as text, up to the first NUL if there is one. Bytes that are not UTF-8 are taken as Latin-1: names
   * that differ stay different.
   */
  text(length: number): string {
    const at = this.#take(length);
    const nul = this.bytes.indexOf(0, at);
    const text = this.bytes.subarray(at, nul < 0 ? at + length : Math.min(nul, at + length));
    try {
      return UTF8.decode(text);
    } catch {
      return latin1Text(text);
    }
  }

  #word(at: number): number {
    const { bytes } = this;
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    const third = bytes[at + 2] ?? 0;
    const fourth = bytes[at + 3] ?? 0;
    return this.littleEndian
      ? first | (second << 8) | (third << 16) | (fourth << 24)
      : (first << 24) | (second << 16) | (third << 8) | fourth;
  }

  #double(width: number): number {
    const at = this.#take(width);
    if (width === 8) {
      const first = this.#word(at) >>> 0;
      const second = this.#word(at + 4) >>> 0;
      return this.littleEndian ? second * TWO_32 + first : first * TWO_32 + second;
    }
    let value = 0;
    for (let i = 0; i < width; i++) {
      value = value * 256 + (this.bytes[this.littleEndian ? at + width - 1 - i : at + i] ?? 0);
    }
    return value;
  }
}
