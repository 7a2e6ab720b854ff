/**
 * Elements in memory that are all the fill value.
 *
 * @module
 */

import type { ChunkData } from "../codecs/codec.ts";
import { type DataType, itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";

/** Decoded elements that may be changed, see {@link ChunkData}. */
export type MutableChunkData = Uint8Array | string[] | Uint8Array[];

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The fill value of an array of strings. Errors: `InvalidMetadata` where it is not UTF-8. */
export function fillText(fillValue: Uint8Array): string {
  try {
    return TEXT.decode(fillValue);
  } catch (cause) {
    throw new MoraineError("InvalidMetadata", "the fill value of a string is not UTF-8", { cause });
  }
}

/**
 * A number of elements, each the fill value.
 *
 * Errors: `LimitExceeded` for more than fit in memory.
 *
 * @param zeros leave elements of fixed size zero: somebody else fills them
 */
export function filled(
  count: number,
  dataType: DataType,
  fillValue: Uint8Array,
  zeros = false,
): MutableChunkData {
  requireMemory(count, dataType);
  const size = itemSize(dataType);
  if (size === undefined) {
    return dataType.name === "string"
      ? new Array<string>(count).fill(fillText(fillValue))
      : // Whoever changes an element of what was read changes no metadata.
        new Array<Uint8Array>(count).fill(fillValue.slice());
  }
  const bytes = new Uint8Array(allocate(count * size));
  if (!zeros && fillValue.some((byte) => byte !== 0)) repeat(bytes, fillValue);
  return bytes;
}

/** Throws `LimitExceeded` for more elements than fit in memory. */
export function requireMemory(count: number, dataType: DataType): void {
  if (count * (itemSize(dataType) ?? 8) <= MOST_BYTES) return;
  throw new MoraineError("LimitExceeded", `${count} elements do not fit in memory: select a part of them`);
}

/** Of one typed array: what Node 20 and browsers give. */
const MOST_BYTES = 2 ** 32;

function allocate(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    throw new MoraineError("LimitExceeded", `there is no memory for ${bytes} bytes: select a part of them`, {
      cause,
    });
  }
}

/** Fills bytes with one element, over and over. */
function repeat(bytes: Uint8Array, element: Uint8Array): void {
  bytes.set(element.subarray(0, bytes.length));
  for (let done = element.length; done < bytes.length; done *= 2) {
    bytes.copyWithin(done, 0, Math.min(done, bytes.length - done));
  }
}

/** A chunk of a shape that is all fill value. */
export function filledChunk(
  shape: readonly number[],
  { dataType, fillValue }: { readonly dataType: DataType; readonly fillValue: Uint8Array },
): MutableChunkData {
  const count = shape.reduce((product, length) => product * length, 1);
  return filled(count, dataType, fillValue);
}

/** Whether decoded elements are values, one each. */
export function isList(data: ChunkData): data is readonly string[] | readonly Uint8Array[] {
  return !(data instanceof Uint8Array);
}
