/**
 * `bytes`: elements one after another in either byte order (Zarr v3 codec "bytes").
 *
 * @module
 */

import { type DataType, itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayToBytesCodec, ChunkData, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

/** A number in an element: where it is and how many bytes it has. */
interface Word {
  readonly offset: number;
  readonly size: number;
}

export const makeBytes: CodecMaker = (values, { shape, dataType }) => {
  const configuration = new Configuration("bytes", values, ["endian"]);
  const size = itemSize(dataType);
  if (size === undefined) throw configuration.error(`it cannot encode ${dataType.name}`);
  const words = wordsOf(dataType, 0);
  const ordered = words.length > 0;
  const endian =
    configuration.value("endian") === undefined && !ordered
      ? "little"
      : configuration.word("endian", ["little", "big"]);
  const count = shape.reduce((product, length) => product * length, 1);
  const encodedSize = count * size;
  const codec: ArrayToBytesCodec = {
    kind: "array-to-bytes",
    encodedSize,
    decode(bytes, owned) {
      if (dataType.name === "bool") checkBooleans(bytes);
      return endian === "big" ? swapped(bytes, size, words, owned) : bytes;
    },
    encode(data: ChunkData) {
      if (!(data instanceof Uint8Array) || data.length !== encodedSize) {
        throw new MoraineError("InvalidArgument", `a chunk of ${encodedSize} bytes was expected`);
      }
      return endian === "big" ? swapped(data, size, words, false) : data;
    },
  };
  return codec;
};

/** The numbers of more than one byte in an element. */
function wordsOf(dataType: DataType, offset: number): Word[] {
  switch (dataType.name) {
    case "struct": {
      const words: Word[] = [];
      let at = offset;
      for (const field of dataType.fields) {
        words.push(...wordsOf(field.dataType, at));
        at += itemSize(field.dataType) ?? 0;
      }
      return words;
    }
    case "fixed_length_utf32":
      return Array.from({ length: dataType.lengthBytes / 4 }, (_, index) => ({
        offset: offset + 4 * index,
        size: 4,
      }));
    case "complex64":
    case "complex128": {
      const size = dataType.name === "complex64" ? 4 : 8;
      return [
        { offset, size },
        { offset: offset + size, size },
      ];
    }
    case "null_terminated_bytes":
    case "raw_bytes":
      return [];
    default: {
      const size = itemSize(dataType) ?? 1;
      return size > 1 ? [{ offset, size }] : [];
    }
  }
}

/** The elements with the bytes of each number reversed. */
function swapped(bytes: Uint8Array, size: number, words: readonly Word[], owned: boolean): Uint8Array {
  const out = owned ? bytes : bytes.slice();
  const width = words[0]?.size ?? 1;
  const uniform = words.length * width === size && words.every((word) => word.size === width);
  if (uniform) swapAll(out, width);
  else swapWords(out, size, words);
  return out;
}

/** Reverses every group of `width` bytes. */
export function swapAll(bytes: Uint8Array, width: number): void {
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

function swapWords(bytes: Uint8Array, size: number, words: readonly Word[]): void {
  for (let at = 0; at + size <= bytes.length; at += size) {
    for (const word of words) reverse(bytes, at + word.offset, word.size);
  }
}

function reverse(bytes: Uint8Array, at: number, size: number): void {
  for (let low = at, high = at + size - 1; low < high; low++, high--) {
    const byte = bytes[low] ?? 0;
    bytes[low] = bytes[high] ?? 0;
    bytes[high] = byte;
  }
}

function checkBooleans(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) {
    if ((bytes[i] ?? 0) > 1) throw new MoraineError("CorruptChunk", `byte ${bytes[i]} is no boolean`);
  }
}
