/**
 * What a node holds besides its name: its `zarr.json`, and what the snapshot repeats of it.
 *
 * @module
 */

import { type JsonObject, parseJson, stringifyJson } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { ArrayMetadata, GroupMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf, parseChunkGrid } from "../../zarr/chunk-grid.ts";
import { parseChunkKeyEncoding } from "../../zarr/chunk-key.ts";
import {
  arrayMetadataToJson,
  groupMetadataToJson,
  nodeTypeOf,
  parseArrayMetadata,
  parseDimensionNames,
  parseGroupMetadata,
  parseShape,
} from "../../zarr/metadata-v3.ts";
import { gridStrides } from "../format/chunk-references.ts";
import type { ArrayNode, GroupNode } from "../format/snapshot.ts";

export type NodeContent = GroupContent | ArrayContent;
export type GroupContent = Pick<GroupNode, "kind" | "userData">;
export type ArrayContent = Pick<ArrayNode, "kind" | "userData" | "shape" | "gridShape" | "dimensionNames">;

const TEXT = new TextEncoder();
const MAX_CHUNKS_OF_AXIS = 0xffffffff;

export function groupContent(metadata: GroupMetadata): GroupContent {
  return { kind: "group", userData: TEXT.encode(stringifyJson(groupMetadataToJson(metadata))) };
}

/** A group without attributes, as it is implied by what lies below it. */
export function implicitGroup(): GroupContent {
  return groupContent({ attributes: {} });
}

/** An array's content. The keys of its chunks are Icechunk's only ones, whatever its metadata says. */
export function arrayContent(metadata: ArrayMetadata): ArrayContent {
  const stored: ArrayMetadata = { ...metadata, chunkKeyEncoding: { name: "default", separator: "/" } };
  return {
    kind: "array",
    userData: TEXT.encode(stringifyJson(arrayMetadataToJson(stored))),
    shape: metadata.shape,
    gridShape: countableGrid(gridShapeOf(metadata)),
    dimensionNames: metadata.dimensionNames,
  };
}

/**
 * The content that a `zarr.json` says, whose bytes are kept as they are. Codecs and data types need not be known.
 *
 * Errors: `InvalidMetadata`, `UnsupportedVersion`, `UnsupportedLayout` for keys or grids that Icechunk has not.
 */
export function contentOfDocument(bytes: Uint8Array, source: string): NodeContent {
  const { type, json } = nodeTypeOf(parseJson(bytes, source));
  if (type === "group") return { kind: "group", userData: bytes };
  const { name, separator } = parseChunkKeyEncoding(json["chunk_key_encoding"]);
  if (name !== "default" || separator !== "/") {
    throw new MoraineError(
      "UnsupportedLayout",
      'Icechunk takes only chunk keys of the encoding "default" with "/"',
      {
        source,
      },
    );
  }
  const shape = parseShape(json["shape"]);
  const chunkGrid = parseChunkGrid(json["chunk_grid"], shape);
  return {
    kind: "array",
    userData: bytes,
    shape,
    gridShape: countableGrid(gridShapeOf({ shape, chunkGrid })),
    ...parseDimensionNames(json["dimension_names"], shape.length),
  };
}

/** The metadata of an array. Errors: as `parseArrayMetadata`, with the array's path. */
export function arrayMetadataOf(node: ArrayNode, source: string): ArrayMetadata {
  return parseArrayMetadata(parseJson(node.userData, source));
}

/** The attributes of a group. Errors: as `parseGroupMetadata`. */
export function groupAttributesOf(node: GroupNode, source: string): JsonObject {
  return parseGroupMetadata(parseJson(node.userData, source)).attributes;
}

/** Errors: `LimitExceeded` where an axis has more chunks than 32 bits count, or the grid more than a double does. */
function countableGrid(gridShape: readonly number[]): readonly number[] {
  if (gridShape.some((length) => length > MAX_CHUNKS_OF_AXIS)) {
    throw new MoraineError("LimitExceeded", `an axis of more than ${MAX_CHUNKS_OF_AXIS} chunks`);
  }
  gridStrides(gridShape);
  return gridShape;
}
