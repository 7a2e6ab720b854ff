/**
 * Garbage collection: deletes the files that no history leads to, when they are old enough that no running writer
 * can still need them (Icechunk, "Garbage collection"). Age is judged by the storage's clock alone.
 *
 * @module
 */

import { nameOf } from "../../storage/address.ts";
import type { ListedObject, StorageOptions } from "../../storage/storage.ts";
import { microsecondsOf } from "../clock.ts";
import { decodeIdentifier, isObjectId, OBJECT_ID_BYTES, type ObjectId } from "../format/identifier.ts";
import type { RepoInfo, SnapshotInfo } from "../format/repo.ts";
import { chainOf } from "../history.ts";
import { clearEmptyReceipts, findLostCommits, type LostCommit } from "../lost-commits.ts";
import { type RepoChange, updateRepo } from "../repo-update.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import { ObjectIdSet } from "./object-id-set.ts";

/** Objects that are deleted by one call. */
const DELETED_AT_ONCE = 1000;

/** What is deleted. */
export interface CollectOptions extends StorageOptions {
  /** Only what was stored before this time is deleted: earlier than the oldest session still running. */
  readonly olderThan: Date;
  /** Only tells what would be deleted. */
  readonly dryRun?: boolean | undefined;
}

/** What was deleted of one kind of file. */
export interface Collected {
  readonly count: number;
  readonly bytes: number;
}

/** What was deleted, or would be, by kind of file. */
export interface CollectedGarbage {
  readonly snapshots: Collected;
  readonly transactionLogs: Collected;
  readonly manifests: Collected;
  readonly chunks: Collected;
  /** Of all. */
  readonly bytes: number;
}

/** Everything that must stay. */
interface Retained {
  readonly snapshots: ReadonlySet<ObjectId>;
  readonly transactionLogs: ReadonlySet<ObjectId>;
  readonly manifests: ReadonlySet<ObjectId>;
  readonly chunks: ObjectIdSet;
}

/**
 * Deletes what nothing leads to. Cut off at any moment, it leaves the repository whole, and the rest to the next one.
 *
 * Errors: `ReadOnly`, `UnsupportedVersion` for specification 1, `CorruptFile` where a file that tells what is needed
 * cannot be read: nothing is deleted then.
 */
export async function collectGarbage(
  files: RepositoryFiles,
  options: CollectOptions,
): Promise<CollectedGarbage> {
  const cutoff = microsecondsOf(options.olderThan) / 1000;
  const storedAt = new Map<ObjectId, number>();
  for await (const object of files.storage.list(`${files.addressOf(FOLDERS.snapshot)}/`, options)) {
    storedAt.set(nameOf(object.address), object.lastModified ?? Number.POSITIVE_INFINITY);
  }
  // What came since the listing is new, whatever its times say.
  const isOld = (id: ObjectId): boolean => (storedAt.get(id) ?? Number.POSITIVE_INFINITY) < cutoff;
  const info = options.dryRun
    ? await files
        .readInfo(options)
        .then((state) => ({ ...state, ...dropUnreachable(state, isOld, files.address)?.info }))
    : await updateRepo(files, (state) => dropUnreachable(state, isOld, files.address), options);
  // Commits that another program overwrote were acknowledged: they stay until somebody forgets them.
  const lost = await findLostCommits(files, info, options);
  const retained = await mark(files, info, lost, options);
  const sweepFolder = (folder: string, isKept: (id: ObjectId) => boolean): Promise<Collected> =>
    sweep(files, folder, isKept, cutoff, options);
  const snapshots = await sweepFolder(FOLDERS.snapshot, (id) => retained.snapshots.has(id));
  const transactionLogs = await sweepFolder(FOLDERS.transactionLog, (id) => retained.transactionLogs.has(id));
  const manifests = await sweepFolder(FOLDERS.manifest, (id) => retained.manifests.has(id));
  const chunks = await sweepFolder(FOLDERS.chunk, (id) =>
    retained.chunks.has(decodeIdentifier(id, OBJECT_ID_BYTES)),
  );
  if (!options.dryRun) {
    await clearEmptyReceipts(files, info, options);
    await files.storage.removeUnfinished?.(`${files.address}/`, options.olderThan);
  }
  const bytes = snapshots.bytes + transactionLogs.bytes + manifests.bytes + chunks.bytes;
  return { snapshots, transactionLogs, manifests, chunks, bytes };
}

