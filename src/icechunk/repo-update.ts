/**
 * The one way in which a repository changes: read `repo`, work out the next one, and replace it on condition that
 * it is still the one that was read (Icechunk specification 2, "Atomic updates").
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { microsecondsNow } from "./clock.ts";
import { readConfiguration, settingsOf } from "./configuration.ts";
import type { RepoInfo, SnapshotInfo } from "./format/repo.ts";
import { type EncodedRepo, RepoEncoding } from "./format/repo-encoding.ts";
import type { RepoHead } from "./format/repo-head.ts";
import type { Updates } from "./format/stored-updates.ts";
import type { Operation } from "./format/update.ts";
import { backupName, FOLDERS, type RepoState, type RepositoryFiles } from "./repository-files.ts";

const MAX_TRIES = 100;
/** Retries without waiting, before the wait grows from the first to the second of these milliseconds. */
const PROMPT_RETRIES = 5;
const BACKOFF_MS = [50, 30_000] as const;
const DEFAULT_UPDATES_PER_FILE = 1000;
/** Takes a fifth less time than the official default, 3, and with shared locations is still smaller than its files. */
export const DEFAULT_COMPRESSION_LEVEL = 2;
const REPO_COMPRESSION_LEVEL = 1;

/** What an update makes of a repository. */
export interface RepoChange {
  readonly info: Partial<Omit<RepoInfo, "latestUpdates" | "repoBeforeUpdates">>;
  /** A snapshot besides those that are there, which costs less than all of them in `info`. */
  readonly newSnapshot?: SnapshotInfo | undefined;
  readonly operation: Operation;
}

/** A copy of the `repo` file that the operations log will lead to. */
export interface Backup {
  readonly state: RepoState;
  readonly name: string;
}

export interface UpdateOptions extends StorageOptions {
  /** Whether the update may be made while the repository is read-only: the one that makes it writable. */
  readonly evenReadOnly?: boolean | undefined;
  /** Made before, beside other writes. */
  readonly backup?: Backup | undefined;
}

/**
 * Changes a repository.
 *
 * @param change called anew with every state that it may have to build upon; what it throws ends the update, and
 *   undefined means that there is nothing to change
 * @returns the state after it
 * Errors: `ReadOnly`; `Conflict` where others kept coming first; `UnsupportedVersion` for specification 1.
 */
export async function updateRepo(
  files: RepositoryFiles,
  change: (info: RepoInfo, now: number) => RepoChange | undefined | Promise<RepoChange | undefined>,
  options: UpdateOptions = {},
): Promise<RepoInfo> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    if (attempt > PROMPT_RETRIES) await backOff(attempt - PROMPT_RETRIES, options.signal);
    // What is remembered may be old, which the condition of the write finds out; then it is read.
    const state = attempt === 0 ? await files.recentRepo(options) : await files.readRepo(options);
    if (!state) throw notWritable(files);
    if (attempt === 0 && options.backup && options.backup.state !== state) await dropBackup(files, options);
    const now = microsecondsNow(state.info.latestUpdates.at(0)?.updatedAt);
    let made: RepoChange | undefined;
    try {
      if (!options.evenReadOnly) requireOnline(state.info, files.address);
      made = await change(state.info, now);
    } catch (error) {
      if (attempt === 0 && (await files.readRepo(options)) !== state) continue;
      throw error;
    }
    if (!made) {
      // No write finds out whether it was old: garbage is collected by what is returned here.
      if (attempt === 0 && (await files.readRepo(options)) !== state) continue;
      return state.info;
    }
    const next = await replaceRepo(files, state, made, now, options);
    if (next) return next;
  }
  throw new MoraineError("Conflict", `the repository was changed by others ${MAX_TRIES} times in a row`, {
    source: files.address,
  });
}

/** Copies the `repo` file to where the operations log will find it. */
export async function backUp(
  files: RepositoryFiles,
  state: RepoState,
  options: StorageOptions = {},
): Promise<Backup | undefined> {
  const name = backupName("repo");
  return (await files.backUpRepo(state, name, options)) ? { state, name } : undefined;
}

async function dropBackup(files: RepositoryFiles, { backup, signal }: UpdateOptions): Promise<void> {
  if (!backup) return;
  await files.storage.delete([files.addressOf(`${FOLDERS.overwritten}/${backup.name}`)], { signal });
}

/** Errors: `ReadOnly`. */
export function requireOnline(info: Pick<RepoInfo, "status">, source: string): void {
  const { availability, reason } = info.status;
  if (availability === "online") return;
  throw new MoraineError("ReadOnly", `the repository is read-only${reason ? `: ${reason}` : ""}`, { source });
}

