/**
 * Datasets as arrays of virtual chunks.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import type { CodecSpecification } from "../../codecs/codec.ts";
import { MoraineError } from "../../errors.ts";
import { ManifestChunkSource } from "../../manifest/manifest-chunk-source.ts";
import type { Barrier, VirtualArray } from "../../manifest/virtual-group.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { arrayAttributes } from "./array-attributes.ts";
import { type Conversion, conversionOf } from "./conversion.ts";
import { type Dataset, parseDataset } from "./dataset.ts";
import { byteCount, piecesOf } from "./dataset-pieces.ts";
import type { Datatype } from "./datatype.ts";
import { ChunkDecoder } from "./decoding/chunk-decoder.ts";
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
  readonly attributes: JsonObject;
  readonly hidden: boolean;
  readonly notes: readonly string[];
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
    dimensionNames: undefined,
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
