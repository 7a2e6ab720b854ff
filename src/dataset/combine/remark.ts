/**
 * Numbers that differ only in what stands for missing ones, with the mark that most have: what deviates is encoded anew, and
 * nothing else.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { agree, describeDrift, findDrift, signOf } from "./drift.ts";
import type { Piece } from "./piece.ts";
import { repackPiece } from "./repack.ts";

/** Whether pieces of one type of numbers are packed alike, but for what marks missing values. */
export function differInMarks(pieces: readonly Pick<Piece, "metadata">[]): boolean {
  const [first] = pieces;
  if (first === undefined) return false;
  const key = ({ attributes, dataType }: ArrayMetadata): string =>
    [attributes["scale_factor"] ?? 1, attributes["add_offset"] ?? 0, signOf(attributes, dataType)].join();
  return pieces.every(
    ({ metadata }) => agree("data type", metadata, first.metadata) && key(metadata) === key(first.metadata),
  );
}

/**
 * The pieces with the mark of the most elements; undefined where one has a number that this mark stands for, or larger
 * parts than are stored decoded.
 *
 * Errors: those of reading what deviates.
 *
 * @param limit decoded bytes of what may deviate
 * @param notes takes what was converted
 */
export async function remarkedAlike(
  pieces: readonly Piece[],
  limit: number,
  notes: string[],
  options: StorageOptions,
): Promise<readonly Piece[] | undefined> {
  const [drift] = findDrift(pieces, ["packing"]);
  const [lead] = pieces.toSorted((a, b) => weightOf(b, pieces) - weightOf(a, pieces));
  if (drift === undefined || lead === undefined) return undefined;
  const difference = describeDrift(drift);
  const isAlike = ({ metadata }: Piece): boolean => agree("packing", metadata, lead.metadata);
  const deviating = pieces.filter((piece) => !isAlike(piece));
  if (deviating.reduce((sum, { metadata }) => sum + bytesOf(metadata), 0) > limit) return undefined;
  const converted = new Map<Piece, Piece>();
  for (const piece of deviating) {
    const other = repackPiece(piece, lead.metadata, difference);
    if (!(await isExact(other, options))) return undefined;
    converted.set(piece, other);
  }
  notes.push(`what deviates is stored with the mark of missing values that most have: ${difference}`);
  return pieces.map((piece) => converted.get(piece) ?? piece);
}

/** Whether every number can be stored. */
async function isExact({ metadata: { shape }, region }: Piece, options: StorageOptions): Promise<boolean> {
  if (shape.includes(0)) return true;
  try {
    await region(
      shape.map(() => 0),
      shape,
      options,
    );
    return true;
  } catch (error) {
    if (isMoraineError(error, "Incompatible")) return false;
    throw error;
  }
}

/** Elements that may stay where they are with the mark of a piece. */
function weightOf(piece: Piece, pieces: readonly Piece[]): number {
  return pieces
    .filter(({ metadata, manifest }) => manifest !== undefined && agree("packing", metadata, piece.metadata))
    .reduce((sum, { metadata }) => sum + bytesOf(metadata), 0);
}

function bytesOf({ shape, dataType }: ArrayMetadata): number {
  return shape.reduce((product, length) => product * length, itemSize(dataType) ?? 16);
}
