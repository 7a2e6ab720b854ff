/**
 * A manifest that is filled run by run: entries of other manifests are copied as columns, not one by one.
 *
 * @module
 */

import { type ChunkManifest, countCells, firstEntryFrom } from "./chunk-manifest.ts";
import { LocationTable } from "./location-table.ts";
import { NOWHERE } from "./manifest-builder.ts";

/** Where the entries come from, with its locations in the new table. */
interface Origin {
  readonly manifest: ChunkManifest;
  readonly locations: Uint32Array;
}

/** Collects runs of entries by ascending position. */
export class ManifestColumns {
  readonly #gridShape: readonly number[];
  readonly #table = new LocationTable();
  readonly #origins: readonly Origin[];
  readonly #offsets: Float64Array;
  readonly #lengths: Float64Array;
  readonly #positions: Float64Array | undefined;
  readonly #locationIndexes: Uint32Array | undefined;
  readonly #filterMasks: Uint32Array | undefined;
  readonly #inline = new Map<number, Uint8Array>();
  #count = 0;

  /**
   * Errors: `LimitExceeded` for a grid whose positions a double cannot count.
   *
   * @param count entries that will be there at the most
   * @param dense whether every chunk of the grid will have an entry
   */
  constructor(
    gridShape: readonly number[],
    origins: readonly ChunkManifest[],
    count: number,
    dense: boolean,
  ) {
    countCells(gridShape);
    this.#gridShape = gridShape;
    this.#origins = origins.map((manifest) => ({ manifest, locations: this.#table.addAll(manifest) }));
    this.#offsets = new Float64Array(count);
    this.#lengths = new Float64Array(count);
    this.#positions = dense ? undefined : new Float64Array(count);
    this.#locationIndexes = this.#table.locations.length > 1 ? new Uint32Array(count) : undefined;
    this.#filterMasks = origins.some(({ filterMasks }) => filterMasks) ? new Uint32Array(count) : undefined;
  }

  /**
   * Copies what an origin has for the positions `from` (inclusive) to `to` (exclusive) of its grid; they come to
   * stand at `target` and after it.
   */
  copy(origin: number, from: number, to: number, target: number): void {
    const source = this.#origins[origin];
    if (source === undefined) return;
    const { manifest, locations } = source;
    const { positions } = manifest;
    const first = positions
      ? firstEntryFrom(positions, manifest.count, from)
      : Math.min(from, manifest.count);
    const last = positions ? firstEntryFrom(positions, manifest.count, to) : Math.min(to, manifest.count);
    const at = this.#count;
    this.#offsets.set(manifest.offsets.subarray(first, last), at);
    this.#lengths.set(manifest.lengths.subarray(first, last), at);
    if (manifest.filterMasks) this.#filterMasks?.set(manifest.filterMasks.subarray(first, last), at);
    this.#copyLocations(manifest, locations, first, last);
    if (this.#positions) {
      for (let entry = first; entry < last; entry++) {
        this.#positions[at + entry - first] = (positions?.[entry] ?? entry) - from + target;
      }
    }
    if (manifest.inline.size > 0) {
      for (let entry = first; entry < last; entry++) {
        const bytes = manifest.inline.get(entry);
        if (bytes) this.#inline.set(at + entry - first, bytes);
      }
    }
    this.#count = at + last - first;
  }

  #copyLocations(manifest: ChunkManifest, locations: Uint32Array, first: number, last: number): void {
    const column = this.#locationIndexes;
    if (column === undefined) return;
    const at = this.#count;
    if (manifest.locationIndexes === undefined) {
      column.fill(locations[0] ?? 0, at, at + last - first);
      return;
    }
    for (let entry = first; entry < last; entry++) {
      column[at + entry - first] = locations[manifest.locationIndexes[entry] ?? 0] ?? 0;
    }
  }

  /** The manifest; nothing may be copied afterwards. */
  manifest(): ChunkManifest {
    const count = this.#count;
    if (this.#table.locations.length === 0) this.#table.add(NOWHERE, undefined);
    return {
      gridShape: this.#gridShape,
      count,
      positions: this.#positions?.subarray(0, count),
      locations: this.#table.locations,
      versions: this.#table.versions,
      locationIndexes: this.#locationIndexes?.subarray(0, count),
      offsets: this.#offsets.subarray(0, count),
      lengths: this.#lengths.subarray(0, count),
      filterMasks: this.#filterMasks?.subarray(0, count),
      inline: this.#inline,
    };
  }
}
