/**
 * Chunks that Kerchunk references hold themselves: those that were stored anew, and chunks of fill values where one is
 * missing and readers would not read the fill value for it.
 *
 * In Zarr v2 xarray takes the fill value for the mark of missing values, in chunks that are stored too; and fsspec with
 * pandas 3 finds no missing chunk in a Parquet file of which other rows have references: it asks for None, and is given NaN.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { ManifestBuilder, NOWHERE } from "../../manifest/manifest-builder.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { largestChunk } from "../../zarr/chunk-grid.ts";
import { filledChunk } from "../../zarr/filled.ts";
import { ChunkEncoder } from "../../zarr/write/chunk-encoder.ts";

/** A chunk of more decoded bytes is not made. */
const MOST_DECODED = 64 * 1024 * 1024;
/** Chunks that are filled; of more than these an array is mostly missing. */
const MOST_CHUNKS = 1_000_000;

/** References and own chunks as one manifest. */
export function withOwnChunks(
  gridShape: readonly number[],
  references: ChunkManifest | undefined,
  own: ReadonlyMap<number, Uint8Array>,
): ChunkManifest {
  if (references !== undefined && own.size === 0) return references;
  const builder = new ManifestBuilder(gridShape, references?.locations[0] ?? NOWHERE);
  if (references !== undefined) {
    for (let index = 1; index < references.locations.length; index++) {
      builder.addLocation(references.locations[index] ?? "", references.versions[index]);
    }
    for (let entry = 0; entry < references.count; entry++) {
      const position = references.positions?.[entry] ?? entry;
      const inline = references.inline.get(entry);
      if (own.has(position)) continue;
      if (inline) builder.appendInline(position, inline);
      else {
        const location = references.locationIndexes?.[entry] ?? 0;
        builder.append(position, references.offsets[entry] ?? 0, references.lengths[entry] ?? 0, 0, location);
      }
    }
  }
  for (const [position, bytes] of own) builder.appendInline(position, bytes);
  return builder.build();
}

/** What chunks of fill values may take. */
export interface FillLimits {
  /** Encoded bytes of one. */
  readonly chunkBytes: number;
  /** Encoded bytes of all. */
  readonly bytes: number;
}

/**
 * The references with a chunk of fill values wherever one is missing; undefined where these would be too large, or cannot
 * be encoded.
 *
 * @param record length of the runs of positions that are filled only where something of them is there; else all are
 */
export async function withFillChunks(
  metadata: ArrayMetadata,
  manifest: ChunkManifest,
  { chunkBytes, bytes }: FillLimits,
  record?: number,
): Promise<ChunkManifest | undefined> {
  const missing = missingPositions(manifest, record);
  if (missing === undefined) return undefined;
  if (missing.length === 0) return manifest;
  const chunk = await encodedFill(metadata);
  if (chunk === undefined || chunk.length > chunkBytes || chunk.length * missing.length > bytes)
    return undefined;
  return withOwnChunks(manifest.gridShape, manifest, new Map(missing.map((position) => [position, chunk])));
}

/** Ascending; undefined for too many. */
function missingPositions(manifest: ChunkManifest, record: number | undefined): number[] | undefined {
  const { gridShape, positions, count } = manifest;
  const cells = gridShape.reduce((product, length) => product * length, 1);
  if (positions === undefined || count === cells) return [];
  const isWanted = record === undefined ? () => true : touchedRecords(positions, count, record);
  const missing: number[] = [];
  let entry = 0;
  for (let position = 0; position < cells; position++) {
    if (entry < count && positions[entry] === position) entry += 1;
    else if (isWanted(position)) {
      missing.push(position);
      if (missing.length > MOST_CHUNKS) return undefined;
    }
  }
  return missing;
}

function touchedRecords(
  positions: Float64Array,
  count: number,
  record: number,
): (position: number) => boolean {
  const touched = new Set<number>();
  for (let entry = 0; entry < count; entry++) touched.add(Math.floor((positions[entry] ?? 0) / record));
  return (position) => touched.has(Math.floor(position / record));
}

/** A chunk of nothing but the fill value, encoded. */
async function encodedFill(metadata: ArrayMetadata): Promise<Uint8Array | undefined> {
  const shape = largestChunk(metadata.chunkGrid);
  const elements = shape.reduce((product, length) => product * length, 1);
  if (elements * (itemSize(metadata.dataType) ?? 16) > MOST_DECODED) return undefined;
  try {
    const encoder = await ChunkEncoder.create(metadata);
    return await encoder.pipeline(shape).encodeAsync(filledChunk(shape, metadata));
  } catch (error) {
    // Codecs that only decode.
    if (isMoraineError(error)) return undefined;
    throw error;
  }
}
