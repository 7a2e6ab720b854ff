/**
 * The reader of Kerchunk Parquet: a folder whose `.zmetadata` holds all documents and the number of rows of the
 * files of references, which are read when their chunks are asked for.
 *
 * @module
 */

import { isJsonObject, type JsonValue, parseJson } from "../../binary/json.ts";
import { isMoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import {
  ArrayReferences,
  placesWithObjects,
  ReferenceAddresses,
  withObjectSizes,
} from "../../manifest/kerchunk/array-references.ts";
import { groupOf, nodeDocuments, parseNodes } from "../../manifest/kerchunk/hierarchy.ts";
import { type ParquetRecords, parseParquetRecords } from "../../manifest/kerchunk/parquet-records.ts";
import type { VirtualArray, VirtualGroup } from "../../manifest/virtual-group.ts";
import { joinAddress } from "../../storage/address.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import type { ChunkCoordinates } from "../../zarr/chunk-source.ts";
import type { OpenOptions } from "../reader.ts";

/** Files of references that an array remembers. */
const REMEMBERED = 32;
const CONCURRENT_FILES = 8;

/**
 * Opens a folder of references.
 *
 * Errors: `NotFound`; `InvalidMetadata`. Arrays whose metadata cannot be used are faulty.
 *
 * @param folder its address, with a slash at its end
 * @returns undefined where the folder's `.zmetadata` are those of a Zarr store
 */
export async function openReferenceFolder(
  folder: string,
  storage: Storage,
  options?: OpenOptions,
): Promise<VirtualGroup | undefined> {
  const address = joinAddress(folder, ".zmetadata");
  const { parts } = await storage.read(address, [{ offset: 0 }], { signal: options?.signal });
  const json = parseJson(parts[0] ?? new Uint8Array(0), address);
  if (!isJsonObject(json) || !isJsonObject(json["metadata"])) return undefined;
  const recordSize = json["record_size"];
  if (typeof recordSize !== "number" || !Number.isSafeInteger(recordSize) || recordSize < 1) return undefined;
  const documents = new Map<string, JsonValue>(
    Object.entries(json["metadata"]).map(([key, document]) => [
      key,
      typeof document === "string" ? parseJson(document, address) : document,
    ]),
  );
  // As a document beside the folder would: relative addresses are those of what holds the set.
  const addresses = new ReferenceAddresses(folder.replace(/\/$/, ""), options?.authorize);
  return groupOf(parseNodes(nodeDocuments(documents)), (path, metadata) =>
    new RecordFiles(joinAddress(folder, path), metadata, recordSize, addresses, storage).array(),
  );
}

/** The files of one array. */
class RecordFiles {
  readonly #folder: string;
  readonly #metadata: ArrayMetadata;
  readonly #gridShape: readonly number[];
  readonly #recordSize: number;
  readonly #addresses: ReferenceAddresses;
  readonly #storage: Storage;
  readonly #records = new Map<number, Promise<ParquetRecords | undefined>>();

  constructor(
    folder: string,
    metadata: ArrayMetadata,
    recordSize: number,
    addresses: ReferenceAddresses,
    storage: Storage,
  ) {
    this.#folder = folder;
    this.#metadata = metadata;
    this.#gridShape = gridShapeOf(metadata);
    this.#recordSize = recordSize;
    this.#addresses = addresses;
    this.#storage = storage;
  }

  array(): VirtualArray {
    let manifest: Promise<ChunkManifest> | undefined;
    return {
      kind: "array",
      metadata: this.#metadata,
      chunks: {
        locate: async (coordinates, count, options) =>
          placesWithObjects(await this.#manifestOf(coordinates, count, options), coordinates, count),
      },
      manifest: (options) => {
        manifest ??= this.#whole(options);
        manifest.catch(() => {
          manifest = undefined;
        });
        return manifest;
      },
    };
  }

  /** A manifest of just the chunks asked for. */
  async #manifestOf(
    coordinates: ChunkCoordinates,
    count: number,
    options: StorageOptions | undefined,
  ): Promise<ChunkManifest> {
    const rank = this.#gridShape.length;
    const positions = new Set<number>();
    for (let chunk = 0; chunk < count; chunk++) {
      let position = 0;
      for (let axis = 0; axis < rank; axis++) {
        position = position * (this.#gridShape[axis] ?? 0) + (coordinates[chunk * rank + axis] ?? 0);
      }
      positions.add(position);
    }
    const wanted = [...new Set([...positions].map((position) => Math.floor(position / this.#recordSize)))];
    const files = new Map<number, ParquetRecords | undefined>();
    await this.#each(wanted, options, (file, records) => void files.set(file, records));
    const references = new ArrayReferences(this.#metadata, this.#addresses);
    for (const position of positions) {
      const records = files.get(Math.floor(position / this.#recordSize));
      const reference = records?.reference(position % this.#recordSize);
      if (reference) references.add(position, reference);
    }
    return references.build();
  }

  async #whole(options: StorageOptions | undefined): Promise<ChunkManifest> {
    const cells = this.#gridShape.reduce((product, length) => product * length, 1);
    const files = Array.from({ length: Math.ceil(cells / this.#recordSize) }, (_, file) => file);
    const references = new ArrayReferences(this.#metadata, this.#addresses);
    await this.#each(files, options, (file, records) => {
      const first = file * this.#recordSize;
      const rows = Math.min(records?.rows ?? 0, this.#recordSize, cells - first);
      for (let row = 0; row < rows; row++) {
        const reference = records?.reference(row);
        if (reference) references.add(first + row, reference);
      }
    });
    return await withObjectSizes(references.build(), this.#storage, options);
  }

  async #each(
    files: readonly number[],
    options: StorageOptions | undefined,
    take: (file: number, records: ParquetRecords | undefined) => void,
  ): Promise<void> {
    const queue = files.values();
    const work = async (): Promise<void> => {
      for (const file of queue) take(file, await this.#read(file, options));
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_FILES, files.length) }, work));
  }

  /** The rows of a file; undefined where there is none: all its chunks are missing. */
  #read(file: number, options: StorageOptions | undefined): Promise<ParquetRecords | undefined> {
    const known = this.#records.get(file);
    if (known) return known;
    const reading = this.#load(joinAddress(this.#folder, `refs.${file}.parq`), options);
    this.#records.set(file, reading);
    reading.catch(() => this.#records.delete(file));
    const [oldest] = this.#records.keys();
    if (this.#records.size > REMEMBERED && oldest !== undefined) this.#records.delete(oldest);
    return reading;
  }

  async #load(address: string, options: StorageOptions | undefined): Promise<ParquetRecords | undefined> {
    try {
      const { parts } = await this.#storage.read(address, [{ offset: 0 }], { signal: options?.signal });
      return await parseParquetRecords(parts[0] ?? new Uint8Array(0), address);
    } catch (error) {
      if (isMoraineError(error, "NotFound")) return undefined;
      throw error;
    }
  }
}
