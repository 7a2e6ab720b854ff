/**
 * The `repo` file: branches, tags, every snapshot's place in history, configuration and the operations log.
 * It is the only object of a repository that ever changes (Icechunk specification 2, "Repo info").
 *
 * @module
 */

import { FILE_TYPE, openFirstFrame } from "./envelope.ts";
import { FlatBufferReader } from "./flatbuffer-reader.ts";
import type { ObjectId } from "./identifier.ts";
import { type MetadataItem, readMetadataItems } from "./metadata.ts";
import { type SnapshotInfo, StoredSnapshots } from "./stored-snapshots.ts";
import { StoredUpdates, type Updates } from "./stored-updates.ts";
import { type RepositoryStatus, readStatus } from "./update.ts";

export type { SnapshotInfo } from "./stored-snapshots.ts";

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
  readonly latestUpdates: Updates;
  /** Name, below `overwritten/`, of the file that holds the entries before these. */
  readonly repoBeforeUpdates?: string | undefined;
  /** The configuration, a FlexBuffer; absent when none was saved. */
  readonly config?: Uint8Array | undefined;
  readonly enabledFlags: readonly number[];
  readonly disabledFlags: readonly number[];
  /** Bytes that a later version put there. */
  readonly extra?: Uint8Array | undefined;
}

/** Slots of the table. */
export const REPO_SLOT = {
  specVersion: 0,
  tags: 1,
  branches: 2,
  deletedTags: 3,
  snapshots: 4,
  status: 5,
  metadata: 6,
  latestUpdates: 7,
  before: 8,
  config: 9,
  enabledFlags: 10,
  disabledFlags: 11,
  extra: 12,
} as const;

/**
 * Reads a `repo` file; its snapshots and operations are read when they are asked for, with their own errors.
 *
 * Errors: as {@link openFirstFrame}, `CorruptFile`.
 */
export async function readRepo(file: Uint8Array, source: string): Promise<RepoInfo> {
  const { first, all } = await openFirstFrame(file, FILE_TYPE.repository, source);
  return parse(new FlatBufferReader(first, source, all));
}

/** The same from a FlatBuffer. */
export function parseRepo(payload: Uint8Array, source: string): RepoInfo {
  return parse(new FlatBufferReader(payload, source));
}

function parse(reader: FlatBufferReader): RepoInfo {
  const root = reader.root();
  const infos = reader.requiredVector(root, REPO_SLOT.snapshots, 4, "snapshots");
  const snapshots = new StoredSnapshots(reader, infos);
  const updates = reader.requiredVector(root, REPO_SLOT.latestUpdates, 4, "the operations log");
  return {
    specVersion: reader.u8Field(root, REPO_SLOT.specVersion, 0),
    tags: readRefs(reader, root, REPO_SLOT.tags, snapshots),
    branches: readRefs(reader, root, REPO_SLOT.branches, snapshots),
    deletedTags: new Set(readStrings(reader, root, REPO_SLOT.deletedTags)),
    snapshots,
    status: readStatus(reader, reader.follow(reader.required(root, REPO_SLOT.status, "status"))),
    metadata: readMetadataItems(reader, root, REPO_SLOT.metadata),
    latestUpdates: new StoredUpdates(reader, updates),
    repoBeforeUpdates: reader.string(root, REPO_SLOT.before),
    config: reader.byteVector(root, REPO_SLOT.config),
    enabledFlags: readFlags(reader, root, REPO_SLOT.enabledFlags),
    disabledFlags: readFlags(reader, root, REPO_SLOT.disabledFlags),
    extra: reader.byteVector(root, REPO_SLOT.extra),
  };
}

function readRefs(
  reader: FlatBufferReader,
  root: number,
  slot: number,
  snapshots: StoredSnapshots,
): Map<string, ObjectId> {
  const vector = reader.requiredVector(root, slot, 4, "refs");
  reader.charge(16 * vector.count);
  const refs = new Map<string, ObjectId>();
  for (let i = 0; i < vector.count; i++) {
    const table = reader.follow(vector.start + 4 * i);
    const name = reader.requiredString(table, 0, "the name of a ref");
    const id = snapshots.idAt(reader.u32Field(table, 1, 0));
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
