/**
 * Bodies that come piece by piece, exactly as long as they must be.
 *
 * @module
 */

import { concatenateBytes } from "../binary/byte-sequences.ts";
import { MoraineError } from "../errors.ts";
import { RetryLater } from "./retry.ts";

/** No object is read whole that is larger than this. */
const LARGEST = 4 * 1024 ** 3;

/** The pieces of a body in order; leaving the loop early ends the transfer. */
export type ByteStream = AsyncIterable<Uint8Array>;

/**
 * Reads a body of known length.
 *
 * Errors: `RetryLater` for a body that is shorter or longer: it came through a broken connection.
 *
 * @param alive told whenever bytes come
 * @param target where the bytes may be put
 */
export async function readExactly(
  stream: ByteStream,
  length: number,
  alive: () => void,
  target?: Uint8Array,
): Promise<Uint8Array> {
  const bytes = target?.length === length ? target : new Uint8Array(length);
  let total = 0;
  for await (const piece of stream) {
    alive();
    if (total + piece.length > length) throw new RetryLater(`more than ${length} bytes came`);
    bytes.set(piece, total);
    total += piece.length;
  }
  if (total < length) throw new RetryLater(`${total} of ${length} bytes came`);
  return bytes;
}

/** Reads a body whose length only its end tells. Errors: `LimitExceeded` beyond 4 GiB. */
export async function readToEnd(address: string, stream: ByteStream, alive: () => void): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let total = 0;
  for await (const piece of stream) {
    alive();
    kept.push(piece);
    total += piece.length;
    requireReadable(address, total);
  }
  return concatenateBytes(kept);
}

/** Reads the bytes of a range out of a whole body, and no further; fewer where the body ends before. */
export async function readRangeOfWhole(
  stream: ByteStream,
  offset: number,
  length: number,
  alive: () => void,
): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let position = 0;
  for await (const piece of stream) {
    alive();
    const wanted = piece.subarray(Math.max(offset - position, 0), Math.max(offset + length - position, 0));
    if (wanted.length > 0) kept.push(wanted);
    position += piece.length;
    if (position >= offset + length) break;
  }
  return concatenateBytes(kept);
}

/** Refuses to read more than memory should hold. */
export function requireReadable(address: string, length: number): void {
  if (length > LARGEST) {
    throw new MoraineError("LimitExceeded", `an object of ${length} bytes or more is not read whole`, {
      source: address,
    });
  }
}
