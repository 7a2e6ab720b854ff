/**
 * The locations of several manifests as one table.
 *
 * @module
 */

import type { Version } from "../storage/storage.ts";
import type { ChunkManifest } from "./chunk-manifest.ts";
import { NOWHERE } from "./manifest-builder.ts";

/** Collects locations; the same address in the same version is kept once. */
export class LocationTable {
  readonly locations: string[] = [];
  readonly versions: (Version | undefined)[] = [];
  readonly #indexes = new Map<string, number>();

  /** The index of a location, which is added where it is new. */
  add(location: string, version: Version | undefined): number {
    const { etag, size, lastModified, notAfter } = version ?? {};
    const key = [location, etag, size, lastModified, notAfter].join("\n");
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.locations.length;
    this.#indexes.set(key, index);
    this.locations.push(location);
    this.versions.push(version);
    return index;
  }

  /** For each location of a manifest its index here; for the one of chunks that it holds itself any. */
  addAll(manifest: ChunkManifest): Uint32Array {
    return Uint32Array.from(manifest.locations, (location, index) =>
      location === NOWHERE ? 0 : this.add(location, manifest.versions[index]),
    );
  }
}
