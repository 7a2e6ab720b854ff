/**
 * The ranges of a file that are remembered or on their way.
 *
 * @module
 */

/** Bytes that are remembered; the least recently used go first. */
const CACHE = 64 * 1024 * 1024;

/** A range of the file that is remembered or on its way. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  bytes: Uint8Array | undefined;
  /** Settles when the bytes are there. */
  readonly ready: Promise<void>;
}

/** Segments by ascending start, none overlapping. */
export class Segments {
  readonly #sorted: Segment[] = [];
  /** From the least recently used on. */
  readonly #recent = new Set<Segment>();
  #held = 0;

  /** A view where one remembered segment holds the range. */
  view(offset: number, length: number): Uint8Array | undefined {
    if (length === 0) return new Uint8Array(0);
    const segment = this.#sorted[this.#indexAfter(offset) - 1];
    if (segment?.bytes === undefined || segment.end < offset + length) return undefined;
    this.#touch(segment);
    return segment.bytes.subarray(offset - segment.start, offset - segment.start + length);
  }

  /** Whether segments hold the whole range, or will. */
  cover(start: number, end: number): boolean {
    let at = start;
    for (let i = Math.max(this.#indexAfter(start) - 1, 0); at < end; i++) {
      const segment = this.#sorted[i];
      if (segment === undefined || segment.start > at || segment.end <= at) return false;
      at = segment.end;
    }
    return true;
  }

  /** The last segment that starts at or before an offset, which counts as used, and the one after it. */
  around(offset: number): readonly [Segment | undefined, Segment | undefined] {
    const index = this.#indexAfter(offset);
    const previous = this.#sorted[index - 1];
    if (previous && previous.end > offset) this.#touch(previous);
    return [previous, this.#sorted[index]];
  }

  insert(segment: Segment): void {
    this.#sorted.splice(this.#indexAfter(segment.start), 0, segment);
    this.#recent.add(segment);
    this.#held += segment.end - segment.start;
    for (const oldest of this.#recent) {
      if (this.#held <= CACHE) break;
      if (oldest.bytes !== undefined) this.remove(oldest);
    }
  }

  remove(segment: Segment): void {
    if (!this.#recent.delete(segment)) return;
    this.#held -= segment.end - segment.start;
    this.#sorted.splice(this.#indexAfter(segment.start) - 1, 1);
  }

  #touch(segment: Segment): void {
    this.#recent.delete(segment);
    this.#recent.add(segment);
  }

  /** Number of segments that start at or before an offset. */
  #indexAfter(offset: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle]?.start ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The bytes of a range that lies in these segments, one after another. */
export function joinedBytes(segments: readonly Segment[], offset: number, length: number): Uint8Array {
  const [first] = segments;
  if (segments.length === 1 && first?.bytes) {
    return first.bytes.subarray(offset - first.start, offset - first.start + length);
  }
  const bytes = new Uint8Array(length);
  for (const segment of segments) {
    const from = Math.max(offset - segment.start, 0);
    const to = Math.min(offset + length, segment.end) - segment.start;
    bytes.set(segment.bytes?.subarray(from, to) ?? [], segment.start + from - offset);
  }
  return bytes;
}
