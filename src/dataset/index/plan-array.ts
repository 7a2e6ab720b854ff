/**
 * What becomes of one array of a source: references as they lie, chunks stored decoded, or nothing.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { encodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { ReferencesOfArray } from "../../manifest/manifest-parts.ts";
import {
  isPlainBytes,
  type ReferencedArray,
  splitChunks,
  subChunkShape,
} from "../../manifest/split-chunks.ts";
import type { Barrier, VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import type { RegionReader } from "../../zarr/write/chunk-encoder.ts";
import { officialBarrier } from "../official-clients.ts";
import { arrayOf, type OpenedSource } from "../source.ts";

/** An array of the target. */
export interface ArrayPlan {
  readonly kind: "array";
  readonly path: string;
  readonly metadata: ArrayMetadata;
  /** The chunks that stay where they are. */
  readonly references: ReferencesOfArray | undefined;
  /** C-order grid positions of the chunks to be stored anew; `"all"`: every one that is not fill value. */
  readonly rewrite: "all" | readonly number[];
  readonly region: RegionReader;
  /** Where it comes from. */
  readonly source: string;
  readonly sourcePath: string;
  /** Whether the target has the array already: its metadata are replaced, its other chunks stay. */
  readonly existing?: boolean | undefined;
  /** Coordinates of chunks that the target may have and that are missing now. */
  readonly absent?: readonly (readonly number[])[] | undefined;
}

/** A plan, and what is told of it. */
export interface PlannedArray {
  readonly plan: ArrayPlan;
  /** Why chunks are stored anew. */
  readonly changed?: Barrier | undefined;
  readonly notes: readonly string[];
}

export interface PlanArrayOptions extends StorageOptions {
  /** Whether arrays of values that Zarr has no type for are stored as the texts that describe them. */
  readonly describe?: boolean | undefined;
  /** Bytes (decoded) up to which an array is stored decoded where it cannot be virtual. */
  readonly materializeLimit: number;
  /** Bytes to which uncompressed chunks are cut, exactly; they stay where they are. */
  readonly splitChunks?: number | undefined;
}

/** Plans one array; throws why it must be left out. */
export async function planArray(
  source: OpenedSource,
  path: string,
  target: string,
  view: VirtualArray,
  options: PlanArrayOptions,
): Promise<PlannedArray> {
  requireDescribed(view, options);
  const notes = [...(view.notes ?? [])];
  const name = path.slice(path.lastIndexOf("/") + 1);
  const array = withinBudget(view, name, options.materializeLimit, notes);
  const named = source.format === "hdf5" ? withDimensionNames(array.metadata, name) : array.metadata;
  const metadata = withXarrayAttributes(named, notes);
  const reader = arrayOf(source, path, array);
  const common = {
    kind: "array" as const,
    path: target,
    region: (start, shape, regionOptions) => reader.readRegion(start, shape, regionOptions),
    source: source.address,
    sourcePath: path,
  } satisfies Partial<ArrayPlan>;
  const barrier = array.barrier ?? officialBarrier(metadata);
  if (barrier !== undefined || array.manifest === undefined) {
    const why: Barrier = barrier ?? {
      code: "UnsupportedLayout",
      reason: "its chunks have no place of their own",
    };
    const decoded = decodedForm(metadata);
    checkBudget(decoded, why, options.materializeLimit);
    const plan: ArrayPlan = { ...common, metadata: decoded, references: undefined, rewrite: "all" };
    return { plan, changed: why, notes };
  }
  const { references, rewrite } = splitMasked(await array.manifest(options));
  if (rewrite.length === 0) {
    const cut = cutTo({ metadata, manifest: references }, options.splitChunks);
    return { plan: { ...common, metadata: cut.metadata, references: cut.manifest, rewrite }, notes };
  }
  const plan: ArrayPlan = { ...common, metadata, references, rewrite };
  const reason = `${rewrite.length} chunks were stored without some of the filters, which Zarr cannot say: they are stored anew`;
  return { plan, changed: { code: "UnsupportedFilter", reason }, notes };
}

/** Refuses values that Zarr has no type for, unless texts that describe them are wanted. */
export function requireDescribed(view: VirtualArray, { describe }: PlanArrayOptions): void {
  if (!view.described || describe === true) return;
  throw new MoraineError(
    "UnsupportedDataType",
    `${view.barrier?.reason ?? "Zarr has no type for its values"}; --describe stores them as texts`,
  );
}

/** Uncompressed chunks cut by bytes to about a size; others as they are. */
export function cutTo(array: ReferencedArray, bytes: number | undefined): ReferencedArray {
  if (bytes === undefined || !isPlainBytes(array.metadata)) return array;
  const wanted = subChunkShape(array.metadata, bytes);
  return wanted === undefined ? array : splitChunks(array, wanted);
}

/**
 * A variable that is not made as long as its unlimited dimension keeps its own length, under dimensions of its own: one in
 * which nothing was written yet would be nothing but fill values, and one that would have to be decoded may be too large
 * for it. A coordinate must fit its dimension.
 */
