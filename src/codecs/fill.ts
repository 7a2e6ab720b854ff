/**
 * Whether elements are nothing but the fill value, and need not be stored.
 *
 * @module
 */

import type { DataType } from "../data-types/data-type.ts";
import { decodeElement } from "../data-types/elements.ts";
import type { ChunkData } from "./codec.ts";

/**
 * Whether every element is the fill value, bit for bit: -0.0 is not 0.0, and a NaN of another payload is another
 * value.
 */
export function isFill(data: ChunkData, fillValue: Uint8Array, dataType: DataType): boolean {
  if (data instanceof Uint8Array) return isFillBytes(data, fillValue);
  const fill = decodeElement(fillValue, dataType);
  return data.every((value) =>
    typeof value === "string" || typeof fill === "string" ? value === fill : sameBytes(value, fill),
  );
}

function isFillBytes(bytes: Uint8Array, fill: Uint8Array): boolean {
  const size = fill.length;
  for (let at = 0; at < size; at++) if (bytes[at] !== fill[at]) return false;
  // From here on every byte must be the one an element before.
  for (let at = size; at < bytes.length; at++) if (bytes[at] !== bytes[at - size]) return false;
  return true;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
