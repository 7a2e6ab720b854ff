/**
 * Which commit last wrote each chunk, and where its bytes are.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { HistoryEntry } from "../../icechunk/history.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { gridPosition } from "../../zarr/chunk-grid.ts";
import { PLACE_INLINE, PLACE_MISSING } from "../../zarr/chunk-source.ts";
import { type AxisList, type AxisRange, resolveSelection, type Selection } from "../../zarr/selection.ts";
import { ChunkWriters, followHistory } from "../chunk-writers.ts";
import type { Repository } from "../repository.ts";
import { absolutePath } from "../source.ts";
import { cellCount, cellsOf, gridBoxOf } from "./grid-box.ts";
import type { Box } from "./where.ts";

/** The last writing of one chunk. */
export interface ChunkOrigin {
  /** In the chunk grid. */
  readonly coordinates: readonly number[];
  readonly kind: "virtual" | "native" | "inline" | "missing";
  readonly location?: string | undefined;
  readonly offset?: number | undefined;
  readonly length?: number | undefined;
  /** The commit that set or deleted it; undefined where the history no longer tells. */
  readonly snapshot: HistoryEntry | undefined;
}

/** Which chunks are asked about. */
export interface BlameOptions extends StorageOptions {
  /** Branch; default main. */
  readonly branch?: string | undefined;
  readonly selection?: Selection | undefined;
}

/** Chunks that are asked about at the most: each has its row in memory. */
const MOST_CHUNKS = 10_000_000;

/**
 * Finds for every chunk that a selection touches the last commit that wrote it. The history is read from its newest
 * commit back until every chunk is found.
 *
 * Errors: `NotFound`; `InvalidArgument`, `OutOfBounds` for the selection; `LimitExceeded` for too many chunks.
 *
 * @param path of the array
 * @example
 * const repository = await Repository.open("archive.icechunk");
 * const [origin] = await blame(repository, "/sst", { selection: { time: 0 } });
 * console.log(origin?.snapshot?.message);
 */
export async function blame(
  repository: Repository,
  path: string,
  { branch = "main", selection, signal }: BlameOptions = {},
): Promise<ChunkOrigin[]> {
  const session = await repository.readonlySession({ branch }, { signal });
  const array = session.array(absolutePath(path));
  const box = boxOfSelection(array.shape, array.dimensionNames, selection);
  if (box === undefined) return [];
  const grid = gridBoxOf(array.metadata, box);
  const count = cellCount(grid);
  if (count > MOST_CHUNKS) {
    throw new MoraineError("LimitExceeded", `${count} chunks are more than ${MOST_CHUNKS}; select a part`);
  }
  const chunks = [...cellsOf(grid)];
  const writers = writersOf(grid, count);
  await followHistory(session.writings([array.path], { signal }), new Map([[array.path, writers]]));
  const places = await array.chunks.locate(Uint32Array.from(chunks.flat()), chunks.length, { signal });
  return chunks.map((coordinates, row) => {
    const snapshot = writers.commit(writers.writer(row));
    const kind = places.kinds[row];
    if (kind === PLACE_MISSING) return { coordinates, kind: "missing", snapshot };
    const length = places.lengths[row];
    if (kind === PLACE_INLINE) return { coordinates, kind: "inline", length, snapshot };
    const location = places.locations[places.locationIndexes[row] ?? 0] ?? "";
    const isNative = session.isNative(location);
    const offset = places.offsets[row];
    return { coordinates, kind: isNative ? "native" : "virtual", location, offset, length, snapshot };
  });
}

/** Of the cells of a box of the grid, in C order. */
function writersOf({ start, stop }: Box, count: number): ChunkWriters {
  const shape = start.map((first, axis) => (stop[axis] ?? 0) - first);
  return new ChunkWriters(count, (coordinates) => {
    const cell = start.map((first, axis) => (coordinates[axis] ?? 0) - first);
    return cell.some((at) => at < 0) ? -1 : gridPosition(cell, shape);
  });
}

/** The smallest box that holds a selection; undefined where it is empty. */
function boxOfSelection(
  shape: readonly number[],
  names: readonly (string | null)[] | undefined,
  selection: Selection = null,
): Box | undefined {
  const resolved = resolveSelection(selection, shape, names);
  const start: number[] = [];
  const stop: number[] = [];
  for (const axis of resolved.axes) {
    const { first, last } = boundsOf(axis);
    if (last < first) return undefined;
    start.push(first);
    stop.push(last + 1);
  }
  return { start, stop };
}

function boundsOf(axis: AxisRange | AxisList): { first: number; last: number } {
  if (axis.kind === "range") {
    const end = axis.start + axis.step * (axis.count - 1);
    if (axis.count === 0) return { first: 0, last: -1 };
    return { first: Math.min(axis.start, end), last: Math.max(axis.start, end) };
  }
  return axis.indexes.reduce(
    ({ first, last }, index) => ({ first: Math.min(first, index), last: Math.max(last, index) }),
    { first: Number.POSITIVE_INFINITY, last: -1 },
  );
}
