/**
 * Moves the chunks of an array by whole chunks. Only references change, not a byte of the chunks.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { findEntry } from "../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { ArrayChunks, type ChunkContext } from "../changes/array-chunks.ts";
import { arrayMetadataOf } from "../changes/node-content.ts";
import { type ChunkReferences, coordinatesOf, gridStrides, positionOf } from "../format/chunk-references.ts";
import { ReferenceBuilder } from "../format/reference-builder.ts";

/** Where a chunk goes or comes from, by grid coordinates; undefined for nowhere. */
export type ChunkMapping = (coordinates: readonly number[]) => readonly number[] | undefined;

/**
 * The references of chunks that go to where `forward` says; undefined where there are none. Those that it sends nowhere
 * are left out.
 *
 * @param backward where a chunk comes from: places that had a chunk and get none are emptied where it comes from
 *   nowhere or from an empty place. Without it they keep what they had.
 * Errors: `OutOfBounds` where a chunk would leave the grid, `InvalidArgument` where two go to one place,
 * `UnsupportedLayout` for a grid that is not regular.
 */
export async function reindexArray(
  context: ChunkContext,
  path: string,
  forward: ChunkMapping,
  backward: ChunkMapping | undefined,
  options: StorageOptions = {},
): Promise<ChunkReferences | undefined> {
  const node = context.tree.array(path);
  if (arrayMetadataOf(node, context.files.address).chunkGrid.name !== "regular") {
    throw new MoraineError("UnsupportedLayout", "only chunks of one shape can take each other's place", {
      path,
    });
  }
  const references = await new ArrayChunks(context, node).references(options);
  const targets = targetsOf(references, forward, path);
  const moved = orderOf(targets);
  const written = new Set<number>(moved.map((entry) => targets[entry] ?? -1));
  const emptied = backward ? emptiedPlaces(references, written, backward) : [];
  const count = moved.length + emptied.length;
  const builder = new ReferenceBuilder(count);
  const positions = new Float64Array(count);
  let next = 0;
  const addEmptied = (before: number): void => {
    for (; (emptied[next] ?? Number.POSITIVE_INFINITY) < before; next++) {
      positions[builder.count] = emptied[next] ?? 0;
      builder.addMissing();
    }
  };
  for (const entry of moved) {
    const target = targets[entry] ?? 0;
    addEmptied(target);
    positions[builder.count] = target;
    builder.copy(references, entry);
  }
  addEmptied(Number.MAX_SAFE_INTEGER);
  return count > 0 ? builder.finish(node.gridShape, positions) : undefined;
}

/** For each entry the place that it goes to; -1 for nowhere. */
function targetsOf(references: ChunkReferences, forward: ChunkMapping, path: string): Float64Array {
  const { gridShape, count } = references;
  const strides = gridStrides(gridShape);
  const coordinates = new Uint32Array(gridShape.length);
  const targets = new Float64Array(count);
  for (let entry = 0; entry < count; entry++) {
    coordinatesOf(references.positions?.[entry] ?? entry, strides, coordinates, 0);
    const target = forward([...coordinates]);
    targets[entry] = target ? placeOf(target, gridShape, strides) : -1;
    if (target && targets[entry] === -1) {
      throw new MoraineError(
        "OutOfBounds",
        `chunk [${coordinates.join(", ")}] would go to [${target.join(", ")}], outside of the grid`,
        { path },
      );
    }
  }
  return targets;
}

/** Place in the grid; -1 for coordinates outside of it. */
function placeOf(
  coordinates: readonly number[],
  gridShape: readonly number[],
  strides: Float64Array,
): number {
  const whole =
    coordinates.length === gridShape.length && coordinates.every((c) => Number.isInteger(c) && c >= 0);
  return whole ? positionOf(coordinates, 0, gridShape, strides) : -1;
}

/** The entries that go somewhere, by the place that they go to. Errors: `InvalidArgument` where two go to one. */
function orderOf(targets: Float64Array): number[] {
  const order = [...targets.keys()].filter((entry) => (targets[entry] ?? -1) >= 0);
  order.sort((a, b) => (targets[a] ?? 0) - (targets[b] ?? 0));
  for (let i = 1; i < order.length; i++) {
    if (targets[order[i] ?? 0] === targets[order[i - 1] ?? 0]) {
      throw new MoraineError("InvalidArgument", "two chunks would go to one place");
    }
  }
  return order;
}

/** Places that had a chunk and shall have none, ascending. */
function emptiedPlaces(
  references: ChunkReferences,
  written: ReadonlySet<number>,
  backward: ChunkMapping,
): number[] {
  const { gridShape, count } = references;
  const strides = gridStrides(gridShape);
  const coordinates = new Uint32Array(gridShape.length);
  const emptied: number[] = [];
  for (let entry = 0; entry < count; entry++) {
    const position = references.positions?.[entry] ?? entry;
    if (written.has(position)) continue;
    coordinatesOf(position, strides, coordinates, 0);
    const source = backward([...coordinates]);
    const place = source ? placeOf(source, gridShape, strides) : -1;
    if (place < 0 || findEntry(references, place) < 0) emptied.push(position);
  }
  return emptied;
}

/** As {@link reindexArray}, by the same number of chunks along each axis for all; those that leave the grid are dropped. */
export async function shiftArray(
  context: ChunkContext,
  path: string,
  offset: readonly number[],
  options: StorageOptions = {},
): Promise<ChunkReferences | undefined> {
  const { gridShape } = context.tree.array(path);
  if (offset.length !== gridShape.length || !offset.every(Number.isInteger)) {
    throw new MoraineError("InvalidArgument", "a shift needs a whole number of chunks for each axis", {
      path,
    });
  }
  const by = (sign: 1 | -1): ChunkMapping => {
    return (coordinates) => {
      const shifted = coordinates.map((coordinate, axis) => coordinate + sign * (offset[axis] ?? 0));
      return shifted.every((c, axis) => c >= 0 && c < (gridShape[axis] ?? 0)) ? shifted : undefined;
    };
  };
  return await reindexArray(context, path, by(1), by(-1), options);
}
