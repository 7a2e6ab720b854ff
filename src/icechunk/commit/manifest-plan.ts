/**
 * Which references of an array a commit writes anew, and which stay in the manifests where they are.
 *
 * New references go into a manifest of their own beside those that are there, as long as their boxes do not meet: so
 * an append costs what is appended, whatever the size of the manifest that it continues. A manifest is taken into the
 * new one when it is not much larger, so that a cell of the grid has a few manifests, each much larger than the next.
 *
 * @module
 */

import type { JsonValue } from "../../binary/json.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import {
  boxAround,
  boxContains,
  boxesMeet,
  boxOfGrid,
  Cells,
  intersection,
  joinedBox,
  volumeOf,
} from "../changes/boxes.ts";
import type { ChunkChanges } from "../changes/chunk-changes.ts";
import { mergeReferences, type ReferenceRun, withoutMissing } from "../changes/merge-references.ts";
import { readManifestPart } from "../changes/read-manifest-part.ts";
import { type ChunkReferences, hasMissing } from "../format/chunk-references.ts";
import type { NodeId } from "../format/identifier.ts";
import type { ArrayNode, KnownManifests, ManifestPart } from "../format/snapshot.ts";
import type { RepositoryFiles } from "../repository-files.ts";
import { cellShape } from "./manifest-split.ts";

/** A manifest is written anew with references of its cell that are at least a share of its own; there are so many. */
const MUCH_LARGER = 8;

/** References of an array that go together into a manifest. */
export interface Piece extends ReferenceRun {
  readonly nodeId: NodeId;
  readonly count: number;
  /** The smallest box around them, where it is known. */
  readonly extents?: Uint32Array | undefined;
}

/** The manifests of an array after its changes. */
export interface PlannedArray {
  /** Manifests that stay as they are. */
  readonly kept: readonly ManifestPart[];
  readonly pieces: readonly Piece[];
}

/**
 * Works out which references must be written anew.
 *
 * @param known the manifests that the array may have
 * @param node the array as it becomes, with the manifests that it had
 * @param splitSizes rules of the configuration
 * @param all whether everything is written anew
 */
export async function planArray(
  files: RepositoryFiles,
  known: KnownManifests,
  node: ArrayNode,
  changes: ChunkChanges,
  { splitSizes, all }: { readonly splitSizes: JsonValue | undefined; readonly all: boolean },
  options: StorageOptions = {},
): Promise<PlannedArray> {
  const cells = new Cells(node.gridShape, cellShape(node, splitSizes));
  const clip = intersection(boxOfGrid(changes.clip), boxOfGrid(node.gridShape));
  const plan = new Plan(cells);
  const kept = new Set(node.manifests);
  const take = async (part: ManifestPart): Promise<void> => {
    kept.delete(part);
    plan.addOld(await readManifestPart(files, known, node, part, clip, options));
  };
  plan.addChanges(changes.references());
  for (const part of node.manifests) {
    if (!boxesMeet(part.extents, clip)) kept.delete(part);
    else if (all || !boxContains(clip, part.extents)) await take(part);
  }
  // What is taken makes the boxes of cells larger, which may then meet others.
  for (;;) {
    const met = [...kept].filter((part) =>
      plan.takes(part.extents, known.manifestFiles.get(part.manifestId)?.referenceCount),
    );
    if (met.length === 0) break;
    await Promise.all(met.map(take));
  }
  return { kept: [...kept], pieces: plan.pieces(node.id) };
}

interface TouchedCell {
  /** Those that were there, and then the changes. */
  readonly old: ReferenceRun[];
  change: ReferenceRun | undefined;
  /** Around all of these. */
  box: Uint32Array;
  count: number;
}

/** The cells that are written anew, by their number. */
class Plan {
  readonly #cells: Cells;
  readonly #touched = new Map<number, TouchedCell>();

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  addChanges(references: ChunkReferences): void {
    for (const [cell, entries] of this.#cells.group(references)) {
      this.#touch(cell, { references, entries }).change = { references, entries };
    }
  }

  addOld(references: ChunkReferences): void {
    for (const [cell, entries] of this.#cells.group(references)) {
      const run = { references, entries };
      this.#touch(cell, run).old.push(run);
    }
  }

  #touch(number: number, run: ReferenceRun): TouchedCell {
    const box = boxAround(run);
    const count = run.entries?.length ?? run.references.count;
    const cell = this.#touched.get(number);
    if (cell) {
      cell.box = joinedBox(cell.box, box);
      cell.count += count;
      return cell;
    }
    const made: TouchedCell = { old: [], change: undefined, box, count };
    this.#touched.set(number, made);
    return made;
  }

  /**
   * Whether a manifest must be written anew, as it meets what is, or should be, as it is not much larger.
   *
   * @param count its references, perhaps also those of other arrays
   */
  takes(extents: Uint32Array, count: number | undefined): boolean {
    const holder = this.#cells.holding(extents);
    if (holder === undefined) {
      for (const { box } of this.#touched.values()) if (boxesMeet(box, extents)) return true;
      return false;
    }
    const cell = this.#touched.get(holder);
    if (!cell) return false;
    const size = Math.min(count ?? Number.POSITIVE_INFINITY, volumeOf(extents));
    return size <= MUCH_LARGER * cell.count || boxesMeet(cell.box, extents);
  }

  pieces(nodeId: NodeId): Piece[] {
    const pieces: Piece[] = [];
    for (const { old, change, box } of this.#touched.values()) {
      const runs = change ? [...old, change] : old;
      const [only] = runs;
      const whole = only && runs.length === 1 && !hasMissing(only.references);
      const piece: ReferenceRun = whole ? only : { references: withoutMissing(mergeReferences(runs)) };
      const count = piece.entries?.length ?? piece.references.count;
      if (count > 0) pieces.push({ ...piece, nodeId, count, extents: whole ? box : undefined });
    }
    return pieces;
  }
}
