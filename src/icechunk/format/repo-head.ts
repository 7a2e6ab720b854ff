/**
 * The head of a `repo` file, made anew with every update: refs, settings, the newest operation, and the tables of
 * snapshots, which lead into the body that follows.
 *
 * @module
 */

import { FlatBufferWriter, tableLayout } from "./flatbuffer-writer.ts";
import { OBJECT_ID_BYTES, type ObjectId } from "./identifier.ts";
import { writeMetadataItems } from "./metadata.ts";
import { compareUtf8 } from "./order.ts";
import type { RepoInfo } from "./repo.ts";
import type { RepoColumns } from "./repo-columns.ts";
import { type Update, writeStatus, writeUpdate } from "./update.ts";

const INFO_SCHEMA = [
  ["id", { struct: OBJECT_ID_BYTES }],
  ["parent", "i32"],
  ["flushedAt", "u64"],
  ["message", "offset"],
  ["metadata", "offset"],
  ["pruned", "offset"],
] as const;
const INFO_PRUNED = tableLayout(INFO_SCHEMA, "id", "parent", "flushedAt", "message", "metadata", "pruned");
/** With room for the field that it leaves out, so that all tables have one size. */
const INFO: typeof INFO_PRUNED = { ...INFO_PRUNED, vtable: withoutLastSlot(INFO_PRUNED.vtable) };
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

function withoutLastSlot(vtable: Uint8Array): Uint8Array {
  const shorter = vtable.slice(0, -2);
  new DataView(shorter.buffer).setUint16(0, shorter.length, true);
  return shorter;
}

/** What the head says besides the columns. */
export type RepoHead = Omit<RepoInfo, "snapshots" | "latestUpdates"> & { readonly newest: Update };

/**
 * Writes the head.
 *
 * @param olderUpdates places in the body of the operations before the newest, oldest first
 */
export function writeRepoHead(head: RepoHead, columns: RepoColumns, olderUpdates: Uint32Array): Uint8Array {
  const names: RepoSlot[] = [...REPO_ALWAYS];
  if (head.repoBeforeUpdates !== undefined) names.push("before");
  if (head.config !== undefined) names.push("config");
  if (head.enabledFlags.length > 0) names.push("enabledFlags");
  if (head.disabledFlags.length > 0) names.push("disabledFlags");
  if (head.extra !== undefined) names.push("extra");
  const layout = tableLayout(REPO_SCHEMA, ...names);
  const writer = new FlatBufferWriter(2048 + (INFO.size + 4) * columns.count + 4 * olderUpdates.length);
  const root = writer.root(layout);
  const field = (name: RepoSlot): number => root + layout.at[name];
  writer.u8(field("specVersion"), head.specVersion);
  writeRefs(writer, field("tags"), head.tags, columns);
  writeRefs(writer, field("branches"), head.branches, columns);
  const deleted = [...head.deletedTags].sort(compareUtf8);
  const deletedTags = writer.vector(field("deletedTags"), deleted.length, 4);
  deleted.forEach((name, i) => {
    writer.string(deletedTags + 4 * i, name);
  });
  writeStatus(writer, field("status"), head.status);
  writeMetadataItems(writer, field("metadata"), head.metadata);
  if (head.repoBeforeUpdates !== undefined) writer.string(field("before"), head.repoBeforeUpdates);
  if (head.config !== undefined) writer.byteVector(field("config"), head.config);
  if (head.enabledFlags.length > 0) writeFlags(writer, field("enabledFlags"), head.enabledFlags);
  if (head.disabledFlags.length > 0) writeFlags(writer, field("disabledFlags"), head.disabledFlags);
  if (head.extra !== undefined) writer.byteVector(field("extra"), head.extra);
  const updates = writer.vector(field("latestUpdates"), 1 + olderUpdates.length, 4);
  writeUpdate(writer, updates, head.newest);
  const body = writeTables(writer, field("snapshots"), columns);
  pointToUpdates(writer, updates, olderUpdates, body);
  return writer.finish();
}

/** The vector of snapshots with their tables. @returns where the body begins, after them */
function writeTables(writer: FlatBufferWriter, from: number, columns: RepoColumns): number {
  const { count, ids, parents, flushedAt, messages, metadata, pruned } = columns;
  const vector = writer.vector(from, count, 4);
  const plain = writer.vtable(INFO);
  const full = pruned.some((place) => place !== 0) ? writer.vtable(INFO_PRUNED) : plain;
  const tables = writer.reserve(INFO.size * count, 8);
  const body = writer.reserve(0, 8);
  const source = new DataView(ids.buffer);
  const { view } = writer;
  const { at, size } = INFO_PRUNED;
  for (let i = 0; i < count; i++) {
    const table = tables + size * i;
    const ownPruned = pruned[i] ?? 0;
    writer.point(vector + 4 * i, table);
    view.setInt32(table, table - (ownPruned === 0 ? plain : full), true);
    for (let part = 0; part < OBJECT_ID_BYTES; part += 4) {
      view.setUint32(table + at.id + part, source.getUint32(OBJECT_ID_BYTES * i + part));
    }
    view.setInt32(table + at.parent, parents[i] ?? -1, true);
    writer.u64(table + at.flushedAt, flushedAt[i] ?? 0);
    writer.point(table + at.message, body + (messages[i] ?? 0));
    writer.point(table + at.metadata, body + (metadata[i] ?? 0));
    if (ownPruned !== 0) writer.point(table + at.pruned, body + ownPruned);
  }
  return body;
}

function pointToUpdates(writer: FlatBufferWriter, vector: number, older: Uint32Array, body: number): void {
  const { length } = older;
  for (let i = 1; i <= length; i++) writer.point(vector + 4 * i, body + (older[length - i] ?? 0));
}

function writeRefs(
  writer: FlatBufferWriter,
  from: number,
  refs: ReadonlyMap<string, ObjectId>,
  columns: RepoColumns,
): void {
  const sorted = [...refs].sort(([a], [b]) => compareUtf8(a, b));
  const vector = writer.vector(from, sorted.length, 4);
  sorted.forEach(([name, id], i) => {
    const index = columns.indexOf(id);
    if (index < 0) throw new TypeError(`"${name}" points to ${id}, which is no snapshot`);
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
