/**
 * Where the bytes of a dataset lie, in pieces that become chunks.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import type { ManifestLoader } from "../../manifest/manifest-chunk-source.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import { blockShape } from "./blocks.ts";
import { readChunkIndex } from "./chunk-index/chunk-index.ts";
import type { Conversion } from "./conversion.ts";
import type { ChunkedLayout } from "./data-layout.ts";
import type { Dataset } from "./dataset.ts";
import type { Datatype } from "./datatype.ts";
import { externalPieces } from "./external-data.ts";
import type { Filter } from "./filter-pipeline.ts";

/** How the bytes of a dataset are cut and where the pieces lie. */
export interface Pieces {
  readonly chunkShape: readonly number[];
  /** Filters that the pieces went through. */
  readonly filters: readonly Filter[];
  readonly manifest: ManifestLoader;
}

/** Bytes of an array of a shape as it is stored. */
export function byteCount(shape: readonly number[], { size }: Datatype): number {
  return shape.reduce((product, length) => product * length, size);
}

/**
 * Pieces that are decoded here need not be as large as the file has them.
 *
 * Errors: `UnsupportedLayout`, `TruncatedFile`, `CorruptFile`.
 */
export async function piecesOf(
  dataset: Dataset,
  shape: readonly number[],
  conversion: Conversion,
  storage: Storage,
  options: StorageOptions | undefined,
): Promise<Pieces> {
  const { dataspace, layout, filters, datatype } = dataset;
  if (dataspace.kind === "null" || shape.includes(0)) {
    const chunkShape =
      layout.class === "chunked" ? layout.chunkShape : shape.map((length) => Math.max(length, 1));
    return {
      chunkShape,
      filters: layout.class === "chunked" ? filters : [],
      manifest: emptyManifest(dataset, shape, chunkShape),
    };
  }
  switch (layout.class) {
    case "chunked":
      return chunkedPieces(dataset, layout, shape);
    case "compact":
      return compactPieces(dataset, layout.data, shape);
    case "contiguous": {
      if (dataset.external) {
        const { object, external } = dataset;
        const pieces = await externalPieces(object.in, external, shape, datatype.size, storage, options);
        return { filters: [], ...pieces };
      }
      const chunkShape = conversion.barrier ? blockShape(shape, datatype.size) : shape;
      const { address } = layout;
      if (address === undefined) {
        return { chunkShape, filters: [], manifest: emptyManifest(dataset, shape, chunkShape) };
      }
      if (layout.size !== undefined && layout.size < byteCount(shape, datatype)) {
        throw new MoraineError("CorruptFile", `${layout.size} bytes of data for a larger array`, {
          source: dataset.object.in.file.metadata.source,
        });
      }
      return {
        chunkShape,
        filters: [],
        manifest: contiguousManifest(dataset, address, shape, chunkShape),
      };
    }
  }
  throw new MoraineError("UnsupportedLayout", `storage layout "${layout.class}" is not readable`);
}

function builderOf(
  { object }: Dataset,
  shape: readonly number[],
  chunkShape: readonly number[],
): ManifestBuilder {
  const gridShape = shape.map((length, axis) => Math.ceil(length / (chunkShape[axis] ?? 1)));
  const { file } = object.in;
  return new ManifestBuilder(gridShape, file.metadata.source, file.version);
}

function emptyManifest(
  dataset: Dataset,
  shape: readonly number[],
  chunkShape: readonly number[],
): ManifestLoader {
  let manifest: ChunkManifest | undefined;
  return async () => {
    manifest ??= builderOf(dataset, shape, chunkShape).build();
    return manifest;
  };
}

function compactPieces(dataset: Dataset, data: Uint8Array, shape: readonly number[]): Pieces {
  const size = byteCount(shape, dataset.datatype);
  if (data.length < size) {
    throw new MoraineError("CorruptFile", `${data.length} bytes of data for an array of ${size}`, {
      source: dataset.object.in.file.metadata.source,
    });
  }
  const builder = builderOf(dataset, shape, shape);
  builder.appendInline(0, data.slice(0, size));
  const manifest = builder.build();
  return { chunkShape: shape, filters: [], manifest: async () => manifest };
}

function chunkedPieces(dataset: Dataset, layout: ChunkedLayout, shape: readonly number[]): Pieces {
  const { datatype, dataspace, filters, object } = dataset;
  const { file } = object.in;
  const { chunkShape } = layout;
  if (chunkShape.length !== shape.length || layout.elementSize !== datatype.size) {
    throw new MoraineError("CorruptFile", "chunks of another rank or element size than the dataset", {
      source: file.metadata.source,
      offset: file.metadata.base + object.header.address,
    });
  }
  const array = {
    shape,
    maximumShape: dataspace.kind === "simple" ? dataspace.maximumShape : [],
    chunkShape,
    chunkBytes: byteCount(chunkShape, datatype),
    filterCount: filters.length,
    edgesUnfiltered: layout.edgesUnfiltered,
  };
  let loaded: Promise<ChunkManifest> | undefined;
  const manifest: ManifestLoader = (options) => {
    loaded ??= readChunkIndex(file, layout, array, options).catch((error: unknown) => {
      // Another call may have better luck with the storage, or not be cancelled.
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
  return { chunkShape, filters, manifest };
}

/** The bytes of the whole array in one piece, cut into `chunkShape` along its slowest axes. */
function contiguousManifest(
  dataset: Dataset,
  address: number,
  shape: readonly number[],
  chunkShape: readonly number[],
): ManifestLoader {
  const { metadata } = dataset.object.in.file;
  const size = byteCount(shape, dataset.datatype);
  const start = metadata.base + address;
  if (start + size > metadata.size) {
    throw new MoraineError("TruncatedFile", `${size} bytes of data reach beyond the end of the file`, {
      source: metadata.source,
      offset: start,
    });
  }
  const chunkBytes = byteCount(chunkShape, dataset.datatype);
  let manifest: ChunkManifest | undefined;
  return async () => {
    if (!manifest) {
      const builder = builderOf(dataset, shape, chunkShape);
      for (let chunk = 0, offset = start; chunk < builder.cells; chunk++) {
        const length = blockBytes(shape, chunkShape, chunk, chunkBytes);
        builder.append(chunk, offset, length);
        offset += length;
      }
      manifest = builder.build();
    }
    return manifest;
  };
}

/** Bytes of a block: the last one along the axis that is cut is shorter. */
function blockBytes(
  shape: readonly number[],
  chunkShape: readonly number[],
  chunk: number,
  chunkBytes: number,
): number {
  let cut = -1;
  for (let axis = 0; axis < shape.length; axis++) if (chunkShape[axis] !== shape[axis]) cut = axis;
  if (cut < 0) return chunkBytes;
  const length = chunkShape[cut] ?? 1;
  const chunks = Math.ceil((shape[cut] ?? 1) / length);
  const last = chunk % chunks === chunks - 1;
  return last ? (chunkBytes / length) * ((shape[cut] ?? 1) - (chunks - 1) * length) : chunkBytes;
}
