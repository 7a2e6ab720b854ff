/**
 * Groups and arrays with their references as a Kerchunk JSON document, version 1.
 *
 * @module
 */

import { encodeBase64 } from "../../binary/base64.ts";
import { concatenateBytes } from "../../binary/byte-sequences.ts";
import { type JsonObject, stringifyJson } from "../../binary/json.ts";
import { addressToPath, schemeOf } from "../../storage/address.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { chunkKey } from "../../zarr/chunk-key.ts";
import { type ChunkManifest, entryCoordinates } from "../chunk-manifest.ts";
import type { StoredNode } from "./stored-nodes.ts";

const UTF8 = new TextEncoder();
/** Characters of text that are encoded at a time. */
const BATCH = 4 * 1024 * 1024;

/** An array's metadata and its references. */
export interface ArrayWithReferences {
  readonly path: string;
  readonly metadata: ArrayMetadata;
  readonly manifest: ChunkManifest;
}

/**
 * The document, strict JSON: documents first, then the references of each array in C order. Data are in base64.
 *
 * @param nodes documents of all nodes
 * @param address where the document will lie
 */
export function encodeKerchunkJson(
  nodes: readonly StoredNode[],
  arrays: readonly ArrayWithReferences[],
  address: string,
): Uint8Array {
  const parts: Uint8Array[] = [];
  let text = '{"version":1,"refs":{';
  let separator = "";
  const add = (key: string, value: string): void => {
    text += `${separator}${JSON.stringify(key)}:${value}`;
    separator = ",";
    if (text.length >= BATCH) {
      parts.push(UTF8.encode(text));
      text = "";
    }
  };
  for (const { key, document } of nodes) add(key, JSON.stringify(stringifyJson(document)));
  for (const { path, metadata, manifest } of arrays) {
    const prefix = path === "" ? "" : `${path}/`;
    const locations = manifest.locations.map((location) => JSON.stringify(kerchunkUrl(location, address)));
    for (const { entry, key } of entriesOf(metadata, manifest)) {
      const inline = manifest.inline.get(entry);
      const location = locations[manifest.locationIndexes?.[entry] ?? 0];
      add(
        prefix + key,
        inline
          ? `"base64:${encodeBase64(inline)}"`
          : `[${location},${manifest.offsets[entry] ?? 0},${manifest.lengths[entry] ?? 0}]`,
      );
    }
  }
  parts.push(UTF8.encode(`${text}}}`));
  return concatenateBytes(parts);
}

/** The key of each entry below its array. */
export function* entriesOf(
  { chunkKeyEncoding }: ArrayMetadata,
  manifest: ChunkManifest,
): Generator<{ readonly entry: number; readonly key: string }, void, undefined> {
  for (let entry = 0; entry < manifest.count; entry++) {
    yield { entry, key: chunkKey(chunkKeyEncoding, entryCoordinates(manifest, entry)) };
  }
}

/**
 * Local files as plain paths, which is what fsspec opens: it does not undo the escapes of `file:` addresses. Only in
 * references that are local too; elsewhere a path would belong to their own host.
 *
 * @param set address of the references
 */
export function kerchunkUrl(address: string, set: string): string {
  return schemeOf(address) === "file" && schemeOf(set) === "file" ? addressToPath(address) : address;
}

/** The documents of a set as one object, as Kerchunk Parquet keeps them. */
export function consolidatedDocuments(nodes: readonly StoredNode[], recordSize: number): Uint8Array {
  const metadata: JsonObject = Object.fromEntries(nodes.map(({ key, document }) => [key, document]));
  return UTF8.encode(stringifyJson({ metadata, record_size: recordSize }));
}
