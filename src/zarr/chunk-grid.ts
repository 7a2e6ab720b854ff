/**
 * Chunk grids: parsing, writing, counting (Zarr v3 core 3.1 "chunk grids"; zarr-extensions "rectilinear").
 *
 * @module
 */

import { isJsonArray, type JsonObject, type JsonValue } from "../binary/json.ts";
import { parseExtension } from "../data-types/extension.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayMetadata, ChunkGrid, RectilinearAxis } from "./array-metadata.ts";
import { axisChunksOf } from "./read/axis-chunks.ts";

function refuse(message: string): MoraineError {
  return new MoraineError("InvalidMetadata", `chunk_grid: ${message}`);
}

/** Parses a `chunk_grid` for an array of a shape. */
export function parseChunkGrid(json: JsonValue | undefined, shape: readonly number[]): ChunkGrid {
  const { name, configuration } = parseExtension(json, "chunk_grid");
  if (name === "regular") return parseRegular(configuration, shape);
  if (name === "rectilinear") return parseRectilinear(configuration, shape);
  throw new MoraineError("UnsupportedLayout", `there is no chunk grid "${name}" here`);
}

function parseRegular(configuration: JsonObject, shape: readonly number[]): ChunkGrid {
  allowOnly(configuration, ["chunk_shape"]);
  const given = configuration["chunk_shape"];
  if (!isJsonArray(given) || given.length !== shape.length) {
    throw refuse("chunk_shape needs a length for each axis");
  }
  // zarr-python 3.2 wrote mixed lists under this name, and 3.4 reads a length of 0 as 1.
  if (given.some(isJsonArray)) return { name: "rectilinear", chunkShapes: axesOf(given, shape) };
  const chunkShape = given.map((length) => {
    if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0) {
      throw refuse("a chunk has a positive length along each axis");
    }
    return Math.max(length, 1);
  });
  given.forEach((length, axis) => {
    if (length === 0 && shape[axis] !== 0) throw refuse("a chunk has a positive length along each axis");
  });
  return { name: "regular", chunkShape };
}

function parseRectilinear(configuration: JsonObject, shape: readonly number[]): ChunkGrid {
  allowOnly(configuration, ["kind", "chunk_shapes"]);
  if (configuration["kind"] !== "inline") throw refuse('kind must be "inline"');
  const given = configuration["chunk_shapes"];
  if (!isJsonArray(given) || given.length !== shape.length) {
    throw refuse("chunk_shapes needs an entry for each axis");
  }
  return { name: "rectilinear", chunkShapes: axesOf(given, shape) };
}

function axesOf(given: readonly JsonValue[], shape: readonly number[]): RectilinearAxis[] {
  return given.map((axis, index): RectilinearAxis => {
    if (!isJsonArray(axis)) return positive(axis);
    const runs: [number, number][] = [];
    let total = 0;
    for (const item of axis) {
      const [length, count] = isJsonArray(item)
        ? item.length === 2
          ? [positive(item[0]), positive(item[1])]
          : refusePair()
        : [positive(item), 1];
      total += length * count;
      if (total > Number.MAX_SAFE_INTEGER) throw refuse("the chunks of an axis are too long");
      const last = runs.at(-1);
      if (last && last[0] === length) last[1] += count;
      else runs.push([length, count]);
    }
    if (runs.length === 0) throw refuse("an axis without chunks");
    if (total < (shape[index] ?? 0)) throw refuse("the chunks of an axis do not reach its end");
    return runs;
  });
}

function refusePair(): never {
  throw refuse("a run is a pair of length and count");
}

function positive(json: JsonValue | undefined): number {
  if (typeof json !== "number" || !Number.isSafeInteger(json) || json < 1) {
    throw refuse("lengths and counts are positive integers");
  }
  return json;
}

function allowOnly(configuration: JsonObject, keys: readonly string[]): void {
  for (const key of Object.keys(configuration)) {
    if (!keys.includes(key)) throw refuse(`unknown key "${key}" in its configuration`);
  }
}

