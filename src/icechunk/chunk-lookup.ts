/**
 * Finds the references of chunks in the manifests of a snapshot, and reads all those of an array.
 *
 * @module
 */

import type { StorageOptions } from "../storage/storage.ts";
import { boxOfGrid, intersection, isEmptyBox } from "./boxes.ts";
import type { ChunkChanges } from "./chunk-changes.ts";
import { readPart } from "./commit-manifests.ts";
import { type ChunkReferences, gridStrides, positionOf } from "./format/chunk-references.ts";
import type { Manifest } from "./format/manifest.ts";
import { ReferenceBuilder } from "./format/reference-builder.ts";
import type { ArrayNode, ManifestPart, Snapshot } from "./format/snapshot.ts";
import { mergeReferences, type ReferenceRun, withoutMissing } from "./merge-references.ts";
import type { RepositoryFiles } from "./repository-files.ts";

/** Manifests that are fetched at a time. */
const CONCURRENT_MANIFESTS = 8;

/** An array whose references are looked for. */
export interface ReferencedArray {
  readonly snapshot: Snapshot;
  readonly node: ArrayNode;
  readonly changes: ChunkChanges | undefined;
}

/**
 * The references of some chunks, in the order in which they are asked for.
 *
 * @param coordinates grid coordinates, those of one chunk after another
 */
export async function findReferences(
  files: RepositoryFiles,
  { snapshot, node, changes }: ReferencedArray,
  coordinates: Uint32Array,
  count: number,
  options: StorageOptions = {},
): Promise<ReferenceBuilder> {
  const { gridShape, manifests } = node;
  const rank = gridShape.length;
  const strides = gridStrides(gridShape);
  const clip = changes ? boxOfGrid(changes.clip) : undefined;
  const partOf = new Int32Array(count).fill(-1);
  const needed = new Set<number>();
  let last = -1;
  for (let chunk = 0; chunk < count; chunk++) {
    const at = chunk * rank;
    if (clip && !contains(clip, coordinates, at, rank)) continue;
    if (changes?.has(positionOf(coordinates, at, gridShape, strides))) continue;
    const before = manifests[last];
    if (!before || !contains(before.extents, coordinates, at, rank)) {
      last = manifests.findIndex((part) => contains(part.extents, coordinates, at, rank));
      if (last >= 0) needed.add(last);
    }
    partOf[chunk] = last;
  }
  const read = await readManifests(files, snapshot, manifests, [...needed], options);
  const arrays = read.map((manifest) => manifest?.array(node.id));
  const builder = new ReferenceBuilder(count);
  for (let chunk = 0; chunk < count; chunk++) {
    const at = chunk * rank;
    const position = positionOf(coordinates, at, gridShape, strides);
    if (position >= 0 && changes?.copy(position, builder)) continue;
    const index = partOf[chunk] ?? -1;
    const manifest = read[index];
    const array = arrays[index];
    const part = manifests[index];
    const table =
      manifest && array && part && position >= 0
        ? manifest.find(array, coordinates, at, rank, placeInBox(part.extents, coordinates, at, rank))
        : -1;
    if (manifest && table >= 0) manifest.copy(table, builder);
    else builder.addMissing();
  }
  return builder;
}

async function readManifests(
  files: RepositoryFiles,
  snapshot: Snapshot,
  parts: readonly ManifestPart[],
  wanted: readonly number[],
  options: StorageOptions,
): Promise<(Manifest | undefined)[]> {
  const read = new Array<Manifest | undefined>(parts.length);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < wanted.length; i = next++) {
      const index = wanted[i] ?? 0;
      const part = parts[index];
      if (part) read[index] = await files.manifestOf(snapshot, part, options);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_MANIFESTS, wanted.length) }, work));
  return read;
}

function contains(box: Uint32Array, coordinates: Uint32Array, at: number, rank: number): boolean {
  if (box.length !== 2 * rank) return false;
  for (let axis = 0; axis < rank; axis++) {
    const coordinate = coordinates[at + axis] ?? 0;
    if (coordinate < (box[2 * axis] ?? 0) || coordinate >= (box[2 * axis + 1] ?? 0)) return false;
  }
  return true;
}

/** Where a chunk is in a manifest that has all chunks of its box. */
function placeInBox(box: Uint32Array, coordinates: Uint32Array, at: number, rank: number): number {
  let place = 0;
  for (let axis = 0; axis < rank; axis++) {
    const first = box[2 * axis] ?? 0;
    place = place * ((box[2 * axis + 1] ?? 0) - first) + (coordinates[at + axis] ?? 0) - first;
  }
  return place;
}

/** All references of an array; none of them `MISSING`. */
export async function allReferences(
  files: RepositoryFiles,
  { snapshot, node, changes }: ReferencedArray,
  options: StorageOptions = {},
): Promise<ChunkReferences> {
  const grid = boxOfGrid(node.gridShape);
  const clip = changes ? intersection(grid, boxOfGrid(changes.clip)) : grid;
  const runs: ReferenceRun[] = [];
  for (const part of node.manifests) {
    if (isEmptyBox(intersection(part.extents, clip))) continue;
    runs.push({ references: await readPart(files, snapshot, node, part, clip, options) });
  }
  if (changes) runs.push({ references: changes.references() });
  if (runs.length === 0) return new ReferenceBuilder(0).finish(node.gridShape, new Float64Array(0));
  return withoutMissing(mergeReferences(runs));
}
