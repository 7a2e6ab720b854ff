/**
 * Numbers that are packed otherwise, in the packing and type of an array that is there already: only where every one of
 * them reads as exactly the same number then.
 *
 * @module
 */

import type { DataType } from "../../data-types/data-type.ts";
import { numberTypeOf, packDoubles, roundToFloat } from "../../data-types/numbers.ts";
import { MoraineError } from "../../errors.ts";
import { decodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { PACKING_ATTRIBUTES, type Packing, readPacking, unpackedReader } from "./packing.ts";
import type { Piece } from "./piece.ts";

/**
 * A piece in the packing and type of another array; all its chunks must be encoded anew.
 *
 * Errors: `Incompatible` for types that are none of numbers; when it is read for a number that the array has no stored
 * number for, with the number and its place.
 *
 * @param stored metadata of the array
 * @param difference in words, for messages
 */
export function repackPiece(piece: Piece, stored: ArrayMetadata, difference: string): Piece {
  const { metadata, source } = piece;
  const { dataType, fillValue, codecs } = stored;
  const type = numberTypeOf(dataType);
  if (type === undefined) {
    throw new MoraineError("Incompatible", `${metadata.dataType.name} cannot become ${dataType.name}`, {
      source,
    });
  }
  const packing = readPacking(stored, source);
  const unpacked = unpackedReader(piece);
  const missing = missingMark(stored);
  const own = Object.entries(metadata.attributes).filter(([key]) => !PACKING_ATTRIBUTES.includes(key));
  const theirs = Object.entries(stored.attributes).filter(([key]) => PACKING_ATTRIBUTES.includes(key));
  const pack = packer(packing, dataType);
  return {
    ...piece,
    metadata: {
      ...metadata,
      dataType,
      fillValue,
      codecs,
      attributes: Object.fromEntries([...own, ...theirs]),
    },
    manifest: undefined,
    region: async (start, shape, options) => {
      const { values, isMissing } = await unpacked(start, shape, options);
      const numbers = values.map((value, index): number => {
        const isMark = isMissing[index] === 1;
        const number = isMark ? missing : pack(value);
        if (number !== undefined) return number;
        const place = placeOf(index, start, shape).join(", ");
        const what = isMark
          ? `the missing value at [${place}] has nothing that stands for it there`
          : `${value} at [${place}] cannot be stored there exactly`;
        throw new MoraineError("Incompatible", `${what}; ${difference}`, { source });
      });
      return packDoubles(numbers, type);
    },
  };
}

/** Gives for a number the one that is stored for it; undefined where none reads as exactly the same. */
function packer(
  { scale, offset, missing, signed, unsigned }: Packing,
  dataType: DataType,
): (value: number) => number | undefined {
  const type = numberTypeOf(dataType);
  if (type === undefined) return () => undefined;
  const isWhole = type.kind !== "float";
  const [low, high] = [Number(type.low), Number(type.high)];
  const holds = (stored: number): boolean =>
    !isWhole || (Number.isSafeInteger(stored) && stored >= low && stored <= high);
  return (value) => {
    if (Number.isNaN(value)) return isWhole ? undefined : value;
    const near = (value - offset) / scale;
    // What the division rounds may come out one beside the right one.
    const candidates = isWhole
      ? [Math.round(near), Math.round(near) - 1, Math.round(near) + 1]
      : [roundToFloat(near, type)];
    return candidates.map(unsigned).find((stored) => {
      const reads = signed(stored);
      // It must not be taken for a missing value.
      const isMark = missing.has(stored) || missing.has(reads);
      return holds(stored) && !isMark && reads * scale + offset === value;
    });
  };
}

/** The number that is stored for a missing value; undefined where there is none. */
function missingMark({ attributes, dataType }: ArrayMetadata): number | undefined {
  const fill = attributes["_FillValue"];
  const mark = fill === undefined ? undefined : decodeFillValueAttribute(fill, dataType);
  const [given] = [mark, attributes["missing_value"]].flat().filter((value) => value !== undefined);
  if (typeof given === "number" || typeof given === "bigint") return Number(given);
  return numberTypeOf(dataType)?.kind === "float" ? Number.NaN : undefined;
}

function placeOf(index: number, start: readonly number[], shape: readonly number[]): number[] {
  let left = index;
  const within = shape.toReversed().map((length) => {
    const at = left % length;
    left = Math.floor(left / length);
    return at;
  });
  return within.reverse().map((at, axis) => at + (start[axis] ?? 0));
}
