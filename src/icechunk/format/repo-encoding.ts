/**
 * Writes the `repo` file. It is replaced as a whole by every update, so that what stays as it is should cost nothing:
 * the file has a head, made anew each time, and a body of texts, metadata and operations that is only appended to.
 * Both are zstd frames of their own, and those of the body are taken over as they are packed already.
 *
 * @module
 */

import { concatenateBytes } from "../../binary/byte-sequences.ts";
import { compress, type DecompressedFrame, decompressFrames, FRAME_BYTES } from "./compression.ts";
import { FILE_TYPE, isOurs, payloadOf, sealFrames } from "./envelope.ts";
import { FlatBufferReader } from "./flatbuffer-reader.ts";
import { FlatBufferWriter, tableLayout } from "./flatbuffer-writer.ts";
import { decodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "./identifier.ts";
import { writeMetadataItems } from "./metadata.ts";
import { compareIdentifiers, compareUtf8 } from "./order.ts";
import type { RepoInfo } from "./repo.ts";
import { RepoColumns, readColumns } from "./repo-columns.ts";
import type { SnapshotInfo } from "./stored-snapshots.ts";
import { type Update, writeStatus, writeUpdate } from "./update.ts";

/** A frame of the body is packed anew until it holds so many bytes. */
const FULL_FRAME_BYTES = 16 * 1024;
/** The body is made anew when its first bytes, as many as this or a part of it, are of operations that left. */
const [WASTED_BYTES, WASTED_PART] = [32 * 1024, 1 / 8];

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

/** A `repo` file, and what the next one can be made from. */
export interface EncodedRepo {
  readonly file: Uint8Array;
  /** The FlatBuffer in it. */
  readonly payload: Uint8Array;
  readonly encoding: RepoEncoding;
}

interface BodyFrame {
  /** Bytes of the body that it holds. */
  readonly length: number;
  readonly packed: Uint8Array;
}

/** Snapshots and operations of a repository, but for the newest operation, as they are written. */
export class RepoEncoding {
  readonly #columns: RepoColumns;
  /** Places of operations in the body, oldest first. */
  readonly #updates: Uint32Array;
  readonly #body: readonly Uint8Array[];
  readonly #bodyLength: number;
  /** Of the first bytes of the body. */
  readonly #frames: readonly BodyFrame[];

  private constructor(
    columns: RepoColumns,
    updates: Uint32Array,
    body: readonly Uint8Array[],
    frames: readonly BodyFrame[],
  ) {
    this.#columns = columns;
    this.#updates = updates;
    this.#body = body;
    this.#bodyLength = body.reduce((total, { length }) => total + length, 0);
    this.#frames = frames;
  }

  /** From nothing: of a new repository, or one whose snapshots became other ones. */
  static of(info: Pick<RepoInfo, "snapshots" | "latestUpdates">): RepoEncoding {
    const ids = [...info.snapshots.keys()].sort(compareIdentifiers);
    const indexes = new Map(ids.map((id, i) => [id, i]));
    const body = new BodyWriter(64 + 64 * ids.length + 128 * info.latestUpdates.length);
    // The oldest first: these are the ones that leave first, and so what is wasted is at the beginning.
    const updates = [...info.latestUpdates]
      .slice(1)
      .reverse()
      .map((update) => body.update(update));
    const columns = new RepoColumns(ids.length);
    for (const [i, id] of ids.entries()) {
      const snapshot = info.snapshots.get(id);
      if (!snapshot) continue;
      const parent = snapshot.parentId === undefined ? -1 : (indexes.get(snapshot.parentId) ?? -1);
      columns.set(i, decodeIdentifier(id, OBJECT_ID_BYTES), { ...body.snapshot(snapshot), parent });
    }
    return new RepoEncoding(columns, Uint32Array.from(updates), [body.finish()], []);
  }

  /** From a file that was written by this; undefined for others. Errors: as of `readRepo`. */
  static async stored(file: Uint8Array, source: string): Promise<RepoEncoding | undefined> {
    if (!isOurs(file)) return undefined;
    const [head, ...body] = await decompressFrames(payloadOf(file, FILE_TYPE.repository, source), source);
    if (head === undefined || body.length === 0) return undefined;
    const contents = body.map(({ content }) => content);
    const reader = new FlatBufferReader(concatenateBytes([head.content, ...contents]), source);
    const found = readColumns(reader, head.content.length);
    return found && new RepoEncoding(found.columns, found.updates, contents, body.map(frameOf));
  }

  /**
   * With one more operation before the newest, and perhaps one more snapshot.
   *
   * @param former the operation that was the newest, undefined where it is not kept
   * @param kept how many operations are kept, the newest and this one among them
   */
  append(former: Update | undefined, kept: number, snapshot: SnapshotInfo | undefined): RepoEncoding {
    const writer = new BodyWriter(512);
    const place = (at: number): number => this.#bodyLength + at;
    let updates = this.#updates;
    if (former) {
      updates = new Uint32Array(this.#updates.length + 1);
      updates.set(this.#updates);
      updates[this.#updates.length] = place(writer.update(former));
    }
    if (updates.length > kept - 1) updates = updates.slice(updates.length - (kept - 1));
    let columns = this.#columns;
    if (snapshot) {
      const row = writer.snapshot(snapshot);
      columns = columns.insert(snapshot.id, snapshot.parentId, {
        flushedAt: row.flushedAt,
        message: place(row.message),
        metadata: place(row.metadata),
        pruned: row.pruned && place(row.pruned),
      });
    }
    return new RepoEncoding(columns, updates, [...this.#body, writer.finish()], this.#frames);
  }

  /** Whether much of the body is of operations that left, so that it should be made anew. */
  get isWasteful(): boolean {
    const [oldest] = this.#updates;
    const bearable = Math.max(WASTED_BYTES, WASTED_PART * this.#bodyLength);
    if (oldest === undefined || oldest < bearable) return false;
    // What lies before the oldest operation is of snapshots or wasted.
    const { count, messages, metadata, pruned } = this.#columns;
    let wasted = oldest;
    for (let i = 0; i < count; i++) {
      const [message, last] = [messages[i] ?? 0, Math.max(metadata[i] ?? 0, pruned[i] ?? 0)];
      if (message < oldest) wasted -= last + 4 - message;
    }
    return wasted > bearable;
  }

  /** Errors: `LimitExceeded` beyond 2 GiB. */
  async write(head: RepoHead, compressionLevel: number): Promise<EncodedRepo> {
    const front = this.#writeHead(head);
    const payload = concatenateBytes([front, ...this.#body]);
    const body = payload.subarray(front.length);
    const frames = await this.#packBody(body, compressionLevel);
    const packed = [...(await compress(front, compressionLevel)), ...frames.map((frame) => frame.packed)];
    return {
      file: sealFrames(packed, FILE_TYPE.repository),
      payload,
      encoding: new RepoEncoding(this.#columns, this.#updates, [body], frames),
    };
  }

  async #packBody(body: Uint8Array, compressionLevel: number): Promise<BodyFrame[]> {
    const frames = [...this.#frames];
    if ((frames.at(-1)?.length ?? FULL_FRAME_BYTES) < FULL_FRAME_BYTES) frames.pop();
    const done = frames.reduce((total, { length }) => total + length, 0);
    const rest = body.subarray(done);
    let at = 0;
    for (const packed of rest.length === 0 ? [] : await compress(rest, compressionLevel)) {
      const length = Math.min(FRAME_BYTES, rest.length - at);
      frames.push({ length, packed });
      at += length;
    }
    return frames;
  }

  #writeHead(head: RepoHead): Uint8Array {
    const { count } = this.#columns;
    const names: RepoSlot[] = [...REPO_ALWAYS];
    if (head.repoBeforeUpdates !== undefined) names.push("before");
    if (head.config !== undefined) names.push("config");
    if (head.enabledFlags.length > 0) names.push("enabledFlags");
    if (head.disabledFlags.length > 0) names.push("disabledFlags");
    if (head.extra !== undefined) names.push("extra");
    const layout = tableLayout(REPO_SCHEMA, ...names);
    const writer = new FlatBufferWriter(2048 + (INFO.size + 4) * count + 4 * this.#updates.length);
    const root = writer.root(layout);
    const field = (name: RepoSlot): number => root + layout.at[name];
    writer.u8(field("specVersion"), head.specVersion);
    this.#writeRefs(writer, field("tags"), head.tags);
    this.#writeRefs(writer, field("branches"), head.branches);
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
    const updates = writer.vector(field("latestUpdates"), 1 + this.#updates.length, 4);
    writeUpdate(writer, updates, head.newest);
    this.#writeTables(writer, field("snapshots"), updates);
    return writer.finish();
  }

  /** The vector of snapshots with their tables, and what leads into the body, which begins after them. */
  #writeTables(writer: FlatBufferWriter, from: number, updates: number): void {
    const { count, ids, parents, flushedAt, messages, metadata, pruned } = this.#columns;
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
    const { length } = this.#updates;
    for (let i = 1; i <= length; i++) {
      writer.point(updates + 4 * i, body + (this.#updates[length - i] ?? 0));
    }
  }

  #writeRefs(writer: FlatBufferWriter, from: number, refs: ReadonlyMap<string, ObjectId>): void {
    const sorted = [...refs].sort(([a], [b]) => compareUtf8(a, b));
    const vector = writer.vector(from, sorted.length, 4);
    sorted.forEach(([name, id], i) => {
      const index = this.#columns.indexOf(id);
      if (index < 0) throw new TypeError(`"${name}" points to ${id}, which is no snapshot`);
      const table = writer.table(REF, vector + 4 * i);
      writer.u32(table + REF.at.snapshot, index);
      writer.string(table + REF.at.name, name);
    });
  }
}

/** Writes a `repo` file from nothing. Errors: `LimitExceeded` beyond 2 GiB. */
export async function writeRepo(info: RepoInfo, compressionLevel: number): Promise<Uint8Array> {
  const newest = info.latestUpdates.at(0);
  if (!newest) throw new TypeError("a repository has at least the operation that made it");
  return (await RepoEncoding.of(info).write({ ...info, newest }, compressionLevel)).file;
}

function frameOf({ content, packed }: DecompressedFrame): BodyFrame {
  return { length: content.length, packed };
}

function writeFlags(writer: FlatBufferWriter, from: number, flags: readonly number[]): void {
  const sorted = [...flags].sort((a, b) => a - b);
  const vector = writer.vector(from, sorted.length, 2);
  sorted.forEach((flag, i) => {
    writer.u16(vector + 2 * i, flag);
  });
}

/** Writes bytes that go to the end of the body, and gives their places among these. */
class BodyWriter {
  readonly #writer: FlatBufferWriter;
  /** Where the offset to what is written is put; nobody reads it. */
  readonly #slot: number;

  constructor(capacity: number) {
    this.#writer = new FlatBufferWriter(capacity);
    this.#slot = this.#writer.reserve(8);
  }

  update(update: Update): number {
    return this.#place((from) => writeUpdate(this.#writer, from, update));
  }

  snapshot({ message, metadata, flushedAt, prunedAncestorLogs }: SnapshotInfo): {
    message: number;
    metadata: number;
    flushedAt: number;
    pruned: number;
  } {
    return {
      message: this.#writer.text(message),
      metadata: this.#place((from) => writeMetadataItems(this.#writer, from, metadata)),
      flushedAt,
      pruned: prunedAncestorLogs.length === 0 ? 0 : this.#identifiers(prunedAncestorLogs),
    };
  }

  finish(): Uint8Array {
    this.#writer.reserve(0, 8);
    return this.#writer.finish();
  }

  #identifiers(ids: readonly ObjectId[]): number {
    return this.#place((from) => {
      const vector = this.#writer.vector(from, ids.length, OBJECT_ID_BYTES);
      ids.forEach((id, i) => {
        this.#writer.set(vector + OBJECT_ID_BYTES * i, decodeIdentifier(id, OBJECT_ID_BYTES));
      });
    });
  }

  #place(write: (from: number) => void): number {
    write(this.#slot);
    return this.#slot + this.#writer.view.getUint32(this.#slot, true);
  }
}
