/**
 * Writes snapshot files (see `snapshot.ts`).
 *
 * @module
 */

import { FILE_TYPE, sealEnvelope } from "./envelope.ts";
import { FlatBufferWriter, tableLayout } from "./flatbuffer-writer.ts";
import { decodeIdentifier, NODE_ID_BYTES, OBJECT_ID_BYTES } from "./identifier.ts";
import { writeMetadataItems } from "./metadata.ts";
import { compareIdentifiers, compareUtf8 } from "./order.ts";
import {
  type ArrayNode,
  DIMENSION_STRUCT_BYTES,
  MANIFEST_FILE_STRUCT_BYTES,
  NODE_ARRAY,
  NODE_GROUP,
  RANGE_BYTES,
  type Snapshot,
  type SnapshotNode,
} from "./snapshot.ts";

const ID = { struct: OBJECT_ID_BYTES } as const;

const SNAPSHOT = tableLayout(
  [
    ["id", ID],
    ["parent", ID],
    ["nodes", "offset"],
    ["flushedAt", "u64"],
    ["message", "offset"],
    ["metadata", "offset"],
    ["files", "offset"],
    ["filesV2", "offset"],
    ["extra", "offset"],
  ],
  "id",
  "nodes",
  "flushedAt",
  "message",
  "metadata",
  "files",
  "filesV2",
);
const FILE = tableLayout(
  [
    ["id", ID],
    ["size", "u64"],
    ["references", "u32"],
  ],
  "id",
  "size",
  "references",
);
const NODE_SCHEMA = [
  ["id", { struct: NODE_ID_BYTES }],
  ["path", "offset"],
  ["userData", "offset"],
  ["type", "u8"],
  ["data", "offset"],
  ["extra", "offset"],
] as const;
const NODE = tableLayout(NODE_SCHEMA, "id", "path", "userData", "type", "data");
const NODE_EXTRA = tableLayout(NODE_SCHEMA, "id", "path", "userData", "type", "data", "extra");
const GROUP = tableLayout([]);
const ARRAY_SCHEMA = [
  ["shape", "offset"],
  ["names", "offset"],
  ["manifests", "offset"],
  ["shapeV2", "offset"],
] as const;
const ARRAY = tableLayout(ARRAY_SCHEMA, "shape", "manifests", "shapeV2");
const NAMED_ARRAY = tableLayout(ARRAY_SCHEMA, "shape", "names", "manifests", "shapeV2");
const DIMENSION = tableLayout(
  [
    ["length", "u64"],
    ["chunks", "u32"],
  ],
  "length",
  "chunks",
);
const NAME_SCHEMA = [["name", "offset"]] as const;
const NAME = tableLayout(NAME_SCHEMA, "name");
const NO_NAME = tableLayout(NAME_SCHEMA);
const PART = tableLayout(
  [
    ["manifest", ID],
    ["extents", "offset"],
  ],
  "manifest",
  "extents",
);

/** Writes a snapshot file of specification 2. Errors: `LimitExceeded` beyond 2 GiB. */
export async function writeSnapshot(
  snapshot: Omit<Snapshot, "specVersion" | "parentId">,
  compressionLevel: number,
): Promise<Uint8Array> {
  const nodes = [...snapshot.nodes.values()].sort((a, b) => compareUtf8(a.path, b.path));
  const files = [...snapshot.manifestFiles.values()].sort((a, b) => compareIdentifiers(a.id, b.id));
  let capacity = 1024 + 48 * files.length;
  for (const node of nodes) capacity += 192 + node.userData.length + 2 * node.path.length;
  const writer = new FlatBufferWriter(capacity);
  const root = writer.root(SNAPSHOT);
  const { at } = SNAPSHOT;
  writer.set(root + at.id, decodeIdentifier(snapshot.id, OBJECT_ID_BYTES));
  writer.u64(root + at.flushedAt, snapshot.flushedAt);
  writer.string(root + at.message, snapshot.message);
  writeMetadataItems(writer, root + at.metadata, snapshot.metadata);
  writer.vector(root + at.files, 0, MANIFEST_FILE_STRUCT_BYTES, 8);
  const fileVector = writer.vector(root + at.filesV2, files.length, 4);
  files.forEach((file, i) => {
    const table = writer.table(FILE, fileVector + 4 * i);
    writer.set(table + FILE.at.id, decodeIdentifier(file.id, OBJECT_ID_BYTES));
    writer.u64(table + FILE.at.size, file.sizeBytes);
    writer.u32(table + FILE.at.references, file.referenceCount);
  });
  const nodeVector = writer.vector(root + at.nodes, nodes.length, 4);
  nodes.forEach((node, i) => {
    writeNode(writer, nodeVector + 4 * i, node);
  });
  return sealEnvelope(writer.finish(), FILE_TYPE.snapshot, compressionLevel);
}

function writeNode(writer: FlatBufferWriter, from: number, node: SnapshotNode): void {
  const table = writer.table(node.extra ? NODE_EXTRA : NODE, from);
  const { at } = node.extra ? NODE_EXTRA : NODE;
  writer.set(table + at.id, decodeIdentifier(node.id, NODE_ID_BYTES));
  writer.u8(table + at.type, node.kind === "array" ? NODE_ARRAY : NODE_GROUP);
  writer.string(table + at.path, node.path);
  writer.byteVector(table + at.userData, node.userData);
  if (node.extra) writer.byteVector(table + NODE_EXTRA.at.extra, node.extra);
  if (node.kind === "array") writeArray(writer, table + at.data, node);
  else writer.table(GROUP, table + at.data);
}

function writeArray(writer: FlatBufferWriter, from: number, node: ArrayNode): void {
  const { dimensionNames } = node;
  const table = writer.table(dimensionNames ? NAMED_ARRAY : ARRAY, from);
  const { at } = dimensionNames ? NAMED_ARRAY : ARRAY;
  // Required by the schema, and empty since specification 2.
  writer.vector(table + at.shape, 0, DIMENSION_STRUCT_BYTES, 8);
  const dimensions = writer.vector(table + at.shapeV2, node.shape.length, 4);
  node.shape.forEach((length, i) => {
    const dimension = writer.table(DIMENSION, dimensions + 4 * i);
    writer.u64(dimension + DIMENSION.at.length, length);
    writer.u32(dimension + DIMENSION.at.chunks, node.gridShape[i] ?? 0);
  });
  if (dimensionNames) {
    const names = writer.vector(table + NAMED_ARRAY.at.names, dimensionNames.length, 4);
    dimensionNames.forEach((name, i) => {
      if (name === null) writer.table(NO_NAME, names + 4 * i);
      else writer.string(writer.table(NAME, names + 4 * i) + NAME.at.name, name);
    });
  }
  const parts = writer.vector(table + at.manifests, node.manifests.length, 4);
  node.manifests.forEach(({ manifestId, extents }, i) => {
    const part = writer.table(PART, parts + 4 * i);
    writer.set(part + PART.at.manifest, decodeIdentifier(manifestId, OBJECT_ID_BYTES));
    const ranges = writer.vector(part + PART.at.extents, extents.length / 2, RANGE_BYTES);
    for (let k = 0; k < extents.length; k++) writer.u32(ranges + 4 * k, extents[k] ?? 0);
  });
}
