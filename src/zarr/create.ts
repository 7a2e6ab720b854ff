/**
 * New groups and arrays in a store (Zarr v3). What is written is the form of core 3.0, which every reader knows.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../binary/json.ts";
import type { CodecSpecification } from "../codecs/codec.ts";
import { type DataType, itemSize } from "../data-types/data-type.ts";
import { parseDataType } from "../data-types/data-type-json.ts";
import { defaultFillValue, parseFillValue } from "../data-types/fill-value.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata, RectilinearAxis } from "./array-metadata.ts";
import { openNode, StoreGroup, storeChunks } from "./hierarchy.ts";
import { arrayMetadataToJson, groupMetadataToJson, parseArrayMetadata } from "./metadata-v3.ts";
import { ZarrArray } from "./node.ts";
import type { ZarrStore } from "./store.ts";
import { StoreChunkSink } from "./store-chunk-sink.ts";
import { putDocument } from "./store-documents.ts";
import { isNodeName, pathParts } from "./tree.ts";

/** What a new group is like. */
export interface NewGroup extends StorageOptions {
  readonly attributes?: JsonObject | undefined;
  /** Replace what is there, with all that is below it. */
  readonly overwrite?: boolean | undefined;
}

/** What a new array is like; shapes in elements. */
export interface NewArray extends NewGroup {
  readonly shape: readonly number[];
  /** As in `zarr.json`: a name (`"float32"`) or an object with a name and a configuration. */
  readonly dataType: JsonValue;
  /** Elements of a chunk along each axis, or for each axis the lengths of all chunks. One chunk when absent. */
  readonly chunkShape?: readonly (number | readonly number[])[] | undefined;
  /** Elements of a shard along each axis, multiples of `chunkShape`, which are then the inner chunks. */
  readonly shardShape?: readonly number[] | undefined;
  /** As in `zarr.json`; zeros when absent. */
  readonly fillValue?: JsonValue | undefined;
  /** From the elements to the bytes of a chunk; little-endian and zstd when absent. */
  readonly codecs?: readonly CodecSpecification[] | undefined;
  /** Of chunk keys: `c/0/1` or `c.0.1`. */
  readonly separator?: "/" | "." | undefined;
  readonly dimensionNames?: readonly (string | null)[] | undefined;
}

/**
 * Creates a group, and those above it that are not there yet.
 *
 * Errors: `AlreadyExists`, `InvalidArgument` for a path that no node may have and attributes that are no JSON,
 * `UnsupportedVersion` in a store of Zarr v2, those of the storage.
 *
 * @example
 * const group = await createGroup(store, "model/ocean", { attributes: { title: "monthly means" } });
 */
export async function createGroup(
  store: ZarrStore,
  path = "",
  { attributes = {}, overwrite = false, signal }: NewGroup = {},
): Promise<StoreGroup> {
  const parts = partsOf(path);
  const document = groupMetadataToJson({ attributes });
  await prepare(store, parts, overwrite, { signal });
  await putDocument(store, parts.join("/"), document, {
    signal,
    precondition: overwrite ? undefined : "absent",
    isReplaced: overwrite,
  });
  return new StoreGroup(store, parts.join("/"), attributes, 3);
}

/**
 * Creates an array, and the groups above it that are not there yet. No chunk is written: every element is the fill
 * value.
 *
 * Errors: as {@link createGroup}; `InvalidMetadata`, `UnsupportedCodec`, `UnsupportedDataType` for an array that
 * cannot be.
 *
 * @example
 * const array = await createArray(store, "sst", {
 *   shape: [365, 180, 360], dataType: "float32", chunkShape: [1, 180, 360], fillValue: "NaN",
 *   dimensionNames: ["time", "lat", "lon"],
 * });
 */
export async function createArray(store: ZarrStore, path: string, array: NewArray): Promise<ZarrArray> {
  return await createArrayOf(store, path, newMetadata(array), array);
}

/** Creates an array whose metadata are there already. Errors: as {@link createArray}. */
export async function createArrayOf(
  store: ZarrStore,
  path: string,
  metadata: ArrayMetadata,
  { overwrite = false, signal }: Pick<NewGroup, "overwrite" | "signal"> = {},
): Promise<ZarrArray> {
  const parts = partsOf(path);
  await prepare(store, parts, overwrite, { signal });
  const key = parts.join("/");
  await putDocument(store, key, arrayMetadataToJson(metadata), {
    signal,
    precondition: overwrite ? undefined : "absent",
    isReplaced: overwrite,
  });
  return new ZarrArray({
    metadata,
    chunks: storeChunks(store, key, metadata),
    storage: store.storage,
    path: `/${key}`,
    source: store.address,
    sink: new StoreChunkSink(store, key, metadata),
  });
}

