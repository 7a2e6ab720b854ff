/**
 * Where the pieces of chunks lie: inner chunks in their shard, rows in a chunk that is stored as it is.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { PLACE_OBJECT } from "../chunk-source.ts";
import { type PiecePlaces, PlacesBuilder } from "./places.ts";
import type { ChunkRows, ReadPlan } from "./plan.ts";

/** Chunks of one level, and what is read of them: rows of the next. */
export interface Nesting {
  readonly plan: ReadPlan;
  readonly level: number;
  readonly rows: ChunkRows;
  readonly children: ChunkRows;
  readonly rank: number;
}

/** C-order number of an inner chunk in its shard. */
export function innerChunkNumber(
  { plan, level, children }: Nesting,
  child: number,
  grid: readonly number[],
): number {
  return grid.reduce(
    (number, size, axis) => number * size + plan.coordinate(level + 1, children, child, axis),
    0,
  );
}

/** Bytes of a chunk that is stored as it is. */
export function plainLength({ plan, level, rows, rank }: Nesting, row: number, itemSize: number): number {
  let length = itemSize;
  for (let axis = 0; axis < rank; axis++) length *= plan.length(level, rows, row, axis);
  return length;
}

/** Where in a chunk that is stored as it is a piece begins, and its bytes. */
export function plainPiece(
  { plan, level, rows, children, rank }: Nesting,
  child: number,
  pieceShape: readonly number[],
  itemSize: number,
): { readonly offset: number; readonly length: number } {
  const row = children.parents[child] ?? 0;
  let offset = 0;
  let length = itemSize;
  for (let axis = 0; axis < rank; axis++) {
    const coordinate = plan.coordinate(level + 1, children, child, axis);
    const start = coordinate === 0 ? 0 : coordinate * (pieceShape[axis] ?? 1);
    offset = offset * plan.length(level, rows, row, axis) + start;
    length *= plan.length(level + 1, children, child, axis);
  }
  return { offset: offset * itemSize, length };
}

/** Places of the rows of chunks that are stored as they are; `CorruptChunk` for a chunk of another size. */
export function locatePlainPieces(
  nesting: Nesting,
  places: PiecePlaces,
  pieceShape: readonly number[],
  itemSize: number,
): PiecePlaces {
  const { children } = nesting;
  const builder = new PlacesBuilder(children.count);
  const locations = new Map<string, number>();
  for (let child = 0; child < children.count; child++) {
    const row = children.parents[child] ?? 0;
    const from = places.locationIndexes[row] ?? 0;
    const whole = plainLength(nesting, row, itemSize);
    const isObject = places.kinds[row] === PLACE_OBJECT;
    const stored = places.lengths[row] ?? 0;
    if (!isObject && stored !== whole) {
      throw new MoraineError("CorruptChunk", `the chunk has ${stored} bytes instead of ${whole}`, {
        source: places.locations[from],
        offset: places.offsets[row],
      });
    }
    const key = `${from} ${isObject}`;
    let location = locations.get(key);
    if (location === undefined) {
      const address = places.locations[from] ?? "";
      location = builder.addLocation(address, places.versions?.[from], isObject ? whole : undefined);
      locations.set(key, location);
    }
    const { offset, length } = plainPiece(nesting, child, pieceShape, itemSize);
    builder.setRange(child, location, (isObject ? 0 : (places.offsets[row] ?? 0)) + offset, length);
  }
  return builder.build();
}
