/**
 * Undoes the filters of a fractal heap's blocks and huge objects.
 *
 * @module
 */

import { isFletcher32 } from "../../../binary/fletcher32.ts";
import { native } from "../../../codecs/native.ts";
import { unshuffle } from "../../../codecs/shuffle.ts";
import { isMoraineError, MoraineError } from "../../../errors.ts";
import { DEFLATE, type Filter, FLETCHER32, SHUFFLE } from "../filter-pipeline.ts";

/**
 * @param mask bit `i`: the `i`-th filter was left out
 * @param size bytes that must come out
 * @throws `UnsupportedFilter`, `CorruptFile`, `ChecksumMismatch`
 */
export function undoHeapFilters(
  bytes: Uint8Array,
  filters: readonly Filter[],
  mask: number,
  size: number,
): Uint8Array {
  let current = bytes;
  for (let i = filters.length - 1; i >= 0; i--) {
    const filter = filters[i];
    if (filter === undefined || ((mask >>> i) & 1) === 1) continue;
    current = undo(current, filter, size);
  }
  if (current.length !== size) {
    throw new MoraineError("CorruptFile", `a heap block decodes to ${current.length} bytes, not ${size}`);
  }
  return current;
}

function undo(bytes: Uint8Array, filter: Filter, size: number): Uint8Array {
  switch (filter.id) {
    case DEFLATE:
      try {
        // Checksums of later filters may stand behind what is wanted.
        return native.deflate.inflate(bytes, "zlib", size + 64);
      } catch (error) {
        if (isMoraineError(error)) throw new MoraineError("CorruptFile", error.message, { cause: error });
        throw new MoraineError("CorruptFile", "a heap block does not inflate", { cause: error });
      }
    case SHUFFLE:
      return unshuffle(bytes, filter.parameters[0] ?? 1);
    case FLETCHER32: {
      if (bytes.length < 4) throw new MoraineError("CorruptFile", "no room for a checksum");
      const content = bytes.subarray(0, -4);
      const stored = new DataView(bytes.buffer, bytes.byteOffset + content.length).getUint32(0, true);
      if (isFletcher32(stored, content)) return content;
      throw new MoraineError("ChecksumMismatch", "the checksum of a heap block is wrong");
    }
    default:
      throw new MoraineError("UnsupportedFilter", `filter ${filter.id} in a fractal heap`);
  }
}