function withinBudget(view: VirtualArray, name: string, limit: number, notes: string[]): VirtualArray {
  const { stored } = view;
  const names = view.metadata.dimensionNames;
  const isCoordinate = names?.length === 1 && names[0] === name;
  if (stored === undefined || isCoordinate) return view;
  const isEmpty = stored.metadata.shape.includes(0);
  const isLarge =
    view.manifest === undefined && stored.manifest !== undefined && sizeOf(view.metadata) > limit;
  if (!isEmpty && !isLarge) return view;
  const why = isEmpty ? "nothing was written in it" : "it is too large to be decoded";
  notes.push(`${why}: it keeps its own length, under a dimension name of its own`);
  const { shape } = stored.metadata;
  const dimensionNames = names?.map((name, axis) =>
    name !== null && shape[axis] !== view.metadata.shape[axis] ? `${name}_${shape[axis]}` : name,
  );
  return { ...stored, metadata: { ...stored.metadata, dimensionNames } };
}

/** Decoded bytes, a guess for texts. */
function sizeOf({ shape, dataType }: ArrayMetadata): number {
  return shape.reduce((product, length) => product * length, itemSize(dataType) ?? 16);
}

/**
 * A file's array without names of dimensions (a null dataspace has none in netCDF) gets its own: xarray would refuse the
 * whole group because of it.
 */
function withDimensionNames(metadata: ArrayMetadata, name: string): ArrayMetadata {
  const { shape, dimensionNames } = metadata;
  if (dimensionNames !== undefined || shape.length === 0) return metadata;
  return { ...metadata, dimensionNames: shape.map((_, axis) => `${name}_dim_${axis}`) };
}

/** `_FillValue` as xarray keeps it; left out where xarray would refuse the whole group because of it. */
export function withXarrayAttributes(metadata: ArrayMetadata, notes: string[]): ArrayMetadata {
  if (metadata.attributes["_FillValue"] === undefined) return metadata;
  let known = encodedAttributes.get(metadata);
  if (known === undefined) {
    known = encodeFillAttribute(metadata);
    encodedAttributes.set(metadata, known);
  }
  if (known.attributes["_FillValue"] === undefined) {
    notes.push("the attribute _FillValue is left out: xarray has no form for it beside this data type");
  }
  return known;
}

/** One for all arrays with the same metadata: files of an archive share theirs. */
const encodedAttributes = new WeakMap<ArrayMetadata, ArrayMetadata>();

function encodeFillAttribute(metadata: ArrayMetadata): ArrayMetadata {
  const { _FillValue: value = null, ...attributes } = metadata.attributes;
  const encoded = isEncoded(value) ? value : encodeFillValueAttribute(value, metadata.dataType);
  if (encoded === undefined) return { ...metadata, attributes };
  return { ...metadata, attributes: { ...metadata.attributes, _FillValue: encoded } };
}

/** Whether a value is the base64 of a double, as Zarr stores of xarray already have it. */
function isEncoded(value: unknown): boolean {
  return typeof value === "string" && /^[A-Za-z0-9+/]{11}=$/.test(value);
}

/** The array as it is stored when its own encoding cannot stay: little-endian, compressed by zstd. */
export function decodedForm(metadata: ArrayMetadata): ArrayMetadata {
  const { name } = metadata.dataType;
  const bytes =
    name === "string"
      ? { name: "vlen-utf8", configuration: {} }
      : name === "variable_length_bytes"
        ? { name: "vlen-bytes", configuration: {} }
        : itemSize(metadata.dataType) === 1
          ? { name: "bytes" }
          : { name: "bytes", configuration: { endian: "little" } };
  const refused = officialBarrier({ ...metadata, codecs: [bytes] });
  if (refused) throw new MoraineError(refused.code, refused.reason);
  return {
    ...metadata,
    codecs: [bytes, { name: "zstd", configuration: { level: 3, checksum: false } }],
  };
}

function checkBudget(metadata: ArrayMetadata, barrier: Barrier, limit: number): void {
  const bytes = sizeOf(metadata);
  if (bytes > limit) {
    throw new MoraineError(
      barrier.code,
      `${barrier.reason}; decoded it has ${bytes} bytes, more than --materialize-limit ${limit}`,
    );
  }
}

/** Takes the entries with a filter mask out of a manifest: Zarr's codecs are the same for every chunk. */
function splitMasked(manifest: ChunkManifest): { references: ChunkManifest; rewrite: number[] } {
  const masks = manifest.filterMasks;
  if (masks === undefined) return { references: manifest, rewrite: [] };
  const kept: number[] = [];
  const rewrite: number[] = [];
  for (let entry = 0; entry < manifest.count; entry++) {
    if ((masks[entry] ?? 0) === 0) kept.push(entry);
    else rewrite.push(manifest.positions?.[entry] ?? entry);
  }
  const inline = new Map<number, Uint8Array>();
  kept.forEach((entry, position) => {
    const bytes = manifest.inline.get(entry);
    if (bytes) inline.set(position, bytes);
  });
  const column = (values: Float64Array) => Float64Array.from(kept, (entry) => values[entry] ?? 0);
  const { locationIndexes } = manifest;
  return {
    references: {
      gridShape: manifest.gridShape,
      count: kept.length,
      positions: Float64Array.from(kept, (entry) => manifest.positions?.[entry] ?? entry),
      locations: manifest.locations,
      versions: manifest.versions,
      ...(locationIndexes && {
        locationIndexes: Uint32Array.from(kept, (entry) => locationIndexes[entry] ?? 0),
      }),
      offsets: column(manifest.offsets),
      lengths: column(manifest.lengths),
      inline,
    },
    rewrite,
  };
}

/** Number of chunks of an array. */
export function chunkCount(metadata: ArrayMetadata): number {
  return gridShapeOf(metadata).reduce((product, length) => product * length, 1);
}
