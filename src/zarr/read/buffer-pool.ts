/**
 * Memory for encoded chunks that is used again for the next ones: it stays warm, and a read of many chunks makes
 * little garbage.
 *
 * @module
 */

import { native } from "../../codecs/native.ts";
import { MoraineError } from "../../errors.ts";

/** Smaller buffers cost less than keeping them. Bytes. */
const LEAST_BYTES = 16 * 1024;
/** Bytes that wait to be used again. */
const KEEP_BYTES = 12 * 1024 * 1024;

export class BufferPool {
  /** By size. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** Lends buffers until they are given back together. */
  loan(): Loan {
    return new Loan(this);
  }

  take(length: number): ArrayBuffer {
    const size = sizeFor(length);
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return allocate(size);
    this.#bytes -= size;
    return buffer;
  }

  give(buffer: ArrayBuffer): void {
    if (this.#bytes + buffer.byteLength > KEEP_BYTES) {
      native.release(new Uint8Array(buffer));
      return;
    }
    this.#bytes += buffer.byteLength;
    const free = this.#free.get(buffer.byteLength);
    if (free) free.push(buffer);
    else this.#free.set(buffer.byteLength, [buffer]);
  }
}

/** What all reads of elements of fixed size use: the memory of one is warm for the next. */
export const chunkBuffers: BufferPool = new BufferPool();

/** Buffers that are lent for one request. */
export class Loan {
  readonly #pool: BufferPool;
  readonly #lent: ArrayBuffer[] = [];

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** See `ReadOptions.allocate`. */
  readonly allocate: (length: number) => Uint8Array = (length: number): Uint8Array => {
    if (length < LEAST_BYTES) return new Uint8Array(length);
    const buffer = this.#pool.take(length);
    this.#lent.push(buffer);
    return new Uint8Array(buffer, 0, length);
  };

  /** To be called when nobody looks at the bytes any more, and never after a failure: some may still arrive. */
  end(): void {
    for (const buffer of this.#lent.splice(0)) this.#pool.give(buffer);
  }
}

/** Of few sizes, so that one fits again: a quarter of a power of two. */
function sizeFor(length: number): number {
  const step = 2 ** Math.max(12, Math.ceil(Math.log2(length)) - 2);
  return Math.ceil(length / step) * step;
}

/** A typed array of the oldest engine that is supported has no more bytes. */
const MOST_BYTES = 2 ** 32 - 1;

/** Errors: `LimitExceeded` where there is no memory for so many bytes: metadata may claim any size of a chunk. */
function allocate(size: number): ArrayBuffer {
  if (size > MOST_BYTES)
    throw new MoraineError("LimitExceeded", `a chunk of ${size} bytes is too large to decode`);
  try {
    return new ArrayBuffer(size);
  } catch (cause) {
    throw new MoraineError("LimitExceeded", `there is no memory for a chunk of ${size} bytes`, { cause });
  }
}
