/**
 * What a scan finds in one file, as plain data: it is recorded in journals, sent between threads, and holds nothing
 * of the file open.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError, type MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { FaultyArray, NotedGroup, VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions, Version } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { ChunkSource } from "../../zarr/chunk-source.ts";
import { mapConcurrent } from "../concurrent.ts";
import { arrayOf, type OpenedSource, type SourceFormat } from "../source.ts";
import type { OwnReads } from "./own-reads.ts";

/** Formats that are one file; what others hold is not known by the version of one object. */
export type ScannedFormat = Extract<SourceFormat, "hdf5" | "netcdf3">;

/** @typeParam Manifest how the chunk manifests are held */
export interface ScannedFile<Manifest = ChunkManifest> {
  readonly address: string;
  readonly format: ScannedFormat;
  /** Of the state that all of it was read from. */
  readonly version: Version;
  /** The root first. What is reached by several paths stands here once; groups name their members by number. */
  readonly nodes: readonly ScannedNode<Manifest>[];
}

export type ScannedNode<Manifest = ChunkManifest> = ScannedGroup | ScannedArray<Manifest> | ScannedFault;

export interface ScannedGroup {
  readonly kind: "group";
  readonly attributes: JsonObject;
  readonly notes?: readonly string[] | undefined;
  readonly links?: readonly string[] | undefined;
  readonly children: readonly (readonly [name: string, node: number])[];
  /** Number of the first of several views of the group; absent for the first. */
  readonly first?: number | undefined;
}

/** What an array has beside its place and its chunks. */
type DescribedArray = Pick<
  VirtualArray,
  "metadata" | "barrier" | "hidden" | "storedName" | "described" | "notes" | "disputed"
>;

export interface ScannedArray<Manifest = ChunkManifest> extends DescribedArray {
  readonly kind: "array";
  readonly path: string;
  /** Whether it is the array as the file has it, below the one of the dataset view. */
  readonly isStored: boolean;
  readonly batch?: number | undefined;
  /** Whether the array has a manifest; where {@link manifest} lacks it, the file must be asked again. */
  readonly hasManifest: boolean;
  readonly manifest?: Manifest | undefined;
  /** All values of a small array. */
  readonly values?: Uint8Array | undefined;
  /** Number of the array as the file has it. */
  readonly stored?: number | undefined;
  /** Number of an array before it with the same chunks: they are the same but for the names of dimensions. */
  readonly twin?: number | undefined;
}

export interface ScannedFault extends Omit<FaultyArray, "error"> {
  readonly error: ScannedError;
}

/** An error as plain data. */
export type ScannedError = Pick<MoraineError, "code" | "message" | "source" | "path" | "offset">;

/** What of an error can be recorded, and sent to other threads. */
export function plainError({ code, message, source, path, offset }: MoraineError): ScannedError {
  return { code, message, source, path, offset };
}

/** Arrays whose chunk indexes are read at the same time. */
const CONCURRENT_ARRAYS = 64;
/** Bytes up to which the values of an array are kept, and of all of them of a file. */
const SMALL_VALUES = 8 * 1024;
const FILE_VALUES = 64 * 1024;

const FORMATS: readonly SourceFormat[] = ["hdf5", "netcdf3"] satisfies readonly ScannedFormat[];

export function isScannedFormat(format: unknown): format is ScannedFormat {
  return FORMATS.some((known) => known === format);
}

/**
 * Walks an opened source; undefined where it is no single file, or its bytes are of several versions.
 *
 * Values of small arrays are kept where they cost no further request.
 *
 * @param reads what the source was opened through
 */
export async function scanFile(
  { address, format, root, storage }: OpenedSource,
  reads: OwnReads,
  options: StorageOptions,
): Promise<ScannedFile | undefined> {
  if (!isScannedFormat(format) || root.kind !== "group") return undefined;
  const walk = new FileWalk({ storage, reads, options });
  await walk.enter(root);
  const { version } = reads;
  return version && { address, format, version, nodes: walk.nodes };
}

