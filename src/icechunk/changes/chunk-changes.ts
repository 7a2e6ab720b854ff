/**
 * What a session changed in the chunks of one array: bulk changes as columns, single ones in a map over them.
 *
 * @module
 */

import { findEntry } from "../../manifest/chunk-manifest.ts";
import {
  type ChunkReferences,
  coordinatesOf,
  gridStrides,
  positionOf,
  type VirtualObject,
} from "../format/chunk-references.ts";
import { ReferenceBuilder } from "../format/reference-builder.ts";
import { mergeReferences, referencesFrom, regrid } from "./merge-references.ts";
import { PositionRuns } from "./position-runs.ts";

/** A change of one chunk. */
export type ChunkChange =
  | { readonly kind: "deleted" }
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | {
      readonly kind: "native";
      readonly chunkId: Uint8Array;
      readonly offset: number;
      readonly length: number;
    }
  | {
      readonly kind: "virtual";
      readonly object: VirtualObject;
      readonly offset: number;
      readonly length: number;
    };

/** Changes of single chunks that are kept as such: as columns they take a tenth of the memory. */
const MOST_SINGLE = 65_536;

export class ChunkChanges {
  #gridShape: readonly number[];
  /** What lay outside the smallest grid that the array has had in this session is gone, even if it grew again. */
  #clip: readonly number[];
  /** Later ones over earlier ones. */
  #layers: ChunkReferences[] = [];
  /** Over the layers, by position in the grid. */
  #single = new Map<number, ChunkChange>();
  /** Of an array that is new: chunks whose references are in manifests already, before all that came since. */
  #written = new PositionRuns();
  /** Whether each layer began behind everything before it. */
  #inOrder = true;

  constructor(gridShape: readonly number[], clip: readonly number[] = gridShape) {
    this.#gridShape = gridShape;
    this.#clip = clip;
  }

  get gridShape(): readonly number[] {
    return this.#gridShape;
  }

  /** References of the base snapshot outside this grid no longer hold. */
  get clip(): readonly number[] {
    return this.#clip;
  }

  get isEmpty(): boolean {
    return this.#single.size === 0 && this.#layers.length === 0;
  }

  /** @param position in the grid, in C order */
  set(position: number, change: ChunkChange): void {
    this.#single.set(position, change);
    if (this.#single.size >= MOST_SINGLE) this.#flush();
  }

  /** Many changes at once, of this grid; entries that are `MISSING` delete. */
  setMany(references: ChunkReferences): void {
    this.#flush();
    this.#push(references);
  }

  /** Layers of about one size are joined, so that a reference is copied a few times, however many there will be. */
  #push(references: ChunkReferences): void {
    if (references.count === 0) return;
    this.#inOrder &&= firstPlace(references) >= this.#end();
    const layers = this.#layers;
    layers.push(references);
    for (;;) {
      const [older, newer] = [layers.at(-2), layers.at(-1)];
      if (!older || !newer || older.count > 2 * newer.count) return;
      layers.splice(-2, 2, mergeReferences([{ references: older }, { references: newer }]));
    }
  }

