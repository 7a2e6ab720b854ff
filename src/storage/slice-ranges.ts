/**
 * Ranges of an object whose size is known.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { ByteRange, ReadOptions } from "./storage.ts";

/** A range as offset and length. */
export interface ResolvedRange {
  readonly offset: number;
  readonly length: number;
}

/** Views of each range; `TruncatedFile` where one reaches beyond the end, unless it is to be clipped. */
export function sliceRanges(
  address: string,
  bytes: Uint8Array,
  ranges: readonly ByteRange[],
  options: Pick<ReadOptions, "clip"> = {},
): Uint8Array[] {
  return ranges.map((range) => {
    const { offset, length } = resolveRange(address, range, bytes.length, options);
    return bytes.subarray(offset, offset + length);
  });
}

/** Refuses what is no range: fractions, NaN, a length of the last bytes. */
export function checkRange(address: string, range: ByteRange): void {
  const { offset, length } = range;
  if (
    !Number.isSafeInteger(offset) ||
    (length !== undefined && (!Number.isSafeInteger(length) || length < 0 || offset < 0)) ||
    !Number.isSafeInteger(offset + (length ?? 0))
  ) {
    throw new MoraineError("InvalidArgument", `offset ${offset}, length ${length} is no range`, {
      source: address,
    });
  }
}

/** The range as offset and length, given the size of the object; `TruncatedFile` beyond the end. */
export function resolveRange(
  address: string,
  range: ByteRange,
  size: number,
  options: Pick<ReadOptions, "clip"> = {},
): ResolvedRange {
  checkRange(address, range);
  const offset = range.offset < 0 ? Math.max(size + range.offset, 0) : range.offset;
  const length = range.length ?? Math.max(size - offset, 0);
  if (offset + length <= size) return { offset, length };
  if (options.clip) return { offset: Math.min(offset, size), length: Math.max(size - offset, 0) };
  throw truncated(address, offset, length, size);
}

/** The error of a range that reaches beyond the end. */
export function truncated(address: string, offset: number, length: number, size: number): MoraineError {
  return new MoraineError(
    "TruncatedFile",
    `bytes ${offset} to ${offset + length} were wanted, there are ${size}`,
    { source: address, offset },
  );
}
