/**
 * Arrays whose dimensions stand in different orders, in one.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import type { ArrayMetadata, ChunkGrid } from "../../zarr/array-metadata.ts";
import { stridesOf } from "../../zarr/chunk-grid.ts";
import { filled } from "../../zarr/filled.ts";
import { StridedBox } from "../../zarr/read/strided-copy.ts";
import type { RegionReader } from "../../zarr/write/chunk-encoder.ts";
import { agree, describeDrift, findDrift } from "./drift.ts";
import type { Piece } from "./piece.ts";

/**
 * The pieces with their dimensions in the order of the one that is stored already, else in that which most elements have;
 * as they are where they have not the same dimensions. All chunks of what stands in another order must be encoded anew.
 *
 * @param notes takes what was converted
 */
export function orderedAlike(pieces: readonly Piece[], notes: string[]): readonly Piece[] {
  const [found] = findDrift(pieces, ["dimensions"]);
  if (found === undefined || !haveSameDimensions(pieces)) return pieces;
  const [lead] = pieces.toSorted((a, b) => weightOf(b, pieces) - weightOf(a, pieces));
  const order = lead?.metadata.dimensionNames ?? [];
  notes.push(`stored in one order of dimensions: ${describeDrift(found)}`);
  return pieces.map((piece) => {
    const names = piece.metadata.dimensionNames ?? [];
    return names.join("\0") === order.join("\0")
      ? piece
      : transposed(
          piece,
          order.map((name) => names.indexOf(name)),
        );
  });
}

/** Whether all have dimensions of the same names, each once. */
export function haveSameDimensions(pieces: readonly Pick<Piece, "metadata">[]): boolean {
  const sorted = pieces.map(({ metadata: { dimensionNames } }) => {
    const names = dimensionNames?.filter((name) => name !== null) ?? [];
    const isNamed = dimensionNames !== undefined && new Set(names).size === dimensionNames.length;
    return isNamed ? names.toSorted().join("\0") : undefined;
  });
  return sorted.every((names) => names !== undefined && names === sorted[0]);
}

/** Elements of all pieces of the order of one. */
function weightOf(piece: Piece, pieces: readonly Piece[]): number {
  return pieces
    .filter(({ metadata }) => agree("dimensions", metadata, piece.metadata))
    .reduce((sum, { metadata: { shape }, existing }) => {
      const elements = shape.reduce((product, length) => product * length, 1);
      return sum + (existing === true ? Number.POSITIVE_INFINITY : elements);
    }, 0);
}

/** @param axes for each axis of the result the one of the piece */
function transposed(piece: Piece, axes: readonly number[]): Piece {
  const { metadata } = piece;
  const permuted = <Item>(items: readonly Item[]): Item[] =>
    axes.flatMap((axis) => items.slice(axis, axis + 1));
  return {
    ...piece,
    metadata: {
      ...metadata,
      shape: permuted(metadata.shape),
      dimensionNames: permuted(metadata.dimensionNames ?? []),
      chunkGrid: permutedGrid(metadata.chunkGrid, permuted),
    },
    manifest: undefined,
    region: transposedRegion(piece.region, axes, metadata),
  };
}

function permutedGrid(grid: ChunkGrid, permuted: <Item>(items: readonly Item[]) => Item[]): ChunkGrid {
  return grid.name === "regular"
    ? { ...grid, chunkShape: permuted(grid.chunkShape) }
    : { ...grid, chunkShapes: permuted(grid.chunkShapes) };
}

function transposedRegion(
  region: RegionReader,
  axes: readonly number[],
  metadata: ArrayMetadata,
): RegionReader {
  const { dataType, fillValue } = metadata;
  const backward = axes.map((_, axis) => axes.indexOf(axis));
  return async (start, shape, options) => {
    const inOrder = (values: readonly number[]): number[] => backward.map((axis) => values[axis] ?? 0);
    const own = inOrder(shape);
    const data = await region(inOrder(start), own, options);
    const result = filled(
      shape.reduce((product, length) => product * length, 1),
      dataType,
      fillValue,
      true,
    );
    const fromStrides = stridesOf(own);
    const toStrides = stridesOf(shape);
    const box = new StridedBox();
    axes.forEach((axis, at) => {
      box.axis(shape[at] ?? 0, fromStrides[axis] ?? 0, toStrides[at] ?? 0);
    });
    box.copy(data, 0, result, 0, itemSize(dataType) ?? 1);
    return result;
  };
}
