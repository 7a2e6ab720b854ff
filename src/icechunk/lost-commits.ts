/**
 * Commits that were made and are gone. On a local folder other programs replace the `repo` file blindly, and may so
 * overwrite a commit that was acknowledged. Each commit therefore leaves a small file beside the repository's own, by
 * which the next one who opens it can tell; readers that do not know these files pass them over.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonValue, parseJson, stringifyJson } from "../binary/json.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import { namesBelow } from "../storage/names.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { isObjectId, type ObjectId } from "./format/identifier.ts";
import type { RepoInfo, SnapshotInfo } from "./format/repo.ts";
import { operationsLog } from "./operations-log.ts";
import { FOLDERS, type RepositoryFiles } from "./repository-files.ts";

const FOLDER = "commits";
/** Receipts that are older than this, or older than so many others, are deleted: what could bury them is long over. */
const KEPT_MICROSECONDS = 60 * 1e6;
const KEPT_RECEIPTS = 256;
/** Commits between two clearings. */
const CLEARED_EVERY = 32;
const NAME = /^(\d{16})\.([0-9A-Z]{20})$/;

/** A commit that is in no history though it was acknowledged. */
export interface LostCommit {
  readonly snapshotId: ObjectId;
  readonly parentId: ObjectId;
  readonly branch: string;
  readonly message: string;
  readonly time: Date;
  /** Transaction logs that it named beside its own. */
  readonly furtherLogs: readonly ObjectId[];
}

/** Whether somebody who knows no locks may write here. */
function isUnguarded(files: RepositoryFiles): boolean {
  return files.isOnDisk;
}

/** How many receipts were left here, by repository. */
const left = new WeakMap<RepositoryFiles, number>();

/** Leaves a receipt of a commit that was just made. */
export async function leaveReceipt(
  files: RepositoryFiles,
  { id, parentId, flushedAt, message, prunedAncestorLogs }: Omit<SnapshotInfo, "metadata">,
  branch: string,
  info: RepoInfo,
): Promise<void> {
  if (!isUnguarded(files) || parentId === undefined) return;
  const text = stringifyJson({
    snapshot: id,
    parent: parentId,
    branch,
    message,
    flushed_at: flushedAt,
    ...(prunedAncestorLogs.length > 0 && { logs: prunedAncestorLogs }),
  });
  const key = `${FOLDER}/${String(flushedAt).padStart(16, "0")}.${id}`;
  await files.write(key, new TextEncoder().encode(text), { fresh: true });
  // Also after the first: many who commit do so once.
  const count = left.get(files) ?? 0;
  if (count % CLEARED_EVERY === 0) await clearReceipts(files, info, flushedAt);
  left.set(files, count + 1);
}

/** Deletes old receipts of commits that are in the history, or were. */
async function clearReceipts(files: RepositoryFiles, info: RepoInfo, now: number): Promise<void> {
  const newestFirst = (await receipts(files, {})).sort((a, b) => b.time - a.time);
  const done = newestFirst
    .filter(({ time }, i) => i >= KEPT_RECEIPTS || time < now - KEPT_MICROSECONDS)
    .filter(({ id, time }) => !isMissing(info, id, time));
  if (done.length > 0)
    await files.storage.delete(done.map(({ name }) => files.addressOf(`${FOLDER}/${name}`)));
}

interface Receipt {
  readonly name: string;
  readonly id: ObjectId;
  /** When the snapshot was made, in microseconds since 1970. */
  readonly time: number;
}

async function receipts(files: RepositoryFiles, options: StorageOptions): Promise<Receipt[]> {
  const found: Receipt[] = [];
  for await (const name of namesBelow(files.storage, `${files.addressOf(FOLDER)}/`, options)) {
    const [, time, id] = NAME.exec(name) ?? [];
    if (time !== undefined && id !== undefined && isObjectId(id))
      found.push({ name, id, time: Number(time) });
  }
  return found;
}

/**
 * The commits that were overwritten, oldest first.
 *
 * @param info what the repository says, perhaps from before some of the receipts
 */
export async function findLostCommits(
  files: RepositoryFiles,
  info: RepoInfo,
  options: StorageOptions = {},
): Promise<LostCommit[]> {
  if (!isUnguarded(files)) return [];
  const found = await receipts(files, options);
  let suspects = found.filter(({ id, time }) => isMissing(info, id, time));
  if (suspects.length > 0) {
    const now = await files.readInfo(options);
    suspects = suspects.filter(({ id, time }) => isMissing(now, id, time));
  }
  if (suspects.length > 0) suspects = await withoutTold(files, suspects, options);
  const lost: LostCommit[] = [];
  for (const { name, id } of suspects) {
    const commit = await readReceipt(files, name, options);
    const snapshot = commit && (await files.readIfThere(`${FOLDERS.snapshot}/${id}`, options));
    if (commit && snapshot) lost.push(commit);
  }
  return lost.sort((a, b) => a.time.getTime() - b.time.getTime());
}

