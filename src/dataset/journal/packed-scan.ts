/**
 * A scanned file whose manifests have their numbers in one block of memory: of an array with a few chunks the blocks cost
 * more than all that is in them, and there may be a million such arrays.
 *
 * @module
 */

import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { OpenedSource } from "../source.ts";
import type { ScannedFile, ScannedNode } from "./scanned-file.ts";
import { type ScanOptions, sourceOfScan } from "./scanned-source.ts";

/** References whose numbers are moved at the most: of more the blocks do not matter. */
const PACKED_ENTRIES = 64 * 1024;

/** A manifest, and where in the block its offsets begin; its lengths come behind them. */
interface PackedManifest extends Omit<ChunkManifest, "offsets" | "lengths"> {
  readonly at: number;
}

/** The scanned file as a source. */
export function packedSource(file: ScannedFile, options: ScanOptions): OpenedSource {
  let length = 0;
  for (const node of file.nodes) if (node.kind === "array") length += 2 * (node.manifest?.count ?? 0);
  if (length > 2 * PACKED_ENTRIES)
    return sourceOfScan(file, (manifest) => () => Promise.resolve(manifest), options);
  const block = new Float64Array(length);
  const packed = { ...file, nodes: packedNodes(file, block) };
  return sourceOfScan(packed, (manifest) => () => Promise.resolve(unpacked(manifest, block)), options);
}

function packedNodes({ nodes }: ScannedFile, block: Float64Array): ScannedNode<PackedManifest>[] {
  let at = 0;
  return nodes.map((node): ScannedNode<PackedManifest> => {
    if (node.kind !== "array") return node;
    const { manifest } = node;
    if (manifest === undefined) return { ...node, manifest: undefined };
    const { offsets, lengths, count } = manifest;
    block.set(offsets.subarray(0, count), at);
    block.set(lengths.subarray(0, count), at + count);
    at += 2 * count;
    return { ...node, manifest: packedManifest(manifest, at - 2 * count) };
  });
}

function packedManifest(manifest: ChunkManifest, at: number): PackedManifest {
  const { gridShape, count, positions, locations, versions, locationIndexes, filterMasks, inline } = manifest;
  return { gridShape, count, positions, locations, versions, locationIndexes, filterMasks, inline, at };
}

function unpacked(packed: PackedManifest, block: Float64Array): ChunkManifest {
  const { gridShape, count, positions, locations, versions, locationIndexes, filterMasks, inline, at } =
    packed;
  const offsets = block.subarray(at, at + count);
  const lengths = block.subarray(at + count, at + 2 * count);
  return {
    gridShape,
    count,
    positions,
    locations,
    versions,
    locationIndexes,
    offsets,
    lengths,
    filterMasks,
    inline,
  };
}
