/**
 * Arrays whose sources follow one another along the first axis in whole chunks: their references need no joining, and are
 * put together source after source while they are written. Of very many there is never more than a part in memory.
 *
 * @module
 */

import { sameBytes } from "../../binary/byte-sequences.ts";
import { codecsKey } from "../../codecs/codecs-key.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { concatenateManifests, insertAxis } from "../../manifest/concatenate.ts";
import { LocationTable } from "../../manifest/location-table.ts";
import type { ManifestPart, ManifestParts } from "../../manifest/manifest-parts.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import { mapConcurrent } from "../concurrent.ts";
import { officialBarrier } from "../official-clients.ts";
import type { ArrayParts } from "./combine-array.ts";
import type { CombinePlanOptions } from "./options.ts";

/** A grid of so many chunks is not held where it need not be: with 20 bytes a reference these are 80 MiB. */
const HELD_CHUNKS = 4 * 1024 * 1024;
/** Chunks of the grid whose references are put together at a time. */
const PART_CHUNKS = 256 * 1024;
/** Manifests that are loaded at the same time. */
const CONCURRENT_MANIFESTS = 32;

/** The part of one source. */
interface SourceRows {
  readonly source: string;
  readonly array: VirtualArray;
  /** First row of chunks. */
  readonly row: number;
  readonly gridShape: readonly number[];
}

/**
 * The references of an array in parts; undefined where they are few, or must be joined in another way.
 *
 * Errors: those of the sources.
 */
export async function referencesInParts(
  array: ArrayParts,
  options: CombinePlanOptions,
): Promise<ManifestParts | undefined> {
  const sources = rowsOf(array, options);
  const last = sources?.at(-1);
  if (sources === undefined || last === undefined) return undefined;
  const gridShape = last.gridShape.with(0, last.row + (last.gridShape[0] ?? 0));
  const { heldChunks = HELD_CHUNKS } = options;
  if (gridShape.reduce((product, length) => product * length, 1) <= heldChunks) return undefined;
  return await survey(sources, gridShape, options);
}

/** The sources in their order; undefined where they do not follow one another so simply. */
function rowsOf({ parts, dimensions, isNew, loaded, append, time }: ArrayParts, options: CombinePlanOptions) {
  const [dimension, ...others] = dimensions;
  if (append || loaded || time || dimension === undefined || others.length > 0) return undefined;
  if (options.splitChunks !== undefined) return undefined;
  const first = parts[0]?.array?.metadata;
  if (first === undefined || first.shape.length === 0) return undefined;
  if (!isNew && first.dimensionNames?.[0] !== dimension) return undefined;
  const inOrder = parts.toSorted((a, b) => (a.index[0] ?? 0) - (b.index[0] ?? 0));
  const rows: SourceRows[] = [];
  let start = 0;
  for (const [at, { array, contents, index }] of inOrder.entries()) {
    if (array?.manifest === undefined || contents.isStored === true || contents.at !== undefined)
      return undefined;
    const { metadata } = array;
    if (array.barrier !== undefined || officialBarrier(metadata) !== undefined) return undefined;
    if (index[0] === inOrder[at - 1]?.index[0] || !hasSameForm(metadata, first, isNew)) return undefined;
    const length = isNew ? 1 : (metadata.shape[0] ?? 0);
    const { chunkGrid } = metadata;
    const chunk = isNew || chunkGrid.name !== "regular" ? 1 : (chunkGrid.chunkShape[0] ?? 1);
    if (start % chunk !== 0) return undefined;
    const own = gridShapeOf(metadata);
    rows.push({
      source: contents.source.address,
      array,
      row: start / chunk,
      gridShape: isNew ? [1, ...own] : own,
    });
    start += length;
  }
  return rows;
}

/** Whether chunks of one are chunks of the other. */
function hasSameForm(a: ArrayMetadata, b: ArrayMetadata, isNew: boolean): boolean {
  if (a === b) return a.chunkGrid.name === "regular";
  const [grid, other] = [a.chunkGrid, b.chunkGrid];
  return (
    grid.name === "regular" &&
    other.name === "regular" &&
    grid.chunkShape.join() === other.chunkShape.join() &&
    a.shape.slice(isNew ? 0 : 1).join() === b.shape.slice(isNew ? 0 : 1).join() &&
    codecsKey(a.codecs) === codecsKey(b.codecs) &&
    sameBytes(a.fillValue, b.fillValue) &&
    JSON.stringify(a.dataType) === JSON.stringify(b.dataType) &&
    a.dimensionNames?.join() === b.dimensionNames?.join()
  );
}

/** Looks at all references once; undefined where some chunks must be encoded anew. */
async function survey(
  sources: readonly SourceRows[],
  gridShape: readonly number[],
  options: StorageOptions,
): Promise<ManifestParts | undefined> {
  const table = new LocationTable();
  const found = { count: 0, inline: 0, inlineBytes: 0, virtualBytes: 0 };
  for await (const manifests of batchesOf(sources, options)) {
    for (const manifest of manifests) {
      if (manifest.filterMasks !== undefined) return undefined;
      table.addAll(manifest);
      found.count += manifest.count;
      found.inline += manifest.inline.size;
      for (let entry = 0; entry < manifest.count; entry++) {
        const isInline = manifest.inline.size > 0 && manifest.inline.has(entry);
        found[isInline ? "inlineBytes" : "virtualBytes"] += manifest.lengths[entry] ?? 0;
      }
    }
  }
  const { count, inlineBytes, virtualBytes } = found;
  return {
    gridShape,
    count,
    locations: table.locations,
    versions: table.versions,
    inline: { size: found.inline },
    inlineBytes,
    virtualBytes,
    parts: (own) => partsOf(sources, count, own ?? options),
  };
}

/** The manifests of sources in their order, as many at a time as make a part. */
async function* batchesOf(
  sources: readonly SourceRows[],
  options: StorageOptions,
): AsyncGenerator<ChunkManifest[], void, undefined> {
  for (let from = 0; from < sources.length; ) {
    let to = from;
    for (let chunks = 0; to < sources.length && (to === from || chunks < PART_CHUNKS); to++) {
      chunks += sources[to]?.gridShape.reduce((product, length) => product * length, 1) ?? 0;
    }
    yield await manifestsOf(sources.slice(from, to), options);
    from = to;
  }
}

async function manifestsOf(
  sources: readonly SourceRows[],
  options: StorageOptions,
): Promise<ChunkManifest[]> {
  return await mapConcurrent(sources, CONCURRENT_MANIFESTS, async ({ array, source, gridShape }) => {
    const own = await array.manifest?.(options);
    const manifest = own && (own.gridShape.length < gridShape.length ? insertAxis(own, 0) : own);
    if (manifest?.gridShape.join() === gridShape.join()) return manifest;
    throw new MoraineError("CorruptFile", `references for a grid of ${own?.gridShape.join(" x ")} chunks`, {
      source,
    });
  });
}

async function* partsOf(
  sources: readonly SourceRows[],
  expected: number,
  options: StorageOptions,
): AsyncGenerator<ManifestPart, void, undefined> {
  let row = 0;
  let total = 0;
  for await (const manifests of batchesOf(sources, options)) {
    const manifest = concatenateManifests(manifests, 0);
    yield { row, manifest };
    row += manifest.gridShape[0] ?? 0;
    total += manifest.count;
  }
  if (total !== expected) {
    throw new MoraineError("SourceChanged", `${total} references where there were ${expected}`, {
      source: sources[0]?.source,
    });
  }
}
