/**
 * Consolidated metadata: the documents of all nodes below a group in one (Zarr v3 core 3.1 "consolidated metadata";
 * for v2 the `.zmetadata` of zarr-python).
 *
 * @module
 */

import { isJsonObject, type JsonObject, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { arrayMetadataToJson, groupMetadataToJson } from "./metadata-v3.ts";
import type { NodeDocument } from "./node-document.ts";
import { type GroupNode, isNodeName, walkNodes } from "./tree.ts";

/** The documents below a group, by path from there, and which nodes each group has. */
export class Consolidated {
  readonly #documents = new Map<string, NodeDocument>();
  readonly #members = new Map<string, string[]>();

  constructor(documents: Iterable<readonly [path: string, document: NodeDocument]>) {
    for (const [path, document] of documents) this.#add(path, document);
    for (const names of this.#members.values()) names.sort((a, b) => (a < b ? -1 : 1));
  }

  get(path: string): NodeDocument | undefined {
    return this.#documents.get(path);
  }

  /** Names of the members of a group. */
  members(path: string): readonly string[] {
    return this.#members.get(path) ?? [];
  }

  #add(path: string, document: NodeDocument): void {
    const parts = path.split("/");
    if (this.#documents.has(path) || !parts.every(isNodeName)) return;
    this.#documents.set(path, document);
    const name = parts.pop() ?? "";
    const parent = parts.join("/");
    const names = this.#members.get(parent);
    if (names) names.push(name);
    else this.#members.set(parent, [name]);
    // Zarr v2 writers leave out the groups between, whose documents would be empty.
    if (parent !== "" && document.format === 2) this.#add(parent, EMPTY_GROUP);
  }
}

const EMPTY_GROUP: NodeDocument = { format: 2, group: { zarr_format: 2 } };

/** The consolidated metadata in the `zarr.json` of a group; undefined where there is none. */
export function consolidatedOfV3(group: JsonValue): Consolidated | undefined {
  // null: early versions of zarr-python 3 wrote it for "none".
  const given = isJsonObject(group) ? (group["consolidated_metadata"] ?? undefined) : undefined;
  if (given === undefined) return undefined;
  // Of a kind that is not known here, and that need not be.
  if (isJsonObject(given) && given["kind"] !== "inline" && given["must_understand"] === false)
    return undefined;
  const metadata = isJsonObject(given) && given["kind"] === "inline" ? given["metadata"] : undefined;
  if (!isJsonObject(metadata)) throw refuse("consolidated_metadata of zarr.json is no inline metadata");
  return new Consolidated(
    Object.entries(metadata).map(([path, document]) => [path, { format: 3, document }] as const),
  );
}

/** The consolidated metadata in a `.zmetadata`. Errors: `InvalidMetadata`. */
export function consolidatedOfV2(document: JsonValue): Consolidated {
  const metadata = isJsonObject(document) ? document["metadata"] : undefined;
  if (!isJsonObject(document) || document["zarr_consolidated_format"] !== 1 || !isJsonObject(metadata)) {
    throw refuse(".zmetadata is no consolidated metadata of format 1");
  }
  const nodes = new Map<string, { array?: JsonValue; group?: JsonValue; attributes?: JsonValue }>();
  for (const [key, value] of Object.entries(metadata)) {
    const match = /^(?:(.*)\/)?\.(zarray|zgroup|zattrs)$/s.exec(key);
    if (match?.[1] === undefined) continue;
    let node = nodes.get(match[1]);
    if (node === undefined) {
      node = {};
      nodes.set(match[1], node);
    }
    if (match[2] === "zarray") node.array = value;
    else if (match[2] === "zgroup") node.group = value;
    else node.attributes = value;
  }
  return new Consolidated(
    [...nodes]
      .filter(([, node]) => node.array !== undefined || node.group !== undefined)
      .map(([path, node]) => [path, { format: 2, ...node }] as const),
  );
}

/**
 * The value of `consolidated_metadata` for a group, in the form of zarr-python: every group below has an empty
 * one of its own.
 *
 * Errors: that of a node below which cannot be read.
 */
export async function consolidate(group: GroupNode, options?: StorageOptions): Promise<JsonObject> {
  const documents: [string, JsonObject][] = [];
  for await (const { path, node } of walkNodes(group, options)) {
    if (node.kind === "fault") throw node.error.at({ path: `/${path}` });
    documents.push([
      path,
      node.kind === "array"
        ? arrayMetadataToJson(node.metadata)
        : { ...groupMetadataToJson(node), consolidated_metadata: inline([]) },
    ]);
  }
  return inline(documents.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function inline(documents: readonly (readonly [string, JsonObject])[]): JsonObject {
  return { kind: "inline", must_understand: false, metadata: Object.fromEntries(documents) };
}

function refuse(message: string): MoraineError {
  return new MoraineError("InvalidMetadata", message);
}
