/**
 * What a source holds: the tree, and for each array how its chunks lie and whether it can be virtual.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../binary/json.ts";
import { itemSize } from "../data-types/data-type.ts";
import { dataTypeToJson } from "../data-types/data-type-json.ts";
import type { MoraineError } from "../errors.ts";
import { type ChunkManifest, findEntry } from "../manifest/chunk-manifest.ts";
import type { Barrier, FaultyArray, VirtualArray } from "../manifest/virtual-group.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import { gridPosition, gridShapeOf } from "../zarr/chunk-grid.ts";
import { arrayMetadataToShow, groupMetadataToJson } from "../zarr/metadata-v3.ts";
import { ChunkWriters, followHistory } from "./chunk-writers.ts";
import { mapConcurrent } from "./concurrent.ts";
import { officialBarrier } from "./official-clients.ts";
import { countsOf, type Share, sharesOfArray, sharesToJson } from "./provenance.ts";
import {
  faultOf,
  type OpenedSource,
  type SourceFormat,
  type SourceStatistics,
  walkSource,
} from "./source.ts";

/** Numbers of chunks by where their bytes are. */
export interface ChunkCounts {
  /** In a file that the source refers to, or in the legacy file itself. */
  readonly virtual: number;
  /** In an object of the store or repository. */
  readonly native: number;
  readonly inline: number;
  /** Not stored: the fill value. */
  readonly missing: number;
  /** To be decoded when they are asked for: no reference can say where they are. */
  readonly decoded: number;
}

export interface InspectedArray {
  readonly path: string;
  readonly metadata: ArrayMetadata;
  readonly shape: readonly number[];
  readonly dimensionNames: readonly (string | null)[] | undefined;
  readonly dataType: string;
  readonly chunkGrid: string;
  readonly codecs: readonly string[];
  readonly chunks: ChunkCounts;
  /** Where the chunks lie, most of them first, and since which commit. */
  readonly shares: readonly Share[];
  /** Bytes of the encoded chunks; undefined where they exist only decoded. */
  readonly storedBytes: number | undefined;
  /** Bytes of all elements; undefined for types of variable length. */
  readonly decodedBytes: number | undefined;
  /** Why official clients could not read the bytes as they lie; undefined where they can. */
  readonly barrier: Barrier | undefined;
  /** Why nobody can tell where its chunks are; then none are counted. */
  readonly fault: MoraineError | undefined;
  readonly notes: readonly string[];
}

/** A node that cannot be read, and what is known of it nevertheless. */
export interface InspectedFault extends Omit<FaultyArray, "kind"> {
  readonly path: string;
}

export interface Inspection {
  readonly format: SourceFormat;
  readonly groups: readonly { readonly path: string; readonly attributes: JsonObject }[];
  readonly arrays: readonly InspectedArray[];
  /** Nodes that cannot be read. */
  readonly faults: readonly InspectedFault[];
  readonly statistics: SourceStatistics;
}

/** Arrays whose chunk indexes are read at the same time. */
const CONCURRENT_ARRAYS = 64;
/** References in all that are kept in memory to be looked for in the history: about 40 bytes each. */
const MOST_FOLLOWED = 2 ** 24;

/**
 * Inspects a source.
 *
 * Chunk indexes are read, chunks are not. Dimensions without values of their own are left out.
 *
 * Errors: `NotFound` when nothing is at `path`.
 *
 * @param path begins there instead of at the root
 */
export async function inspectSource(
  source: OpenedSource,
  { path: base = "/", ...options }: StorageOptions & { readonly path?: string | undefined } = {},
): Promise<Inspection> {
  const groups: { path: string; attributes: JsonObject }[] = [];
  const found: { path: string; array: VirtualArray }[] = [];
  const faults: InspectedFault[] = [];
  for await (const { path, node } of walkSource(source, base, options)) {
    if (node.kind === "group") groups.push({ path, attributes: node.attributes });
    else if (node.hidden) continue;
    else if (node.kind === "array") found.push({ path, array: node });
    else faults.push({ ...node, path, error: node.error.at({ source: source.address, path }) });
  }
  // Side by side: each array's index costs round trips of its own.
  const followed = new Map<string, ChunkManifest>();
  let references = 0;
  const inspected = await mapConcurrent(found, CONCURRENT_ARRAYS, async ({ path, array }) => {
    const { manifest, ...rest } = await inspectArray(source, path, array, options);
    references += manifest?.count ?? 0;
    if (manifest && source.writings && references <= MOST_FOLLOWED) followed.set(path, manifest);
    return rest;
  });
  const writers = new Map([...followed].map(([path, manifest]) => [path, writersOf(manifest)]));
  if (source.writings) await followHistory(source.writings([...followed.keys()], options), writers);
  const arrays = inspected.map((array): InspectedArray => {
    const manifest = followed.get(array.path);
    if (manifest === undefined) return array;
    const isNative = (location: string): boolean => source.isNative(location);
    return { ...array, shares: sharesOfArray(manifest, isNative, writers.get(array.path)) };
  });
  return { format: source.format, groups, arrays, faults, statistics: source.statistics() };
}

/** Of the entries of a manifest, by their numbers. */
function writersOf(manifest: ChunkManifest): ChunkWriters {
  return new ChunkWriters(manifest.count, (coordinates) => {
    const position = gridPosition(coordinates, manifest.gridShape);
    return position < 0 ? -1 : findEntry(manifest, position);
  });
}

