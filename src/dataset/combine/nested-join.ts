/**
 * Pieces on a grid of places, joined along one dimension after the other.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { JoinPolicy } from "../../manifest/join-plan.ts";
import type { CombinePlanOptions } from "./options.ts";
import { type OverlaidPiece, overlay } from "./overlay.ts";
import { joinPieces, type Piece } from "./piece.ts";
import { compareStatic } from "./static-array.ts";

/** A piece and its place along each dimension. */
export interface Cell {
  readonly index: readonly number[];
  readonly piece: Piece;
}

/** What is stored, with the pieces that take the place of parts of it, before those that come behind it. */
export function overlaidCells(
  cells: readonly Cell[],
  axis: number,
): { readonly cells: readonly Cell[]; readonly absent: OverlaidPiece["absent"] } {
  const over = cells.flatMap(({ piece }) => (piece.at === undefined ? [] : [{ at: piece.at, piece }]));
  const [stored, ...others] = cells.filter(({ piece }) => piece.at === undefined);
  if (over.length === 0 || stored === undefined) return { cells, absent: [] };
  checkShapes(stored.piece, cells, axis);
  const { piece, absent } = overlay(stored.piece, over, axis);
  return { cells: [{ ...stored, piece }, ...others], absent };
}

/** One piece for each place; those that stand at the same one are compared. */
export async function distinctCells(
  cells: readonly Cell[],
  path: string,
  options: CombinePlanOptions,
  notes: string[],
): Promise<Cell[]> {
  const places = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = cell.index.join();
    const same = places.get(key);
    if (same) same.push(cell);
    else places.set(key, [cell]);
  }
  const distinct: Cell[] = [];
  for (const same of places.values()) {
    const [first] = same;
    if (first === undefined) continue;
    if (options.compat !== "override") {
      const note = await compareStatic(
        same.map(({ piece }) => piece),
        path,
        options,
      );
      if (note !== undefined) notes.push(note);
    }
    distinct.push(first);
  }
  return distinct;
}

/** Joins along the last axis first, until one piece is left. */
export function joinNested(cells: readonly Cell[], axes: readonly number[], policy: JoinPolicy): Piece {
  const axis = axes.at(-1);
  const [first, ...behind] = cells;
  // What is laid over something that is stored keeps its grid.
  const isAlone = first !== undefined && behind.length === 0 && first.piece.existing === true;
  if (axis === undefined || isAlone) {
    if (first === undefined) throw new MoraineError("InvalidArgument", "there is nothing to be joined");
    return first.piece;
  }
  const rows = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = cell.index.slice(0, -1).join();
    const row = rows.get(key);
    if (row) row.push(cell);
    else rows.set(key, [cell]);
  }
  const joined = [...rows.values()].flatMap((row): Cell[] => {
    const [first, ...others] = row.toSorted((a, b) => (a.index.at(-1) ?? 0) - (b.index.at(-1) ?? 0));
    if (first === undefined) return [];
    checkShapes(first.piece, others, axis);
    const piece = joinPieces([first.piece, ...others.map((other) => other.piece)], axis, policy);
    return [{ index: first.index.slice(0, -1), piece }];
  });
  return joinNested(joined, axes.slice(0, -1), policy);
}

function checkShapes(first: Piece, others: readonly Cell[], axis: number): void {
  for (const { piece } of others) {
    const { shape, dimensionNames } = piece.metadata;
    const wrong = shape.findIndex(
      (length, index) => index !== axis && length !== first.metadata.shape[index],
    );
    if (wrong >= 0) {
      throw new MoraineError(
        "Incompatible",
        `its dimension ${dimensionNames?.[wrong] ?? wrong} has ${shape[wrong]} elements, that of ${first.source} ${first.metadata.shape[wrong]}`,
        { source: piece.source },
      );
    }
  }
}
