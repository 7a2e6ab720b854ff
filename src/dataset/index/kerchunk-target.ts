/**
 * Kerchunk references as the target of an index: one JSON document, or a folder of Parquet files.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import { type ChunkManifest, firstEntryFrom } from "../../manifest/chunk-manifest.ts";
import { encodeParquetRecords } from "../../manifest/kerchunk/parquet-records.ts";
import type { Reference } from "../../manifest/kerchunk/reference-set.ts";
import {
  type ArrayToStore,
  documentsV2,
  documentsV3,
  marksByFill,
  type StoredNode,
  versionTwoBarrier,
} from "../../manifest/kerchunk/stored-nodes.ts";
import {
  consolidatedDocuments,
  encodeKerchunkJson,
  kerchunkUrl,
} from "../../manifest/kerchunk/write-json.ts";
import { type ReferencesOfArray, wholeManifest } from "../../manifest/manifest-parts.ts";
import { joinAddress } from "../../storage/address.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import { mapConcurrent } from "../concurrent.ts";
import { type FillLimits, withFillChunks, withOwnChunks } from "./own-chunks.ts";
import type { Committed, IndexTarget } from "./target.ts";

/** Most rows of a file of references, as kerchunk and VirtualiZarr write them; every file has as many. */
const MOST_ROWS = 100_000;
const CONCURRENT_WRITES = 4;

interface Gathered {
  readonly metadata: ArrayMetadata;
  references: ChunkManifest | undefined;
  /** Chunks that the set holds itself. */
  readonly own: Map<number, Uint8Array>;
}

interface StoredArray extends ArrayToStore {
  readonly manifest: ChunkManifest;
}

/** Chunks of fill values in a document, and in Parquet, which keeps what is the same once. */
const JSON_FILL: FillLimits = { chunkBytes: 64 * 1024, bytes: 1024 * 1024 };
const PARQUET_FILL: FillLimits = { chunkBytes: 64 * 1024, bytes: Number.POSITIVE_INFINITY };

const MARKS =
  "chunks are missing, and xarray would take their fill value for missing values in all others too";

/** Gathers everything in memory and writes it at the commit. */
export class KerchunkTarget implements IndexTarget {
  readonly #storage: Storage;
  readonly #address: string;
  readonly #form: "json" | "parquet";
  readonly #groups = new Map<string, JsonObject>();
  readonly #arrays = new Map<string, Gathered>();

  private constructor(storage: Storage, address: string, form: "json" | "parquet") {
    this.#storage = storage;
    this.#address = address;
    this.#form = form;
  }

  /** Errors: `AlreadyExists` where something lies at the address. */
  static async create(
    storage: Storage,
    address: string,
    form: "json" | "parquet",
    options?: StorageOptions,
  ): Promise<KerchunkTarget> {
    const target = form === "json" ? address : address.endsWith("/") ? address : `${address}/`;
    const folder = form === "json" ? undefined : target;
    if (folder !== undefined) {
      for await (const _ of storage.list(folder, options)) {
        throw new MoraineError("AlreadyExists", "something lies in the folder already", { source: folder });
      }
    }
    return new KerchunkTarget(storage, target, form);
  }

  async createGroup(path: string, attributes: JsonObject): Promise<void> {
    this.#groups.set(path.slice(1), attributes);
  }

  async createArray(path: string, metadata: ArrayMetadata): Promise<void> {
    this.#arrays.set(path.slice(1), { metadata, references: undefined, own: new Map() });
  }

  async updateArray(path: string): Promise<void> {
    throw new MoraineError("InvalidArgument", "Kerchunk references are not appended to", { path });
  }

  async removeArray(path: string): Promise<void> {
    this.#arrays.delete(path.slice(1));
  }

  async setReferences(
    path: string,
    references: ReferencesOfArray,
    options: StorageOptions = {},
  ): Promise<number> {
    this.#gathered(path).references = await wholeManifest(references, options);
    return 0;
  }

  async setChunk(path: string, coordinates: readonly number[], bytes: Uint8Array): Promise<void> {
    const { metadata, own } = this.#gathered(path);
    const gridShape = gridShapeOf(metadata);
    const position = coordinates.reduce((sum, at, axis) => sum * (gridShape[axis] ?? 1) + at, 0);
    own.set(position, bytes);
  }

