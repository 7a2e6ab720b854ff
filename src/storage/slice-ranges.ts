/**
 * Ranges of an object that is held whole.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { ByteRange } from "./storage.ts";

/** Views of each range; `TruncatedFile` where one reaches beyond the end. */
export function sliceRanges(address: string, bytes: Uint8Array, ranges: readonly ByteRange[]): Uint8Array[] {
  return ranges.map((range) => {
    const { offset, length } = resolveRange(address, range, bytes.length);
    return bytes.subarray(offset, offset + length);
  });
}

/** The range as offset and length, given the size of the object; `TruncatedFile` beyond the end. */
export function resolveRange(
  address: string,
  range: ByteRange,
  size: number,
): { readonly offset: number; readonly length: number } {
  const offset = range.offset < 0 ? Math.max(size + range.offset, 0) : range.offset;
  const length = range.length ?? size - offset;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) {
    throw new MoraineError("InvalidArgument", `${range.offset}+${range.length} is no range`, {
      source: address,
    });
  }
  if (length < 0 || offset + length > size) {
    throw new MoraineError(
      "TruncatedFile",
      `bytes ${offset} to ${offset + Math.max(length, 0)} were wanted, there are ${size}`,
      { source: address, offset },
    );
  }
  return { offset, length };
}
