/**
 * Reading into typed arrays.
 *
 * @module
 */

import { decodeElements, type ElementArray } from "../../data-types/elements.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { stridesOf } from "../chunk-grid.ts";
import type { ZarrArray } from "../node.ts";
import type { Selection } from "../selection.ts";
import { readRaw } from "./read.ts";

/** Values in C order. */
export interface Chunk {
  /**
   * A typed array: `BigInt64Array` for 64-bit integers, dates and durations, `Uint8Array` of 0 and 1 for booleans,
   * `Float32Array` for floats of two bytes. Complex numbers are two neighbours each. Texts for strings, `Uint8Array`s for
   * bytes, objects for records.
   */
  readonly data: ElementArray;
  /** Elements along each axis; those that an integer selects are left away. */
  readonly shape: readonly number[];
  /** Elements between neighbours along each axis. */
  readonly stride: readonly number[];
}

/**
 * Reads a part of an array, or all of it.
 *
 * Errors: `OutOfBounds`, `InvalidArgument` for the selection; `CorruptChunk`, `ChecksumMismatch`, `SourceChanged`,
 * those of the storage; `LimitExceeded` for a result that does not fit in memory; `Aborted`.
 *
 * @example
 * const { data, shape } = await get(array, [0, slice(10, 20), null]);
 * const values = await get(array, { time: 0, lat: slice(10, 20) }, { signal });
 */
export async function get(array: ZarrArray, selection?: Selection, options?: StorageOptions): Promise<Chunk> {
  const { data, shape } = await readRaw(array, selection, options);
  return { data: decodeElements(data, array.dataType), shape, stride: stridesOf(shape) };
}
