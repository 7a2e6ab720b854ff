/**
 * The metadata documents of a node as a store keeps them: one in Zarr v3, up to three in v2.
 *
 * @module
 */

import { type JsonValue, parseJson } from "../binary/json.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata, GroupMetadata } from "./array-metadata.ts";
import { parseArrayMetadataV2, parseGroupMetadataV2 } from "./metadata-v2.ts";
import { nodeTypeOf, parseArrayMetadata, parseGroupMetadata } from "./metadata-v3.ts";
import type { ZarrStore } from "./store.ts";

export type NodeDocument =
  | { readonly format: 3; readonly document: JsonValue }
  | {
      readonly format: 2;
      /** `.zarray`, `.zgroup` and `.zattrs`, where they are. */
      readonly array?: JsonValue;
      readonly group?: JsonValue;
      readonly attributes?: JsonValue;
    };

/** The key of something that belongs to a node. */
export function keyOf(path: string, name: string): string {
  return path === "" ? name : `${path}/${name}`;
}

/** A JSON document of a store, or undefined where there is none. Errors: `InvalidMetadata`. */
export async function getDocument(
  store: ZarrStore,
  key: string,
  options?: StorageOptions,
): Promise<JsonValue | undefined> {
  const bytes = await store.get(key, options);
  return bytes && parseJson(bytes, store.addressOf(key));
}

/** The documents of a node, or undefined where no node is. Errors: `InvalidMetadata` for bad JSON. */
export async function readNodeDocument(
  store: ZarrStore,
  path: string,
  format: 2 | 3,
  options?: StorageOptions,
): Promise<NodeDocument | undefined> {
  if (format === 3) {
    const document = await getDocument(store, keyOf(path, "zarr.json"), options);
    return document === undefined ? undefined : { format, document };
  }
  const [array, group, attributes] = await Promise.all(
    [".zarray", ".zgroup", ".zattrs"].map((name) => getDocument(store, keyOf(path, name), options)),
  );
  if (array === undefined && group === undefined) return undefined;
  return {
    format,
    ...(array !== undefined && { array }),
    ...(group !== undefined && { group }),
    ...(attributes !== undefined && { attributes }),
  };
}

/** What a node is. Errors: as the metadata's parsers. */
export function parseNodeDocument(
  document: NodeDocument,
):
  | { readonly kind: "array"; readonly metadata: ArrayMetadata }
  | { readonly kind: "group"; readonly metadata: GroupMetadata } {
  if (document.format === 3) {
    return nodeTypeOf(document.document).type === "array"
      ? { kind: "array", metadata: parseArrayMetadata(document.document) }
      : { kind: "group", metadata: parseGroupMetadata(document.document) };
  }
  return document.array !== undefined
    ? { kind: "array", metadata: parseArrayMetadataV2(document.array, document.attributes) }
    : { kind: "group", metadata: parseGroupMetadataV2(document.group ?? null, document.attributes) };
}