/** The history without old snapshots that no branch or tag leads to; undefined where there are none. */
function dropUnreachable(
  info: RepoInfo,
  isOld: (id: ObjectId) => boolean,
  source: string,
): RepoChange | undefined {
  const kept = new Set<ObjectId>();
  for (const tip of [...info.branches.values(), ...info.tags.values()]) {
    for (const { id } of chainOf(info, tip, source)) {
      if (kept.has(id)) break;
      kept.add(id);
    }
  }
  for (const { id, parentId } of info.snapshots.values())
    if (parentId === undefined || !isOld(id)) kept.add(id);
  if (kept.size === info.snapshots.size) return undefined;
  const snapshots = new Map<ObjectId, SnapshotInfo>();
  for (const snapshot of info.snapshots.values()) {
    if (!kept.has(snapshot.id)) continue;
    const orphaned = snapshot.parentId !== undefined && !kept.has(snapshot.parentId);
    snapshots.set(snapshot.id, orphaned ? afterNearestKept(info, snapshot, kept, source) : snapshot);
  }
  return { info: { snapshots }, operation: { kind: "GCRan" } };
}

/** A snapshot as the child of its nearest ancestor that stays, with the logs of those between them. */
function afterNearestKept(
  info: RepoInfo,
  snapshot: SnapshotInfo,
  kept: ReadonlySet<ObjectId>,
  source: string,
): SnapshotInfo {
  let logs: ObjectId[] = [...snapshot.prunedAncestorLogs];
  for (const ancestor of [...chainOf(info, snapshot.id, source)].slice(1)) {
    if (kept.has(ancestor.id)) return { ...snapshot, parentId: ancestor.id, prunedAncestorLogs: logs };
    logs = [...ancestor.prunedAncestorLogs, ancestor.id, ...logs];
  }
  return { ...snapshot, parentId: undefined, prunedAncestorLogs: logs };
}

/** Walks from the snapshots of a history, and those that were lost, to their manifests and chunk objects. */
async function mark(
  files: RepositoryFiles,
  info: RepoInfo,
  lost: readonly LostCommit[],
  options: StorageOptions,
): Promise<Retained> {
  const snapshots = new Set([...info.snapshots.keys(), ...lost.map(({ snapshotId }) => snapshotId)]);
  const transactionLogs = new Set<ObjectId>(snapshots);
  const manifests = new Set<ObjectId>();
  const chunks = new ObjectIdSet();
  for (const { prunedAncestorLogs } of info.snapshots.values()) {
    for (const log of prunedAncestorLogs) transactionLogs.add(log);
  }
  for (const { furtherLogs } of lost) for (const log of furtherLogs) transactionLogs.add(log);
  for (const id of snapshots) {
    const snapshot = await files.snapshot(id, options);
    for (const file of snapshot.manifestFiles.values()) {
      if (manifests.has(file.id)) continue;
      manifests.add(file.id);
      const manifest = await files.manifest(file, options);
      manifest.forEachChunkObject((bytes, at) => chunks.add(bytes, at));
    }
  }
  return { snapshots, transactionLogs, manifests, chunks };
}

async function sweep(
  files: RepositoryFiles,
  folder: string,
  isKept: (id: ObjectId) => boolean,
  cutoff: number,
  options: CollectOptions,
): Promise<Collected> {
  let [count, bytes] = [0, 0];
  let waiting: string[] = [];
  const isGarbage = ({ address, lastModified }: ListedObject): boolean => {
    const id = nameOf(address);
    // What is named otherwise is not ours to delete.
    return isObjectId(id) && lastModified !== undefined && lastModified < cutoff && !isKept(id);
  };
  for await (const object of files.storage.list(`${files.addressOf(folder)}/`, options)) {
    if (!isGarbage(object)) continue;
    count += 1;
    bytes += object.size ?? 0;
    waiting.push(object.address);
    if (waiting.length < DELETED_AT_ONCE) continue;
    if (!options.dryRun) await files.storage.delete(waiting, options);
    waiting = [];
  }
  if (waiting.length > 0 && !options.dryRun) await files.storage.delete(waiting, options);
  return { count, bytes };
}
