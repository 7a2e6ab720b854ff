/**
 * Array metadata of files that are almost alike: what is the same is held once, so that whatever is worked out of
 * metadata is worked out once too.
 *
 * @module
 */

import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { isSameValue } from "./exact-json.ts";
import type { ScannedArray, ScannedFile } from "./scanned-file.ts";
import { slimScan } from "./slim-scan.ts";

/** Arrays that are remembered, and different metadata of each. */
const REMEMBERED_PATHS = 10_000;
const REMEMBERED_VARIANTS = 4;

export class AlikeMetadata {
  readonly #known = new Map<string, ArrayMetadata[]>();

  /** The same object for the same metadata of an array, mostly. */
  shared(path: string, given: ArrayMetadata): ArrayMetadata {
    const variants = this.#known.get(path);
    const same = variants?.find((variant) => isSameValue(variant, given));
    if (same !== undefined) return same;
    // A fill value may be a view of the first bytes of a file, which would stay in memory.
    const metadata = { ...given, fillValue: given.fillValue.slice() };
    if (variants === undefined) {
      if (this.#known.size < REMEMBERED_PATHS) this.#known.set(path, [metadata]);
      return metadata;
    }
    // The latest are the likeliest to be met again.
    if (variants.length === REMEMBERED_VARIANTS) variants.shift();
    variants.push(metadata);
    return metadata;
  }

  /** Those of an array, and where they are looked for. */
  sharedOf<Manifest>({ isStored, path, metadata }: ScannedArray<Manifest>): {
    readonly place: string;
    readonly metadata: ArrayMetadata;
  } {
    const place = isStored ? `stored ${path}` : path;
    return { place, metadata: this.shared(place, metadata) };
  }

  /** The file with shared metadata. */
  within(scanned: ScannedFile): ScannedFile {
    return slimScan(scanned, (node: ScannedArray) => this.sharedOf(node).metadata);
  }
}
