/**
 * Whether a chunk holds nothing but the fill value: then it is not stored.
 *
 * The rule is to the bit, so that `-0.0` is stored beside a fill value of `0.0`, and a NaN with another payload
 * beside one of NaN: what is not stored reads back as exactly the fill value. (zarr-python drops every NaN where the
 * fill value is one.)
 *
 * @module
 */

import { sameBytes } from "../binary/byte-sequences.ts";
import type { ChunkData } from "./codec.ts";

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** @param fillValue one element, as in the array's metadata */
export function isAllFill(data: ChunkData, fillValue: Uint8Array): boolean {
  if (data instanceof Uint8Array) return repeats(data, fillValue);
  let text: string | undefined;
  for (const element of data) {
    if (typeof element === "string") {
      text ??= UTF8.decode(fillValue);
      if (element !== text) return false;
    } else if (!sameBytes(element, fillValue)) {
      return false;
    }
  }
  return true;
}

/** Whether bytes are one element over and over. */
function repeats(bytes: Uint8Array, element: Uint8Array): boolean {
  const size = element.length;
  if (bytes.length === 0) return true;
  if (!sameBytes(bytes.subarray(0, size), element)) return false;
  // Every element is the one before it.
  if (size % 4 === 0 && bytes.byteOffset % 4 === 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    const step = size / 4;
    for (let at = step; at < words.length; at++) if (words[at] !== words[at - step]) return false;
    return true;
  }
  for (let at = size; at < bytes.length; at++) if (bytes[at] !== bytes[at - size]) return false;
  return true;
}
