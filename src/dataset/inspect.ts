/**
 * What a source holds: the tree, and for each array how its chunks lie and whether it can be virtual.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../binary/json.ts";
import { itemSize } from "../data-types/data-type.ts";
import { dataTypeToJson } from "../data-types/data-type-json.ts";
import type { MoraineError } from "../errors.ts";
import type { Barrier, VirtualArray } from "../manifest/virtual-group.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import { gridShapeOf } from "../zarr/chunk-grid.ts";
import { arrayMetadataToJson, groupMetadataToJson } from "../zarr/metadata-v3.ts";
import { officialBarrier } from "./official-clients.ts";
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
  /** Bytes of the encoded chunks; undefined where they exist only decoded. */
  readonly storedBytes: number | undefined;
  /** Bytes of all elements; undefined for types of variable length. */
  readonly decodedBytes: number | undefined;
  /** Why official clients could not read the bytes as they lie; undefined where they can. */
  readonly barrier: Barrier | undefined;
  readonly notes: readonly string[];
}

export interface Inspection {
  readonly format: SourceFormat;
  readonly groups: readonly { readonly path: string; readonly attributes: JsonObject }[];
  readonly arrays: readonly InspectedArray[];
  readonly faults: readonly { readonly path: string; readonly error: MoraineError }[];
  readonly statistics: SourceStatistics;
}

/**
 * Inspects a source.
 *
 * Chunk indexes are read, chunks are not. Dimensions without values of their own are left out.
 */
export async function inspectSource(source: OpenedSource, options: StorageOptions = {}): Promise<Inspection> {
  const groups: { path: string; attributes: JsonObject }[] = [];
  const found: { path: string; array: VirtualArray }[] = [];
  const faults: { path: string; error: MoraineError }[] = [];
  for await (const { path, node } of walkSource(source, "/", options)) {
    if (node.kind === "group") groups.push({ path, attributes: node.attributes });
    else if (node.hidden) continue;
    else if (node.kind === "array") found.push({ path, array: node });
    else faults.push({ path, error: node.error.at({ source: source.address, path }) });
  }
  // Side by side: each array's index costs round trips of its own.
  const settled = await Promise.allSettled(
    found.map(({ path, array }) => inspectArray(source, path, array, options)),
  );
  const arrays: InspectedArray[] = [];
  settled.forEach((result, position) => {
    const path = found[position]?.path ?? "/";
    if (result.status === "fulfilled") arrays.push(result.value);
    else faults.push({ path, error: faultOf(result.reason, source, path) });
  });
  return { format: source.format, groups, arrays, faults, statistics: source.statistics() };
}

async function inspectArray(
  source: OpenedSource,
  path: string,
  array: VirtualArray,
  options: StorageOptions,
): Promise<InspectedArray> {
  const { metadata } = array;
  const gridShape = gridShapeOf(metadata);
  const total = gridShape.reduce((product, length) => product * length, 1);
  const size = itemSize(metadata.dataType);
  const counts = { virtual: 0, native: 0, inline: 0, missing: 0, decoded: 0 };
  let storedBytes: number | undefined;
  let masked = 0;
  if (array.manifest === undefined) {
    counts.decoded = total;
  } else {
    const manifest = await array.manifest(options);
    const native = manifest.locations.map((location) => source.isNative(location));
    storedBytes = 0;
    for (let entry = 0; entry < manifest.count; entry++) {
      if ((manifest.filterMasks?.[entry] ?? 0) !== 0) masked += 1;
      if (manifest.inline.has(entry)) continue;
      storedBytes += manifest.lengths[entry] ?? 0;
      if (native[manifest.locationIndexes?.[entry] ?? 0]) counts.native += 1;
      else counts.virtual += 1;
    }
    for (const bytes of manifest.inline.values()) storedBytes += bytes.length;
    counts.inline = manifest.inline.size;
    counts.missing = Math.max(total - manifest.count, 0);
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
        ? `${metadata.chunkGrid.chunkShape.join("×") || "scalar"}`
        : "rectilinear",
    codecs: metadata.codecs.map((codec) => codec.name),
    chunks: counts,
    storedBytes,
    decodedBytes:
      size === undefined ? undefined : metadata.shape.reduce((product, length) => product * length, size),
    barrier: array.barrier ?? officialBarrier(metadata),
    notes: [
      ...(array.notes ?? []),
      ...(array.disputed === undefined ? [] : [`other readers may differ: ${array.disputed}`]),
      ...(masked > 0 ? [`${masked} chunks were stored without some of the filters`] : []),
    ],
  };
}

/**
 * The hierarchy as one Zarr v3 group document with inline consolidated metadata. What Zarr has no place for
 * stands under keys named `moraine`, which readers need not understand.
 */
export function inspectionToJson(inspection: Inspection): JsonObject {
  const metadata: Record<string, JsonValue> = {};
  for (const group of inspection.groups) {
    if (group.path !== "/")
      metadata[group.path.slice(1)] = groupMetadataToJson({ attributes: group.attributes });
  }
  for (const array of inspection.arrays) {
    metadata[array.path.slice(1)] = {
      ...arrayMetadataToJson(array.metadata),
      moraine: {
        must_understand: false,
        chunks: { ...array.chunks },
        stored_bytes: array.storedBytes ?? null,
        decoded_bytes: array.decodedBytes ?? null,
        virtual: array.barrier === undefined,
        ...(array.barrier && { code: array.barrier.code, reason: array.barrier.reason }),
        ...(array.notes.length > 0 && { notes: array.notes }),
      },
    };
  }
  const root = inspection.groups.find((group) => group.path === "/");
  return {
    ...groupMetadataToJson({ attributes: root?.attributes ?? {} }),
    consolidated_metadata: { kind: "inline", must_understand: false, metadata },
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
    },
  };
}