/**
 * Those that the operations log does not tell of. What it tells of was in the history, and left it on purpose: who
 * overwrites a commit overwrites its entry.
 */
async function withoutTold(
  files: RepositoryFiles,
  suspects: readonly Receipt[],
  options: StorageOptions,
): Promise<Receipt[]> {
  const rest = new Map(suspects.map((receipt) => [receipt.id, receipt]));
  const first = Math.min(...suspects.map(({ time }) => time));
  let lastRemoval = Number.NEGATIVE_INFINITY;
  try {
    for await (const { operation, updatedAt } of operationsLog(files, options)) {
      if (updatedAt < first || rest.size === 0) break;
      const { kind } = operation;
      if (kind === "ExpirationRan" || kind === "GCRan") lastRemoval = Math.max(lastRemoval, updatedAt);
      if ("newSnapshotId" in operation) rest.delete(operation.newSnapshotId);
    }
  } catch (error) {
    if (!isMoraineError(error, "NotFound")) throw error;
    // A page of the log is gone: who removed snapshots after a commit may have meant it.
    return [...rest.values()].filter(({ time }) => time >= lastRemoval);
  }
  return [...rest.values()];
}

/** Whether a commit is in no history, and the newest operations do not tell of it. */
function isMissing(info: RepoInfo, id: ObjectId, time: number): boolean {
  if (info.snapshots.has(id)) return false;
  for (const { operation, updatedAt } of info.latestUpdates) {
    if (updatedAt < time) break;
    if ("newSnapshotId" in operation && operation.newSnapshotId === id) return false;
  }
  return true;
}

/** What a receipt says; undefined where it is not there, or not whole: who wrote it had not acknowledged the commit. */
async function readReceipt(
  files: RepositoryFiles,
  name: string,
  options: StorageOptions,
): Promise<LostCommit | undefined> {
  const key = `${FOLDER}/${name}`;
  const found = await files.readIfThere(key, options);
  if (!found) return undefined;
  let json: JsonValue;
  try {
    json = parseJson(found.bytes, files.addressOf(key));
  } catch (error) {
    if (isMoraineError(error, "InvalidMetadata")) return undefined;
    throw error;
  }
  const {
    snapshot,
    parent,
    branch,
    message,
    flushed_at: flushedAt,
    logs = [],
  } = isJsonObject(json) ? json : {};
  const furtherLogs = isJsonArray(logs)
    ? logs.flatMap((id) => (typeof id === "string" && isObjectId(id) ? [id] : []))
    : [];
  if (
    !isJsonArray(logs) ||
    furtherLogs.length < logs.length ||
    typeof snapshot !== "string" ||
    typeof parent !== "string" ||
    typeof branch !== "string" ||
    typeof message !== "string" ||
    typeof flushedAt !== "number"
  ) {
    throw new MoraineError("CorruptFile", "this receipt of a commit says too little", {
      source: files.addressOf(key),
    });
  }
  const time = new Date(flushedAt / 1000);
  return { snapshotId: snapshot, parentId: parent, branch, message, time, furtherLogs };
}

/**
 * Deletes the receipts of lost commits that nobody can put back, as another program has collected their files: whoever
 * opens the repository would look for each again.
 */
export async function clearEmptyReceipts(
  files: RepositoryFiles,
  info: RepoInfo,
  options: StorageOptions,
): Promise<void> {
  if (!isUnguarded(files)) return;
  const empty = new Set<ObjectId>();
  for (const { id, time } of await receipts(files, options)) {
    if (!isMissing(info, id, time)) continue;
    if (!(await files.readIfThere(`${FOLDERS.snapshot}/${id}`, options))) empty.add(id);
  }
  if (empty.size > 0) await deleteReceipts(files, empty, options);
}

/** Deletes the receipts of some commits. */
export async function deleteReceipts(
  files: RepositoryFiles,
  ids: ReadonlySet<ObjectId>,
  options: StorageOptions,
): Promise<void> {
  const done = (await receipts(files, options)).filter(({ id }) => ids.has(id));
  await files.storage.delete(
    done.map(({ name }) => files.addressOf(`${FOLDER}/${name}`)),
    options,
  );
}
