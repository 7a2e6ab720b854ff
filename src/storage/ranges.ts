/**
 * The planner of ranges: which requests fetch what was asked for. Pure functions, used by every storage and by
 * the array reader.
 *
 * @module
 */

import { schemeOf } from "./address.ts";

/** When neighbours are merged. Bytes. */
export interface RangePolicy {
  /** Ranges at most this far apart are fetched as one: reading on costs less than asking again. */
  readonly gap: number;
  /** A merged range grows no further than this; a single range may be longer. */
  readonly maximum: number;
}

export interface TransferPolicy extends RangePolicy {
  /** A range longer than this is fetched in several requests side by side. */
  readonly split: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** On this machine a further call costs about as much as reading 16 KiB on, and splitting gains nothing. */
const NEAR: TransferPolicy = { gap: 16 * KIB, maximum: 8 * MIB, split: 64 * MIB };
/**
 * A round trip to an object store costs as much as a MiB more, but what lies between is paid for too. One
 * connection brings 50 to 100 MB/s, so that pieces of 8 MiB hide the wait of their neighbours.
 */
const FAR: TransferPolicy = { gap: 128 * KIB, maximum: 8 * MIB, split: 16 * MIB };

/** The policy for an address: local storage has no latency worth hiding. */
export function rangePolicyOf(address: string): TransferPolicy {
  const scheme = schemeOf(address);
  return scheme === "file" || scheme === "memory" ? NEAR : FAR;
}

/** One request and what it serves. */
export interface MergedRange {
  readonly offset: number;
  readonly length: number;
  /** Indexes of the ranges asked for that lie in it, by ascending offset. */
  readonly members: Uint32Array;
}

/**
 * Merges ranges of one object, given as columns.
 *
 * @param offsets bytes from the start of the object
 * @param lengths bytes; a range of no bytes is a member of a range too
 * @returns merged ranges by ascending offset; each range asked for is a member of exactly one
 */
export function planRanges(
  offsets: ArrayLike<number>,
  lengths: ArrayLike<number>,
  policy: RangePolicy,
): MergedRange[] {
  const count = offsets.length;
  const order = new Uint32Array(count);
  let sorted = true;
  for (let i = 0; i < count; i++) {
    order[i] = i;
    if (i > 0 && (offsets[i] ?? 0) < (offsets[i - 1] ?? 0)) sorted = false;
  }
  if (!sorted) order.sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0));
  const merged: MergedRange[] = [];
  let first = 0;
  let start = 0;
  let end = 0;
  for (let i = 0; i < count; i++) {
    const index = order[i] ?? 0;
    const offset = offsets[index] ?? 0;
    const stop = offset + (lengths[index] ?? 0);
    if (i === 0) {
      start = offset;
      end = stop;
    } else if (
      // What already lies inside costs nothing, however long the range has grown.
      stop <= end ||
      (offset - end <= policy.gap && Math.max(stop, end) - start <= policy.maximum)
    ) {
      end = Math.max(stop, end);
    } else {
      merged.push({ offset: start, length: end - start, members: order.subarray(first, i) });
      first = i;
      start = offset;
      end = stop;
    }
  }
  if (count > 0) merged.push({ offset: start, length: end - start, members: order.subarray(first, count) });
  return merged;
}

/** The lengths of the pieces in which a range is fetched: nearly equal, none longer than half the split size. */
export function splitLength(length: number, policy: Pick<TransferPolicy, "split">): number[] {
  if (length <= policy.split) return [length];
  const size = Math.ceil(length / Math.ceil(length / Math.ceil(policy.split / 2)));
  const pieces = new Array<number>(Math.ceil(length / size)).fill(size);
  pieces[pieces.length - 1] = length - size * (pieces.length - 1);
  return pieces;
}
