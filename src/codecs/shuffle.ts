/**
 * `numcodecs.shuffle`, HDF5's filter 2: the first bytes of all elements, then the second ones, and so on.
 * Bytes after the last whole element stay as they are (H5Zshuffle.c), where numcodecs refuses them.
 *
 * @module
 */

import { itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

export const makeShuffle: CodecMaker = (values, { dataType }) => {
  const configuration = new Configuration("numcodecs.shuffle", values, ["elementsize"]);
  const size = configuration.integer("elementsize", 1, 2 ** 31 - 1, itemSize(dataType) ?? 1);
  const codec: BytesToBytesCodec = {
    kind: "bytes-to-bytes",
    encodedSize: (bytes) => bytes,
    decode: (bytes) => unshuffle(bytes, size),
    decodeInto(bytes, target) {
      if (bytes.length !== target.length) {
        throw new MoraineError("CorruptChunk", `${bytes.length} shuffled bytes, ${target.length} are right`);
      }
      unshuffleInto(bytes, target, size);
    },
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
  const words = size === 2 ? undefined : wordsOf(bytes, out, count, size);
  if (size === 2) {
    gather16(bytes, out, count);
  } else if (words) {
    for (let byte = 0; byte < size; byte += 4) {
      gather32(words.from, words.to, (byte * count) >> 2, count >> 2, byte >> 2, size >> 2);
    }
  } else {
    for (let byte = 0; byte < size; byte++) {
      const from = byte * count;
      for (let i = 0, at = byte; i < count; i++, at += size) out[at] = bytes[from + i] ?? 0;
    }
  }
  out.set(bytes.subarray(count * size), count * size);
}

/** Takes the bytes of each element apart. */
export function shuffle(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(bytes.length / size);
  if (size <= 1 || count <= 1) return bytes;
  const out = new Uint8Array(bytes.length);
  const words = wordsOf(bytes, out, count, size);
  if (words) {
    for (let byte = 0; byte < size; byte += 4) {
      scatter32(words.from, words.to, byte >> 2, size >> 2, (byte * count) >> 2, count >> 2);
    }
  } else {
    for (let byte = 0; byte < size; byte++) {
      const to = byte * count;
      for (let i = 0, at = byte; i < count; i++, at += size) out[to + i] = bytes[at] ?? 0;
    }
  }
  out.set(bytes.subarray(count * size), count * size);
  return out;
}

/** Both as words of 32 bits, where elements and planes consist of whole ones. */
function wordsOf(
  bytes: Uint8Array,
  out: Uint8Array,
  count: number,
  size: number,
): { readonly from: Uint32Array; readonly to: Uint32Array } | undefined {
  if (size % 4 !== 0 || count % 4 !== 0 || ((bytes.byteOffset | out.byteOffset) & 3) !== 0) return undefined;
  const length = (count * size) >> 2;
  return {
    from: new Uint32Array(bytes.buffer, bytes.byteOffset, length),
    to: new Uint32Array(out.buffer, out.byteOffset, length),
  };
}

function gather16(bytes: Uint8Array, out: Uint8Array, count: number): void {
  if (count % 4 === 0 && ((bytes.byteOffset | out.byteOffset) & 3) === 0) {
    const planes = new Uint32Array(bytes.buffer, bytes.byteOffset, count >> 1);
    const words = new Uint32Array(out.buffer, out.byteOffset, count >> 1);
    for (let i = 0, second = count >> 2, at = 0; second < planes.length; i++, second++, at += 2) {
      const a = planes[i] ?? 0;
      const b = planes[second] ?? 0;
      words[at] = (a & 0xff) | ((b & 0xff) << 8) | ((a & 0xff00) << 8) | ((b & 0xff00) << 16);
      words[at + 1] = ((a >>> 16) & 0xff) | ((b >>> 8) & 0xff00) | ((a >>> 8) & 0xff0000) | (b & 0xff000000);
    }
    return;
  }
  for (let i = 0, b = count, at = 0; i < count; i++, b++, at += 2) {
    out[at] = bytes[i] ?? 0;
    out[at + 1] = bytes[b] ?? 0;
  }
}

/**
 * Four planes of bytes that begin at word `start`, `count` words each, become the words `first`, `first + step`, …:
 * four words of each plane at a time are a matrix of 4 x 4 bytes, which is transposed.
 */
function gather32(
  from: Uint32Array,
  to: Uint32Array,
  start: number,
  count: number,
  first: number,
  step: number,
): void {
  const [second, third, fourth] = [start + count, start + 2 * count, start + 3 * count];
  for (let i = 0, at = first; i < count; i++) {
    const a = from[start + i] ?? 0;
    const b = from[second + i] ?? 0;
    const c = from[third + i] ?? 0;
    const d = from[fourth + i] ?? 0;
    const ab = (a & 0x00ff00ff) | ((b & 0x00ff00ff) << 8);
    const abOdd = ((a >>> 8) & 0x00ff00ff) | (b & 0xff00ff00);
    const cd = (c & 0x00ff00ff) | ((d & 0x00ff00ff) << 8);
    const cdOdd = ((c >>> 8) & 0x00ff00ff) | (d & 0xff00ff00);
    to[at] = (ab & 0xffff) | (cd << 16);
    at += step;
    to[at] = (abOdd & 0xffff) | (cdOdd << 16);
    at += step;
    to[at] = (ab >>> 16) | (cd & 0xffff0000);
    at += step;
    to[at] = (abOdd >>> 16) | (cdOdd & 0xffff0000);
    at += step;
  }
}

/** The opposite of {@link gather32}: the words `first`, `first + step`, … become four planes from word `start` on. */
function scatter32(
  from: Uint32Array,
  to: Uint32Array,
  first: number,
  step: number,
  start: number,
  count: number,
): void {
  const [second, third, fourth] = [start + count, start + 2 * count, start + 3 * count];
  for (let i = 0, at = first; i < count; i++, at += 4 * step) {
    const a = from[at] ?? 0;
    const b = from[at + step] ?? 0;
    const c = from[at + 2 * step] ?? 0;
    const d = from[at + 3 * step] ?? 0;
    const ab = (a & 0x00ff00ff) | ((b & 0x00ff00ff) << 8);
    const abOdd = ((a >>> 8) & 0x00ff00ff) | (b & 0xff00ff00);
    const cd = (c & 0x00ff00ff) | ((d & 0x00ff00ff) << 8);
    const cdOdd = ((c >>> 8) & 0x00ff00ff) | (d & 0xff00ff00);
    to[start + i] = (ab & 0xffff) | (cd << 16);
    to[second + i] = (abOdd & 0xffff) | (cdOdd << 16);
    to[third + i] = (ab >>> 16) | (cd & 0xffff0000);
    to[fourth + i] = (abOdd >>> 16) | (cdOdd & 0xffff0000);
  }
}