function notWritable(files: RepositoryFiles): MoraineError {
  return new MoraineError(
    "UnsupportedVersion",
    "there is no repository of specification 2 here to be changed; one of specification 1 must be migrated first",
    { source: files.address },
  );
}

/** Writes the next state; undefined where somebody else was faster. */
async function replaceRepo(
  files: RepositoryFiles,
  state: RepoState,
  change: RepoChange,
  now: number,
  options: UpdateOptions,
): Promise<RepoInfo | undefined> {
  const config = change.info.config ?? state.info.config;
  const settings = settingsOf(readConfiguration(config, files.addressOf("repo")));
  // The operations log leads to the copy, so it must be there first.
  const backup =
    options.backup?.state === state ? options.backup : await backUp(files, state, { signal: options.signal });
  if (!backup) return undefined;
  const { latestUpdates } = state.info;
  const former = latestUpdates.at(0);
  const page = pageOf(latestUpdates, backup.name, settings.updatesPerRepoFile ?? DEFAULT_UPDATES_PER_FILE);
  const encoding = await encodingBefore(files, state, change);
  const next = encoding.append(
    former && page.kept > 1 ? { ...former, backupPath: backup.name } : undefined,
    page.kept,
    change.newSnapshot,
  );
  const head: RepoHead = {
    ...state.info,
    ...change.info,
    repoBeforeUpdates: page.before ?? state.info.repoBeforeUpdates,
    newest: { operation: change.operation, updatedAt: now },
  };
  // Written anew with every update, so that it shall cost little.
  const encoded = await next.write(head, settings.compressionLevel ?? REPO_COMPRESSION_LEVEL);
  return (await writeIfUnchanged(files, state, encoded, backup.name, options))?.info;
}

/** What the file of before is made of, with the snapshots of the next one where these are other ones. */
async function encodingBefore(
  files: RepositoryFiles,
  state: RepoState,
  change: RepoChange,
): Promise<RepoEncoding> {
  if (change.info.snapshots) return RepoEncoding.of({ ...state.info, snapshots: change.info.snapshots });
  const encoding = state.encoding ?? (await RepoEncoding.stored(state.bytes, files.addressOf("repo")));
  return encoding && !encoding.isWasteful ? encoding : RepoEncoding.of(state.info);
}

/** Replaces `repo`; undefined where it is no longer the version that was read. */
async function writeIfUnchanged(
  files: RepositoryFiles,
  state: RepoState,
  encoded: EncodedRepo,
  backup: string,
  options: StorageOptions,
): Promise<RepoState | undefined> {
  try {
    return await files.replaceRepo(state, encoded, options);
  } catch (error) {
    if (isMoraineError(error, "PreconditionFailed")) return wasWritten(files, backup, options);
    // Refused or broken off: what became of it is not known yet.
    const written = isMoraineError(error, "StorageFailed") && (await wasWritten(files, backup, options));
    if (!written) throw error;
    return written;
  }
}

/**
 * Whether an update was made though its answer was lost: the storage repeats it then, and is refused by what it wrote
 * itself. The name of the backup, which is nobody else's, stands in the operations log even when others went on.
 */
async function wasWritten(
  files: RepositoryFiles,
  backup: string,
  options: StorageOptions,
): Promise<RepoState | undefined> {
  const state = await files.readRepo(options);
  if (!state) return undefined;
  const { latestUpdates, repoBeforeUpdates } = state.info;
  const isNamed =
    repoBeforeUpdates === backup || [...latestUpdates].some((update) => update.backupPath === backup);
  return isNamed ? state : undefined;
}

/**
 * How many operations stay in the file when one more comes, that one among them, and where those before them are: what
 * is beyond a page is left to the backup that holds it.
 */
function pageOf(
  updates: Updates,
  backup: string,
  pageSize: number,
): { readonly kept: number; readonly before: string | undefined } {
  // Entries without a backup (those that a migration made up) are in no other file, and stay.
  for (let place = Math.max(pageSize, 1); place <= updates.length; place++) {
    const before = place === 1 ? backup : updates.at(place - 1)?.backupPath;
    if (before !== undefined) return { kept: place, before };
  }
  return { kept: updates.length + 1, before: undefined };
}

/** Waits, longer each time and by chance, so that those who collided do not collide again. */
async function backOff(attempt: number, signal?: AbortSignal): Promise<void> {
  const [first, longest] = BACKOFF_MS;
  const wait = Math.min(first * 2 ** (attempt - 1), longest) * (0.5 + Math.random() / 2);
  await new Promise((resolve) => setTimeout(resolve, wait));
  signal?.throwIfAborted();
}
