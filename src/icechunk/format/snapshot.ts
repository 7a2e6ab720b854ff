/**
 * Snapshot files: the groups and arrays of one state of a repository, with their `zarr.json`, and for each array
 * the manifests that hold its chunk references (Icechunk specification, "Snapshot files").
 *
 * @module
 */

import { FILE_TYPE, openEnvelope } from "./envelope.ts";
import { FlatBufferReader, type VectorPosition } from "./flatbuffer-reader.ts";
import {
  encodeIdentifier,
  NODE_ID_BYTES,
  type NodeId,
  OBJECT_ID_BYTES,
  type ObjectId,
} from "./identifier.ts";
import { type MetadataItem, readMetadataItems } from "./metadata.ts";

/** A manifest file that a snapshot needs. */
export interface ManifestFileInfo {
  readonly id: ObjectId;
  /** Bytes of the whole file; readers ask for exactly so many. */
  readonly sizeBytes: number;
  readonly referenceCount: number;
}

/** Where some of an array's references are. */
export interface ManifestPart {
  readonly manifestId: ObjectId;
  /** For each axis the first chunk coordinate and the one after the last: the box around the references. */
  readonly extents: Uint32Array;
}

export interface GroupNode {
  readonly kind: "group";
  readonly id: NodeId;
  /** Absolute; `/` for the root. */
  readonly path: string;
  /** The bytes of `zarr.json`, exactly as they were given. */
  readonly userData: Uint8Array;
  readonly extra?: Uint8Array | undefined;
}

export interface ArrayNode {
  readonly kind: "array";
  readonly id: NodeId;
  readonly path: string;
  readonly userData: Uint8Array;
  readonly shape: readonly number[];
  /** Chunks along each axis. */
  readonly gridShape: readonly number[];
  readonly dimensionNames?: readonly (string | null)[] | undefined;
  readonly manifests: readonly ManifestPart[];
  readonly extra?: Uint8Array | undefined;
}

export type SnapshotNode = GroupNode | ArrayNode;

export interface Snapshot {
  /** Version of the file, which says how its metadata values are encoded. */
  readonly specVersion: number;
  readonly id: ObjectId;
  /** Only in files of specification 1. */
  readonly parentId?: ObjectId | undefined;
  /** Microseconds since 1970. */
  readonly flushedAt: number;
  readonly message: string;
  readonly metadata: readonly MetadataItem[];
  /** By path. */
  readonly nodes: ReadonlyMap<string, SnapshotNode>;
  readonly manifestFiles: ReadonlyMap<ObjectId, ManifestFileInfo>;
}

/** The files of manifests by id, and the snapshot that errors are about. */
export interface KnownManifests {
  readonly id: ObjectId;
  readonly manifestFiles: Pick<Snapshot["manifestFiles"], "get">;
}

/** Sizes of structs, and the numbers of the union `NodeData`. */
export const MANIFEST_FILE_STRUCT_BYTES = 32;
export const DIMENSION_STRUCT_BYTES = 16;
export const RANGE_BYTES = 8;
export const NODE_ARRAY = 1;
export const NODE_GROUP = 2;

/** Reads a snapshot file. Errors: as {@link openEnvelope}, `CorruptFile`. */
export async function readSnapshot(file: Uint8Array, source: string): Promise<Snapshot> {
  const { bytes, specVersion } = await openEnvelope(file, FILE_TYPE.snapshot, source);
  const reader = new FlatBufferReader(bytes, source);
  const root = reader.root();
  const vector = reader.requiredVector(root, 2, 4, "nodes");
  reader.charge(8 * vector.count);
  const nodes = new Map<string, SnapshotNode>();
  for (let i = 0; i < vector.count; i++) {
    const node = readNode(reader, reader.follow(vector.start + 4 * i));
    nodes.set(node.path, node);
  }
  const parent = reader.field(root, 1);
  return {
    specVersion,
    id: encodeIdentifier(reader.slice(reader.required(root, 0, "the snapshot's id"), OBJECT_ID_BYTES)),
    parentId: parent === 0 ? undefined : encodeIdentifier(reader.slice(parent, OBJECT_ID_BYTES)),
    flushedAt: reader.u64Field(root, 3, 0),
    message: reader.requiredString(root, 4, "message"),
    metadata: readMetadataItems(reader, root, 5),
    nodes,
    manifestFiles: readManifestFiles(reader, root),
  };
}

