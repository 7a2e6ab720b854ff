/**
 * Which files the references of an array lead to, and how much of it lies in each.
 *
 * @module
 */

import type { ChunkManifest } from "../manifest/chunk-manifest.ts";
import type { Version } from "../storage/storage.ts";

/** What an array has in one object. */
export interface SourceShare {
  /** Its address. */
  readonly location: string;
  /** The version that its references ask for. */
  readonly version: Version | undefined;
  readonly chunks: number;
  /** Stored bytes of these chunks. */
  readonly bytes: number;
}

/** The objects that a manifest's entries lie in, in the order of its locations; those without entries are left out. */
export function sharesOf(manifest: ChunkManifest): SourceShare[] {
  const { count, locations, locationIndexes, lengths, inline, versions } = manifest;
  const chunks = new Float64Array(locations.length);
  const bytes = new Float64Array(locations.length);
  for (let entry = 0; entry < count; entry++) {
    if (inline.has(entry)) continue;
    const location = locationIndexes?.[entry] ?? 0;
    chunks[location] = (chunks[location] ?? 0) + 1;
    bytes[location] = (bytes[location] ?? 0) + (lengths[entry] ?? 0);
  }
  return locations.flatMap((location, at): SourceShare[] => {
    const own = chunks[at] ?? 0;
    return own === 0 ? [] : [{ location, version: versions[at], chunks: own, bytes: bytes[at] ?? 0 }];
  });
}
