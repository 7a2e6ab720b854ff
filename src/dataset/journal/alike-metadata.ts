/**
 * Array metadata of files that are almost alike: what is the same is held once, so that whatever is worked out of
 * metadata is worked out once too.
 *
 * @module
 */

import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { isSameValue } from "./exact-json.ts";
import type { ScannedFile, ScannedNode } from "./scanned-file.ts";

/** Arrays that are remembered, and different metadata of each. */
const REMEMBERED_PATHS = 10_000;
const REMEMBERED_VARIANTS = 4;

export class AlikeMetadata {
  readonly #known = new Map<string, ArrayMetadata[]>();

  /** The same object for the same metadata of an array, mostly. */
  shared(path: string, metadata: ArrayMetadata): ArrayMetadata {
    const variants = this.#known.get(path);
    if (variants === undefined) {
      if (this.#known.size < REMEMBERED_PATHS) this.#known.set(path, [metadata]);
      return metadata;
    }
    const same = variants.find((variant) => isSameValue(variant, metadata));
    if (same !== undefined) return same;
    // The latest are the likeliest to be met again.
    if (variants.length === REMEMBERED_VARIANTS) variants.shift();
    variants.push(metadata);
    return metadata;
  }

  /** The file with shared metadata. */
  within<Manifest>(scanned: ScannedFile<Manifest>): ScannedFile<Manifest> {
    const nodes = scanned.nodes.map((node): ScannedNode<Manifest> => {
      if (node.kind !== "array") return node;
      return { ...node, metadata: this.shared(`${node.isStored ? "stored" : ""}${node.path}`, node.metadata) };
    });
    return { ...scanned, nodes };
  }
}