  /** The place after the last change. */
  #end(): number {
    return this.#layers.reduce((end, layer) => Math.max(end, endOf(layer)), this.#written.end);
  }

  /** Changes that are held here. */
  get held(): number {
    return this.#layers.reduce((total, { count }) => total + count, this.#single.size);
  }

  /** All that is held, where it came in order; undefined where it did not: then it is best written all at once. */
  heldInOrder(): ChunkReferences | undefined {
    this.#flush();
    return this.#inOrder ? this.references() : undefined;
  }

  /**
   * Lets go of references that are in manifests of the array now, and so belong to what lies under the changes.
   *
   * @param written those of {@link heldInOrder} before a place; false where changes came since that are not behind them
   */
  letGo(written: ChunkReferences, gridShape: readonly number[]): boolean {
    this.#flush();
    if (!this.#inOrder || gridShape !== this.#gridShape) return false;
    const end = endOf(written);
    this.#layers = this.#layers.flatMap((layer) => {
      const rest = endOf(layer) <= end ? undefined : referencesFrom(layer, end);
      return rest ? [rest] : [];
    });
    this.#written.append(written);
    // What is in the manifests has been cut to the grid.
    this.#clip = gridShape;
    return true;
  }

  /** All chunks that were changed. */
  touched(): PositionRuns {
    return this.#written.union(PositionRuns.of(this.references()));
  }

  /** Whether a chunk was changed. */
  has(position: number): boolean {
    return (
      this.#single.has(position) || this.#layers.some((references) => findEntry(references, position) >= 0)
    );
  }

  /** Adds what a chunk was changed to; false where it was not changed. */
  copy(position: number, builder: ReferenceBuilder): boolean {
    const single = this.#single.get(position);
    if (single) {
      addChange(builder, single);
      return true;
    }
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const layer = this.#layers[i];
      const entry = layer ? findEntry(layer, position) : -1;
      if (layer && entry >= 0) {
        builder.copy(layer, entry);
        return true;
      }
    }
    return false;
  }

  /** All changes as columns; deletions are `MISSING`. */
  references(): ChunkReferences {
    this.#flush();
    this.#join();
    return this.#layers[0] ?? new ReferenceBuilder(0).finish(this.#gridShape, new Float64Array(0));
  }

  /** Follows a change of the array's shape; changes outside the new grid are dropped. */
  resize(gridShape: readonly number[]): void {
    this.#flush();
    this.#written = this.#written.regrid(this.#gridShape, gridShape);
    this.#layers = this.#layers.map((layer) => regrid(layer, gridShape));
    this.#clip = this.#clip.map((length, axis) => Math.min(length, gridShape[axis] ?? 0));
    this.#gridShape = gridShape;
  }

  /** Drops the changes of some chunks, which then are as in the base snapshot. */
  revert(positions: ReadonlySet<number>): void {
    const changes = this.references();
    const kept = new ReferenceBuilder(changes.count);
    const keptPositions = new Float64Array(changes.count);
    for (let entry = 0; entry < changes.count; entry++) {
      const position = changes.positions?.[entry] ?? entry;
      if (positions.has(position)) continue;
      keptPositions[kept.count] = position;
      kept.copy(changes, entry);
    }
    this.#layers = [kept.finish(this.#gridShape, keptPositions)];
  }

  #flush(): void {
    if (this.#single.size === 0) return;
    const positions = Float64Array.from(this.#single.keys()).sort();
    const builder = new ReferenceBuilder(positions.length);
    for (const position of positions) {
      const change = this.#single.get(position);
      if (change) addChange(builder, change);
    }
    this.#single = new Map();
    this.#push(builder.finish(this.#gridShape, positions));
  }

  #join(): void {
    if (this.#layers.length > 1) {
      this.#layers = [mergeReferences(this.#layers.map((references) => ({ references })))];
    }
  }
}

function addChange(builder: ReferenceBuilder, change: ChunkChange): void {
  if (change.kind === "deleted") {
    builder.addMissing();
  } else if (change.kind === "inline") {
    builder.addInline(builder.addBuffer(change.bytes), 0, change.bytes.length);
  } else if (change.kind === "native") {
    builder.addNative(change.chunkId, 0, change.offset, change.length);
  } else {
    builder.addVirtual(builder.addVirtualObject(change.object), change.offset, change.length);
  }
}

function firstPlace({ count, positions }: ChunkReferences): number {
  return count === 0 ? Number.POSITIVE_INFINITY : (positions?.[0] ?? 0);
}

function endOf({ count, positions }: ChunkReferences): number {
  return count === 0 ? 0 : (positions?.[count - 1] ?? count - 1) + 1;
}

/** Moves references by whole chunks along each axis into a larger grid. */
export function placeReferences(
  references: ChunkReferences,
  gridShape: readonly number[],
  at: readonly number[],
): ChunkReferences {
  const [before, after] = [gridStrides(references.gridShape), gridStrides(gridShape)];
  const coordinates = new Uint32Array(gridShape.length);
  const positions = new Float64Array(references.count);
  for (let entry = 0; entry < references.count; entry++) {
    coordinatesOf(references.positions?.[entry] ?? entry, before, coordinates, 0);
    for (let axis = 0; axis < gridShape.length; axis++) {
      coordinates[axis] = (coordinates[axis] ?? 0) + (at[axis] ?? 0);
    }
    positions[entry] = positionOf(coordinates, 0, gridShape, after);
  }
  return { ...references, gridShape, positions };
}
