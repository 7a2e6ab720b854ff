/**
 * Pieces that take the place of parts of an array that is stored already, in the chunk grid that it has: only chunks that
 * hold something of them change.
 *
 * @module
 */

import { entryCoordinates } from "../../manifest/chunk-manifest.ts";
import { axisOf, axisRows, sectionOf } from "../../manifest/chunk-rows.ts";
import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import { isPlainBytes, splitChunks } from "../../manifest/split-chunks.ts";
import { gridCoordinates, gridPosition, gridShapeOf, largestChunk } from "../../zarr/chunk-grid.ts";
import { axisChunksOf } from "../../zarr/read/axis-chunks.ts";
import type { RegionReader } from "../../zarr/write/chunk-encoder.ts";
import { markPending, PENDING } from "./pending.ts";
import { chunkBytes, type Piece } from "./piece.ts";
import { joinedRegion, type RegionPart } from "./regions.ts";

/** A piece and the first element along the axis that it takes the place of. */
export interface OverPiece {
  readonly at: number;
  readonly piece: Piece;
}

/** An array with pieces over it. */
export interface OverlaidPiece {
  /** Its manifest has only what changes. */
  readonly piece: Piece;
  /** Coordinates of chunks that are missing now, and may be stored. */
  readonly absent: readonly (readonly number[])[];
}

/** Lays pieces, which have the lengths of the stored array in all other axes, over it. */
export function overlay(stored: Piece, pieces: readonly OverPiece[], axis: number): OverlaidPiece {
  const over = pieces
    .map(({ at, piece }) => ({ at, piece: cutAlike(piece, stored, axis) }))
    .sort((a, b) => a.at - b.at);
  const { metadata } = stored;
  const gridShape = gridShapeOf(metadata);
  const builder = new ManifestBuilder(gridShape, PENDING);
  const locations = new Map([[PENDING, 0]]);
  const kept = new Set<number>();
  const touched = new Set<number>();
  const chunks = axisChunksOf(metadata.chunkGrid)[axis];
  for (const { at, piece } of over) {
    const length = piece.metadata.shape[axis] ?? 0;
    if (chunks === undefined || length === 0) continue;
    for (let row = chunks.chunkAt(at); row <= chunks.chunkAt(at + length - 1); row++) touched.add(row);
    const rows = sameRows(at, piece, stored, axis);
    const { manifest } = piece;
    if (manifest === undefined) continue;
    for (const row of rows.values()) kept.add(row);
    const indexes = manifest.locations.map((location, index) => {
      const known = locations.get(location) ?? builder.addLocation(location, manifest.versions[index]);
      locations.set(location, known);
      return known;
    });
    for (let entry = 0; entry < manifest.count; entry++) {
      const coordinates = entryCoordinates(manifest, entry);
      const row = rows.get(coordinates[axis] ?? 0);
      if (row === undefined) continue;
      const position = gridPosition(coordinates.with(axis, row), gridShape);
      const bytes = manifest.inline.get(entry);
      const location = indexes[manifest.locationIndexes?.[entry] ?? 0] ?? 0;
      if (bytes) builder.appendInline(position, bytes);
      else builder.append(position, manifest.offsets[entry] ?? 0, manifest.lengths[entry] ?? 0, 0, location);
    }
  }
  const manifest = builder.build();
  const anew = [...touched].filter((row) => !kept.has(row));
  const present = new Set(manifest.positions ?? []);
  return {
    piece: {
      ...stored,
      manifest: markPending(manifest, positionsOf(anew, gridShape, axis), chunkBytes(metadata)),
      region: joinedRegion(segments(stored, over, axis), axis),
    },
    absent:
      manifest.positions === undefined
        ? []
        : positionsOf([...kept], gridShape, axis)
            .filter((position) => !present.has(position))
            .map((position) => gridCoordinates(position, gridShape)),
  };
}

/** Uncompressed chunks are cut to the length that those of the stored array have, where that is exact. */
function cutAlike(piece: Piece, stored: Piece, axis: number): Piece {
  const { metadata, manifest } = piece;
  const { chunkGrid } = metadata;
  const wanted = largestChunk(stored.metadata.chunkGrid)[axis] ?? 1;
  if (manifest === undefined || chunkGrid.name !== "regular" || !isPlainBytes(metadata)) return piece;
  const own = chunkGrid.chunkShape[axis] ?? 1;
  const isFirst = chunkGrid.chunkShape.every((length, at) => at >= axis || length === 1);
  if (own === wanted || own % wanted !== 0 || !isFirst) return piece;
  return { ...piece, ...splitChunks({ metadata, manifest }, chunkGrid.chunkShape.with(axis, wanted)) };
}

/** The rows of a piece's chunks that are the same ones in the stored grid, by their number in the piece. */
function sameRows(at: number, piece: Piece, stored: Piece, axis: number): Map<number, number> {
  const same = new Map<number, number>();
  const [own, grid] = [piece.metadata.chunkGrid, stored.metadata.chunkGrid];
  const chunks = axisChunksOf(grid)[axis];
  if (chunks === undefined || sectionOf(own, axis) !== sectionOf(grid, axis)) return same;
  const end = stored.metadata.shape[axis] ?? 0;
  let start = at;
  let number = 0;
  for (const { count, stored: length, inside } of axisRows(
    axisOf(own, axis),
    piece.metadata.shape[axis] ?? 0,
  )) {
    for (let index = 0; index < count; index++, number++, start += inside) {
      const row = chunks.chunkAt(start);
      const isSame =
        chunks.startOf(row) === start &&
        chunks.lengthOf(row) === length &&
        Math.min(length, end - start) === inside;
      if (isSame) same.set(number, row);
    }
  }
  return same;
}

/** The stored array between the pieces, and the pieces. */
function segments(stored: Piece, over: readonly OverPiece[], axis: number): RegionPart[] {
  const { shape } = stored.metadata;
  const parts: RegionPart[] = [];
  const add = (start: number, stop: number): void => {
    if (stop > start)
      parts.push({ shape: shape.with(axis, stop - start), region: shifted(stored.region, axis, start) });
  };
  let next = 0;
  for (const { at, piece } of over) {
    add(next, at);
    parts.push({ shape: piece.metadata.shape, region: piece.region });
    next = at + (piece.metadata.shape[axis] ?? 0);
  }
  add(next, shape[axis] ?? 0);
  return parts;
}

function shifted(region: RegionReader, axis: number, by: number): RegionReader {
  return (start, shape, options) => region(start.with(axis, (start[axis] ?? 0) + by), shape, options);
}

/** All positions of rows of chunks, ascending. */
function positionsOf(rows: readonly number[], gridShape: readonly number[], axis: number): number[] {
  const inner = gridShape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const outer = gridShape.slice(0, axis).reduce((product, length) => product * length, 1);
  const length = gridShape[axis] ?? 0;
  const sorted = rows.toSorted((a, b) => a - b);
  const positions: number[] = [];
  for (let before = 0; before < outer; before++) {
    for (const row of sorted) {
      for (let after = 0; after < inner; after++) positions.push((before * length + row) * inner + after);
    }
  }
  return positions;
}
