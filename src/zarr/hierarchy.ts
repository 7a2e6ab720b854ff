/**
 * The groups and arrays of a store (Zarr v3 core 3.1 "hierarchy"; v2 "storage").
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata } from "./array-metadata.ts";
import type { ChunkSource } from "./chunk-source.ts";
import { type Consolidated, consolidatedOfV2, consolidatedOfV3 } from "./consolidated.ts";
import {
  getDocument,
  keyOf,
  type NodeDocument,
  parseNodeDocument,
  readNodeDocument,
} from "./node-document.ts";
import type { ZarrStore } from "./store.ts";
import { StoreChunkSource } from "./store-chunk-source.ts";
import { type ArrayNode, type FaultyNode, type GroupNode, isNodeName, pathParts } from "./tree.ts";

/** Members whose documents are asked for at the same time. */
const CONCURRENT_MEMBERS = 32;

/** An array of a store. */
export interface StoreArray extends ArrayNode {
  readonly store: ZarrStore;
  /** Without slashes at its ends; empty for a store that is an array itself. */
  readonly path: string;
  readonly zarrFormat: 2 | 3;
}

/** A node of a store. */
export type StoreNode = StoreGroup | StoreArray | FaultyNode;

/** Consolidated metadata, and the path of the group that has it. */
interface ConsolidatedBelow {
  readonly documents: Consolidated;
  readonly path: string;
}

/**
 * Opens the node at a path of a store: Zarr v3, or v2 where there is no v3. Consolidated metadata is used where
 * the node has it.
 *
 * Errors: `NotFound` where no node is; those of the metadata's parsers.
 *
 * @example
 * const root = await openNode(new ZarrStore(storage, "https://host/archive.zarr/"));
 */
export async function openNode(
  store: ZarrStore,
  path = "",
  options?: StorageOptions,
): Promise<StoreGroup | StoreArray> {
  const parts = pathParts(path);
  const node = parts.every(isNodeName) ? await probe(store, parts.join("/"), options) : undefined;
  if (node === undefined) {
    throw new MoraineError("NotFound", "there is no Zarr array or group", {
      source: store.address,
      path: `/${parts.join("/")}`,
    });
  }
  if (node.kind === "fault") throw node.error;
  return node;
}

async function probe(
  store: ZarrStore,
  path: string,
  options: StorageOptions | undefined,
): Promise<StoreNode | undefined> {
  let denied: unknown;
  for (const format of [3, 2] as const) {
    try {
      const [document, zmetadata] = await Promise.all([
        readNodeDocument(store, path, format, options),
        format === 2 ? getDocument(store, keyOf(path, ".zmetadata"), options) : undefined,
      ]);
      if (document === undefined) continue;
      const documents = zmetadata === undefined ? undefined : consolidatedOfV2(zmetadata);
      return nodeOf(store, path, document, documents && { documents, path });
    } catch (error) {
      // Buckets that must not be listed answer so for keys that are not there.
      if (!isMoraineError(error, "AccessDenied")) throw placed(error, store, path);
      denied = error;
    }
  }
  if (denied !== undefined) throw denied;
  return undefined;
}

function nodeOf(
  store: ZarrStore,
  path: string,
  document: NodeDocument,
  consolidated: ConsolidatedBelow | undefined,
): StoreNode {
  try {
    const node = parseNodeDocument(document);
    if (node.kind === "group") {
      const own = document.format === 3 && !consolidated ? consolidatedOfV3(document.document) : undefined;
      return new StoreGroup(
        store,
        path,
        node.metadata.attributes,
        document.format,
        own ? { documents: own, path } : consolidated,
      );
    }
    return {
      kind: "array",
      store,
      path,
      zarrFormat: document.format,
      metadata: node.metadata,
      chunks: storeChunks(store, path, node.metadata),
    };
  } catch (error) {
    return { kind: "fault", error: placed(error, store, path) };
  }
}

/** The chunk source of an array at a path of a store. */
export function storeChunks(store: ZarrStore, path: string, metadata: ArrayMetadata): ChunkSource {
  const address = path === "" ? store.address : store.addressOf(path);
  return new StoreChunkSource(address, metadata.chunkKeyEncoding, metadata.shape.length);
}

function placed(error: unknown, store: ZarrStore, path: string): MoraineError {
  if (!isMoraineError(error)) throw error;
  return error.at({ source: store.address, path: `/${path}` });
}

/** A group of a store. */
export class StoreGroup implements GroupNode {
  readonly kind = "group";
  readonly store: ZarrStore;
  /** Without slashes at its ends; empty for the root. */
  readonly path: string;
  readonly attributes: JsonObject;
  readonly zarrFormat: 2 | 3;
  readonly #consolidated: ConsolidatedBelow | undefined;

  constructor(
    store: ZarrStore,
    path: string,
    attributes: JsonObject,
    zarrFormat: 2 | 3,
    consolidated?: ConsolidatedBelow,
  ) {
    this.store = store;
    this.path = path;
    this.attributes = attributes;
    this.zarrFormat = zarrFormat;
    this.#consolidated = consolidated;
  }

  get identity(): object {
    return this;
  }

  /** Whether the group itself has consolidated metadata. */
  get isConsolidated(): boolean {
    return this.#consolidated?.path === this.path;
  }

  /** The same group, whose members are looked up in the store and not in consolidated metadata. */
  unconsolidated(): StoreGroup {
    return new StoreGroup(this.store, this.path, this.attributes, this.zarrFormat);
  }

  /** The member of this name; undefined where there is none. One that cannot be read is a fault. */
  async child(name: string, options?: StorageOptions): Promise<StoreNode | undefined> {
    if (!isNodeName(name)) return undefined;
    const path = keyOf(this.path, name);
    try {
      const document = this.#consolidated
        ? this.#consolidated.documents.get(below(this.#consolidated.path, path))
        : await readNodeDocument(this.store, path, this.zarrFormat, options);
      return document && nodeOf(this.store, path, document, this.#consolidated);
    } catch (error) {
      // What the storage says is no fault of the member.
      if (!isMoraineError(error, "InvalidMetadata")) throw error;
      return { kind: "fault", error: placed(error, this.store, path) };
    }
  }

  /**
   * All members by name, sorted.
   *
   * Errors: those of the storage where it cannot be listed, such as HTTP without consolidated metadata.
   */
  async children(options?: StorageOptions): Promise<ReadonlyMap<string, StoreNode>> {
    const names = await this.#memberNames(options);
    const nodes = new Array<StoreNode | undefined>(names.length);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < names.length; index = next++) {
        nodes[index] = await this.child(names[index] ?? "", options);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_MEMBERS, names.length) }, work));
    const members = new Map<string, StoreNode>();
    names.forEach((name, index) => {
      const node = nodes[index];
      if (node) members.set(name, node);
    });
    return members;
  }

  async #memberNames(options: StorageOptions | undefined): Promise<readonly string[]> {
    if (this.#consolidated) {
      return this.#consolidated.documents.members(below(this.#consolidated.path, this.path));
    }
    const names: string[] = [];
    for await (const name of this.store.names(this.path, options)) {
      if (name.endsWith("/")) names.push(name.slice(0, -1));
    }
    return names.sort((a, b) => (a < b ? -1 : 1));
  }
}

/** A path seen from one of its ancestors. */
function below(ancestor: string, path: string): string {
  return path === ancestor ? "" : ancestor === "" ? path : path.slice(ancestor.length + 1);
}
