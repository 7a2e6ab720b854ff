/**
 * The `repo` file: branches, tags, every snapshot's place in history, configuration and the operations log.
 * It is the only object of a repository that ever changes (Icechunk specification 2, "Repo info").
 *
 * @module
 */

import { FILE_TYPE, openEnvelope, sealEnvelope } from "./envelope.ts";
import { FlatBufferReader } from "./flatbuffer-reader.ts";
import { FlatBufferWriter, tableLayout } from "./flatbuffer-writer.ts";
import { decodeIdentifier, encodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "./identifier.ts";
import { type MetadataItem, readMetadataItems, writeMetadataItems } from "./metadata.ts";
import { compareIdentifiers, compareUtf8 } from "./order.ts";
import {
  type RepositoryStatus,
  readIdentifier,
  readStatus,
  readUpdate,
  type Update,
  writeStatus,
  writeUpdate,
} from "./update.ts";

/** A snapshot as the `repo` file knows it. */
export interface SnapshotInfo {
  readonly id: ObjectId;
  readonly parentId?: ObjectId | undefined;
  /** Microseconds since 1970. */
  readonly flushedAt: number;
  readonly message: string;
  /** FlexBuffer values. */
  readonly metadata: readonly MetadataItem[];
  /** Transaction logs of ancestors that expired, oldest first (specification 2.1). */
  readonly prunedAncestorLogs: readonly ObjectId[];
}

export interface RepoInfo {
  readonly specVersion: number;
  readonly branches: ReadonlyMap<string, ObjectId>;
  readonly tags: ReadonlyMap<string, ObjectId>;
  /** Names of tags that were deleted, and must not be used again. */
  readonly deletedTags: ReadonlySet<string>;
  readonly snapshots: ReadonlyMap<ObjectId, SnapshotInfo>;
  readonly status: RepositoryStatus;
  /** The user's metadata of the repository. */
  readonly metadata: readonly MetadataItem[];
  /** Newest first. */
  readonly latestUpdates: readonly Update[];
  /** Name, below `overwritten/`, of the file that holds the entries before these. */
  readonly repoBeforeUpdates?: string | undefined;
  /** The configuration, a FlexBuffer; absent when none was saved. */
  readonly config?: Uint8Array | undefined;
  readonly enabledFlags: readonly number[];
  readonly disabledFlags: readonly number[];
  /** Bytes that a later version put there. */
  readonly extra?: Uint8Array | undefined;
}

const INFO_SCHEMA = [
  ["id", { struct: OBJECT_ID_BYTES }],
  ["parent", "i32"],
  ["flushedAt", "u64"],
  ["message", "offset"],
  ["metadata", "offset"],
  ["pruned", "offset"],
] as const;
const INFO = tableLayout(INFO_SCHEMA, "id", "parent", "flushedAt", "message", "metadata");
const INFO_PRUNED = tableLayout(INFO_SCHEMA, "id", "parent", "flushedAt", "message", "metadata", "pruned");
const REF = tableLayout(
  [
    ["name", "offset"],
    ["snapshot", "u32"],
  ],
  "name",
  "snapshot",
);
const REPO_SCHEMA = [
  ["specVersion", "u8"],
  ["tags", "offset"],
  ["branches", "offset"],
  ["deletedTags", "offset"],
  ["snapshots", "offset"],
  ["status", "offset"],
  ["metadata", "offset"],
  ["latestUpdates", "offset"],
  ["before", "offset"],
  ["config", "offset"],
  ["enabledFlags", "offset"],
  ["disabledFlags", "offset"],
  ["extra", "offset"],
] as const;
type RepoSlot = (typeof REPO_SCHEMA)[number][0];
const REPO_ALWAYS: readonly RepoSlot[] = [
  "specVersion",
  "tags",
  "branches",
  "deletedTags",
  "snapshots",
  "status",
  "metadata",
  "latestUpdates",
];

/** Reads a `repo` file. Errors: as {@link openEnvelope}, `CorruptFile`. */
export async function readRepo(file: Uint8Array, source: string): Promise<RepoInfo> {
  const { bytes } = await openEnvelope(file, FILE_TYPE.repository, source);
  const reader = new FlatBufferReader(bytes, source);
  const root = reader.root();
  const infos = reader.requiredVector(root, 4, 4, "snapshots");
  reader.charge(8 * infos.count);
  const ids: ObjectId[] = [];
  for (let i = 0; i < infos.count; i++)
    ids.push(readIdentifier(reader, reader.follow(infos.start + 4 * i), 0));
  const snapshots = new Map<ObjectId, SnapshotInfo>();
  ids.forEach((id, i) => {
    snapshots.set(id, readInfo(reader, reader.follow(infos.start + 4 * i), id, ids));
  });
  const updates = reader.requiredVector(root, 7, 4, "the operations log");
  const latestUpdates: Update[] = [];
  for (let i = 0; i < updates.count; i++)
    latestUpdates.push(readUpdate(reader, reader.follow(updates.start + 4 * i)));
  return {
    specVersion: reader.u8Field(root, 0, 0),
    tags: readRefs(reader, root, 1, ids),
    branches: readRefs(reader, root, 2, ids),
    deletedTags: new Set(readStrings(reader, root, 3)),
    snapshots,
    status: readStatus(reader, reader.follow(reader.required(root, 5, "status"))),
    metadata: readMetadataItems(reader, root, 6),
    latestUpdates,
    repoBeforeUpdates: reader.string(root, 8),
    config: reader.byteVector(root, 9),
    enabledFlags: readFlags(reader, root, 10),
    disabledFlags: readFlags(reader, root, 11),
    extra: reader.byteVector(root, 12),
  };
}

function readInfo(
  reader: FlatBufferReader,
  table: number,
  id: ObjectId,
  ids: readonly ObjectId[],
): SnapshotInfo {
  reader.charge(32);
  const parentField = reader.field(table, 1);
  const parent = parentField === 0 ? 0 : reader.i32(parentField);
  const parentId = parent < 0 ? undefined : ids[parent];
  if (parent >= 0 && parentId === undefined) throw reader.corrupt(`snapshot ${id} has no such parent`, table);
  return {
    id,
    parentId,
    flushedAt: reader.u64Field(table, 2, 0),
    message: reader.requiredString(table, 3, "the message of a snapshot"),
    metadata: readMetadataItems(reader, table, 4),
    prunedAncestorLogs: readIdentifiers(reader, table, 5),
  };
}

/** Identifiers in a vector of structs; none where the field is left out. */
function readIdentifiers(reader: FlatBufferReader, table: number, slot: number): ObjectId[] {
  const vector = reader.vector(table, slot, OBJECT_ID_BYTES);
  if (!vector) return [];
  reader.charge(OBJECT_ID_BYTES * vector.count);
  const ids: ObjectId[] = [];
  for (let i = 0; i < vector.count; i++) {
    ids.push(encodeIdentifier(reader.slice(vector.start + OBJECT_ID_BYTES * i, OBJECT_ID_BYTES)));
  }
  return ids;
}

function readRefs(
  reader: FlatBufferReader,
  root: number,
  slot: number,
  ids: readonly ObjectId[],
): Map<string, ObjectId> {
  const vector = reader.requiredVector(root, slot, 4, "refs");
  reader.charge(16 * vector.count);
  const refs = new Map<string, ObjectId>();
  for (let i = 0; i < vector.count; i++) {
    const table = reader.follow(vector.start + 4 * i);
    const name = reader.requiredString(table, 0, "the name of a ref");
    const id = ids[reader.u32Field(table, 1, 0)];
    if (id === undefined) throw reader.corrupt(`"${name}" points to no snapshot`, table);
    refs.set(name, id);
  }
  return refs;
}

function readStrings(reader: FlatBufferReader, root: number, slot: number): string[] {
  const vector = reader.vector(root, slot, 4);
  const texts: string[] = [];
  for (let i = 0; vector && i < vector.count; i++)
    texts.push(reader.stringAt(reader.follow(vector.start + 4 * i)));
  return texts;
}

function readFlags(reader: FlatBufferReader, root: number, slot: number): number[] {
  const vector = reader.vector(root, slot, 2);
  if (!vector) return [];
  reader.charge(8 * vector.count);
  return Array.from({ length: vector.count }, (_, i) => reader.u16(vector.start + 2 * i));
}

/** Writes a `repo` file. Errors: `LimitExceeded` beyond 2 GiB. */
export async function writeRepo(info: RepoInfo, compressionLevel: number): Promise<Uint8Array> {
  const ids = [...info.snapshots.keys()].sort(compareIdentifiers);
  const indexes = new Map(ids.map((id, i) => [id, i]));
  const names: RepoSlot[] = [...REPO_ALWAYS];
  if (info.repoBeforeUpdates !== undefined) names.push("before");
  if (info.config !== undefined) names.push("config");
  if (info.enabledFlags.length > 0) names.push("enabledFlags");
  if (info.disabledFlags.length > 0) names.push("disabledFlags");
  if (info.extra !== undefined) names.push("extra");
  const layout = tableLayout(REPO_SCHEMA, ...names);
  const writer = new FlatBufferWriter(4096 + 192 * ids.length + 96 * info.latestUpdates.length);
  const root = writer.root(layout);
  const field = (name: RepoSlot): number => root + layout.at[name];
  writer.u8(field("specVersion"), info.specVersion);
  writeRefs(writer, field("tags"), info.tags, indexes);
  writeRefs(writer, field("branches"), info.branches, indexes);
  const deleted = [...info.deletedTags].sort(compareUtf8);
  const deletedTags = writer.vector(field("deletedTags"), deleted.length, 4);
  deleted.forEach((name, i) => {
    writer.string(deletedTags + 4 * i, name);
  });
  const snapshots = writer.vector(field("snapshots"), ids.length, 4);
  ids.forEach((id, i) => {
    const snapshot = info.snapshots.get(id);
    if (snapshot) writeInfo(writer, snapshots + 4 * i, snapshot, indexes);
  });
  writeStatus(writer, field("status"), info.status);
  writeMetadataItems(writer, field("metadata"), info.metadata);
  const updates = writer.vector(field("latestUpdates"), info.latestUpdates.length, 4);
  info.latestUpdates.forEach((update, i) => {
    writeUpdate(writer, updates + 4 * i, update);
  });
  if (info.repoBeforeUpdates !== undefined) writer.string(field("before"), info.repoBeforeUpdates);
  if (info.config !== undefined) writer.byteVector(field("config"), info.config);
  if (info.enabledFlags.length > 0) writeFlags(writer, field("enabledFlags"), info.enabledFlags);
  if (info.disabledFlags.length > 0) writeFlags(writer, field("disabledFlags"), info.disabledFlags);
  if (info.extra !== undefined) writer.byteVector(field("extra"), info.extra);
  return sealEnvelope(writer.finish(), FILE_TYPE.repository, compressionLevel);
}

function writeInfo(
  writer: FlatBufferWriter,
  from: number,
  info: SnapshotInfo,
  indexes: ReadonlyMap<ObjectId, number>,
): void {
  const pruned = info.prunedAncestorLogs;
  const table = writer.table(pruned.length > 0 ? INFO_PRUNED : INFO, from);
  const { at } = pruned.length > 0 ? INFO_PRUNED : INFO;
  writer.set(table + at.id, decodeIdentifier(info.id, OBJECT_ID_BYTES));
  writer.i32(table + at.parent, info.parentId === undefined ? -1 : (indexes.get(info.parentId) ?? -1));
  writer.u64(table + at.flushedAt, info.flushedAt);
  writer.string(table + at.message, info.message);
  writeMetadataItems(writer, table + at.metadata, info.metadata);
  if (pruned.length > 0) {
    const vector = writer.vector(table + INFO_PRUNED.at.pruned, pruned.length, OBJECT_ID_BYTES);
    pruned.forEach((id, i) => {
      writer.set(vector + OBJECT_ID_BYTES * i, decodeIdentifier(id, OBJECT_ID_BYTES));
    });
  }
}

function writeRefs(
  writer: FlatBufferWriter,
  from: number,
  refs: ReadonlyMap<string, ObjectId>,
  indexes: ReadonlyMap<ObjectId, number>,
): void {
  const sorted = [...refs].sort(([a], [b]) => compareUtf8(a, b));
  const vector = writer.vector(from, sorted.length, 4);
  sorted.forEach(([name, id], i) => {
    const index = indexes.get(id);
    if (index === undefined) throw new TypeError(`"${name}" points to ${id}, which is no snapshot`);
    const table = writer.table(REF, vector + 4 * i);
    writer.u32(table + REF.at.snapshot, index);
    writer.string(table + REF.at.name, name);
  });
}

function writeFlags(writer: FlatBufferWriter, from: number, flags: readonly number[]): void {
  const sorted = [...flags].sort((a, b) => a - b);
  const vector = writer.vector(from, sorted.length, 2);
  sorted.forEach((flag, i) => {
    writer.u16(vector + 2 * i, flag);
  });
}
