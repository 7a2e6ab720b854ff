/**
 * The snapshots that a `repo` file knows, read where they lie: opening a repository with a long history needs a few
 * of them (Icechunk specification 2, table `SnapshotInfo`).
 *
 * @module
 */

import { type FlatBufferReader, TableFields, type VectorPosition } from "./flatbuffer-reader.ts";
import { decodeIdentifier, encodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "./identifier.ts";
import { type MetadataItem, readMetadataItems } from "./metadata.ts";

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

/** Slots of the table. */
export const INFO_SLOT = { id: 0, parent: 1, flushedAt: 2, message: 3, metadata: 4, pruned: 5 } as const;

/**
 * A map from identifiers to snapshots, found by bisection. What was read once is kept.
 *
 * Errors of all methods: `CorruptFile`.
 */
export class StoredSnapshots implements ReadonlyMap<ObjectId, SnapshotInfo> {
  readonly #reader: FlatBufferReader;
  readonly #vector: VectorPosition;
  readonly #fields: TableFields;
  readonly #read = new Map<number, SnapshotInfo>();
  /** Places of the parents of what was read: a history is mostly walked on. */
  readonly #parents = new Map<ObjectId, number>();

  constructor(reader: FlatBufferReader, vector: VectorPosition) {
    this.#reader = reader;
    this.#vector = vector;
    this.#fields = new TableFields(reader, Object.keys(INFO_SLOT).length);
  }

  get size(): number {
    return this.#vector.count;
  }

  /** The identifier of the snapshot at a place of the vector; undefined beyond its end. */
  idAt(index: number): ObjectId | undefined {
    return index < this.#vector.count ? encodeIdentifier(this.#idBytes(index)) : undefined;
  }

  has(id: ObjectId): boolean {
    return this.#find(id) >= 0;
  }

  get(id: ObjectId): SnapshotInfo | undefined {
    const index = this.#parents.get(id) ?? this.#find(id);
    return index < 0 ? undefined : this.#at(index);
  }

  *keys(): MapIterator<ObjectId> {
    for (let i = 0; i < this.size; i++) yield encodeIdentifier(this.#idBytes(i));
    return undefined;
  }

  *values(): MapIterator<SnapshotInfo> {
    for (let i = 0; i < this.size; i++) yield this.#at(i);
    return undefined;
  }

  *entries(): MapIterator<[ObjectId, SnapshotInfo]> {
    for (const info of this.values()) yield [info.id, info];
    return undefined;
  }

  [Symbol.iterator](): MapIterator<[ObjectId, SnapshotInfo]> {
    return this.entries();
  }

  forEach(visit: (info: SnapshotInfo, id: ObjectId, map: ReadonlyMap<ObjectId, SnapshotInfo>) => void): void {
    for (const info of this.values()) visit(info, info.id, this);
  }

  #find(id: ObjectId): number {
    const wanted = decodeIdentifier(id, OBJECT_ID_BYTES);
    let [low, high] = [0, this.#vector.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#reader.compareSlice(this.#idPosition(middle), wanted);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  #table(index: number): number {
    return this.#reader.follow(this.#vector.start + 4 * index);
  }

  #idPosition(index: number): number {
    const table = this.#table(index);
    return table + this.#required(table, INFO_SLOT.id, "an identifier");
  }

  #required(table: number, slot: number, name: string): number {
    const field = this.#fields.of(table)[slot] ?? 0;
    if (field === 0) throw this.#reader.corrupt(`${name} is missing`, table);
    return field;
  }

  #idBytes(index: number): Uint8Array {
    return this.#reader.slice(this.#idPosition(index), OBJECT_ID_BYTES);
  }

  #at(index: number): SnapshotInfo {
    let info = this.#read.get(index);
    if (info === undefined) {
      info = this.#readInfo(index);
      this.#read.set(index, info);
    }
    return info;
  }

  #readInfo(index: number): SnapshotInfo {
    const reader = this.#reader;
    const table = this.#table(index);
    reader.charge(32);
    const id = encodeIdentifier(this.#idBytes(index));
    const message = reader.follow(
      table + this.#required(table, INFO_SLOT.message, "the message of a snapshot"),
    );
    const fields = this.#fields.of(table);
    const [at, time] = [fields[INFO_SLOT.parent] ?? 0, fields[INFO_SLOT.flushedAt] ?? 0];
    const parent = at === 0 ? 0 : reader.i32(table + at);
    return {
      id,
      parentId: parent < 0 ? undefined : this.#parent(parent, table),
      flushedAt: time === 0 ? 0 : reader.u64(table + time),
      message: reader.stringAt(message),
      metadata: readMetadataItems(reader, table, INFO_SLOT.metadata),
      prunedAncestorLogs: readIdentifiers(reader, table, INFO_SLOT.pruned),
    };
  }

  #parent(index: number, table: number): ObjectId {
    const id = this.idAt(index);
    if (id === undefined) throw this.#reader.corrupt("a snapshot has no such parent", table);
    this.#parents.set(id, index);
    return id;
  }
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
