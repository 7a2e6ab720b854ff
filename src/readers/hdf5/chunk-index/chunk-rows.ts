/**
 * Where the readers of chunk indexes put what they find: scaled chunk coordinates or linear indexes in, rows of a
 * manifest out.
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import type { ManifestBuilder } from "../../../manifest/manifest-builder.ts";
import type { MetadataSource } from "../metadata-source.ts";

/** The chunked array whose index is read. */
export interface ChunkedArray {
  /** Current extent, in elements. */
  readonly shape: readonly number[];
  /** Extent that it may grow to; undefined for an unlimited axis. */
  readonly maximumShape: readonly (number | undefined)[];
  /** In elements. */
  readonly chunkShape: readonly number[];
  /** Bytes of a chunk before filters. */
  readonly chunkBytes: number;
  /** Number of filters in the pipeline. */
  readonly filterCount: number;
  /** Chunks that reach beyond the current extent are stored without filters. */
  readonly edgesUnfiltered: boolean;
}

/** Bytes; no chunk can lie in them. */
const SMALLEST_SUPERBLOCK = 24;
/** Smallest bytes of the file that an entry of any index takes. */
const SMALLEST_ENTRY = 2;

export class ChunkRows {
  readonly array: ChunkedArray;
  readonly #builder: ManifestBuilder;
  readonly #metadata: MetadataSource;
  readonly #base: number;
  readonly #size: number;
  readonly #edgesUnfiltered: boolean;
  readonly #allFilters: number;
  readonly #entryLimit: number;
  #entries = 0;

  constructor(array: ChunkedArray, metadata: MetadataSource, builder: ManifestBuilder) {
    this.array = array;
    this.#metadata = metadata;
    this.#builder = builder;
    this.#base = metadata.base;
    this.#size = metadata.size;
    this.#edgesUnfiltered = array.edgesUnfiltered;
    this.#allFilters = array.filterCount >= 32 ? 0xffffffff : 2 ** array.filterCount - 1;
    this.#entryLimit = metadata.size / SMALLEST_ENTRY;
  }

  /** Chunks along each axis of the current extent. */
  get gridShape(): readonly number[] {
    return this.#builder.gridShape;
  }

  /**
   * Counts entries that an index holds, those beyond the current extent too: nodes that are reached over and over
   * must not keep the reader busy.
   */
  count(entries: number): void {
    this.#entries += entries;
    if (this.#entries > this.#entryLimit) {
      throw new MoraineError("CorruptFile", "a chunk index holds more entries than the file has room for", {
        source: this.#metadata.source,
      });
    }
  }

  /**
   * @param position C-order position in the current grid
   * @param address of the chunk, as the file gives it
   */
  append(position: number, address: number, length: number, filterMask: number): void {
    const offset = this.check(address, length);
    const isUnfiltered = this.#edgesUnfiltered && this.#isPartial(position);
    const mask = isUnfiltered ? this.#allFilters : (filterMask & this.#allFilters) >>> 0;
    this.#builder.append(position, offset, length, mask);
  }

  /**
   * Offset in the file of a chunk; `TruncatedFile` where the file ends before it does, `CorruptFile` where the
   * superblock lies.
   */
  check(address: number, length: number): number {
    const offset = this.#base + address;
    if (address < SMALLEST_SUPERBLOCK) {
      throw new MoraineError("CorruptFile", `a chunk at address ${address}, where the superblock is`, {
        source: this.#metadata.source,
        offset,
      });
    }
    if (offset + length > this.#size) {
      throw new MoraineError(
        "TruncatedFile",
        `a chunk of ${length} bytes reaches beyond the end of the file`,
        {
          source: this.#metadata.source,
          offset,
        },
      );
    }
    return offset;
  }

  /** Whether a chunk reaches beyond the current extent. */
  #isPartial(position: number): boolean {
    const { shape, chunkShape } = this.array;
    let rest = position;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const chunks = this.gridShape[axis] ?? 1;
      const coordinate = rest % chunks;
      rest = Math.floor(rest / chunks);
      if ((coordinate + 1) * (chunkShape[axis] ?? 1) > (shape[axis] ?? 0)) return true;
    }
    return false;
  }
}

