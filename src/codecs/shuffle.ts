/**
 * `numcodecs.shuffle`, HDF5's filter 2: the first bytes of all elements, then the second ones, and so on.
 * Bytes after the last whole element stay as they are (H5Zshuffle.c), where numcodecs refuses them.
 *
 * @module
 */

import { itemSize } from "../data-types/data-type.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

export const makeShuffle: CodecMaker = (values, { dataType }) => {
  const configuration = new Configuration("numcodecs.shuffle", values, ["elementsize"]);
  const size = configuration.integer("elementsize", 1, 2 ** 31 - 1, itemSize(dataType) ?? 1);
  const codec: BytesToBytesCodec = {
    kind: "bytes-to-bytes",
    encodedSize: (bytes) => bytes,
    decode: (bytes) => unshuffle(bytes, size),
    encode: (bytes) => shuffle(bytes, size),
  };
  return codec;
};

/** Puts the bytes of each element together again. */
export function unshuffle(bytes: Uint8Array, size: number): Uint8Array {
  if (size <= 1 || bytes.length < 2 * size) return bytes;
  const out = new Uint8Array(bytes.length);
  unshuffleInto(bytes, out, size);
  return out;
}

/** The same, into other memory of the same length. */
export function unshuffleInto(bytes: Uint8Array, out: Uint8Array, size: number): void {
  const count = Math.floor(bytes.length / size);
  const { buffer, byteOffset } = out;
  const isAligned = byteOffset % 4 === 0;
  if (size === 2 && isAligned) {
    const words = new Uint16Array(buffer, byteOffset, count);
    for (let i = 0, b = count; i < count; i++, b++) words[i] = (bytes[i] ?? 0) | ((bytes[b] ?? 0) << 8);
  } else if (size === 4 && isAligned) {
    gather32(bytes, new Uint32Array(buffer, byteOffset, count), count, 0, 1, 0);
  } else if (size === 8 && isAligned) {
    const words = new Uint32Array(buffer, byteOffset, 2 * count);
    gather32(bytes, words, count, 0, 2, 0);
    gather32(bytes, words, count, 4 * count, 2, 1);
  } else {
    for (let byte = 0; byte < size; byte++) {
      const from = byte * count;
      for (let i = 0, at = byte; i < count; i++, at += size) out[at] = bytes[from + i] ?? 0;
    }
  }
  out.set(bytes.subarray(count * size), count * size);
}

/** Four planes of bytes from `from` on become the words `first`, `first + step`, … */
function gather32(
  bytes: Uint8Array,
  words: Uint32Array,
  count: number,
  from: number,
  step: number,
  first: number,
): void {
  let [a, b, c, d] = [from, from + count, from + 2 * count, from + 3 * count];
  for (let i = 0, at = first; i < count; i++, at += step) {
    words[at] =
      (bytes[a++] ?? 0) | ((bytes[b++] ?? 0) << 8) | ((bytes[c++] ?? 0) << 16) | ((bytes[d++] ?? 0) << 24);
  }
}

/** Takes the bytes of each element apart. */
export function shuffle(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(bytes.length / size);
  if (size <= 1 || count <= 1) return bytes;
  const out = new Uint8Array(bytes.length);
  for (let byte = 0; byte < size; byte++) {
    const to = byte * count;
    for (let i = 0, at = byte; i < count; i++, at += size) out[to + i] = bytes[at] ?? 0;
  }
  out.set(bytes.subarray(count * size), count * size);
  return out;
}
