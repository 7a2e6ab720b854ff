/**
 * Where the chunks of an index come from: the variables of the original files, and their chunks.
 *
 * @module
 */

import { type ChunkManifest, entryCoordinates } from "../../manifest/chunk-manifest.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { type OpenedSource, walkSource } from "../source.ts";

/** A chunk of a variable of a file. */
export interface OriginalChunk {
  readonly path: string;
  readonly array: VirtualArray;
  readonly coordinates: readonly number[];
}

/** The chunks of a file by the places of their bytes. */
export class OriginalChunks {
  readonly #arrays: { path: string; array: VirtualArray; manifest: ChunkManifest }[] = [];
  /** For each array its entries by offset, made when it is first asked for. */
  readonly #byOffset: Map<number, number>[] = [];

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

  /** The chunk that begins at an offset of a location and has this length. */
  at(location: string, offset: number, length: number): OriginalChunk | undefined {
    for (const [index, { path, array, manifest }] of this.#arrays.entries()) {
      const entry = this.#entries(index, manifest).get(offset);
      if (entry === undefined || manifest.lengths[entry] !== length) continue;
      if (manifest.locations[manifest.locationIndexes?.[entry] ?? 0] !== location) continue;
      return { path, array, coordinates: entryCoordinates(manifest, entry) };
    }
    return undefined;
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
