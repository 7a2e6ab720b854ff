/**
 * What fixed and extensible arrays have in common: their elements.
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import type { MetadataSource } from "../metadata-source.ts";
import type { ChunkRows, LinearOrder } from "./chunk-rows.ts";

const TWO_32 = 2 ** 32;
const UNFILTERED = 0;
const FILTERED = 1;
/** Bytes of a filter mask. */
const MASK = 4;

/**
 * A reader of elements that stand one after another: an address each, and with filters the stored bytes (in as
 * many bytes as the element has left) and the filter mask. An undefined address is a chunk that is not stored.
 *
 * @param end one more than the largest linear index that counts
 * @returns called with the elements' bytes and the linear index of the first
 */
export function elementReader(
  metadata: MetadataSource,
  rows: ChunkRows,
  order: LinearOrder,
  client: number,
  elementSize: number,
  end: number = order.end,
): (bytes: Uint8Array, first: number) => void {
  const { offsetSize, source } = metadata;
  const filtered = client === FILTERED;
  const lengthWidth = elementSize - offsetSize - MASK;
  const fits = filtered ? lengthWidth >= 1 && lengthWidth <= 8 : elementSize === offsetSize;
  if (!fits || (client !== UNFILTERED && !filtered)) {
    throw new MoraineError("CorruptFile", `array elements of ${elementSize} bytes for client ${client}`, {
      source,
    });
  }
  if (filtered !== rows.array.filterCount > 0) {
    throw new MoraineError("CorruptFile", "a chunk index contradicts the filter pipeline", { source });
  }
  const { chunkBytes } = rows.array;
  const read = (view: DataView, at: number, width: number): number => {
    if (width === 8) return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
    if (width === 4) return view.getUint32(at, true);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + view.getUint8(at + i);
    return value;
  };
  // As a double the all-ones address of 8 bytes is 2^64.
  const undefinedAddress = offsetSize === 8 ? 2 ** 64 : 2 ** (8 * offsetSize) - 1;
  return (bytes, first) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = Math.min(Math.floor(bytes.length / elementSize), end - first);
    rows.count(Math.max(count, 0));
    for (let i = 0; i < count; i++) {
      const at = i * elementSize;
      const address = read(view, at, offsetSize);
      if (address === undefinedAddress) continue;
      const position = order.position(first + i);
      if (position < 0) continue;
      if (filtered) {
        const length = read(view, at + offsetSize, lengthWidth);
        rows.append(position, address, length, view.getUint32(at + offsetSize + lengthWidth, true));
      } else rows.append(position, address, chunkBytes, 0);
    }
  };
}
