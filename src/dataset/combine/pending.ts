/**
 * Chunks that will be encoded anew, as references to a location of their own: whatever moves references moves
 * them along.
 *
 * @module
 */

import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import { filterEntries } from "../../manifest/select-chunks.ts";

/** No address: nothing is ever read from there. */
export const PENDING = "pending:";

/**
 * The references, with those of the given chunks (of ascending positions) replaced by pending ones.
 *
 * @param length bytes of such a chunk before it is compressed
 */
export function markPending(
  manifest: ChunkManifest,
  positions: Iterable<number>,
  length: number,
): ChunkManifest {
  const pending = new Set(positions);
  if (pending.size === 0) return manifest;
  const kept = filterEntries(manifest, (_, position) => !pending.has(position));
  const builder = new ManifestBuilder(manifest.gridShape, PENDING);
  // What was pending before is at the same place.
  const locations = kept.locations.map((location, index) =>
    location === PENDING ? 0 : builder.addLocation(location, kept.versions[index]),
  );
  for (let entry = 0; entry < kept.count; entry++) {
    const position = kept.positions?.[entry] ?? entry;
    const inline = kept.inline.get(entry);
    if (inline) builder.appendInline(position, inline);
    else {
      const location = locations[kept.locationIndexes?.[entry] ?? 0] ?? 0;
      builder.append(
        position,
        kept.offsets[entry] ?? 0,
        kept.lengths[entry] ?? 0,
        kept.filterMasks?.[entry] ?? 0,
        location,
      );
    }
  }
  for (const position of pending) builder.append(position, 0, length);
  return builder.build();
}

/** The references without the pending ones, and where these are. */
export function takePending(manifest: ChunkManifest): {
  readonly references: ChunkManifest;
  readonly rewrite: readonly number[];
} {
  const pending = manifest.locations.indexOf(PENDING);
  if (pending < 0) return { references: manifest, rewrite: [] };
  const rewrite: number[] = [];
  const references = filterEntries(manifest, (entry, position) => {
    const isPending = (manifest.locationIndexes?.[entry] ?? 0) === pending && !manifest.inline.has(entry);
    if (isPending) rewrite.push(position);
    return !isPending;
  });
  return { references: withoutPending(references, pending), rewrite };
}

function withoutPending(manifest: ChunkManifest, pending: number): ChunkManifest {
  const locations = manifest.locations.toSpliced(pending, 1);
  const versions = manifest.versions.toSpliced(pending, 1);
  const shifted = manifest.locationIndexes?.map((index) => (index > pending ? index - 1 : index));
  return {
    ...manifest,
    locations,
    versions,
    locationIndexes: locations.length > 1 ? shifted : undefined,
  };
}
