/**
 * Copies a box of elements between two arrays in memory whose axes have any strides.
 *
 * @module
 */

/** Elements in memory: packed bytes of a fixed size each, or one value for each. */
export type Elements = Uint8Array | unknown[];
export type ReadonlyElements = Uint8Array | readonly unknown[];

/** From this many bytes on, a run of neighbours is copied by `set`, below it costs more than a loop. */
const SET_BYTES = 256;

/**
 * A box, set up axis by axis and then copied; kept and used again for the next box, so that a read of many
 * chunks makes no garbage.
 *
 * @example
 * box.reset();
 * box.axis(3, 10, 4); // 3 rows, 10 elements apart here, 4 there
 * box.axis(4, 1, 1);
 * box.copy(from, 0, to, 0, 8); // of 8 bytes each
 */
export class StridedBox {
  readonly #counts: number[] = [];
  readonly #fromStrides: number[] = [];
  readonly #toStrides: number[] = [];

  reset(): void {
    this.#counts.length = 0;
    this.#fromStrides.length = 0;
    this.#toStrides.length = 0;
  }

  /** Adds an axis inside those before it. Strides in elements; 0 repeats one element, negative goes backwards. */
  axis(count: number, fromStride: number, toStride: number): void {
    if (count === 1) return;
    const outer = this.#counts.length - 1;
    if (
      outer >= 0 &&
      this.#fromStrides[outer] === count * fromStride &&
      this.#toStrides[outer] === count * toStride
    ) {
      this.#counts[outer] = (this.#counts[outer] ?? 0) * count;
      this.#fromStrides[outer] = fromStride;
      this.#toStrides[outer] = toStride;
      return;
    }
    this.#counts.push(count);
    this.#fromStrides.push(fromStride);
    this.#toStrides.push(toStride);
  }

  /** @param itemSize bytes of an element; of no meaning where both hold values */
  copy(from: ReadonlyElements, fromOffset: number, to: Elements, toOffset: number, itemSize: number): void {
    if (this.#counts.includes(0)) return;
    if (from instanceof Uint8Array && to instanceof Uint8Array) {
      this.#copyBytes(from, fromOffset, to, toOffset, itemSize);
    } else if (!(from instanceof Uint8Array) && !(to instanceof Uint8Array)) {
      this.#walk(0, fromOffset, toOffset, (a, b, count, fromStride, toStride) => {
        for (let at = 0; at < count; at++) to[b + at * toStride] = from[a + at * fromStride];
      });
    }
  }

  /**
   * Views of the memory that {@link copy} would fill, in the order in which the bytes lie in what it copies from; undefined
   * unless they are all of its `count` elements, in runs of at least `least` bytes.
   */
  runs(
    count: number,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    itemSize: number,
    least: number,
  ): Uint8Array[] | undefined {
    let inside = 1;
    for (let axis = this.#counts.length - 1; axis >= 0; axis--) {
      if (this.#fromStrides[axis] !== inside) return undefined;
      inside *= this.#counts[axis] ?? 0;
    }
    const last = this.#counts.length - 1;
    const run = (this.#counts[last] ?? 1) * itemSize;
    if (inside !== count || fromOffset !== 0 || (this.#toStrides[last] ?? 1) !== 1 || run < least)
      return undefined;
    const runs: Uint8Array[] = [];
    this.#walk(0, 0, toOffset, (_, at) => {
      runs.push(to.subarray(at * itemSize, at * itemSize + run));
    });
    return runs;
  }

  #copyBytes(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, itemSize: number): void {
    // Never doubles: loads and stores of doubles may change the payload of a NaN.
    const alignment = itemSize | from.byteOffset | to.byteOffset;
    const lane = (alignment & 3) === 0 ? 4 : (alignment & 1) === 0 ? 2 : 1;
    const perItem = itemSize / lane;
    const source = lanesOf(from, lane);
    const target = lanesOf(to, lane);
    const setFrom = SET_BYTES / lane;
    this.#walk(0, fromOffset, toOffset, (a, b, count, fromStride, toStride) => {
      let start = a * perItem;
      let end = b * perItem;
      if (fromStride === 1 && toStride === 1) {
        const length = count * perItem;
        if (length >= setFrom) {
          target.set(source.subarray(start, start + length), end);
        } else {
          for (let at = 0; at < length; at++) target[end + at] = source[start + at] ?? 0;
        }
        return;
      }
      const fromStep = fromStride * perItem;
      const toStep = toStride * perItem;
      for (let at = 0; at < count; at++, start += fromStep, end += toStep) {
        for (let part = 0; part < perItem; part++) target[end + part] = source[start + part] ?? 0;
      }
    });
  }

  /** Calls `line` for each innermost run, with element offsets. */
  #walk(
    axis: number,
    from: number,
    to: number,
    line: (from: number, to: number, count: number, fromStride: number, toStride: number) => void,
  ): void {
    const count = this.#counts[axis];
    if (count === undefined) {
      line(from, to, 1, 1, 1);
      return;
    }
    const fromStride = this.#fromStrides[axis] ?? 0;
    const toStride = this.#toStrides[axis] ?? 0;
    if (axis === this.#counts.length - 1) {
      line(from, to, count, fromStride, toStride);
      return;
    }
    for (let at = 0; at < count; at++) this.#walk(axis + 1, from + at * fromStride, to + at * toStride, line);
  }
}

function lanesOf(bytes: Uint8Array, lane: 1 | 2 | 4): Uint8Array | Uint16Array | Uint32Array {
  if (lane === 1) return bytes;
  const { buffer, byteOffset, byteLength } = bytes;
  if (lane === 2) return new Uint16Array(buffer, byteOffset, byteLength >> 1);
  return new Uint32Array(buffer, byteOffset, Math.floor(byteLength / 4));
}
