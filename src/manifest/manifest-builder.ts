/**
 * Builds a chunk manifest from references as they are found, in any order.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { Version } from "../storage/storage.ts";
import { type ChunkManifest, countCells } from "./chunk-manifest.ts";

/** The location of manifests that hold all of their chunks themselves: no object has this address. */
export const NOWHERE = "memory://";

/** A permutation by composite keys needs `position * 2^k + entry` to stay exact. */
const EXACT = 2 ** 53;
/** Entries that there is room for from the start. Builders of very many arrays may be at work side by side. */
const FIRST_CAPACITY = 128;
/** A grid with at most this many cells for each entry is sorted by one slot a cell. */
const CELLS_PER_ENTRY = 4;

/**
 * Collects chunk references into growing columns; nothing is kept per chunk but its numbers.
 *
 * Errors: `LimitExceeded` for a grid whose positions a double cannot count, `CorruptFile` from {@link build}
 * where a chunk has two entries.
 *
 * @example
 * const builder = new ManifestBuilder([2, 3], "file:///a.h5");
 * builder.append(4, 2048, 100);
 * const manifest = builder.build(); // one entry, for chunk [1, 1]
 */
export class ManifestBuilder {
  readonly gridShape: readonly number[];
  /** Number of cells of the grid. */
  readonly cells: number;
  readonly #locations: string[] = [];
  readonly #versions: (Version | undefined)[] = [];
  readonly #inline = new Map<number, Uint8Array>();
  #count = 0;
  #positions: Float64Array;
  #offsets: Float64Array;
  #lengths: Float64Array;
  /** Only where an entry is not at location 0, has a mask. */
  #locationIndexes: Uint32Array | undefined;
  #filterMasks: Uint32Array | undefined;
  #ascending = true;
  #last = -1;

  /** @param location address of location 0 */
  constructor(gridShape: readonly number[], location: string, version?: Version) {
    this.gridShape = gridShape;
    this.cells = countCells(gridShape);
    // Most grids are full: columns that end with the grid need not be cut afterwards.
    const capacity = Math.max(Math.min(this.cells, FIRST_CAPACITY), 1);
    this.#positions = new Float64Array(capacity);
    this.#offsets = new Float64Array(capacity);
    this.#lengths = new Float64Array(capacity);
    this.addLocation(location, version);
  }

  /** Number of entries so far. */
  get count(): number {
    return this.#count;
  }

  /** Index of a further location. */
  addLocation(location: string, version?: Version): number {
    this.#locations.push(location);
    this.#versions.push(version);
    return this.#locations.length - 1;
  }

