/**
 * Joins columns of chunk references, later ones over earlier ones.
 *
 * @module
 */

import { firstEntryFrom } from "../../manifest/chunk-manifest.ts";
import {
  type ChunkReferences,
  coordinatesOf,
  gridStrides,
  hasMissing,
  MISSING,
  positionOf,
} from "../format/chunk-references.ts";
import { ReferenceBuilder } from "../format/reference-builder.ts";

/** Some entries of columns, ascending; all where `entries` is undefined. */
export interface ReferenceRun {
  readonly references: ChunkReferences;
  readonly entries?: Uint32Array | undefined;
}

/**
 * One set of columns in which each chunk has the reference of the last run that has one.
 *
 * @param runs at least one, all of the same grid
 */
export function mergeReferences(runs: readonly ReferenceRun[]): ChunkReferences {
  let level = [...runs];
  // Neighbours are joined pairwise, so that an entry is copied once a level and precedence stays.
  while (level.length > 1) {
    const next: ReferenceRun[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [older, newer] = [level[i], level[i + 1]];
      if (older && newer) next.push({ references: mergeTwo(older, newer) });
      else if (older) next.push(older);
    }
    level = next;
  }
  const [only] = level;
  if (!only) throw new TypeError("nothing to merge");
  return only.entries === undefined ? only.references : pick(only);
}

function mergeTwo(older: ReferenceRun, newer: ReferenceRun): ChunkReferences {
  const countA = older.entries?.length ?? older.references.count;
  const countB = newer.entries?.length ?? newer.references.count;
  if (
    older.entries === undefined &&
    newer.entries === undefined &&
    follows(older.references, newer.references)
  ) {
    return appended(older.references, newer.references);
  }
  const builder = new ReferenceBuilder(countA + countB);
  const positions = new Float64Array(countA + countB);
  let a = 0;
  let b = 0;
  while (a < countA || b < countB) {
    const entryA = older.entries?.[a] ?? a;
    const entryB = newer.entries?.[b] ?? b;
    const positionA =
      a < countA ? (older.references.positions?.[entryA] ?? entryA) : Number.POSITIVE_INFINITY;
    const positionB =
      b < countB ? (newer.references.positions?.[entryB] ?? entryB) : Number.POSITIVE_INFINITY;
    positions[builder.count] = Math.min(positionA, positionB);
    if (positionB <= positionA) {
      builder.copy(newer.references, entryB);
      b += 1;
      if (positionA === positionB) a += 1;
    } else {
      builder.copy(older.references, entryA);
      a += 1;
    }
  }
  return builder.finish(newer.references.gridShape, positions);
}

function follows(older: ChunkReferences, newer: ChunkReferences): boolean {
  const last = older.positions?.[older.count - 1] ?? older.count - 1;
  return last < (newer.count === 0 ? Number.POSITIVE_INFINITY : (newer.positions?.[0] ?? 0));
}

/** References behind others, column by column. */
function appended(older: ChunkReferences, newer: ChunkReferences): ChunkReferences {
  const builder = new ReferenceBuilder(older.count + newer.count);
  const positions = new Float64Array(older.count + newer.count);
  for (const part of [older, newer]) {
    if (part.positions) positions.set(part.positions.subarray(0, part.count), builder.count);
    else for (let entry = 0; entry < part.count; entry++) positions[builder.count + entry] = entry;
    builder.append(part);
  }
  return builder.finish(newer.gridShape, positions);
}

/** The entries from a place in the grid on, as columns of their own. */
export function referencesFrom(references: ChunkReferences, position: number): ChunkReferences {
  return filterReferences(
    references,
    undefined,
    (entry) => (references.positions?.[entry] ?? entry) >= position,
  );
}

/** The entries before a place in the grid. */
export function referencesBefore(references: ChunkReferences, position: number): ChunkReferences {
  const { positions } = references;
  const count = positions
    ? firstEntryFrom(positions, references.count, position)
    : Math.min(position, references.count);
  if (count === references.count) return references;
  return {
    ...references,
    count,
    positions: positions?.subarray(0, count) ?? Float64Array.from({ length: count }, (_, entry) => entry),
    kinds: references.kinds.subarray(0, count),
    objects: references.objects.subarray(0, count),
    offsets: references.offsets.subarray(0, count),
    lengths: references.lengths.subarray(0, count),
  };
}

/** The entries of a run as columns of their own. */
function pick(run: ReferenceRun): ChunkReferences {
  return filterReferences(run.references, run.entries, () => true);
}

/** Columns without the chunks that are missing. */
export function withoutMissing(references: ChunkReferences): ChunkReferences {
  if (!hasMissing(references)) return references;
  return filterReferences(references, undefined, (entry) => references.kinds[entry] !== MISSING);
}

/** The entries that are wanted as columns of their own. */
function filterReferences(
  references: ChunkReferences,
  entries: Uint32Array | undefined,
  wanted: (entry: number) => boolean,
): ChunkReferences {
  const count = entries?.length ?? references.count;
  const builder = new ReferenceBuilder(count);
  const positions = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const entry = entries?.[i] ?? i;
    if (!wanted(entry)) continue;
    positions[builder.count] = references.positions?.[entry] ?? entry;
    builder.copy(references, entry);
  }
  return builder.finish(references.gridShape, positions);
}

/** The same references in a grid of another size; those outside it are left out. */
export function regrid(references: ChunkReferences, gridShape: readonly number[]): ChunkReferences {
  if (gridShape.every((length, axis) => length === references.gridShape[axis])) return references;
  const rank = gridShape.length;
  const [before, after] = [gridStrides(references.gridShape), gridStrides(gridShape)];
  const coordinates = new Uint32Array(rank);
  const builder = new ReferenceBuilder(references.count);
  const positions = new Float64Array(references.count);
  for (let entry = 0; entry < references.count; entry++) {
    coordinatesOf(references.positions?.[entry] ?? entry, before, coordinates, 0);
    const position = positionOf(coordinates, 0, gridShape, after);
    if (position < 0) continue;
    positions[builder.count] = position;
    builder.copy(references, entry);
  }
  return builder.finish(gridShape, positions);
}
