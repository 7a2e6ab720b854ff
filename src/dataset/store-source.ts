/**
 * A Zarr store as a source, its stored chunks listed where references are asked for.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../errors.ts";
import type { ChunkManifest } from "../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../manifest/manifest-builder.ts";
import type { VirtualArray } from "../manifest/virtual-group.ts";
import type { StorageRouter } from "../storage/router.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { gridPosition, gridShapeOf } from "../zarr/chunk-grid.ts";
import { parseChunkKey } from "../zarr/chunk-key.ts";
import { openNode, type StoreArray, type StoreGroup, type StoreNode } from "../zarr/hierarchy.ts";
import { keyOf } from "../zarr/node-document.ts";
import { ZarrStore } from "../zarr/store.ts";
import type { GroupNode, ZarrNode } from "../zarr/tree.ts";
import type { ZipStorage } from "../zarr/zip/zip-storage.ts";
import { referencedArray } from "./referenced-array.ts";
import type { OpenedSource } from "./source.ts";

export interface StoreSourceOptions extends StorageOptions {
  /** Absolute address prefixes that references may lead to. */
  readonly authorize?: readonly string[] | undefined;
}

/** Opens the group or array that lies in a folder. */
export async function openStoreSource(
  address: string,
  storage: StorageRouter,
  options: StoreSourceOptions,
): Promise<OpenedSource> {
  return await sourceOf(address, new ZarrStore(storage, address), storage, options);
}

/**
 * Opens the group or array in a zip archive: at its top, or in the one folder that is all of it, as there is where the
 * store's folder was packed and not what it holds. Errors: `UnknownFormat` where it holds none.
 */
export async function openZipSource(
  address: string,
  storage: StorageRouter,
  options: StoreSourceOptions,
): Promise<OpenedSource> {
  const { ZipStorage } = await import("../zarr/zip/zip-storage.ts");
  const zip = await ZipStorage.open(storage, address, { signal: options.signal });
  let root: string | undefined = zip.root;
  while (root !== undefined) {
    try {
      return await sourceOf(address, new ZarrStore(zip, root), storage, options);
    } catch (error) {
      if (!isMoraineError(error, "NotFound")) throw error;
      root = await onlyFolder(zip, root);
    }
  }
  throw new MoraineError("UnknownFormat", "there is no Zarr store at the top of this zip archive", {
    source: address,
  });
}

/** The folder that is all there is in another. (Archives made on a Mac have one of the machine's own beside it.) */
async function onlyFolder(zip: ZipStorage, folder: string): Promise<string | undefined> {
  const found: string[] = [];
  // The folder itself may be an entry.
  for await (const name of zip.names(folder)) if (name !== "" && name !== "__MACOSX/") found.push(name);
  const [only] = found;
  return found.length === 1 && only?.endsWith("/") ? folder + only : undefined;
}

async function sourceOf(
  address: string,
  store: ZarrStore,
  storage: StorageRouter,
  options: StoreSourceOptions,
): Promise<OpenedSource> {
  const root = await openNode(store, "", { signal: options.signal });
  return {
    address,
    format: "zarr",
    root: root.kind === "array" ? listed(root) : listedGroup(root, options.authorize),
    storage: store.storage,
    isNative: (location) => location.startsWith(store.address),
    statistics: () => storage.statistics,
    close: () => Promise.resolve(),
  };
}

/** A group whose arrays can list their chunks, and may be references. */
function listedGroup(group: StoreGroup, authorize: readonly string[] | undefined): GroupNode {
  const node = async (name: string, child: StoreNode, options?: StorageOptions): Promise<ZarrNode> => {
    if (child.kind === "array") return listed(child);
    if (child.kind === "group") return listedGroup(child, authorize);
    if (!isMoraineError(child.error, "UnsupportedLayout", "UnsupportedCodec")) return child;
    return (await referencedArray(group.store, keyOf(group.path, name), authorize, options)) ?? child;
  };
  return {
    kind: "group",
    attributes: group.attributes,
    identity: group.identity,
    async child(name, options) {
      const child = await group.child(name, options);
      return child && (await node(name, child, options));
    },
    async children(options) {
      const members = new Map<string, ZarrNode>();
      for (const [name, child] of await group.children(options)) {
        members.set(name, await node(name, child, options));
      }
      return members;
    },
  };
}

function listed(array: StoreArray): VirtualArray {
  let manifest: Promise<ChunkManifest> | undefined;
  return {
    kind: "array",
    metadata: array.metadata,
    chunks: array.chunks,
    manifest: (options) => {
      manifest ??= listChunks(array, options);
      manifest.catch(() => {
        manifest = undefined;
      });
      return manifest;
    },
  };
}

/** The chunks that a store holds of an array, found by listing its folder. */
async function listChunks(array: StoreArray, options?: StorageOptions): Promise<ChunkManifest> {
  const { store, path, metadata } = array;
  const gridShape = gridShapeOf(metadata);
  const folder = path === "" ? "" : `${path}/`;
  let builder: ManifestBuilder | undefined;
  for await (const { key, ...version } of store.list(path, options)) {
    const coordinates = parseChunkKey(metadata.chunkKeyEncoding, key.slice(folder.length), gridShape.length);
    const position = coordinates === undefined ? -1 : gridPosition(coordinates, gridShape);
    if (position < 0) continue;
    const location = store.addressOf(key);
    let index = 0;
    if (builder === undefined) builder = new ManifestBuilder(gridShape, location, version);
    else index = builder.addLocation(location, version);
    builder.append(position, 0, version.size ?? 0, 0, index);
  }
  return (builder ?? new ManifestBuilder(gridShape, store.address)).build();
}
