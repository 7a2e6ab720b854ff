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
import { type OpenedSource, walkSource } from "../source.ts";

/** A chunk of a variable of a file, or the part of an uncompressed one that is a range of its bytes. */
export interface OriginalChunk {
  readonly path: string;
  readonly array: VirtualArray;
  /** First element along each axis. */
  readonly start: readonly number[];
  /** Elements along each axis that lie inside of the variable. */
  readonly inside: readonly number[];
}

/** The chunks of a file by the places of their bytes. */
export class OriginalChunks {
  readonly #arrays: { path: string; array: VirtualArray; manifest: ChunkManifest }[] = [];
  /** For each array its entries by offset, made when it is first asked for. */
  readonly #byOffset: Map<number, number>[] = [];
  /** For each uncompressed array its entries by ascending offset, made likewise. */
  readonly #sorted: Uint32Array[] = [];

  /** The arrays of a file whose chunks lie in it as they are. */
  static async of(source: OpenedSource, options: StorageOptions): Promise<OriginalChunks> {
    const chunks = new OriginalChunks();
    for await (const { path, node } of walkSource(source, "/", options)) {
      if (node.kind !== "array" || node.manifest === undefined) continue;
      chunks.#arrays.push({ path, array: node, manifest: await node.manifest(options) });
    }
    return chunks;
  }

  /** Whether the file has an array at this path whose chunks lie in it. */
  has(path: string): boolean {
    return this.#arrays.some((array) => array.path === path);
  }

  /**
   * What lies at a range of the bytes of a location: a chunk, or rows of an uncompressed one.
   *
   * @param shape of the chunk that is said to lie there
   */
  at(location: string, offset: number, length: number, shape: readonly number[]): OriginalChunk | undefined {
    for (const [index, { path, array, manifest }] of this.#arrays.entries()) {
      const entry = this.#entries(index, manifest).get(offset);
      if (entry === undefined || manifest.lengths[entry] !== length) continue;
      if (!liesIn(manifest, entry, location)) continue;
      const { start, inside } = chunkExtent(array.metadata, entryCoordinates(manifest, entry));
      return { path, array, start, inside };
    }
    for (const [index, { path, array, manifest }] of this.#arrays.entries()) {
      if (!isPlainBytes(array.metadata)) continue;
      const entry = this.#lastBefore(index, manifest, offset);
      const within = offset - (manifest.offsets[entry ?? 0] ?? 0);
      if (entry === undefined || within + length > (manifest.lengths[entry] ?? 0)) continue;
      if (!liesIn(manifest, entry, location)) continue;
      const part = rowsAt(array.metadata, entryCoordinates(manifest, entry), within, length, shape);
      if (part) return { path, array, ...part };
    }
    return undefined;
  }

  /** The entry with the last offset up to one: chunks of an array do not overlap. */
  #lastBefore(index: number, { offsets, count }: ChunkManifest, offset: number): number | undefined {
    const at = (entry: number): number => offsets[entry] ?? 0;
    const sorted =
      this.#sorted[index] ??
      Uint32Array.from({ length: count }, (_, entry) => entry).sort((a, b) => at(a) - at(b));
    this.#sorted[index] = sorted;
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(sorted[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : sorted[low - 1];
  }

  #entries(index: number, manifest: ChunkManifest): ReadonlyMap<number, number> {
    let entries = this.#byOffset[index];
    if (entries === undefined) {
      entries = new Map();
      for (let entry = 0; entry < manifest.count; entry++) {
        if (!manifest.inline.has(entry)) entries.set(manifest.offsets[entry] ?? 0, entry);
      }
      this.#byOffset[index] = entries;
    }
    return entries;
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
