/**
 * Writing from typed arrays.
 *
 * @module
 */

import type { StorageOptions } from "../../storage/storage.ts";
import type { ZarrArray } from "../node.ts";
import type { Selection } from "../selection.ts";
import type { ArrayValues } from "./values.ts";

/**
 * Writes values into a part of an array, or into all of it: what `array.set` does, as zarrita spells it.
 *
 * Errors: as {@link ZarrArray.set}.
 *
 * @example
 * await set(array, [0, slice(10, 20)], new Float32Array(10));
 */
export async function set(
  array: ZarrArray,
  selection: Selection,
  values: ArrayValues,
  options?: StorageOptions,
): Promise<void> {
  await array.set(selection, values, options);
}
