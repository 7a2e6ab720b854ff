/**
 * What the campaigns that turn virtual data into native data share: the arrays meant, and their parts.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { Session } from "../icechunk/session.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ZarrArray } from "../zarr/node.ts";
import type { axisChunksOf } from "../zarr/read/axis-chunks.ts";
import { absolutePath } from "./source.ts";
import { boxOf, type CoordinateFinder, type Where } from "./where.ts";

/** A part of an array: first and last element, exclusive, along each axis. */
export type Box = readonly (readonly [start: number, stop: number])[];

/** Paths of the arrays at or below a path of a session. Errors: `NotFound` where there are none. */
export function arraysBelow(session: Session, path: string): string[] {
  const base = absolutePath(path);
  const found = session
    .paths()
    .filter((candidate) => base === "/" || candidate === base || candidate.startsWith(`${base}/`))
    .filter((candidate) => session.node(candidate)?.kind === "array");
  if (found.length === 0) {
    throw new MoraineError("NotFound", `there is no array at or below ${base}`, {
      source: session.address,
      path: base,
    });
  }
  return found;
}

/** Finds the coordinate of a dimension in the group of an array, or in one above it. */
export function coordinatesOf(session: Session, path: string): CoordinateFinder {
  return async (dimension) => {
    let group = path;
    do {
      group = group.slice(0, group.lastIndexOf("/"));
      const node = session.node(`${group}/${dimension}`);
      if (node?.kind === "array" && node.metadata.shape.length === 1) {
        return session.array(`${group}/${dimension}`);
      }
    } while (group !== "");
    return undefined;
  };
}

/** The part of an array of a session that is meant; undefined where nothing of it is. */
export async function partOf(
  session: Session,
  array: ZarrArray,
  where: Where | undefined,
  options: StorageOptions,
): Promise<Box | undefined> {
  if (where === undefined) return array.shape.map((length) => [0, length] as const);
  const box = await boxOf(array, where, coordinatesOf(session, array.path), options);
  return box?.some(([start, stop]) => start >= stop) ? undefined : box;
}

/** Whether a chunk of the grid has an element in a box. */
export function touches(
  axes: ReturnType<typeof axisChunksOf>,
  coordinates: readonly number[],
  box: Box,
): boolean {
  return coordinates.every((coordinate, axis) => {
    const [start = 0, stop = 0] = box[axis] ?? [];
    const first = axes[axis]?.startOf(coordinate) ?? 0;
    return first < stop && first + (axes[axis]?.lengthOf(coordinate) ?? 1) > start;
  });
}