/** The metadata of a new array, checked. Errors: `InvalidMetadata`, `UnsupportedCodec`, `UnsupportedDataType`. */
export function newMetadata(array: NewArray): ArrayMetadata {
  const { shape, dimensionNames, attributes = {} } = array;
  const dataType = parseDataType(array.dataType);
  const chunkShape = array.chunkShape ?? shape.map((length) => Math.max(1, length));
  const inner = array.codecs ?? defaultCodecs(dataType);
  const fillValue =
    array.fillValue === undefined ? defaultFillValue(dataType) : parseFillValue(array.fillValue, dataType);
  const metadata: ArrayMetadata = {
    shape,
    dataType,
    chunkGrid: gridOf(array.shardShape ?? chunkShape),
    chunkKeyEncoding: { name: "default", separator: array.separator ?? "/" },
    fillValue,
    codecs: array.shardShape ? [shardingOf(chunkShape, inner)] : inner,
    ...(dimensionNames && { dimensionNames }),
    attributes,
  };
  // What a reader would refuse is not written.
  return parseArrayMetadata(arrayMetadataToJson(metadata));
}

/** What zarr-python encodes with when nothing else is asked for. */
function defaultCodecs(dataType: DataType): CodecSpecification[] {
  return [serializerOf(dataType), { name: "zstd", configuration: { level: 3, checksum: false } }];
}

/** Elements to bytes, little-endian. */
function serializerOf(dataType: DataType): CodecSpecification {
  if (dataType.name === "string") return { name: "vlen-utf8", configuration: {} };
  if (dataType.name === "variable_length_bytes") return { name: "vlen-bytes", configuration: {} };
  return itemSize(dataType) === 1
    ? { name: "bytes" }
    : { name: "bytes", configuration: { endian: "little" } };
}

function shardingOf(
  chunkShape: readonly (number | readonly number[])[],
  codecs: readonly CodecSpecification[],
): CodecSpecification {
  const json = (codec: CodecSpecification): JsonObject => ({
    name: codec.name,
    ...(codec.configuration && { configuration: codec.configuration }),
  });
  return {
    name: "sharding_indexed",
    configuration: {
      chunk_shape: chunkShape,
      codecs: codecs.map(json),
      index_codecs: [{ name: "bytes", configuration: { endian: "little" } }, { name: "crc32c" }],
      index_location: "end",
    },
  };
}

function gridOf(chunkShape: readonly (number | readonly number[])[]): ArrayMetadata["chunkGrid"] {
  const regular = chunkShape.filter((length) => typeof length === "number");
  if (regular.length === chunkShape.length) return { name: "regular", chunkShape: regular };
  return {
    name: "rectilinear",
    chunkShapes: chunkShape.map(
      (axis): RectilinearAxis =>
        typeof axis === "number" ? axis : axis.map((length) => [length, 1] as const),
    ),
  };
}

function partsOf(path: string): string[] {
  const parts = pathParts(path);
  for (const name of parts) {
    if (!isNodeName(name) || name.startsWith("__")) {
      throw new MoraineError("InvalidArgument", `"${name}" is no name for a group or array`, { path });
    }
  }
  return parts;
}

/** Makes the groups above a node, and room for it. */
async function prepare(
  store: ZarrStore,
  parts: readonly string[],
  overwrite: boolean,
  options: StorageOptions,
): Promise<void> {
  if (parts.length > 0 || !overwrite) await requireNoVersion2(store, options);
  for (let depth = 0; depth < parts.length; depth++) {
    const above = parts.slice(0, depth).join("/");
    try {
      await putDocument(store, above, groupMetadataToJson({ attributes: {} }), {
        ...options,
        precondition: "absent",
      });
    } catch (error) {
      if (!(error instanceof MoraineError) || error.code !== "AlreadyExists") throw error;
      const node = await openNode(store, above, options);
      if (node.kind === "array") {
        throw new MoraineError("InvalidArgument", "an array holds no other nodes", {
          source: store.address,
          path: `/${above}`,
        });
      }
    }
  }
  if (overwrite) await deleteBelow(store, parts.join("/"), options);
}

/** A document of v3 at the root of a store of v2 would hide everything that the store holds. */
async function requireNoVersion2(store: ZarrStore, options: StorageOptions): Promise<void> {
  const [own, ...older] = await Promise.all(
    ["zarr.json", ".zgroup", ".zarray"].map(async (name) => {
      try {
        return (await store.get(name, options)) !== undefined;
      } catch (error) {
        // Buckets that must not be listed answer so for keys that are not there.
        if (isMoraineError(error, "AccessDenied")) return false;
        throw error;
      }
    }),
  );
  if (own || !older.includes(true)) return;
  throw new MoraineError("UnsupportedVersion", "this is a store of Zarr v2, which is only read here", {
    source: store.address,
  });
}

/** Deletes a node with all that is below it. */
async function deleteBelow(store: ZarrStore, path: string, options?: StorageOptions): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list(path, options)) keys.push(key);
  for (let from = 0; from < keys.length; from += 1000)
    await store.delete(keys.slice(from, from + 1000), options);
}