async function inspectArray(
  source: OpenedSource,
  path: string,
  array: VirtualArray,
  options: StorageOptions,
): Promise<InspectedArray & { readonly manifest: ChunkManifest | undefined }> {
  const { metadata } = array;
  const size = itemSize(metadata.dataType);
  let counted: CountedChunks = NOTHING;
  let fault: MoraineError | undefined;
  try {
    counted = await countChunks(source, array, options);
  } catch (error) {
    fault = faultOf(error, source, path);
  }
  const dataType = dataTypeToJson(metadata.dataType);
  return {
    path,
    metadata,
    shape: metadata.shape,
    dimensionNames: metadata.dimensionNames,
    dataType: typeof dataType === "string" ? dataType : metadata.dataType.name,
    chunkGrid:
      metadata.chunkGrid.name === "regular"
        ? metadata.chunkGrid.chunkShape.join("×") || "scalar"
        : "rectilinear",
    codecs: metadata.codecs.map((codec) => codec.name),
    chunks: counted.counts,
    shares: counted.shares,
    manifest: counted.manifest,
    storedBytes: counted.storedBytes,
    decodedBytes:
      size === undefined ? undefined : metadata.shape.reduce((product, length) => product * length, size),
    barrier: fault
      ? { code: fault.code, reason: fault.message }
      : (array.barrier ?? officialBarrier(metadata)),
    fault,
    notes: [
      ...(array.notes ?? []),
      ...(array.disputed === undefined ? [] : [`other readers may differ: ${array.disputed}`]),
      ...(counted.masked > 0 ? [`${counted.masked} chunks were stored without some of the filters`] : []),
    ],
  };
}

interface CountedChunks {
  readonly counts: ChunkCounts;
  readonly storedBytes: number | undefined;
  /** Chunks with a filter mask. */
  readonly masked: number;
  readonly shares: readonly Share[];
  readonly manifest: ChunkManifest | undefined;
}

const NO_CHUNKS: ChunkCounts = { virtual: 0, native: 0, inline: 0, missing: 0, decoded: 0 };
const NOTHING: CountedChunks = {
  counts: NO_CHUNKS,
  storedBytes: undefined,
  masked: 0,
  shares: [],
  manifest: undefined,
};

async function countChunks(
  source: OpenedSource,
  array: VirtualArray,
  options: StorageOptions,
): Promise<CountedChunks> {
  const total = gridShapeOf(array.metadata).reduce((product, length) => product * length, 1);
  if (array.manifest === undefined) return { ...NOTHING, counts: { ...NO_CHUNKS, decoded: total } };
  const manifest = await array.manifest(options);
  const shares = sharesOfArray(manifest, (location) => source.isNative(location));
  const counts = { ...countsOf(shares), missing: Math.max(total - manifest.count, 0), decoded: 0 };
  const storedBytes = shares.reduce((sum, { bytes }) => sum + bytes, 0);
  const masked = manifest.filterMasks?.reduce((sum, mask) => sum + (mask === 0 ? 0 : 1), 0) ?? 0;
  return { counts, storedBytes, masked, shares, manifest };
}

/**
 * The hierarchy as one Zarr v3 group document with inline consolidated metadata. What Zarr has no place for
 * stands under keys named `moraine`, which readers need not understand.
 */
export function inspectionToJson(inspection: Inspection): JsonObject {
  const nodes: [string, JsonValue][] = [];
  for (const group of inspection.groups) {
    if (group.path !== "/")
      nodes.push([group.path.slice(1), groupMetadataToJson({ attributes: group.attributes })]);
  }
  for (const array of inspection.arrays) {
    nodes.push([
      array.path.slice(1),
      {
        ...arrayMetadataToShow(array.metadata),
        moraine: {
          must_understand: false,
          chunks: { ...array.chunks },
          ...sharesToJson(array.shares),
          stored_bytes: array.storedBytes ?? null,
          decoded_bytes: array.decodedBytes ?? null,
          virtual: array.barrier === undefined,
          readable: array.fault === undefined,
          ...(array.barrier && { code: array.barrier.code, reason: array.barrier.reason }),
          ...(array.notes.length > 0 && { notes: array.notes }),
        },
      },
    ]);
  }
  for (const fault of inspection.faults) {
    if (fault.shape !== undefined) nodes.push([fault.path.slice(1), faultToJson(fault)]);
  }
  const root = inspection.groups.find((group) => group.path === "/");
  return {
    ...groupMetadataToJson({ attributes: root?.attributes ?? {} }),
    consolidated_metadata: {
      kind: "inline",
      must_understand: false,
      metadata: Object.fromEntries(nodes),
    },
    moraine: {
      must_understand: false,
      format: inspection.format,
      faults: inspection.faults.map(({ path, error }) => ({
        path,
        code: error.code,
        message: error.message,
      })),
      requests: inspection.statistics.requests,
      bytes: inspection.statistics.bytes,
      rounds: inspection.statistics.rounds,
      retries: inspection.statistics.retries,
      cache_hits: inspection.statistics.cacheHits,
    },
  };
}

/** An array whose values nobody can read: what its header says. */
function faultToJson({ error, shape = [], dimensionNames, attributes = {} }: InspectedFault): JsonObject {
  return {
    shape,
    data_type: "unknown",
    attributes,
    ...(dimensionNames && { dimension_names: dimensionNames }),
    zarr_format: 3,
    node_type: "array",
    moraine: {
      must_understand: true,
      virtual: false,
      readable: false,
      code: error.code,
      reason: error.message,
    },
  };
}
