/**
 * Any tree of groups and arrays as a store object of zarrita: a NetCDF file, references, a repository.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { createPipeline, type Pipeline } from "../../codecs/pipeline.ts";
import { isMoraineError } from "../../errors.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../array-metadata.ts";
import { chunkExtent, gridShapeOf } from "../chunk-grid.ts";
import { parseChunkKey } from "../chunk-key.ts";
import { arrayMetadataToJson, groupMetadataToJson } from "../metadata-v3.ts";
import { ZarrArray } from "../node.ts";
import { encodeDocument } from "../store-documents.ts";
import { type ArrayNode, type GroupNode, pathParts, walkNodes, type ZarrNode } from "../tree.ts";
import { padded } from "../write/chunk-encoder.ts";
import { presentedElements, presentedMetadata } from "./presentation.ts";

/** A range as zarrita asks for it. */
export type RangeQuery =
  | { readonly offset: number; readonly length: number }
  | { readonly suffixLength: number };

/** What the store shows. */
export interface ShownTree {
  readonly root: GroupNode | ArrayNode;
  /** Reads the places that the arrays' chunk sources give. */
  readonly storage: Storage;
  /** Address, for errors. */
  readonly source?: string | undefined;
  /** Put all metadata into the root's document: for trees whose metadata is at hand. */
  readonly isConsolidated?: boolean | undefined;
}

interface ShownArray {
  readonly array: ZarrArray;
  readonly metadata: ArrayMetadata;
  readonly gridShape: readonly number[];
  readonly pipeline: Pipeline;
}

/** Arrays that are remembered. */
const KEEP = 1024;

/**
 * A readable store of zarrita (`AsyncReadable`): Zarr v3 documents and chunks by their keys. Chunks are decoded when
 * they are asked for; zarrita gets plain elements. What is not in the tree, or cannot be read, is not there.
 *
 * @example
 * import * as zarr from "zarrita";
 * const group = await zarr.open(new ZarritaStore(tree), { kind: "group" });
 */
export class ZarritaStore {
  readonly #tree: ShownTree;
  readonly #arrays = new Map<string, Promise<ShownArray>>();
  #rootDocument: Promise<Uint8Array> | undefined;

  constructor(tree: ShownTree) {
    this.#tree = tree;
  }

  /** The value of a key (`/a/zarr.json`, `/a/c/0/1`), undefined where there is none. Errors: those of reading. */
  async get(key: string, options?: StorageOptions): Promise<Uint8Array | undefined> {
    const found = await this.#find(pathParts(key), options);
    if (found === undefined) return undefined;
    const { node, path, rest } = found;
    const isDocument = rest === "zarr.json";
    if (node.kind === "group") {
      if (!isDocument) return undefined;
      return path === "" ? (await this.#document(node, options)).slice() : groupDocument(node);
    }
    const shown = await this.#shownArray(path, node);
    return isDocument
      ? encodeDocument(arrayMetadataToJson(shown.metadata))
      : await readChunk(shown, rest, options);
  }

  /** A part of the value of a key. */
  async getRange(key: string, range: RangeQuery, options?: StorageOptions): Promise<Uint8Array | undefined> {
    const value = await this.get(key, options);
    return "suffixLength" in range
      ? value?.slice(Math.max(0, value.length - range.suffixLength))
      : value?.slice(range.offset, range.offset + range.length);
  }

  /** The deepest node on the way of a key, and what remains of it. */
  async #find(
    parts: readonly string[],
    options: StorageOptions | undefined,
  ): Promise<{ node: GroupNode | ArrayNode; path: string; rest: string } | undefined> {
    let node: ZarrNode | undefined = this.#tree.root;
    let depth = 0;
    // The last part is the document, or a part of a chunk's key.
    while (node?.kind === "group" && depth < parts.length - 1) {
      node = await node.child(parts[depth] ?? "", options);
      depth += 1;
    }
    if (node === undefined || node.kind === "fault") return undefined;
    return { node, path: parts.slice(0, depth).join("/"), rest: parts.slice(depth).join("/") };
  }

  #shownArray(path: string, node: ArrayNode): Promise<ShownArray> {
    let shown = this.#arrays.get(path);
    if (shown === undefined) {
      if (this.#arrays.size >= KEEP) this.#arrays.clear();
      shown = this.#show(path, node);
      this.#arrays.set(path, shown);
      shown.catch(() => this.#arrays.delete(path));
    }
    return shown;
  }

  async #show(path: string, { metadata, chunks }: ArrayNode): Promise<ShownArray> {
    const { storage, source } = this.#tree;
    const shown = presentedMetadata(metadata);
    const { chunkGrid, codecs, dataType, fillValue } = shown;
    const shape = chunkGrid.name === "regular" ? chunkGrid.chunkShape : [];
    const pipeline = createPipeline(codecs, { shape, dataType, fillValue });
    await pipeline.ready();
    return {
      array: new ZarrArray({ metadata, chunks, storage, path: `/${path}`, source }),
      metadata: shown,
      gridShape: gridShapeOf(shown),
      pipeline,
    };
  }

  #document(root: GroupNode, options: StorageOptions | undefined): Promise<Uint8Array> {
    if (this.#tree.isConsolidated !== true) return Promise.resolve(groupDocument(root));
    this.#rootDocument ??= consolidatedDocument(root, options);
    this.#rootDocument.catch(() => {
      this.#rootDocument = undefined;
    });
    return this.#rootDocument;
  }
}

function groupDocument({ attributes }: GroupNode): Uint8Array {
  return encodeDocument(groupMetadataToJson({ attributes }));
}

/** The root's document with those of everything below it that can be read. */
async function consolidatedDocument(
  root: GroupNode,
  options: StorageOptions | undefined,
): Promise<Uint8Array> {
  const documents: [string, JsonObject][] = [];
  for await (const { path, node } of walkNodes(root, options)) {
    if (node.kind === "group") documents.push([path, groupMetadataToJson(node)]);
    else if (node.kind === "array")
      documents.push([path, arrayMetadataToJson(presentedMetadata(node.metadata))]);
  }
  return encodeDocument({
    ...groupMetadataToJson(root),
    consolidated_metadata: {
      kind: "inline",
      must_understand: false,
      metadata: Object.fromEntries(documents),
    },
  });
}

/** The elements of a chunk, encoded as they are shown. */
async function readChunk(
  { array, metadata, gridShape, pipeline }: ShownArray,
  key: string,
  options: StorageOptions | undefined,
): Promise<Uint8Array | undefined> {
  const coordinates = parseChunkKey(metadata.chunkKeyEncoding, key, gridShape.length);
  if (!coordinates?.every((coordinate, axis) => coordinate < (gridShape[axis] ?? 0))) return undefined;
  const { start, shape, inside } = chunkExtent(metadata, coordinates);
  try {
    const region = await array.readRegion(start, inside, { signal: options?.signal });
    const elements = presentedElements(region, array.dataType);
    const bytes = pipeline.encode(padded(elements, inside, shape, metadata));
    // Consumers take the buffer of what they get for the value.
    return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  } catch (error) {
    throw isMoraineError(error) ? error.at({ source: array.source, path: array.path }) : error;
  }
}