function readManifestFiles(reader: FlatBufferReader, root: number): Map<ObjectId, ManifestFileInfo> {
  const files = new Map<ObjectId, ManifestFileInfo>();
  const add = (id: number, size: number, count: number): void => {
    const text = encodeIdentifier(reader.slice(id, OBJECT_ID_BYTES));
    files.set(text, { id: text, sizeBytes: size, referenceCount: count });
  };
  const tables = reader.vector(root, 7, 4);
  if (tables) {
    reader.charge(32 * tables.count);
    for (let i = 0; i < tables.count; i++) {
      const table = reader.follow(tables.start + 4 * i);
      add(
        reader.required(table, 0, "a manifest's id"),
        reader.u64Field(table, 1, 0),
        reader.u32Field(table, 2, 0),
      );
    }
    return files;
  }
  const structs = reader.vector(root, 6, MANIFEST_FILE_STRUCT_BYTES);
  for (let i = 0; structs && i < structs.count; i++) {
    const at = structs.start + MANIFEST_FILE_STRUCT_BYTES * i;
    add(at, reader.u64(at + 16), reader.u32(at + 24));
  }
  return files;
}

function readNode(reader: FlatBufferReader, table: number): SnapshotNode {
  reader.charge(40);
  const userData = reader.byteVector(table, 2);
  if (!userData) throw reader.corrupt("a node has no user data", table);
  const common = {
    id: encodeIdentifier(reader.slice(reader.required(table, 0, "a node's id"), NODE_ID_BYTES)),
    path: reader.requiredString(table, 1, "a node's path"),
    userData,
    extra: reader.byteVector(table, 5),
  };
  const type = reader.u8Field(table, 3, 0);
  if (type === NODE_GROUP) return { kind: "group", ...common };
  const data = reader.target(table, 4);
  if (type !== NODE_ARRAY || data === 0) throw reader.corrupt(`node type ${type}`, table);
  return { kind: "array", ...common, ...readArray(reader, data) };
}

function readArray(
  reader: FlatBufferReader,
  table: number,
): Pick<ArrayNode, "shape" | "gridShape" | "dimensionNames" | "manifests"> {
  const shape: number[] = [];
  const gridShape: number[] = [];
  const dimensions = reader.vector(table, 3, 4);
  if (dimensions) {
    reader.charge(16 * dimensions.count);
    for (let i = 0; i < dimensions.count; i++) {
      const dimension = reader.follow(dimensions.start + 4 * i);
      shape.push(reader.u64Field(dimension, 0, 0));
      gridShape.push(reader.u32Field(dimension, 1, 0));
    }
  } else {
    const structs = reader.requiredVector(table, 0, DIMENSION_STRUCT_BYTES, "shape");
    reader.charge(DIMENSION_STRUCT_BYTES * structs.count);
    for (let i = 0; i < structs.count; i++) {
      const length = reader.u64(structs.start + DIMENSION_STRUCT_BYTES * i);
      const chunk = reader.u64(structs.start + DIMENSION_STRUCT_BYTES * i + 8);
      shape.push(length);
      gridShape.push(length === 0 || chunk === 0 ? 0 : Math.ceil(length / chunk));
    }
  }
  const names = reader.vector(table, 1, 4);
  const parts = reader.requiredVector(table, 2, 4, "an array's manifests");
  return {
    shape,
    gridShape,
    dimensionNames: names && readNames(reader, names),
    manifests: readParts(reader, parts, shape.length),
  };
}

function readNames(reader: FlatBufferReader, vector: VectorPosition): (string | null)[] {
  reader.charge(8 * vector.count);
  const names: (string | null)[] = [];
  for (let i = 0; i < vector.count; i++) {
    names.push(reader.string(reader.follow(vector.start + 4 * i), 0) || null);
  }
  return names;
}

function readParts(reader: FlatBufferReader, vector: VectorPosition, rank: number): ManifestPart[] {
  const parts: ManifestPart[] = [];
  for (let i = 0; i < vector.count; i++) {
    const table = reader.follow(vector.start + 4 * i);
    const ranges = reader.requiredVector(table, 1, RANGE_BYTES, "extents");
    if (ranges.count !== rank) throw reader.corrupt(`extents of ${ranges.count} axes for ${rank}`, table);
    reader.charge(32 + RANGE_BYTES * rank);
    const extents = new Uint32Array(2 * rank);
    for (let k = 0; k < extents.length; k++) extents[k] = reader.u32(ranges.start + 4 * k);
    const id = reader.slice(reader.required(table, 0, "a manifest's id"), OBJECT_ID_BYTES);
    parts.push({ manifestId: encodeIdentifier(id), extents });
  }
  return parts;
}
