/**
 * References that are too many to be held at once: parts of the grid, each put together when it is asked for.
 *
 * @module
 */

import type { StorageOptions } from "../storage/storage.ts";
import type { ChunkManifest } from "./chunk-manifest.ts";
import { concatenateManifests } from "./concatenate.ts";

/** Rows of the grid along its first axis. */
export interface ManifestPart {
  /** Index of the first row. */
  readonly row: number;
  readonly manifest: ChunkManifest;
}

/** The references of one array, in the order of the grid. */
export interface ManifestParts extends Pick<ChunkManifest, "gridShape" | "count" | "locations" | "versions"> {
  /** How many are held inline instead of lying at a location. */
  readonly inline: { readonly size: number };
  /** Stored bytes of those that are inline, and of the others. */
  readonly inlineBytes: number;
  readonly virtualBytes: number;
  /** All rows; can be asked for several times. Errors: those of the sources. */
  parts(options?: StorageOptions): AsyncIterable<ManifestPart>;
}

/** References of an array, held or in parts. */
export type ReferencesOfArray = ChunkManifest | ManifestParts;

/** Whether references are not held. */
export function isInParts(references: ReferencesOfArray): references is ManifestParts {
  return "parts" in references;
}

/** All references at once, for who needs them so. Errors: those of the sources. */
export async function wholeManifest(
  references: ReferencesOfArray,
  options: StorageOptions = {},
): Promise<ChunkManifest> {
  if (!isInParts(references)) return references;
  const manifests: ChunkManifest[] = [];
  for await (const { manifest } of references.parts(options)) manifests.push(manifest);
  return concatenateManifests(manifests, 0);
}
