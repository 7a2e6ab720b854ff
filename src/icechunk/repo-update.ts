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
import { type RepoInfo, writeRepo } from "./format/repo.ts";
import type { Operation, Update } from "./format/update.ts";
import { backupName, FOLDERS, type RepoState, type RepositoryFiles } from "./repository-files.ts";

const MAX_TRIES = 100;
/** Retries without waiting, before the wait grows from the first to the second of these milliseconds. */
const PROMPT_RETRIES = 5;
const BACKOFF_MS = [50, 30_000] as const;
const DEFAULT_UPDATES_PER_FILE = 1000;
export const DEFAULT_COMPRESSION_LEVEL = 3;
const REPO_COMPRESSION_LEVEL = 1;

/** What an update makes of a repository. */
export interface RepoChange {
  readonly info: Partial<Omit<RepoInfo, "latestUpdates" | "repoBeforeUpdates">>;
  readonly operation: Operation;
}

export interface UpdateOptions extends StorageOptions {
  /** Whether the update may be made while the repository is read-only: the one that makes it writable. */
  readonly evenReadOnly?: boolean | undefined;
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
    const state = await files.readRepo(options);
    if (!state) throw notWritable(files);
    if (!options.evenReadOnly) requireOnline(state.info, files.address);
    const now = microsecondsNow(state.info.latestUpdates[0]?.updatedAt);
    const made = await change(state.info, now);
    if (!made) return state.info;
    const next = await replaceRepo(files, state, made, now, options);
    if (next) return next;
  }
  throw new MoraineError("Conflict", `the repository was changed by others ${MAX_TRIES} times in a row`, {
    source: files.address,
  });
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
  options: StorageOptions,
): Promise<RepoInfo | undefined> {
  const settings = settingsOf(
    readConfiguration(change.info.config ?? state.info.config, files.addressOf("repo")),
  );
  const backup = backupName("repo");
  const pageSize = settings.updatesPerRepoFile ?? DEFAULT_UPDATES_PER_FILE;
  const next: RepoInfo = {
    ...state.info,
    ...change.info,
    ...appendUpdate(state.info, { operation: change.operation, updatedAt: now }, backup, pageSize),
  };
  // Written anew with every update, so that it shall cost little.
  const bytes = await writeRepo(next, settings.compressionLevel ?? REPO_COMPRESSION_LEVEL);
  // The operations log leads to the copy, so it must be there first.
  await files.write(`${FOLDERS.overwritten}/${backup}`, state.bytes, options);
  return (await writeIfUnchanged(files, state, next, bytes, backup, options)) ? next : undefined;
}

/** Replaces `repo`; false where it is no longer the version that was read. */
async function writeIfUnchanged(
  files: RepositoryFiles,
  state: RepoState,
  next: RepoInfo,
  bytes: Uint8Array,
  backup: string,
  options: StorageOptions,
): Promise<boolean> {
  try {
    await files.replaceRepo(state, next, bytes, options);
    return true;
  } catch (error) {
    if (isMoraineError(error, "PreconditionFailed")) return wasWritten(files, backup, options);
    // Refused or broken off: what became of it is not known yet.
    if (!isMoraineError(error, "StorageFailed") || !(await wasWritten(files, backup, options))) throw error;
    return true;
  }
}

/**
 * Whether an update was made though its answer was lost: the storage repeats it then, and is refused by what it wrote
 * itself. The name of the backup, which is nobody else's, stands in the operations log even when others went on.
 */
async function wasWritten(files: RepositoryFiles, backup: string, options: StorageOptions): Promise<boolean> {
  const state = await files.readRepo(options);
  if (!state) return false;
  const { latestUpdates, repoBeforeUpdates } = state.info;
  return repoBeforeUpdates === backup || latestUpdates.some(({ backupPath }) => backupPath === backup);
}

/** The operations log with one more entry; what is beyond a page is left to the backup that holds it. */
function appendUpdate(
  info: Pick<RepoInfo, "latestUpdates" | "repoBeforeUpdates">,
  update: Update,
  backup: string,
  pageSize: number,
): Pick<RepoInfo, "latestUpdates" | "repoBeforeUpdates"> {
  const [top, ...rest] = info.latestUpdates;
  const all = top ? [update, { ...top, backupPath: backup }, ...rest] : [update];
  // Entries without a backup (those that a migration made up) are in no other file, and stay.
  const overflow = all.findIndex((entry, i) => i >= pageSize && entry.backupPath !== undefined);
  if (overflow < 0) return { latestUpdates: all, repoBeforeUpdates: info.repoBeforeUpdates };
  return { latestUpdates: all.slice(0, overflow), repoBeforeUpdates: all[overflow]?.backupPath };
}

/** Waits, longer each time and by chance, so that those who collided do not collide again. */
export async function backOff(attempt: number, signal?: AbortSignal): Promise<void> {
  const [first, longest] = BACKOFF_MS;
  const wait = Math.min(first * 2 ** (attempt - 1), longest) * (0.5 + Math.random() / 2);
  await new Promise((resolve) => setTimeout(resolve, wait));
  signal?.throwIfAborted();
}
