/**
 * Where chunks that others wrote belong once their sources stand elsewhere.
 *
 * @module
 */

import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { chunkExtent, gridPosition, gridShapeOf, sameShape } from "../../zarr/chunk-grid.ts";
import { axisChunksOf } from "../../zarr/read/axis-chunks.ts";
import type { Places, SourcePlace } from "../combine/places.ts";

/** Places of sources before and after, where sources became one dataset. */
export interface Move {
  readonly before: Places | undefined;
  readonly after: Places | undefined;
  /** Addresses of sources that are gone. */
  readonly gone: ReadonlySet<string>;
  /** Whether all sources certainly stand where they stood, although their places are not known. */
  readonly isStill: boolean;
}

/** Whether every source stands where it stood. */
export function standsStill({ before, after, gone, isStill }: Move): boolean {
  if (before === undefined || after === undefined) return isStill;
  return (
    gone.size === 0 &&
    before.dimensions.join() === after.dimensions.join() &&
    [...before.sources].every(([address, place]) => {
      const now = after.sources.get(address);
      return now !== undefined && isSamePlace(place, now);
    })
  );
}

function isSamePlace(a: SourcePlace, b: SourcePlace): boolean {
  return a.group === b.group && sameShape(a.start, b.start) && sameShape(a.length, b.length);
}

/**
 * The places of one array's chunks after a move.
 *
 * @param path of the array
 */
export class ChunkMover {
  readonly #move: Move;
  readonly #from: ArrayMetadata;
  readonly #to: ArrayMetadata;
  readonly #members: readonly (readonly [address: string, place: SourcePlace])[];
  /** For each dimension of the join the axis that it is of the array; -1 where it has it not. */
  readonly #axes: readonly number[];

  constructor(move: Move, path: string, from: ArrayMetadata, to: ArrayMetadata) {
    this.#move = move;
    this.#from = from;
    this.#to = to;
    const all = [...(move.before?.sources ?? [])];
    const group = longest(all.map(([, place]) => place.group).filter((own) => path.startsWith(`${own}/`)));
    this.#axes = (move.before?.dimensions ?? []).map((name) => from.dimensionNames?.indexOf(name) ?? -1);
    const first = this.#axes.findIndex((axis) => axis >= 0);
    this.#members = all
      .filter(([, place]) => place.group === group)
      .sort(([, a], [, b]) => (a.start[first] ?? 0) - (b.start[first] ?? 0));
  }

  /**
   * Position in the new grid of a chunk of the old one; `"gone"` with all of its sources; undefined where no chunk of the
   * new grid is the same part of the same sources.
   */
  placeOf(coordinates: readonly number[]): number | "gone" | undefined {
    const { before, after, gone } = this.#move;
    const extent = chunkExtent(this.#from, coordinates);
    if (before === undefined || after === undefined || before.dimensions.join() !== after.dimensions.join()) {
      return undefined;
    }
    const holding = this.#members.filter(([, place]) => this.#overlaps(place, extent.start, extent.inside));
    if (holding.length > 0 && holding.every(([address]) => gone.has(address))) return "gone";
    const start = [...extent.start];
    let shift: number[] | undefined;
    for (const [address, place] of holding) {
      const now = after.sources.get(address);
      if (now === undefined || now.group !== place.group || !sameShape(now.length, place.length))
        return undefined;
      const own = place.start.map((first, at) => (this.#axes[at] === -1 ? 0 : (now.start[at] ?? 0) - first));
      if (shift !== undefined && !sameShape(shift, own)) return undefined;
      shift = own;
    }
    shift?.forEach((by, at) => {
      const axis = this.#axes[at] ?? -1;
      if (axis >= 0) start[axis] = (start[axis] ?? 0) + by;
    });
    return this.#chunkAt(start, extent.shape, extent.inside);
  }

  #overlaps({ start, length }: SourcePlace, first: readonly number[], inside: readonly number[]): boolean {
    return this.#axes.every((axis, at) => {
      if (axis < 0) return true;
      const [own, count] = [start[at] ?? 0, length[at] ?? 0];
      return own < (first[axis] ?? 0) + (inside[axis] ?? 0) && own + count > (first[axis] ?? 0);
    });
  }

  #chunkAt(
    start: readonly number[],
    shape: readonly number[],
    inside: readonly number[],
  ): number | undefined {
    const axes = axisChunksOf(this.#to.chunkGrid);
    if (start.some((first, axis) => first < 0 || first >= (this.#to.shape[axis] ?? 0))) return undefined;
    const coordinates = start.map((first, axis) => axes[axis]?.chunkAt(first) ?? 0);
    const found = chunkExtent(this.#to, coordinates);
    const isSame =
      sameShape(found.start, start) && sameShape(found.shape, shape) && sameShape(found.inside, inside);
    return isSame ? gridPosition(coordinates, gridShapeOf(this.#to)) : undefined;
  }
}

function longest(groups: readonly string[]): string | undefined {
  return groups.toSorted((a, b) => b.length - a.length)[0];
}
