/**
 * Finds the references of chunks in the manifests of a snapshot, and reads all those of an array.
 *
 * @module
 */

import type { StorageOptions } from "../../storage/storage.ts";
import { type ChunkReferences, gridStrides, positionOf } from "../format/chunk-references.ts";
import { type Manifest, PositionedBuilder } from "../format/manifest.ts";
import { ReferenceBuilder } from "../format/reference-builder.ts";
import type { ArrayNode, KnownManifests, ManifestPart } from "../format/snapshot.ts";
import type { RepositoryFiles } from "../repository-files.ts";
import { boxesMeet, boxOfGrid, intersection } from "./boxes.ts";
import type { ChunkChanges } from "./chunk-changes.ts";
import { mergeReferences, type ReferenceRun, withoutMissing } from "./merge-references.ts";
import { readManifestPart } from "./read-manifest-part.ts";

/** Manifests that are fetched at a time. */
const CONCURRENT_MANIFESTS = 8;

/** An array whose references are looked for. */
export interface ReferencedArray {
  readonly known: KnownManifests;
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
  { known, node, changes }: ReferencedArray,
  coordinates: Uint32Array,
  count: number,
  options: StorageOptions = {},
): Promise<ReferenceBuilder> {
  const { gridShape, manifests } = node;
  const rank = gridShape.length;
  const strides = gridStrides(gridShape);
  const clip = changes ? boxOfGrid(changes.clip) : undefined;
  const index = indexOf(manifests, gridShape);
  const partOf = new Int32Array(count).fill(-1);
  const needed = new Set<number>();
  let last = -1;
  for (let chunk = 0; chunk < count; chunk++) {
    const at = chunk * rank;
    if (clip && !contains(clip, coordinates, at, rank)) continue;
    const position = positionOf(coordinates, at, gridShape, strides);
    if (position < 0 || changes?.has(position)) continue;
    const before = index.sorted[last];
    if (!before || !contains(before.extents, coordinates, at, rank)) {
      last = index.find(position, coordinates, at, rank);
      if (last >= 0) needed.add(last);
    }
    partOf[chunk] = last;
  }
  const read = await readManifests(files, known, index.sorted, needed, options);
  const arrays = read.map((manifest) => manifest?.array(node.id));
  const builder = new ReferenceBuilder(count);
  for (let chunk = 0; chunk < count; chunk++) {
    const at = chunk * rank;
    const position = positionOf(coordinates, at, gridShape, strides);
    if (position >= 0 && changes?.copy(position, builder)) continue;
    const place = partOf[chunk] ?? -1;
    const manifest = read[place];
    const array = arrays[place];
    const part = index.sorted[place];
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
  known: KnownManifests,
  parts: readonly ManifestPart[],
  wanted: Iterable<number>,
  options: StorageOptions,
): Promise<(Manifest | undefined)[]> {
  const read: (Manifest | undefined)[] = [];
  const waiting: number[] = [];
  for (const place of wanted) {
    const manifest = files.manifestAtHand(parts[place]?.manifestId ?? "");
    if (manifest) read[place] = manifest;
    else waiting.push(place);
  }
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < waiting.length; i = next++) {
      const part = parts[waiting[i] ?? 0];
      if (part) read[waiting[i] ?? 0] = await files.manifestOf(known, part, options);
    }
  };
  if (waiting.length > 0) {
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_MANIFESTS, waiting.length) }, work));
  }
  return read;
}

/** The manifests of an array by their place in the grid. */
class PartIndex {
  readonly gridShape: readonly number[];
  readonly sorted: readonly ManifestPart[];
  /** Whether each ends before the next begins. */
  readonly inOrder: boolean;
  /** Place of the first chunk of each box. */
  readonly #starts: Float64Array;

  constructor(parts: readonly ManifestPart[], gridShape: readonly number[]) {
    this.gridShape = gridShape;
    const strides = gridStrides(gridShape);
    const corner = ({ extents }: ManifestPart, side: 0 | 1): number =>
      gridShape.reduce(
        (sum, _, axis) => sum + ((extents[2 * axis + side] ?? 0) - side) * (strides[axis] ?? 0),
        0,
      );
    const sorted = [...parts].sort((a, b) => corner(a, 0) - corner(b, 0));
    this.sorted = sorted;
    this.#starts = Float64Array.from(sorted, (part) => corner(part, 0));
    this.inOrder = sorted.every((part, i) => {
      const next = sorted[i + 1];
      return next === undefined || corner(part, 1) < corner(next, 0);
    });
  }

  /** Which manifest has the chunk at a place in its box; -1 where none has. */
  find(position: number, coordinates: Uint32Array, at: number, rank: number): number {
    if (!this.inOrder) return this.sorted.findIndex((part) => contains(part.extents, coordinates, at, rank));
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    const part = this.sorted[low - 1];
    return part && contains(part.extents, coordinates, at, rank) ? low - 1 : -1;
  }
}

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

const indexes = new WeakMap<readonly ManifestPart[], PartIndex>();

function indexOf(parts: readonly ManifestPart[], gridShape: readonly number[]): PartIndex {
  let index = indexes.get(parts);
  // An array that was resized keeps its manifests, whose places in the grid are others then.
  if (!index || !isSameShape(index.gridShape, gridShape)) {
    index = new PartIndex(parts, gridShape);
    indexes.set(parts, index);
  }
  return index;
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
  { known, node, changes }: ReferencedArray,
  options: StorageOptions = {},
): Promise<ChunkReferences> {
  const grid = boxOfGrid(node.gridShape);
  const clip = changes ? intersection(grid, boxOfGrid(changes.clip)) : grid;
  const parts = node.manifests.filter((part) => boxesMeet(part.extents, clip));
  const { sorted, inOrder } = new PartIndex(parts, node.gridShape);
  const runs: ReferenceRun[] = inOrder
    ? [{ references: await readInOrder(files, known, node, sorted, clip, options) }]
    : await Promise.all(
        parts.map(async (part) => ({
          references: await readManifestPart(files, known, node, part, clip, options),
        })),
      );
  if (changes) runs.push({ references: changes.references() });
  if (runs.length === 0) return new ReferenceBuilder(0).finish(node.gridShape, new Float64Array(0));
  return withoutMissing(mergeReferences(runs));
}

async function readInOrder(
  files: RepositoryFiles,
  known: KnownManifests,
  node: ArrayNode,
  parts: readonly ManifestPart[],
  clip: Uint32Array,
  options: StorageOptions,
): Promise<ChunkReferences> {
  const manifests = await readManifests(files, known, parts, parts.keys(), options);
  const count = manifests.reduce((total, manifest) => total + (manifest?.array(node.id)?.count ?? 0), 0);
  const columns = new PositionedBuilder(count);
  manifests.forEach((manifest, i) => {
    const box = intersection(parts[i]?.extents ?? clip, clip);
    manifest?.collect(node.id, node.gridShape, box, columns);
  });
  return columns.finish(node.gridShape);
}
