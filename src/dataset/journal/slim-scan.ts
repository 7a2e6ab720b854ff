/**
 * A scanned file as it is held beside a hundred thousand others: what is the same in its arrays stands once, and every
 * object is made as one literal, as V8 gives what is spread together a hidden class of its own.
 *
 * @module
 */

import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { isSameValue } from "./exact-json.ts";
import type { ScannedArray, ScannedFile, ScannedNode } from "./scanned-file.ts";

const NOTHING: ReadonlyMap<number, Uint8Array> = new Map();

/** The file with the metadata that are held for its arrays. */
export function slimScan<Given extends Omit<ScannedArray, "metadata">>(
  {
    address,
    format,
    version,
    nodes,
  }: Omit<ScannedFile, "nodes"> & {
    readonly nodes: readonly (Exclude<ScannedNode, ScannedArray> | Given)[];
  },
  metadataOf: (array: Given) => ArrayMetadata,
): ScannedFile {
  const locations = [address];
  const versions = [version];
  const gridShapes: (readonly number[])[] = [];
  const gridOf = (shape: readonly number[]): readonly number[] => {
    const known = gridShapes.find((grid) => isSameValue(grid, shape));
    if (known) return known;
    gridShapes.push(shape);
    return shape;
  };
  const slimManifest = (manifest: ChunkManifest): ChunkManifest => ({
    gridShape: gridOf(manifest.gridShape),
    count: manifest.count,
    positions: manifest.positions,
    locations: isSameValue(manifest.locations, locations) ? locations : manifest.locations,
    versions: isSameValue(manifest.versions, versions) ? versions : manifest.versions,
    locationIndexes: manifest.locationIndexes,
    offsets: manifest.offsets,
    lengths: manifest.lengths,
    filterMasks: manifest.filterMasks,
    inline: manifest.inline.size === 0 ? NOTHING : manifest.inline,
  });
  const slimArray = (node: Given): ScannedArray => ({
    kind: "array",
    path: node.path,
    isStored: node.isStored,
    metadata: metadataOf(node),
    barrier: node.barrier,
    hidden: node.hidden,
    storedName: node.storedName,
    described: node.described,
    notes: node.notes,
    disputed: node.disputed,
    batch: node.batch,
    hasManifest: node.hasManifest,
    manifest: node.manifest && slimManifest(node.manifest),
    values: node.values,
    stored: node.stored,
    twin: node.twin,
  });
  return {
    address,
    format,
    version,
    nodes: nodes.map((node) => (node.kind === "array" ? slimArray(node) : node)),
  };
}