interface WalkContext {
  readonly storage: OpenedSource["storage"];
  readonly reads: OwnReads;
  readonly options: StorageOptions;
}

class FileWalk {
  readonly nodes: ScannedNode[] = [];
  readonly #context: WalkContext;
  readonly #known = new Map<object, number>();
  /** The first view of each group, by its identity. */
  readonly #firsts = new Map<object, number>();
  /** The first array that has certain chunks. */
  readonly #twins = new Map<ChunkSource, number>();
  /** Manifests that have yet to be loaded. */
  readonly #unread: (() => Promise<void>)[] = [];
  #valueBytes = 0;

  constructor(context: WalkContext) {
    this.#context = context;
  }

  async enter(root: NotedGroup): Promise<void> {
    await this.#group(root, "");
    await mapConcurrent(this.#unread, CONCURRENT_ARRAYS, (read) => read());
  }

  async #group(group: NotedGroup, path: string): Promise<number> {
    const known = this.#known.get(group);
    if (known !== undefined) return known;
    const id = this.#reserve(group);
    const first = this.#firsts.get(group.identity);
    if (first === undefined) this.#firsts.set(group.identity, id);
    const members = [...(await group.children(this.#context.options))];
    const children: [string, number][] = [];
    for (const [name, child] of members) {
      const below = `${path}/${name}`;
      const own =
        child.kind === "group"
          ? await this.#group(child, below)
          : child.kind === "array"
            ? this.#array(child, below, false)
            : this.#fault(child);
      children.push([name, own]);
    }
    this.nodes[id] = {
      kind: "group",
      attributes: group.attributes,
      notes: group.notes,
      links: group.links && group.links.size > 0 ? [...group.links] : undefined,
      children,
      first,
    };
    return id;
  }

  #array(array: VirtualArray, path: string, isStored: boolean): number {
    const known = this.#known.get(array);
    if (known !== undefined) return known;
    const id = this.#reserve(array);
    const twin = this.#twins.get(array.chunks);
    if (twin === undefined) this.#twins.set(array.chunks, id);
    const stored = array.stored && this.#array(array.stored, path, true);
    const { metadata, barrier, hidden, storedName, described, notes, disputed } = array;
    const node: ScannedArray = {
      kind: "array",
      path,
      isStored,
      metadata,
      barrier: barrier && { code: barrier.code, reason: barrier.reason },
      hidden,
      storedName,
      described,
      notes,
      disputed,
      batch: array.chunks.batch,
      hasManifest: array.manifest !== undefined,
      stored,
      twin,
    };
    this.nodes[id] = node;
    if (array.manifest !== undefined && barrier === undefined && twin === undefined) {
      this.#unread.push(async () => {
        this.nodes[id] = { ...node, ...(await this.#contentsOf(array, path, isStored)) };
      });
    }
    return id;
  }

  async #contentsOf(
    array: VirtualArray,
    path: string,
    isStored: boolean,
  ): Promise<Pick<ScannedArray, "manifest" | "values">> {
    try {
      const manifest = await array.manifest?.(this.#context.options);
      if (manifest === undefined) return {};
      return {
        manifest: withOwnColumns(manifest),
        values: isStored ? undefined : await this.#valuesOf(array, manifest, path),
      };
    } catch (error) {
      // The array's own fault: it is met again, and told, where the array is looked at.
      if (isMoraineError(error) && error.code !== "Aborted") return {};
      throw error;
    }
  }

  async #valuesOf(
    array: VirtualArray,
    manifest: ChunkManifest,
    path: string,
  ): Promise<Uint8Array | undefined> {
    const { shape, dataType } = array.metadata;
    const { reads, storage, options } = this.#context;
    const size = itemSize(dataType);
    if (size === undefined || array.hidden === true) return undefined;
    const bytes = shape.reduce((product, length) => product * length, size);
    if (bytes > SMALL_VALUES || this.#valueBytes + bytes > FILE_VALUES) return undefined;
    for (let entry = 0; entry < manifest.count; entry++) {
      if (manifest.inline.has(entry)) continue;
      const location = manifest.locations[manifest.locationIndexes?.[entry] ?? 0] ?? "";
      if (!reads.has(location, manifest.offsets[entry] ?? 0, manifest.lengths[entry] ?? 0)) return undefined;
    }
    this.#valueBytes += bytes;
    const plain = plainValues(array.metadata, manifest);
    if (plain) return plain.inline?.slice(0, bytes) ?? reads.bytesAt(plain.offset, bytes);
    const reader = arrayOf({ storage }, path, array);
    const values = await reader.readRegion(
      shape.map(() => 0),
      shape,
      options,
    );
    return values instanceof Uint8Array ? values : undefined;
  }

  #fault(fault: FaultyArray): number {
    const known = this.#known.get(fault);
    if (known !== undefined) return known;
    const id = this.#reserve(fault);
    const { shape, dimensionNames, attributes, hidden, storedName } = fault;
    this.nodes[id] = {
      kind: "fault",
      error: plainError(fault.error),
      shape,
      dimensionNames,
      attributes,
      hidden,
      storedName,
    };
    return id;
  }

  #reserve(identity: object): number {
    const id = this.nodes.length;
    this.#known.set(identity, id);
    this.nodes.push(NOWHERE);
    return id;
  }
}

