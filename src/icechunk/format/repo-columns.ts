/**
 * What a `repo` file says of snapshots and operations, in columns: the part that is written anew with every update,
 * since one more snapshot moves the places of all behind it, and these are how a snapshot names its parent.
 *
 * Texts, metadata and operations lie in the body of the file, which is only appended to; the columns hold places in it.
 *
 * @module
 */

import type { FlatBufferReader } from "./flatbuffer-reader.ts";
import { decodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "./identifier.ts";
import { compareBytes } from "./order.ts";
import { REPO_SLOT } from "./repo.ts";
import { INFO_SLOT } from "./stored-snapshots.ts";

/** A snapshot but for its identifier; places are in the body. */
export interface SnapshotRow {
  /** Place of the parent in the vector of snapshots, -1 for none. */
  readonly parent: number;
  readonly flushedAt: number;
  readonly message: number;
  readonly metadata: number;
  /** 0 for none. */
  readonly pruned: number;
}

export class RepoColumns {
  readonly count: number;
  /** Ascending, 12 bytes each. */
  readonly ids: Uint8Array;
  readonly parents: Int32Array;
  readonly flushedAt: Float64Array;
  readonly messages: Uint32Array;
  readonly metadata: Uint32Array;
  readonly pruned: Uint32Array;

  constructor(count: number) {
    this.count = count;
    this.ids = new Uint8Array(OBJECT_ID_BYTES * count);
    this.parents = new Int32Array(count);
    this.flushedAt = new Float64Array(count);
    this.messages = new Uint32Array(count);
    this.metadata = new Uint32Array(count);
    this.pruned = new Uint32Array(count);
  }

  set(index: number, id: Uint8Array, row: SnapshotRow): void {
    this.ids.set(id, OBJECT_ID_BYTES * index);
    this.parents[index] = row.parent;
    this.flushedAt[index] = row.flushedAt;
    this.messages[index] = row.message;
    this.metadata[index] = row.metadata;
    this.pruned[index] = row.pruned;
  }

  /** With one more snapshot. @param parentId -1 is its parent where it is not among these */
  insert(id: ObjectId, parentId: ObjectId | undefined, row: Omit<SnapshotRow, "parent">): RepoColumns {
    const bytes = decodeIdentifier(id, OBJECT_ID_BYTES);
    const place = this.#placeOf(bytes);
    const grown = new RepoColumns(this.count + 1);
    const copy = <T extends Uint8Array | Int32Array | Float64Array | Uint32Array>(
      from: T,
      to: T,
      width = 1,
    ): void => {
      to.set(from.subarray(0, place * width));
      to.set(from.subarray(place * width), (place + 1) * width);
    };
    copy(this.ids, grown.ids, OBJECT_ID_BYTES);
    copy(this.parents, grown.parents);
    copy(this.flushedAt, grown.flushedAt);
    copy(this.messages, grown.messages);
    copy(this.metadata, grown.metadata);
    copy(this.pruned, grown.pruned);
    const { parents } = grown;
    for (let i = 0; i < parents.length; i++) {
      const parent = parents[i] ?? -1;
      if (parent >= place) parents[i] = parent + 1;
    }
    grown.set(place, bytes, { ...row, parent: -1 });
    parents[place] = parentId === undefined ? -1 : grown.indexOf(parentId);
    return grown;
  }

  /** The place of a snapshot, -1 where it is not there. */
  indexOf(id: ObjectId): number {
    const bytes = decodeIdentifier(id, OBJECT_ID_BYTES);
    const place = this.#placeOf(bytes);
    return place < this.count && compareBytes(this.#id(place), bytes) === 0 ? place : -1;
  }

  /** The first place whose identifier is not below. */
  #placeOf(id: Uint8Array): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.#id(middle), id) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #id(index: number): Uint8Array {
    return this.ids.subarray(OBJECT_ID_BYTES * index, OBJECT_ID_BYTES * (index + 1));
  }
}

/**
 * The columns of a file, and the places of its operations, oldest first, without the newest; undefined where not all
 * that they point to lies in the body.
 *
 * @param body where the body begins
 */
export function readColumns(
  reader: FlatBufferReader,
  body: number,
): { readonly columns: RepoColumns; readonly updates: Uint32Array } | undefined {
  const root = reader.root();
  const infos = reader.requiredVector(root, REPO_SLOT.snapshots, 4, "snapshots");
  const columns = new RepoColumns(infos.count);
  for (let i = 0; i < infos.count; i++) {
    const table = reader.follow(infos.start + 4 * i);
    const [message, metadata] = [
      reader.target(table, INFO_SLOT.message),
      reader.target(table, INFO_SLOT.metadata),
    ];
    const pruned = reader.target(table, INFO_SLOT.pruned);
    if (message < body || metadata < body || (pruned !== 0 && pruned < body)) return undefined;
    const id = reader.slice(reader.required(table, INFO_SLOT.id, "an identifier"), OBJECT_ID_BYTES);
    columns.set(i, id, {
      parent: reader.i32Field(table, INFO_SLOT.parent, 0),
      flushedAt: reader.u64Field(table, INFO_SLOT.flushedAt, 0),
      message: message - body,
      metadata: metadata - body,
      pruned: pruned && pruned - body,
    });
  }
  const log = reader.requiredVector(root, REPO_SLOT.latestUpdates, 4, "the operations log");
  const updates = new Uint32Array(Math.max(log.count - 1, 0));
  for (let i = 1; i < log.count; i++) {
    const table = reader.follow(log.start + 4 * i);
    if (table < body || table - reader.i32(table) < body) return undefined;
    updates[updates.length - i] = table - body;
  }
  return { columns, updates };
}
