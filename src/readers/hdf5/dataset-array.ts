/**
 * Datasets as arrays of virtual chunks.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import type { CodecSpecification } from "../../codecs/codec.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import { ManifestChunkSource, type ManifestLoader } from "../../manifest/manifest-chunk-source.ts";
import type { Barrier, VirtualArray } from "../../manifest/virtual-group.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { arrayAttributes } from "./array-attributes.ts";
import { blockShape } from "./blocks.ts";
import { readChunkIndex } from "./chunk-index/chunk-index.ts";
import { type Conversion, conversionOf } from "./conversion.ts";
import type { ChunkedLayout } from "./data-layout.ts";
import { type Dataset, parseDataset } from "./dataset.ts";
import type { Datatype } from "./datatype.ts";
import { ChunkDecoder } from "./decoding/chunk-decoder.ts";
import { externalPieces } from "./external-data.ts";
import { codecOf, filterName } from "./filter-codecs.ts";
import type { Filter } from "./filter-pipeline.ts";
import type { GraphObject, ObjectGraph } from "./object-graph.ts";
import { isSingleText, singleText } from "./single-text.ts";
import { DecodedChunks } from "./stored-chunks.ts";
import { virtualParts } from "./virtual-layout/virtual-layout.ts";

/** What is known of an array beside its own header. */
export interface ArrayContext {
  /** Finds the sources of virtual datasets. */
  readonly graph: ObjectGraph;
  readonly storage: Storage;
  /** How many virtual datasets the array is a source within. */
  readonly depth: number;
  /** One for each axis. */
  readonly dimensionNames?: readonly string[] | undefined;
  readonly attributes: JsonObject;
  readonly hidden: boolean;
  readonly notes: readonly string[];
}

/** How the bytes of a dataset are cut and where the pieces lie. */
interface Pieces {
  readonly chunkShape: readonly number[];
  /** Filters that the pieces went through. */
  readonly filters: readonly Filter[];
  readonly manifest: ManifestLoader;
}

/**
 * The array of a dataset. Where the bytes are in a form that Zarr has no words for, it has a barrier and its chunks
 * are decoded when they are asked for.
 *
 * Errors: what makes the dataset unreadable; nothing else of the file is touched by it.
 */
export async function arrayOfDataset(
  dataset: Dataset,
  context: ArrayContext,
  options?: StorageOptions,
): Promise<VirtualArray> {
  const { datatype, dataspace, layout } = dataset;
  const conversion = conversionOf(dataset);
  const shape = dataspace.kind === "null" ? [0] : dataspace.shape;
  if (byteCount(shape, datatype) > Number.MAX_SAFE_INTEGER) {
    throw new MoraineError("LimitExceeded", `${shape.join(" x ")} elements cannot be counted`);
  }
  const attributes = arrayAttributes(context.attributes, datatype, conversion.dataType);
  const notes = [...context.notes, ...conversion.notes, ...attributes.notes];
  if (dataspace.kind === "null") notes.push("a null dataspace: there are no elements");
  const common = {
    kind: "array" as const,
    ...(context.hidden && { hidden: true }),
    ...(conversion.described && { described: true }),
    ...(notes.length > 0 && { notes }),
  };
  const metadata: ArrayMetadata = {
    shape,
    dataType: conversion.dataType,
    chunkGrid: { name: "regular", chunkShape: shape.map((length) => Math.max(length, 1)) },
    chunkKeyEncoding: { name: "default", separator: "/" },
    fillValue: await fillValueOf(dataset, conversion, options),
    codecs: [conversion.decoded.serializer],
    dimensionNames: context.dimensionNames?.length === shape.length ? context.dimensionNames : undefined,
    attributes: attributes.values,
  };
  if (layout.class === "virtual") {
    const { graph, storage, depth } = context;
    const open = (source: GraphObject): Promise<VirtualArray> =>
      arrayOfDataset(
        parseDataset(source),
        {
          graph,
          storage,
          depth: depth + 1,
          attributes: {},
          hidden: false,
          notes: [],
        },
        options,
      );
    const parts = await virtualParts(
      dataset,
      layout,
      metadata,
      conversion,
      { graph, storage, depth, open },
      options,
    );
    return { ...common, ...parts };
  }
  const pieces = await piecesOf(dataset, shape, conversion, context.storage, options);
  const chunkGrid = { name: "regular" as const, chunkShape: pieces.chunkShape };
  const filterBarrier = barrierOfFilters(pieces.filters, datatype);
  const barrier = conversion.barrier ?? filterBarrier;
  if (!barrier) {
    const codecs = [conversion.serializer, ...codecsOf(pieces.filters, datatype)];
    const chunks = new ManifestChunkSource(pieces.manifest);
    return { ...common, metadata: { ...metadata, chunkGrid, codecs }, chunks, manifest: pieces.manifest };
  }
  const chunkBytes = byteCount(pieces.chunkShape, datatype);
  const decoder =
    pieces.filters.length > 0 ? new ChunkDecoder(pieces.filters, chunkBytes, datatype.size) : undefined;
  const unknown = decoder?.unknown;
  const chunks = new DecodedChunks({
    manifest: pieces.manifest,
    storage: context.storage,
    chunkBytes,
    decoder,
    convert: conversion.convert,
  });
  if (isSingleText(dataset)) return { ...common, ...(await singleText(dataset, chunks, metadata, options)) };
  return {
    ...common,
    metadata: { ...metadata, chunkGrid },
    barrier: unknown
      ? { code: "UnsupportedFilter", reason: `there is no decoder for filter ${filterName(unknown)}` }
      : barrier,
    chunks,
  };
}

/** Bytes of an array of a shape as it is stored. */
function byteCount(shape: readonly number[], { size }: Datatype): number {
  return shape.reduce((product, length) => product * length, size);
}

function codecsOf(filters: readonly Filter[], datatype: Datatype): CodecSpecification[] {
  return filters.flatMap((filter) => codecOf(filter, datatype.size) ?? []);
}

function barrierOfFilters(filters: readonly Filter[], datatype: Datatype): Barrier | undefined {
  const filter = filters.find((candidate) => codecOf(candidate, datatype.size) === undefined);
  return filter && { code: "UnsupportedFilter", reason: `filter ${filterName(filter)} has no Zarr codec` };
}

async function fillValueOf(
  { datatype, fill, object }: Dataset,
  conversion: Conversion,
  options: StorageOptions | undefined,
): Promise<Uint8Array> {
  if (fill.kind !== "value") return await conversion.fillValue(new Uint8Array(datatype.size), options);
  if (fill.element.length !== datatype.size) {
    throw new MoraineError(
      "CorruptFile",
      `a fill value of ${fill.element.length} bytes for elements of ${datatype.size}`,
      { source: object.in.file.metadata.source },
    );
  }
  return await conversion.fillValue(fill.element, options);
}

/**
 * Pieces that are decoded here need not be as large as the file has them.
 *
 * Errors: `UnsupportedLayout`, `TruncatedFile`, `CorruptFile`.
 */
async function piecesOf(
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
