/**
 * The chunks of a variable as a manifest, each checked against the grid and the file that it should lie in.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { ManifestBuilder, NOWHERE } from "../../manifest/manifest-builder.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf, largestChunk } from "../../zarr/chunk-grid.ts";
import type { ChunkColumns } from "./chunk-columns.ts";
import type { DataSource } from "./data-source.ts";

/**
 * Errors: `InvalidMetadata` for chunks that begin where no chunk of the grid does, have another size than their filters
 * allow, or are missing without a fill value; `CorruptFile` for two chunks at one place; `TruncatedFile` for one
 * beyond the end of its file; those of finding the files.
 *
 * @param hasFill whether missing chunks have a value
 */
export async function chunkManifest(
  columns: ChunkColumns,
  metadata: ArrayMetadata,
  hasFill: boolean,
  data: DataSource,
  options?: StorageOptions,
): Promise<ChunkManifest> {
  if (columns.fault) throw columns.fault;
  const gridShape = gridShapeOf(metadata);
  const cells = gridShape.reduce((product, length) => product * length, 1);
  const filters = metadata.codecs.length - 1;
  checkMasks(columns, filters);
  const files = await Promise.all(
    columns.hrefs.map((href, index) => usedFile(columns, index, href, data, options)),
  );
  const first = files.find((file) => file !== undefined);
  const builder = new ManifestBuilder(gridShape, first?.address ?? NOWHERE, first?.version);
  const locations = files.map((file) =>
    file === undefined || file === first ? 0 : builder.addLocation(file.address, file.version),
  );
  const plainBytes = largestChunk(metadata.chunkGrid).reduce(
    (product, length) => product * length,
    itemSize(metadata.dataType) ?? 1,
  );
  for (let chunk = 0; chunk < columns.count; chunk++) {
    const [offset, length, mask] = [
      columns.offsets[chunk] ?? 0,
      columns.lengths[chunk] ?? 0,
      columns.masks[chunk] ?? 0,
    ];
    const href = columns.hrefIndexes[chunk] ?? 0;
    const position = positionOf(columns, chunk, metadata, gridShape);
    // Chunks beyond the array are there where space was reserved; HDF5 passes over them.
    if (position === undefined) continue;
    // What goes through no filter is as long as it was.
    if (filters === 0 && length !== plainBytes) {
      throw new MoraineError("InvalidMetadata", `a chunk of ${length} bytes where ${plainBytes} belong`);
    }
    const size = files[href]?.version.size ?? 0;
    if (offset + length > size) {
      throw new MoraineError(
        "TruncatedFile",
        `a chunk at ${offset} of ${length} bytes in a file of ${size}`,
        {
          source: files[href]?.address,
          offset,
        },
      );
    }
    builder.append(position, offset, length, mask, locations[href] ?? 0);
  }
  if (builder.count < cells && !hasFill) {
    throw new MoraineError(
      "InvalidMetadata",
      `${builder.count} of ${cells} chunks, and no fillValue for the others`,
    );
  }
  return builder.build();
}

function checkMasks({ masks }: ChunkColumns, filters: number): void {
  for (const mask of masks) {
    if (mask >= 2 ** filters) {
      throw new MoraineError(
        "InvalidMetadata",
        `a filter mask of ${mask} where there are ${filters} filters`,
      );
    }
  }
}

async function usedFile(
  columns: ChunkColumns,
  index: number,
  href: string,
  data: DataSource,
  options?: StorageOptions,
) {
  // Chunks that all have an address of their own need no other.
  const used = index > 0 || columns.hrefIndexes.includes(0);
  return used ? await data.file(href, options) : undefined;
}

/** The place in the grid of a chunk, whose position is given in elements; undefined beyond the array. */
function positionOf(
  { positions, rank = 0 }: ChunkColumns,
  chunk: number,
  { chunkGrid, shape }: ArrayMetadata,
  gridShape: readonly number[],
): number | undefined {
  const isWhole = gridShape.every((length) => length === 1);
  if (rank === 0 && isWhole) return 0;
  if (rank !== shape.length || chunkGrid.name !== "regular") {
    throw new MoraineError(
      "InvalidMetadata",
      `a chunk at a place of ${rank} axes in an array of ${shape.length}`,
    );
  }
  let position = 0;
  let inside = true;
  for (let axis = 0; axis < rank; axis++) {
    const at = positions[chunk * rank + axis] ?? 0;
    const length = chunkGrid.chunkShape[axis] ?? 1;
    if (at % length !== 0) {
      throw new MoraineError("InvalidMetadata", `no chunk begins at element ${at} of axis ${axis}`);
    }
    inside &&= at < (shape[axis] ?? 0);
    position = position * (gridShape[axis] ?? 1) + at / length;
  }
  return inside ? position : undefined;
}