  #gathered(path: string): Gathered {
    const gathered = this.#arrays.get(path.slice(1));
    if (gathered === undefined) throw new MoraineError("NotFound", "there is no such array", { path });
    return gathered;
  }

  async commit(_message: string, options: StorageOptions = {}): Promise<Committed> {
    const found = [...this.#arrays].map(([path, gathered]) =>
      asStored(
        path,
        gathered.metadata,
        withOwnChunks(gridShapeOf(gathered.metadata), gathered.references, gathered.own),
      ),
    );
    const groups = [...this.#groups].map(([path, attributes]) => ({ path, attributes }));
    if (!this.#groups.has("")) groups.unshift({ path: "", attributes: {} });
    const arrays = this.#isVersionTwo(found) ? await this.#completed(found) : found;
    const isV2 = this.#isVersionTwo(arrays, true);
    const stored = arrays.map((array) => ({
      ...array,
      metadata: {
        ...array.metadata,
        chunkKeyEncoding: isV2
          ? ({ name: "v2", separator: "." } as const)
          : ({ name: "default", separator: "/" } as const),
      },
    }));
    // One array that only v3 can say makes all of them v3: a reader opens a group in one version.
    const nodes = isV2 ? documentsV2(groups, stored) : documentsV3(groups, stored);
    if (this.#form === "json") {
      await this.#put(this.#address, encodeKerchunkJson(nodes, stored, this.#address), options);
    } else await this.#writeParquet(nodes, stored, options);
    return {};
  }

  /**
   * Errors: `Incompatible` for Parquet in Zarr v3: fsspec finds no chunk there, and gives fill values.
   *
   * @param isFinal whether all was done to avoid fill values that readers would take for missing ones
   */
  #isVersionTwo(arrays: readonly ArrayToStore[], isFinal = false): boolean {
    for (const array of arrays) {
      const barrier = versionTwoBarrier(array) ?? (isFinal && marksByFill(array) ? MARKS : undefined);
      if (barrier === undefined) continue;
      if (this.#form === "json") return false;
      const hint = array.metadata.chunkGrid.name === "regular" ? "" : ", or --grid regular avoids it";
      throw new MoraineError(
        "Incompatible",
        `Kerchunk Parquet is read in Zarr v2 only: ${barrier}; a .json target holds it${hint}`,
        { path: `/${array.path}` },
      );
    }
    return true;
  }

  /** The arrays with chunks of fill values where readers need them, as far as these are small. */
  async #completed(arrays: readonly StoredArray[]): Promise<StoredArray[]> {
    const isParquet = this.#form === "parquet";
    return await mapConcurrent(arrays, 1, async (array) => {
      const { path, metadata, manifest, isComplete } = array;
      const isMarked = marksByFill(array);
      if (isComplete || !(isMarked || isParquet)) return array;
      const limits = isParquet ? PARQUET_FILL : JSON_FILL;
      const record = isMarked ? undefined : recordSizeOf(arrays);
      const filled = await withFillChunks(metadata, manifest, limits, record);
      return filled ? asStored(path, metadata, filled) : array;
    });
  }

  async #writeParquet(
    nodes: readonly StoredNode[],
    arrays: readonly { readonly path: string; readonly manifest: ChunkManifest }[],
    options: StorageOptions,
  ): Promise<void> {
    const recordSize = recordSizeOf(arrays);
    for (const { path, manifest } of arrays) {
      const files = Array.from({ length: Math.ceil(cellsOf(manifest) / recordSize) }, (_, file) => file);
      const folder = joinAddress(this.#address, path);
      await mapConcurrent(files, CONCURRENT_WRITES, async (file) => {
        const rows = rowsOf(manifest, file * recordSize, recordSize, this.#address);
        if (rows === undefined) return;
        await this.#put(joinAddress(folder, `refs.${file}.parq`), await encodeParquetRecords(rows), options);
      });
    }
    // Last, so that whoever finds it finds everything.
    await this.#put(
      joinAddress(this.#address, ".zmetadata"),
      consolidatedDocuments(nodes, recordSize),
      options,
    );
  }

  async #put(address: string, bytes: Uint8Array, options: StorageOptions): Promise<void> {
    await this.#storage.write(address, bytes, { signal: options.signal });
  }

  async abandon(): Promise<void> {
    this.#arrays.clear();
  }
}

function asStored(path: string, metadata: ArrayMetadata, manifest: ChunkManifest): StoredArray {
  return { path, metadata, manifest, isComplete: manifest.positions === undefined };
}

function cellsOf({ gridShape }: ChunkManifest): number {
  return gridShape.reduce((product, length) => product * length, 1);
}

/** Rows of each file of references. */
function recordSizeOf(arrays: readonly { readonly manifest: ChunkManifest }[]): number {
  const longest = arrays.reduce((most, { manifest }) => Math.max(most, cellsOf(manifest)), 1);
  return Math.min(longest, MOST_ROWS);
}

/** The references of a run of chunks, one a row; undefined where all are missing. */
function rowsOf(
  manifest: ChunkManifest,
  first: number,
  count: number,
  address: string,
): (Reference | undefined)[] | undefined {
  const rows = new Array<Reference | undefined>(count).fill(undefined);
  let found = false;
  const { positions } = manifest;
  const begin = positions
    ? firstEntryFrom(positions, manifest.count, first)
    : Math.min(first, manifest.count);
  for (let entry = begin; entry < manifest.count; entry++) {
    const row = (positions?.[entry] ?? entry) - first;
    if (row >= count) break;
    found = true;
    const bytes = manifest.inline.get(entry);
    rows[row] = bytes
      ? { kind: "inline", bytes }
      : {
          kind: "range",
          url: kerchunkUrl(manifest.locations[manifest.locationIndexes?.[entry] ?? 0] ?? "", address),
          offset: manifest.offsets[entry] ?? 0,
          length: manifest.lengths[entry] ?? 0,
        };
  }
  return found ? rows : undefined;
}
