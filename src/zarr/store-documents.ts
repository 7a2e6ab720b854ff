/**
 * Writing the metadata documents of a store, and keeping the consolidated metadata above them true.
 *
 * @module
 */

import { isJsonObject, type JsonObject, stringifyJson } from "../binary/json.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { StorageOptions, Version } from "../storage/storage.ts";
import { consolidate } from "./consolidated.ts";
import { openNode } from "./hierarchy.ts";
import { groupMetadataToJson } from "./metadata-v3.ts";
import { getDocument, keyOf } from "./node-document.ts";
import type { ZarrStore } from "./store.ts";
import { pathParts } from "./tree.ts";

const UTF8 = new TextEncoder();
/** How often a document that others write at the same time is changed anew. */
const TRIES = 50;

/** A document as it is stored: strict JSON, indented as zarr-python does. */
export function encodeDocument(document: JsonObject): Uint8Array {
  return UTF8.encode(stringifyJson(document, 2));
}

/**
 * Writes the `zarr.json` of a node, and its copy in the consolidated metadata of each group above that has one.
 *
 * @param precondition `"absent"` for a node that must not be there yet: `AlreadyExists` where it is; or the state of its
 * document: `Conflict` where it has another
 * @param isReplaced what was below the node is there no longer
 */
export async function putDocument(
  store: ZarrStore,
  path: string,
  document: JsonObject,
  options: StorageOptions & {
    readonly precondition?: "absent" | Version | undefined;
    readonly isReplaced?: boolean | undefined;
  } = {},
): Promise<Version> {
  const { precondition, isReplaced = false, signal } = options;
  let version: Version;
  try {
    version = await store.set(keyOf(path, "zarr.json"), encodeDocument(document), { precondition, signal });
  } catch (error) {
    if (!isMoraineError(error, "PreconditionFailed")) throw error;
    const place = { source: store.address, path: `/${path}` };
    throw precondition === "absent"
      ? new MoraineError("AlreadyExists", "there is a Zarr array or group already", place)
      : new MoraineError("Conflict", "somebody else has changed this array: open it again", place);
  }
  const parts = pathParts(path);
  for (let depth = 0; depth < parts.length; depth++) {
    await updateConsolidated(
      store,
      parts.slice(0, depth).join("/"),
      parts.slice(depth).join("/"),
      document,
      isReplaced,
      { signal },
    );
  }
  return version;
}

/** Writes the consolidated metadata of a group. Errors: that of a node below which cannot be read. */
export async function consolidateMetadata(
  store: ZarrStore,
  path = "",
  options?: StorageOptions,
): Promise<void> {
  const group = await openNode(store, path, { ...options });
  if (group.kind !== "group" || group.zarrFormat !== 3) {
    throw new MoraineError("InvalidArgument", "only a Zarr v3 group can be consolidated", {
      source: store.address,
      path: `/${path}`,
    });
  }
  const document = {
    ...groupMetadataToJson(group),
    consolidated_metadata: await consolidate(group.unconsolidated(), options),
  };
  await store.set(keyOf(group.path, "zarr.json"), encodeDocument(document), options);
}

/** Puts a document into the consolidated metadata of a group, if it has one. */
async function updateConsolidated(
  store: ZarrStore,
  groupPath: string,
  below: string,
  document: JsonObject,
  isReplaced: boolean,
  options: StorageOptions,
): Promise<void> {
  const key = keyOf(groupPath, "zarr.json");
  for (let tries = 0; tries < TRIES; tries++) {
    const version: Version | undefined = await versionOf(store, key, options);
    if (version === undefined) return;
    const group = await getDocument(store, key, options);
    const consolidated = isJsonObject(group) ? group["consolidated_metadata"] : undefined;
    const metadata = isJsonObject(consolidated) ? consolidated["metadata"] : undefined;
    if (!isJsonObject(group) || !isJsonObject(consolidated) || !isJsonObject(metadata)) return;
    const kept = Object.entries(metadata).filter(([path]) => !(isReplaced && path.startsWith(`${below}/`)));
    const changed = {
      ...group,
      consolidated_metadata: {
        ...consolidated,
        metadata: { ...Object.fromEntries(kept), [below]: document },
      },
    };
    try {
      await store.set(key, encodeDocument(changed), { ...options, precondition: version });
      return;
    } catch (error) {
      if (!isMoraineError(error, "PreconditionFailed")) throw error;
    }
  }
  throw new MoraineError("Conflict", "others keep writing the consolidated metadata", {
    source: store.address,
    path: `/${groupPath}`,
  });
}

async function versionOf(
  store: ZarrStore,
  key: string,
  options: StorageOptions | undefined,
): Promise<Version | undefined> {
  try {
    return await store.storage.head(store.addressOf(key), options);
  } catch (error) {
    if (isMoraineError(error, "NotFound")) return undefined;
    throw error;
  }
}