/** Columns of exactly their size: views would keep, and send to other threads, all that they are views of. */
function withOwnColumns(manifest: ChunkManifest): ChunkManifest {
  const { count, positions, locationIndexes, offsets, lengths, filterMasks, inline } = manifest;
  // One block of memory for both: of small columns the block costs more than what is in it.
  const both = new Float64Array(2 * count);
  both.set(offsets.subarray(0, count));
  both.set(lengths.subarray(0, count), count);
  return {
    ...manifest,
    positions: positions && ownColumn(positions, count),
    locationIndexes: locationIndexes && ownColumn(locationIndexes, count),
    offsets: both.subarray(0, count),
    lengths: both.subarray(count),
    filterMasks: filterMasks && ownColumn(filterMasks, count),
    inline: inline.size === 0 ? inline : new Map([...inline].map(([entry, own]) => [entry, own.slice()])),
  };
}

function ownColumn<Column extends Float64Array | Uint32Array>(column: Column, count: number): Column;
function ownColumn(column: Float64Array | Uint32Array, count: number): Float64Array | Uint32Array {
  const isOwn = column.length === count && column.buffer.byteLength === column.byteLength;
  return isOwn ? column : column.slice(0, count);
}

/** Where all elements of an array lie one after another, little-endian: with one chunk, not compressed. */
function plainValues(
  { codecs, chunkGrid, shape }: ArrayMetadata,
  { count, gridShape, offsets, inline, filterMasks }: ChunkManifest,
): { readonly offset: number; readonly inline: Uint8Array | undefined } | undefined {
  const [codec, ...others] = codecs;
  const isPlain = codec?.name === "bytes" && others.length === 0 && filterMasks === undefined;
  if (!isPlain || (codec.configuration?.["endian"] ?? "little") !== "little") return undefined;
  if (count !== 1 || chunkGrid.name !== "regular" || gridShape.some((length) => length !== 1))
    return undefined;
  const { chunkShape } = chunkGrid;
  // Rows of a chunk that reaches beyond the array along another axis than the first are not next to each other.
  if (chunkShape.some((length, axis) => axis > 0 && length !== shape[axis])) return undefined;
  return { offset: offsets[0] ?? 0, inline: inline.get(0) };
}

/** Stands for a node that is still being looked at. */
const NOWHERE: ScannedGroup = { kind: "group", attributes: {}, children: [] };
