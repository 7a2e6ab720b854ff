/**
 * Writes the `repo` file. It is replaced as a whole by every update, so that what stays as it is should cost nothing:
 * the file has a head, made anew each time, and a body of texts, metadata and operations that is only appended to.
 * Both are zstd frames of their own, and those of the body are taken over as they are packed already.
 *
 * @module
 */

import { concatenateBytes } from "../../binary/byte-sequences.ts";
import { compress, decompressFrames } from "./compression.ts";
import { FILE_TYPE, isOurs, payloadOf, sealFrames } from "./envelope.ts";
import { FlatBufferReader } from "./flatbuffer-reader.ts";
import { decodeIdentifier, OBJECT_ID_BYTES } from "./identifier.ts";
import { compareIdentifiers } from "./order.ts";
import type { RepoInfo } from "./repo.ts";
import { type BodyFrame, BodyWriter, frameOf, packBody } from "./repo-body.ts";
import { RepoColumns, readColumns } from "./repo-columns.ts";
import { type RepoHead, writeRepoHead } from "./repo-head.ts";
import type { SnapshotInfo } from "./stored-snapshots.ts";
import type { Update } from "./update.ts";

/** The body is made anew when its first bytes, as many as this or a part of it, are of operations that left. */
const [WASTED_BYTES, WASTED_PART] = [32 * 1024, 1 / 8];

/** A `repo` file, and what the next one can be made from. */
export interface EncodedRepo {
  readonly file: Uint8Array;
  /** The FlatBuffer in it. */
  readonly payload: Uint8Array;
  readonly encoding: RepoEncoding;
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
    const front = writeRepoHead(head, this.#columns, this.#updates);
    const payload = concatenateBytes([front, ...this.#body]);
    const body = payload.subarray(front.length);
    const frames = await packBody(body, this.#frames, compressionLevel);
    const packed = [...(await compress(front, compressionLevel)), ...frames.map((frame) => frame.packed)];
    return {
      file: sealFrames(packed, FILE_TYPE.repository),
      payload,
      encoding: new RepoEncoding(this.#columns, this.#updates, [body], frames),
    };
  }
}

/** Writes a `repo` file from nothing. Errors: `LimitExceeded` beyond 2 GiB. */
export async function writeRepo(info: RepoInfo, compressionLevel: number): Promise<Uint8Array> {
  const newest = info.latestUpdates.at(0);
  if (!newest) throw new TypeError("a repository has at least the operation that made it");
  return (await RepoEncoding.of(info).write({ ...info, newest }, compressionLevel)).file;
}
