/**
 * The reader of Kerchunk JSON, versions 0 and 1.
 *
 * @module
 */

import { parseJson } from "../../binary/json.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import {
  ArrayReferences,
  placesWithObjects,
  ReferenceAddresses,
  withObjectSizes,
} from "../../manifest/kerchunk/array-references.ts";
import { groupOf, nodeDocuments, parseNodes } from "../../manifest/kerchunk/hierarchy.ts";
import { looksLikeReferences, parseReferenceSet } from "../../manifest/kerchunk/reference-set.ts";
import type { VirtualArray, VirtualGroup } from "../../manifest/virtual-group.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Reader } from "../reader.ts";

const TEXT = new TextDecoder("utf-8");

/**
 * Reads a document of references: templates and generators, data in base64, Zarr v2 and v3 metadata. Relative
 * addresses are those of its folder.
 *
 * Errors of `open`: `InvalidMetadata`, `UnsupportedVersion`, `LimitExceeded`. Arrays whose metadata or references
 * cannot be used are faulty.
 */
export const kerchunkJson: Reader = {
  name: "kerchunk-json",
  matches: (head) => looksLikeReferences(TEXT.decode(head)),
  async open(address, storage, options): Promise<VirtualGroup> {
    const { parts } = await storage.read(address, [{ offset: 0 }], { signal: options?.signal });
    const set = parseReferenceSet(parseJson(parts[0] ?? new Uint8Array(0), address));
    const nodes = parseNodes(nodeDocuments(set.documents));
    const addresses = new ReferenceAddresses(address, options?.authorize);
    const references = new Map<string, ArrayReferences>();
    for (const [path, node] of nodes) {
      if (node.kind === "array") references.set(path, new ArrayReferences(node.metadata, addresses));
    }
    const faults = new Map<string, MoraineError>();
    for (const [key, reference] of set.chunks()) {
      const path = arrayPathOf(key, references);
      if (path === undefined || faults.has(path)) continue;
      try {
        if (reference instanceof MoraineError) throw reference;
        references.get(path)?.addKey(key.slice(path.length + 1), reference);
      } catch (error) {
        if (!isMoraineError(error)) throw error;
        faults.set(path, error.at({ source: address, path: `/${path}` }));
      }
    }
    return groupOf(nodes, (path, metadata) => {
      const error = faults.get(path);
      if (error) return { kind: "fault", error, shape: metadata.shape };
      const manifest = references.get(path)?.build();
      return manifest
        ? arrayOf(metadata, manifest, storage)
        : { kind: "fault", error: new MoraineError("NotFound", "no references", { path: `/${path}` }) };
    });
  },
};

/** The array that a chunk key belongs to: the longest path that begins it. */
function arrayPathOf(key: string, arrays: ReadonlyMap<string, unknown>): string | undefined {
  for (let at = key.lastIndexOf("/"); at > 0; at = key.lastIndexOf("/", at - 1)) {
    const path = key.slice(0, at);
    if (arrays.has(path)) return path;
  }
  return undefined;
}

function arrayOf(
  metadata: VirtualArray["metadata"],
  manifest: ChunkManifest,
  storage: Storage,
): VirtualArray {
  let sized: Promise<ChunkManifest> | undefined;
  return {
    kind: "array",
    metadata,
    chunks: {
      locate: (coordinates, count) => Promise.resolve(placesWithObjects(manifest, coordinates, count)),
    },
    manifest: (options) => {
      sized ??= withObjectSizes(manifest, storage, options);
      sized.catch(() => {
        sized = undefined;
      });
      return sized;
    },
  };
}
