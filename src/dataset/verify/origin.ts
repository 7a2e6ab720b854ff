/**
 * Where the chunks of an index come from: the variables of the original files, and their chunks.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { type ChunkManifest, entryCoordinates } from "../../manifest/chunk-manifest.ts";
import { cuttingAxis, isPlainBytes } from "../../manifest/split-chunks.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { chunkExtent, gridCoordinates } from "../../zarr/chunk-grid.ts";
import { type OpenedSource, storedPath, walkSource } from "../source.ts";

/** A chunk of a variable of a file, or the part of an uncompressed one that is a range of its bytes. */
export interface OriginalChunk {
  readonly path: string;
  /** The path by which other readers know it: the dataset view has names of its own. */
  readonly storedPath: string;
  readonly array: VirtualArray;
  /** First element along each axis. */
  readonly start: readonly number[];
  /** Elements along each axis that lie inside of the variable. */
  readonly inside: readonly number[];
}

/** The chunks of a file by the places of their bytes. */
export class OriginalChunks {
  readonly #arrays: OriginalArray[] = [];

  /** The arrays of a file whose chunks lie in it as they are. */
  static async of(source: OpenedSource, options: StorageOptions): Promise<OriginalChunks> {
    const chunks = new OriginalChunks();
    for await (const { path, node } of walkSource(source, "/", options)) {
      if (node.kind !== "array" || node.manifest === undefined) continue;
      chunks.#arrays.push(new OriginalArray(path, node, await node.manifest(options)));
    }
    return chunks;
  }

  /** Whether the file has an array at this path whose chunks lie in it. */
  has(path: string): boolean {
    return this.#arrays.some((array) => array.path === path);
  }

  /**
   * What lies at a range of the bytes of a location: a chunk, or rows of an uncompressed one. Links give a variable
   * several paths: the one with the wanted name, if there is one.
   *
   * @param shape of the chunk that is said to lie there
   * @param name of the array in the index, behind a slash
   */
  at(
    location: string,
    offset: number,
    length: number,
    shape: readonly number[],
    name: string,
  ): OriginalChunk | undefined {
    const named = this.#arrays.filter(({ path }) => path.endsWith(name));
    return (
      this.#in(named, location, offset, length, shape) ??
      this.#in(this.#arrays, location, offset, length, shape)
    );
  }

  #in(
    arrays: readonly OriginalArray[],
    location: string,
    offset: number,
    length: number,
    shape: readonly number[],
  ): OriginalChunk | undefined {
    for (const original of arrays) {
      const { path, array, manifest } = original;
      const entry = original.byOffset.get(offset);
      if (entry === undefined || manifest.lengths[entry] !== length) continue;
      if (!liesIn(manifest, entry, location)) continue;
      const { start, inside } = chunkExtent(array.metadata, entryCoordinates(manifest, entry));
      return { path, storedPath: storedPath(path, array), array, start, inside };
    }
    for (const original of arrays) {
      const { path, array, manifest } = original;
      if (!isPlainBytes(array.metadata)) continue;
      const entry = original.lastBefore(offset);
      const within = offset - (manifest.offsets[entry ?? 0] ?? 0);
      if (entry === undefined || within + length > (manifest.lengths[entry] ?? 0)) continue;
      if (!liesIn(manifest, entry, location)) continue;
      const part = rowsAt(array.metadata, entryCoordinates(manifest, entry), within, length, shape);
      if (part) return { path, storedPath: storedPath(path, array), array, ...part };
    }
    return undefined;
  }
}

/** An array of a file, whose indexes of its chunks are made when they are first asked for. */
class OriginalArray {
  readonly path: string;
  readonly array: VirtualArray;
  readonly manifest: ChunkManifest;
  #byOffset: ReadonlyMap<number, number> | undefined;
  #sorted: Uint32Array | undefined;

  constructor(path: string, array: VirtualArray, manifest: ChunkManifest) {
    this.path = path;
    this.array = array;
    this.manifest = manifest;
  }

  /** Its entries by offset. */
  get byOffset(): ReadonlyMap<number, number> {
    if (this.#byOffset === undefined) {
      const { count, inline, offsets } = this.manifest;
      const entries = new Map<number, number>();
      for (let entry = 0; entry < count; entry++) {
        if (!inline.has(entry)) entries.set(offsets[entry] ?? 0, entry);
      }
      this.#byOffset = entries;
    }
    return this.#byOffset;
  }

  /** The entry with the last offset up to one: chunks of an array do not overlap. */
  lastBefore(offset: number): number | undefined {
    const { count, offsets } = this.manifest;
    const at = (entry: number): number => offsets[entry] ?? 0;
    this.#sorted ??= Uint32Array.from({ length: count }, (_, entry) => entry).sort((a, b) => at(a) - at(b));
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(this.#sorted[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#sorted[low - 1];
  }
}

function liesIn(manifest: ChunkManifest, entry: number, location: string): boolean {
  return (
    !manifest.inline.has(entry) && manifest.locations[manifest.locationIndexes?.[entry] ?? 0] === location
  );
}

/**
 * The elements of an uncompressed chunk that a range of its bytes holds; undefined where they are no box of a shape.
 *
 * @param within bytes from the start of the chunk
 * @param stacked the shape, with dimensions that the file has not
 */
function rowsAt(
  metadata: ArrayMetadata,
  coordinates: readonly number[],
  within: number,
  length: number,
  stacked: readonly number[],
): Pick<OriginalChunk, "start" | "inside"> | undefined {
  const size = itemSize(metadata.dataType) ?? 0;
  const chunk = chunkExtent(metadata, coordinates);
  // New dimensions along which files are stacked stand before all others.
  const shape = stacked.slice(Math.max(stacked.length - chunk.shape.length, 0));
  const elements = shape.reduce((product, along) => product * along, 1);
  if (shape.length !== chunk.shape.length || within % size !== 0 || elements * size !== length)
    return undefined;
  const first = gridCoordinates(within / size, chunk.shape);
  const cut = cuttingAxis(shape);
  const isBox = shape.every((along, axis) => {
    const from = first[axis] ?? 0;
    const whole = chunk.shape[axis] ?? 0;
    return axis > cut ? along === whole && from === 0 : from + along <= whole;
  });
  if (!isBox) return undefined;
  const start = chunk.start.map((at, axis) => at + (first[axis] ?? 0));
  const inside = start.map((at, axis) => Math.min(shape[axis] ?? 0, (metadata.shape[axis] ?? 0) - at));
  return inside.every((along) => along > 0) ? { start, inside } : undefined;
}
