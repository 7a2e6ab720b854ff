/**
 * Sources that have not all arrays.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { missingPiece, type Piece } from "./piece.ts";

/**
 * Stands for a source without an array: its part reads as missing values.
 *
 * Errors: `Incompatible` where nothing would mark them as such, or says how many they are.
 *
 * @param common metadata of the array in other sources
 * @param lengths of dimensions in this source
 * @param dimensions along which it is joined
 */
export function missingPart(
  source: string,
  path: string,
  common: ArrayMetadata,
  lengths: ReadonlyMap<string, number>,
  dimensions: readonly string[],
): Piece {
  const isFloat = /^(float|bfloat|complex)/.test(common.dataType.name);
  const fillIsNaN = isFloat && Number.isNaN(floatOf(common));
  if (common.attributes["_FillValue"] === undefined && !fillIsNaN) {
    throw new MoraineError(
      "Incompatible",
      "it is not there, and has no _FillValue that would mark its values as missing; --join inner leaves it out",
      { source, path },
    );
  }
  const shape = common.shape.map((length, axis) => {
    const name = common.dimensionNames?.[axis];
    if (typeof name !== "string" || !dimensions.includes(name)) return length;
    const own = lengths.get(name);
    if (own !== undefined) return own;
    throw new MoraineError(
      "Incompatible",
      `none of its arrays has the dimension ${name}: nothing says for how many steps it stands`,
      { source, path },
    );
  });
  return missingPiece(source, common, shape);
}

function floatOf({ dataType, fillValue }: ArrayMetadata): number {
  const view = new DataView(fillValue.buffer, fillValue.byteOffset, fillValue.byteLength);
  if (dataType.name === "float32") return view.getFloat32(0, true);
  return dataType.name === "float64" ? view.getFloat64(0, true) : 0;
}