/**
 * Linear chunk indexes, as fixed arrays, extensible arrays and implicit indexes use them: C order over the chunks
 * of the *maximum* extent. Where one axis is unlimited and not the first, it is moved to the front before: an
 * extensible array grows at its end only.
 */
export class LinearOrder {
  /** Chunks of the current grid, in the axes' order. */
  readonly #grid: readonly number[];
  /** Axes from the slowest to the fastest in the index. */
  readonly #axes: readonly number[];
  /** By place in `#axes`: how far the index moves with a step along the axis. */
  readonly #steps: readonly number[];
  /** By place in `#axes`: how far the position in the current grid moves. */
  readonly #positionSteps: readonly number[];
  readonly #cells: number;
  readonly #identical: boolean;
  /** One more than the largest index of a chunk within the current extent. */
  readonly end: number;

  /** @throws `LimitExceeded` where indexes cannot be counted exactly, `CorruptFile` for two unlimited axes */
  constructor(array: ChunkedArray, gridShape: readonly number[]) {
    const rank = gridShape.length;
    const chunks = array.maximumShape.map((length, axis) =>
      length === undefined ? undefined : Math.ceil(length / (array.chunkShape[axis] ?? 1)),
    );
    const axes = gridShape.map((_, axis) => axis);
    const unlimited = chunks.indexOf(undefined);
    if (unlimited !== chunks.lastIndexOf(undefined)) {
      throw new MoraineError("CorruptFile", "a linear chunk index over several unlimited dimensions");
    }
    if (unlimited > 0) {
      axes.splice(unlimited, 1);
      axes.unshift(unlimited);
    }
    const steps = new Array<number>(rank).fill(1);
    for (let place = rank - 2; place >= 0; place--) {
      const faster = chunks[axes[place + 1] ?? 0] ?? 1;
      steps[place] = (steps[place + 1] ?? 1) * faster;
    }
    const gridSteps = new Array<number>(rank).fill(1);
    for (let axis = rank - 2; axis >= 0; axis--) {
      gridSteps[axis] = (gridSteps[axis + 1] ?? 1) * (gridShape[axis + 1] ?? 1);
    }
    let last = 0;
    for (let place = 0; place < rank; place++) {
      last += ((gridShape[axes[place] ?? 0] ?? 1) - 1) * (steps[place] ?? 1);
    }
    if (!(last < Number.MAX_SAFE_INTEGER)) {
      throw new MoraineError("LimitExceeded", "the chunks of the maximum extent cannot be counted");
    }
    this.#grid = gridShape;
    this.#axes = axes;
    this.#steps = steps;
    this.#positionSteps = axes.map((axis) => gridSteps[axis] ?? 1);
    this.#cells = gridShape.reduce((product, count) => product * count, 1);
    this.end = this.#cells === 0 ? 0 : last + 1;
    this.#identical = steps.every((step, place) => step === this.#positionSteps[place]);
  }

  /** C-order position in the current grid of the chunk with this linear index; -1 beyond the current extent. */
  position(index: number): number {
    if (this.#identical) return index < this.#cells ? index : -1;
    let rest = index;
    let position = 0;
    for (let place = 0; place < this.#axes.length; place++) {
      const step = this.#steps[place] ?? 1;
      const coordinate = Math.floor(rest / step);
      if (coordinate >= (this.#grid[this.#axes[place] ?? 0] ?? 0)) return -1;
      rest -= coordinate * step;
      position += coordinate * (this.#positionSteps[place] ?? 1);
    }
    return position;
  }

  /** Linear index of the chunk at a C-order position in the current grid. */
  index(position: number): number {
    if (this.#identical) return position;
    let index = 0;
    for (let place = 0; place < this.#axes.length; place++) {
      const chunks = this.#grid[this.#axes[place] ?? 0] ?? 1;
      const coordinate = Math.floor(position / (this.#positionSteps[place] ?? 1)) % chunks;
      index += coordinate * (this.#steps[place] ?? 1);
    }
    return index;
  }
}
