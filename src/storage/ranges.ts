/**
 * The planner of ranges: which requests fetch what was asked for. A pure function, used by every storage and by
 * the array reader.
 *
 * @module
 */

/** When neighbours are merged. Bytes. */
export interface RangePolicy {
  /** Ranges at most this far apart are fetched as one: reading on costs less than asking again. */
  readonly gap: number;
  /** A merged range grows no further than this; a single range may be longer. */
  readonly maximum: number;
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
    } else if (offset - end <= policy.gap && Math.max(stop, end) - start <= policy.maximum) {
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