  /**
   * @param position C-order position of the chunk in the grid, below {@link cells}
   * @param offset bytes from the start of the location
   * @param length stored bytes
   * @param filterMask bit `i`: the `i`-th bytes-to-bytes codec was left out
   */
  append(position: number, offset: number, length: number, filterMask = 0, location = 0): void {
    const entry = this.#count;
    if (entry === this.#positions.length) this.#grow();
    if (position <= this.#last) this.#ascending = false;
    this.#last = position;
    this.#positions[entry] = position;
    this.#offsets[entry] = offset;
    this.#lengths[entry] = length;
    if (filterMask !== 0) {
      this.#filterMasks ??= new Uint32Array(this.#positions.length);
      this.#filterMasks[entry] = filterMask;
    }
    if (location !== 0) {
      this.#locationIndexes ??= new Uint32Array(this.#positions.length);
      this.#locationIndexes[entry] = location;
    }
    this.#count = entry + 1;
  }

  /** A chunk whose encoded bytes are held here. */
  appendInline(position: number, bytes: Uint8Array): void {
    this.#inline.set(this.#count, bytes);
    this.append(position, 0, bytes.length);
  }

  /** The manifest; the builder must not be used afterwards. */
  build(): ChunkManifest {
    const count = this.#count;
    const order = this.#ascending ? undefined : this.#order();
    const positions = reordered(this.#positions, count, order);
    for (let entry = 1; entry < count; entry++) {
      const position = positions[entry];
      if (position === positions[entry - 1]) {
        throw new MoraineError("CorruptFile", `chunk ${position} of the grid has two entries`, {
          source: this.#locations[0],
        });
      }
    }
    return {
      gridShape: this.gridShape,
      count,
      positions: count === this.cells ? undefined : positions,
      locations: this.#locations,
      versions: this.#versions,
      locationIndexes: this.#locationIndexes && reordered(this.#locationIndexes, count, order),
      offsets: reordered(this.#offsets, count, order),
      lengths: reordered(this.#lengths, count, order),
      filterMasks: this.#filterMasks && reordered(this.#filterMasks, count, order),
      inline: this.#reorderedInline(order),
    };
  }

  #grow(): void {
    const count = this.#positions.length;
    const capacity = count < this.cells ? Math.min(4 * count, this.cells) : 2 * count;
    this.#positions = grown(this.#positions, new Float64Array(capacity));
    this.#offsets = grown(this.#offsets, new Float64Array(capacity));
    this.#lengths = grown(this.#lengths, new Float64Array(capacity));
    if (this.#locationIndexes) {
      this.#locationIndexes = grown(this.#locationIndexes, new Uint32Array(capacity));
    }
    if (this.#filterMasks) this.#filterMasks = grown(this.#filterMasks, new Uint32Array(capacity));
  }

  /** Entries in ascending order of position; equal positions stay side by side. */
  #order(): Uint32Array {
    const count = this.#count;
    const positions = this.#positions;
    if (this.cells <= CELLS_PER_ENTRY * count) {
      const order = this.#orderBySlots();
      if (order) return order;
    }
    const scale = 2 ** Math.ceil(Math.log2(count + 1));
    if (this.cells * scale <= EXACT) {
      // Typed arrays sort numbers natively, several times faster than with a comparing function.
      const keys = new Float64Array(count);
      for (let entry = 0; entry < count; entry++) keys[entry] = (positions[entry] ?? 0) * scale + entry;
      keys.sort();
      const order = new Uint32Array(count);
      for (let rank = 0; rank < count; rank++) order[rank] = (keys[rank] ?? 0) % scale;
      return order;
    }
    const order = new Uint32Array(count);
    for (let entry = 0; entry < count; entry++) order[entry] = entry;
    return order.sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0) || a - b);
  }

  /** Sorts through one slot for each cell; undefined where two entries want the same. */
  #orderBySlots(): Uint32Array | undefined {
    const slots = new Uint32Array(this.cells);
    for (let entry = 0; entry < this.#count; entry++) {
      const position = this.#positions[entry] ?? 0;
      if (slots[position] !== 0) return undefined;
      slots[position] = entry + 1;
    }
    const order = new Uint32Array(this.#count);
    let rank = 0;
    for (let cell = 0; cell < slots.length; cell++) {
      const slot = slots[cell] ?? 0;
      if (slot !== 0) order[rank++] = slot - 1;
    }
    return order;
  }

  #reorderedInline(order: Uint32Array | undefined): ReadonlyMap<number, Uint8Array> {
    if (!order || this.#inline.size === 0) return this.#inline;
    const inline = new Map<number, Uint8Array>();
    order.forEach((entry, rank) => {
      const bytes = this.#inline.get(entry);
      if (bytes) inline.set(rank, bytes);
    });
    return inline;
  }
}

function grown<Column extends Float64Array | Uint32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

/** The first `count` entries in the given order, in memory of exactly that size. */
function reordered(column: Float64Array, count: number, order: Uint32Array | undefined): Float64Array;
function reordered(column: Uint32Array, count: number, order: Uint32Array | undefined): Uint32Array;
function reordered(
  column: Float64Array | Uint32Array,
  count: number,
  order: Uint32Array | undefined,
): Float64Array | Uint32Array {
  if (!order) return count === column.length ? column : column.slice(0, count);
  const result = column instanceof Float64Array ? new Float64Array(count) : new Uint32Array(count);
  for (let rank = 0; rank < count; rank++) result[rank] = column[order[rank] ?? 0] ?? 0;
  return result;
}
