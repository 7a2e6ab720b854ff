/**
 * Groups and arrays from the metadata documents of a set of references.
 *
 * @module
 */

import { isJsonObject, type JsonObject, type JsonValue } from "../../binary/json.ts";
import { fillValueToJson } from "../../data-types/fill-value.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { type NodeDocument, parseNodeDocument } from "../../zarr/node-document.ts";
import { encodeFillValueAttribute } from "../fill-value-attribute.ts";
import type { FaultyArray, VirtualArray, VirtualGroup } from "../virtual-group.ts";

/** The documents of each node, by path; the root's is empty. */
export function nodeDocuments(documents: ReadonlyMap<string, JsonValue>): Map<string, NodeDocument> {
  const nodes = new Map<string, NodeDocument>();
  for (const [key, document] of documents) {
    const at = key.lastIndexOf("/");
    const path = at < 0 ? "" : key.slice(0, at);
    const name = key.slice(at + 1);
    const known = nodes.get(path);
    if (name === "zarr.json") nodes.set(path, { format: 3, document });
    else if (name !== ".zmetadata" && known?.format !== 3) {
      const part =
        name === ".zarray"
          ? { array: document }
          : name === ".zgroup"
            ? { group: document }
            : { attributes: document };
      nodes.set(path, { ...known, format: 2, ...part });
    }
  }
  return nodes;
}

/** What a document says of a node; the error of one that cannot be used. */
export type ParsedNode =
  | ReturnType<typeof parseNodeDocument>
  | { readonly kind: "fault"; readonly error: MoraineError };

/** Parses the documents of all nodes, arrays as xarray would see them. */
export function parseNodes(nodes: ReadonlyMap<string, NodeDocument>): Map<string, ParsedNode> {
  const parsed = new Map<string, ParsedNode>();
  for (const [path, document] of nodes) {
    try {
      const isAttributesOnly =
        document.format === 2 && document.array === undefined && document.group === undefined;
      const node = parseNodeDocument(
        isAttributesOnly ? { ...document, group: { zarr_format: 2 } } : document,
      );
      parsed.set(
        path,
        node.kind === "array" && document.format === 2
          ? { kind: "array", metadata: withConventions(node.metadata, document.array) }
          : node,
      );
    } catch (error) {
      if (!isMoraineError(error)) throw error;
      parsed.set(path, { kind: "fault", error: error.at({ path: `/${path}` }) });
    }
  }
  return parsed;
}

/**
 * What xarray keeps in other places in Zarr v2: dimension names in an attribute, `_FillValue` as the fill value.
 */
function withConventions(metadata: ArrayMetadata, document: JsonValue | undefined): ArrayMetadata {
  const { _ARRAY_DIMENSIONS: _, _FillValue: given, ...attributes } = metadata.attributes;
  const fill = fillValueIn(document) ? fillValueToJson(metadata.fillValue, metadata.dataType) : undefined;
  const value = encodeFillValueAttribute(numberOf(fill) ?? given ?? null, metadata.dataType);
  return { ...metadata, attributes: value === undefined ? attributes : { ...attributes, _FillValue: value } };
}

function fillValueIn(document: JsonValue | undefined): boolean {
  return isJsonObject(document) && (document["fill_value"] ?? null) !== null;
}

/** Numbers that JSON has no form for stand as words. */
function numberOf(json: JsonValue | undefined): JsonValue | undefined {
  return json === "NaN" || json === "Infinity" || json === "-Infinity" ? Number(json) : json;
}

/**
 * The tree of groups; those between, which some writers leave out, are empty.
 *
 * @param arrayOf makes an array of a path
 */
export function groupOf(
  nodes: ReadonlyMap<string, ParsedNode>,
  arrayOf: (path: string, metadata: ArrayMetadata) => VirtualArray | FaultyArray,
): VirtualGroup {
  interface Building extends VirtualGroup {
    attributes: JsonObject;
    readonly children: Map<string, VirtualGroup | VirtualArray | FaultyArray>;
  }
  const groups = new Map<string, Building>();
  const group = (path: string): Building => {
    const known = groups.get(path);
    if (known) return known;
    const made: Building = { kind: "group", attributes: {}, children: new Map() };
    groups.set(path, made);
    if (path !== "") {
      const { parent, name } = split(path);
      group(parent).children.set(name, made);
    }
    return made;
  };
  const root = group("");
  for (const [path, node] of nodes) {
    if (node.kind === "group") {
      group(path).attributes = node.metadata.attributes;
      continue;
    }
    if (path === "") {
      throw node.kind === "fault"
        ? node.error
        : new MoraineError("UnsupportedLayout", "references to a single array without a group");
    }
    const { parent, name } = split(path);
    group(parent).children.set(
      name,
      node.kind === "fault" ? { kind: "fault", error: node.error } : arrayOf(path, node.metadata),
    );
  }
  return root;
}

function split(path: string): { parent: string; name: string } {
  const at = path.lastIndexOf("/");
  return { parent: at < 0 ? "" : path.slice(0, at), name: path.slice(at + 1) };
}
