/**
 * The byte order of numbers in elements: which bytes belong together, and reversing them.
 *
 * @module
 */

import { type DataType, itemSize } from "./data-type.ts";
import type { ByteOrder } from "./numpy-dtype.ts";

/** Numbers of more than one byte that follow each other in an element. */
export interface Words {
  /** Bytes from the start of the element. */
  readonly offset: number;
  /** Bytes of each number. */
  readonly size: number;
  readonly count: number;
}

/** The numbers of more than one byte in an element, an entry for each field that has some. */
export function wordsOf(dataType: DataType, offset = 0): Words[] {
  switch (dataType.name) {
    case "struct": {
      const words: Words[] = [];
      let at = offset;
      for (const field of dataType.fields) {
        words.push(...wordsOf(field.dataType, at));
        at += itemSize(field.dataType) ?? 0;
      }
      return words;
    }
    case "fixed_length_utf32":
      return [{ offset, size: 4, count: dataType.lengthBytes / 4 }];
    case "complex64":
      return [{ offset, size: 4, count: 2 }];
    case "complex128":
      return [{ offset, size: 8, count: 2 }];
    case "null_terminated_bytes":
    case "raw_bytes":
      return [];
    default: {
      const size = itemSize(dataType) ?? 1;
      return size > 1 ? [{ offset, size, count: 1 }] : [];
    }
  }
}

/** Reverses, in place, the bytes of every number that is big-endian: of field after field as {@link wordsOf} has them. */
export function swapFields(bytes: Uint8Array, dataType: DataType, orders: readonly ByteOrder[]): void {
  const words = wordsOf(dataType).filter((_, field) => (orders[field] ?? orders[0]) === "big");
  if (words.length > 0) swapWords(bytes, itemSize(dataType) ?? 1, words);
}

/** Reverses, in place, the bytes of the given numbers of every element. */
export function swapWords(bytes: Uint8Array, itemBytes: number, words: readonly Words[]): void {
  const width = words[0]?.size ?? 1;
  const covered = words.reduce((total, { size, count }) => total + size * count, 0);
  if (covered === itemBytes && words.every(({ size }) => size === width)) {
    swapAll(bytes, width);
    return;
  }
  for (let element = 0; element + itemBytes <= bytes.length; element += itemBytes) {
    for (const { offset, size, count } of words) {
      const from = element + offset;
      for (let at = from; at < from + size * count; at += size) reverse(bytes, at, size);
    }
  }
}

/** Reverses, in place, every group of `width` bytes. */
function swapAll(bytes: Uint8Array, width: number): void {
  const { buffer, byteOffset, length } = bytes;
  if (width === 2 && byteOffset % 2 === 0) {
    const view = new Uint16Array(buffer, byteOffset, length >> 1);
    for (let i = 0; i < view.length; i++) {
      const value = view[i] ?? 0;
      view[i] = (value << 8) | (value >>> 8);
    }
  } else if (width === 4 && byteOffset % 4 === 0) {
    const view = new Uint32Array(buffer, byteOffset, length >> 2);
    for (let i = 0; i < view.length; i++) view[i] = swap32(view[i] ?? 0);
  } else if (width === 8 && byteOffset % 4 === 0) {
    const view = new Uint32Array(buffer, byteOffset, length >> 2);
    for (let i = 0; i + 1 < view.length; i += 2) {
      const low = view[i] ?? 0;
      view[i] = swap32(view[i + 1] ?? 0);
      view[i + 1] = swap32(low);
    }
  } else {
    for (let at = 0; at + width <= length; at += width) reverse(bytes, at, width);
  }
}

function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

function reverse(bytes: Uint8Array, at: number, size: number): void {
  for (let low = at, high = at + size - 1; low < high; low++, high--) {
    const byte = bytes[low] ?? 0;
    bytes[low] = bytes[high] ?? 0;
    bytes[high] = byte;
  }
}
