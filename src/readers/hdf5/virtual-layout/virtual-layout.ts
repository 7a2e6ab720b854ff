/**
 * Virtual datasets: arrays that are made of parts of others (specification 4.0, III.G; HDF5 RFC "Virtual Dataset").
 *
 * @module
 */

import { Cursor } from "../../../binary/cursor.ts";
import type { ChunkData } from "../../../codecs/codec.ts";
import { isMoraineError, MoraineError } from "../../../errors.ts";
import { ManifestBuilder } from "../../../manifest/manifest-builder.ts";
import { ManifestChunkSource } from "../../../manifest/manifest-chunk-source.ts";
import type { VirtualArray } from "../../../manifest/virtual-group.ts";
import type { Storage, StorageOptions } from "../../../storage/storage.ts";
import type { ArrayMetadata } from "../../../zarr/array-metadata.ts";
import { ZarrArray } from "../../../zarr/node.ts";
import { blockShape } from "../blocks.ts";
import type { Conversion } from "../conversion.ts";
import type { DataLayout } from "../data-layout.ts";
import type { Dataset } from "../dataset.ts";
import type { GraphObject, ObjectGraph } from "../object-graph.ts";
import { alignedChunks } from "./aligned-chunks.ts";
import { BlockwiseChunks } from "./blockwise-chunks.ts";
import { type FixedMapping, resolveExtent } from "./extent.ts";
import { parseVirtualMappings } from "./mapping.ts";

/** A source dataset that is there. */
export interface SourceArray {
  readonly shape: readonly number[];
  readonly array: VirtualArray;
  readonly reader: ZarrArray;
  /** All of its elements, once they were needed. */
  whole?: Promise<ChunkData>;
}

/** Virtual datasets of virtual datasets: deeper ones are taken for cycles. */
const MAXIMUM_DEPTH = 8;

type VirtualLayout = Extract<DataLayout, { class: "virtual" }>;

/** How sources are found and opened. */
export interface SourceContext {
  readonly graph: ObjectGraph;
  readonly storage: Storage;
  /** How many virtual datasets this one is a source within. */
  readonly depth: number;
  readonly open: (source: GraphObject) => Promise<VirtualArray>;
}

/** The parts of an array that depend on its mappings. */
export type VirtualParts = Pick<VirtualArray, "chunks" | "manifest" | "barrier"> & {
  readonly metadata: ArrayMetadata;
};

/**
 * The chunks of a virtual dataset: those of its sources where the mappings follow them, else blocks that are put
 * together when they are asked for. Sources that are not there are fill values, as in the library.
 *
 * @param metadata of the array, but for its shape, chunks and codecs
 * Errors: those of the mappings and of opening sources; `LimitExceeded`.
 */
export async function virtualParts(
  dataset: Dataset,
  layout: VirtualLayout,
  metadata: ArrayMetadata,
  conversion: Conversion,
  context: SourceContext,
  options?: StorageOptions,
): Promise<VirtualParts> {
  const { file } = dataset.object.in;
  const { source: address } = file.metadata;
  if (context.depth > MAXIMUM_DEPTH) {
    throw new MoraineError("LimitExceeded", "virtual datasets of virtual datasets without an end", {
      source: address,
    });
  }
  const mappings = await readMappings(dataset, layout, options);
  const sources = new Map<GraphObject, Promise<SourceArray>>();
  const { shape, mappings: fixed } = await resolveExtent(mappings, metadata.shape, async (fileName, path) => {
    const object = await locate(dataset, context, fileName, path);
    if (!object) return undefined;
    let opened = sources.get(object);
    if (!opened) {
      opened = openSource(object, path, context);
      sources.set(object, opened);
    }
    return await opened;
  });
  const filled = fixed.filter(
    ({ to }) => to.kind === "elements" || to.axes.every(({ length }) => length > 0),
  );
  if (filled.length === 0) {
    const builder = new ManifestBuilder(
      shape.map((length) => Math.min(length, 1)),
      address,
      file.version,
    );
    const manifest = builder.build();
    const load = () => Promise.resolve(manifest);
    const chunkShape = shape.map((length) => Math.max(length, 1));
    return {
      metadata: { ...metadata, shape, chunkGrid: { name: "regular", chunkShape } },
      chunks: new ManifestChunkSource(load),
      manifest: load,
    };
  }
  const aligned = alignedChunks(filled, shape, metadata, address);
  if (aligned) {
    const { chunkShape, codecs, manifest } = aligned;
    return {
      metadata: { ...metadata, shape, chunkGrid: { name: "regular", chunkShape }, codecs },
      chunks: new ManifestChunkSource(manifest),
      manifest,
    };
  }
  return blockwise(filled, shape, metadata, conversion);
}

function blockwise(
  mappings: readonly FixedMapping<SourceArray>[],
  shape: readonly number[],
  metadata: ArrayMetadata,
  { decoded }: Conversion,
): VirtualParts {
  const chunkShape = blockShape(shape, decoded.elementSize).map((length) => Math.max(length, 1));
  const own: ArrayMetadata = {
    ...metadata,
    shape,
    chunkGrid: { name: "regular", chunkShape },
    codecs: [decoded.serializer],
  };
  return {
    metadata: own,
    chunks: new BlockwiseChunks(own, mappings),
    barrier: {
      code: "UnsupportedLayout",
      reason: "a virtual dataset whose mappings do not follow the chunks of its sources",
    },
  };
}

async function readMappings(
  { object }: Dataset,
  { heapAddress, heapIndex }: VirtualLayout,
  options: StorageOptions | undefined,
): Promise<ReturnType<typeof parseVirtualMappings>> {
  if (heapAddress === undefined || heapIndex === 0) return [];
  const { file } = object.in;
  const [block] = await file.globalHeapObjects([{ address: heapAddress, index: heapIndex }], options);
  if (!(block instanceof Uint8Array)) {
    throw block ?? new MoraineError("CorruptFile", "a virtual dataset without its mappings");
  }
  return parseVirtualMappings(new Cursor(block, { source: file.metadata.source }), file.metadata.lengthSize);
}

async function locate(
  { object }: Dataset,
  context: SourceContext,
  fileName: string,
  path: string,
): Promise<GraphObject | undefined> {
  try {
    return await context.graph.locate(object.in, fileName, path);
  } catch (error) {
    if (isMoraineError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function openSource(object: GraphObject, path: string, context: SourceContext): Promise<SourceArray> {
  const { source } = object.in.file.metadata;
  if (object.kind !== "dataset") {
    throw new MoraineError("CorruptFile", "a source of a virtual dataset is no dataset", { source, path });
  }
  const array = await context.open(object);
  const { metadata, chunks } = array;
  const { storage } = context;
  return { shape: metadata.shape, array, reader: new ZarrArray({ metadata, chunks, storage, path, source }) };
}