/** The JSON form. */
export function chunkGridToJson(grid: ChunkGrid): JsonObject {
  if (grid.name === "regular") {
    return { name: "regular", configuration: { chunk_shape: grid.chunkShape } };
  }
  return {
    name: "rectilinear",
    configuration: {
      kind: "inline",
      chunk_shapes: grid.chunkShapes.map((axis) =>
        typeof axis === "number"
          ? axis
          : axis.map(([length, count]) => (count === 1 ? length : [length, count])),
      ),
    },
  };
}

/** Number of chunks along each axis. */
export function gridShapeOf(metadata: Pick<ArrayMetadata, "shape" | "chunkGrid">): number[] {
  const { shape, chunkGrid } = metadata;
  if (chunkGrid.name === "regular") {
    return shape.map((length, axis) => Math.ceil(length / (chunkGrid.chunkShape[axis] ?? 1)));
  }
  return shape.map((length, axis) => axisChunkCount(chunkGrid.chunkShapes[axis] ?? 1, length));
}

/** Number of chunks that an axis of a length has; chunks wholly beyond its end do not count. */
function axisChunkCount(axis: RectilinearAxis, length: number): number {
  if (typeof axis === "number") return Math.ceil(length / axis);
  let start = 0;
  let chunks = 0;
  for (const [step, count] of axis) {
    if (start >= length) break;
    const needed = Math.min(count, Math.ceil((length - start) / step));
    chunks += needed;
    start += step * count;
  }
  return chunks;
}

/** Whether two shapes are equal, axis by axis. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** Coordinates of the chunk at a position of the grid, counted in C order. */
export function gridCoordinates(position: number, gridShape: readonly number[]): number[] {
  const coordinates = new Array<number>(gridShape.length).fill(0);
  let rest = position;
  for (let axis = gridShape.length - 1; axis >= 0; axis--) {
    const length = gridShape[axis] ?? 1;
    coordinates[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return coordinates;
}

/** The place of a chunk in the grid, in C order; -1 outside of it. */
export function gridPosition(coordinates: readonly number[], gridShape: readonly number[]): number {
  let position = 0;
  for (let axis = 0; axis < gridShape.length; axis++) {
    const [coordinate, length] = [coordinates[axis] ?? 0, gridShape[axis] ?? 0];
    if (coordinate >= length) return -1;
    position = position * length + coordinate;
  }
  return position;
}

/** Items from one to the next along each axis, in C order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return strides;
}

/** The different lengths of the chunks of an axis. */
export function axisChunkLengths(axis: RectilinearAxis): number[] {
  return typeof axis === "number" ? [axis] : [...new Set(axis.map(([length]) => length))];
}

/** Where a chunk lies in its array. */
export interface ChunkExtent {
  /** First element along each axis. */
  readonly start: readonly number[];
  /** Elements of the chunk as it is stored, along each axis. */
  readonly shape: readonly number[];
  /** Those of them that are inside of the array. */
  readonly inside: readonly number[];
}

/** The extent of a chunk, which must be one of the grid. */
export function chunkExtent(
  { shape, chunkGrid }: Pick<ArrayMetadata, "shape" | "chunkGrid">,
  coordinates: ArrayLike<number>,
): ChunkExtent {
  const axes = axisChunksOf(chunkGrid);
  const start = axes.map((axis, at) => axis.startOf(coordinates[at] ?? 0));
  const stored = axes.map((axis, at) => axis.lengthOf(coordinates[at] ?? 0));
  const inside = stored.map((length, at) => Math.min(length, (shape[at] ?? 0) - (start[at] ?? 0)));
  return { start, shape: stored, inside };
}

/** A shape that holds every chunk of the grid. */
export function largestChunk(grid: ChunkGrid): readonly number[] {
  return grid.name === "regular"
    ? grid.chunkShape
    : grid.chunkShapes.map((axis) =>
        typeof axis === "number" ? axis : axis.reduce((most, [length]) => Math.max(most, length), 1),
      );
}
