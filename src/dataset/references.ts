/**
 * Every chunk reference of a source, one after another.
 *
 * @module
 */

import { entryCoordinates } from "../manifest/chunk-manifest.ts";
import type { VirtualArray } from "../manifest/virtual-group.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { type OpenedSource, walkSource } from "./source.ts";

/** A chunk reference as `refs --json` prints it. */
export interface Reference {
  readonly path: string;
  /** In the chunk grid. */
  readonly coordinates: readonly number[];
  /** `decoded`: an array whose chunks exist only once they are decoded; it has one line, without coordinates. */
  readonly kind: "virtual" | "native" | "inline" | "decoded";
  readonly location?: string;
  readonly offset?: number;
  readonly length?: number;
  /** Bit `i`: the `i`-th bytes-to-bytes codec was left out for this chunk. Absent when zero. */
  readonly filter_mask?: number;
  /** Why it must be decoded. */
  readonly reason?: string;
}

/**
 * The references of every array, or of those at or below `path`. Missing chunks have none.
 *
 * Errors: `NotFound` when nothing is at `path`.
 */
export async function* references(
  source: OpenedSource,
  path = "/",
  options: StorageOptions = {},
): AsyncGenerator<Reference, void, undefined> {
  for await (const { path: found, node } of walkSource(source, path, options)) {
    if (node.kind === "array") yield* arrayReferences(source, found, node, options);
  }
}

async function* arrayReferences(
  source: OpenedSource,
  path: string,
  array: VirtualArray,
  options: StorageOptions,
): AsyncGenerator<Reference, void, undefined> {
  if (array.manifest === undefined) {
    yield {
      path,
      coordinates: [],
      kind: "decoded",
      ...(array.barrier && { reason: array.barrier.reason }),
    };
    return;
  }
  const manifest = await array.manifest(options);
  const native = manifest.locations.map((location) => source.isNative(location));
  for (let entry = 0; entry < manifest.count; entry++) {
    const coordinates = entryCoordinates(manifest, entry);
    const inline = manifest.inline.get(entry);
    if (inline !== undefined) {
      yield { path, coordinates, kind: "inline", length: inline.length };
      continue;
    }
    const index = manifest.locationIndexes?.[entry] ?? 0;
    const mask = manifest.filterMasks?.[entry] ?? 0;
    const location = manifest.locations[index];
    yield {
      path,
      coordinates,
      kind: native[index] ? "native" : "virtual",
      ...(location !== undefined && { location }),
      offset: manifest.offsets[entry] ?? 0,
      length: manifest.lengths[entry] ?? 0,
      ...(mask !== 0 && { filter_mask: mask }),
    };
  }
}
