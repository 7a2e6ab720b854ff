/**
 * Commit, amend and flush: a session's changes become a snapshot, and a branch comes to point to it.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { WorkingTree } from "../changes/working-tree.ts";
import type { RepositoryConfig } from "../configuration.ts";
import { CONFLICT_DETECTOR, RebaseError, type RebasePolicy, requirePolicy } from "../conflicts/conflicts.ts";
import { mergeTransactionLogs } from "../conflicts/merge-transaction-logs.ts";
import { rebaseTree } from "../conflicts/rebase.ts";
import type { ObjectId } from "../format/identifier.ts";
import type { RepoInfo, SnapshotInfo } from "../format/repo.ts";
import { requireReadable, type TransactionLog } from "../format/transaction-log.ts";
import { leaveReceipt } from "../lost-commits.ts";
import { backUp, updateRepo } from "../repo-update.ts";
import type { RepoState, RepositoryFiles } from "../repository-files.ts";
import { writeSnapshotFiles } from "./commit.ts";
import { type CommitLogs, logsOf } from "./commit-logs.ts";

const DEFAULT_REBASE_TRIES = 1000;
/** Rebases without waiting, before the wait between them grows. */
const PROMPT_REBASES = 3;
const LONGEST_PAUSE_MS = 1000;

/** How a commit is made. */
export interface CommitOptions extends StorageOptions {
  /** Kept with the snapshot. */
  readonly metadata?: JsonObject | undefined;
  /** Whether a commit without changes is made; else it is an error. */
  readonly allowEmpty?: boolean | undefined;
  /** Whether all references are spread over manifests anew, by the rules that hold now. */
  readonly rewriteManifests?: boolean | undefined;
}

/** How a commit is made, and what is done when others come first. */
export interface RebasingCommitOptions extends CommitOptions {
  /** What is done when others committed first: rebase by these rules (`true`: where nothing conflicts), and try again. */
  readonly rebase?: RebasePolicy | boolean | undefined;
  /** Most rebases. Default 1,000. */
  readonly rebaseTries?: number | undefined;
}

/** What a commit is made of. */
export interface CommitContext {
  readonly files: RepositoryFiles;
  readonly settings: RepositoryConfig;
  readonly tree: WorkingTree;
}

/**
 * Commits to a branch.
 *
 * Errors: `Conflict` where the branch is no longer at the session's base (a {@link RebaseError} after a rebase),
 * `NotFound` where it was deleted, `InvalidArgument` where there is nothing to commit, `ReadOnly`.
 */
export async function commitTree(
  context: CommitContext,
  branch: string,
  message: string,
  options: RebasingCommitOptions,
): Promise<ObjectId> {
  requireChanges(context.tree, options);
  const policy = typeof options.rebase === "object" ? options.rebase : CONFLICT_DETECTOR;
  requirePolicy(policy);
  const tries = options.rebaseTries ?? DEFAULT_REBASE_TRIES;
  for (let attempt = 1; ; attempt++) {
    const start = performance.now();
    try {
      return await commitOnce(context, branch, message, options);
    } catch (error) {
      const { rebase } = options;
      const lost = isMoraineError(error, "Conflict") && !(error instanceof RebaseError);
      if (!lost || rebase === undefined || rebase === false || attempt > tries) throw error;
    }
    if (attempt > PROMPT_REBASES)
      await pause(performance.now() - start, attempt - PROMPT_REBASES, options.signal);
    await rebaseTree(context.files, context.tree, branch, policy, options);
  }
}

/**
 * Waits for a while in which others can have their turn, by chance. Measured by what a try takes: long for a distant
 * storage, and short where the others may be ones that never wait, so that only many tries get in between.
 */
async function pause(tryMs: number, times: number, signal: AbortSignal | undefined): Promise<void> {
  const most = Math.min(tryMs * 2 ** Math.min(times, 3), LONGEST_PAUSE_MS);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * most));
  signal?.throwIfAborted();
}

async function commitOnce(
  context: CommitContext,
  branch: string,
  message: string,
  options: CommitOptions,
): Promise<ObjectId> {
  const { files, tree } = context;
  const base = tree.base.id;
  const state = await tipState(files, branch, base, options);
  const { signal } = options;
  // The copy of the state of before can be made at the same time.
  const [written, backup] = await Promise.all([
    writeTree(context, logsOf(tree.changes), message, options),
    state && backUp(files, state, { signal }),
  ]);
  const info: SnapshotInfo = { ...written, parentId: base };
  const after = await updateRepo(
    files,
    (repo) => {
      requireTip(files, repo, branch, base);
      return {
        info: { branches: withTip(repo, branch, info) },
        newSnapshot: info,
        operation: { kind: "NewCommit", branch, newSnapshotId: written.id },
      };
    },
    { signal, backup },
  );
  await leaveReceipt(files, info, branch, after);
  return written.id;
}

/**
 * The state of the repository, in which a branch is at the base, so that nothing is written where others came first.
 *
 * Errors: as {@link requireTip}.
 */
async function tipState(
  files: RepositoryFiles,
  branch: string,
  base: ObjectId,
  options: StorageOptions,
): Promise<RepoState | undefined> {
  const recent = await files.recentRepo(options);
  if (recent?.info.branches.get(branch) === base) return recent;
  const state = await files.readRepo(options);
  if (state) requireTip(files, state.info, branch, base);
  return state;
}

/**
 * Replaces the newest commit of a branch by one that holds its changes and the session's.
 *
 * Errors: as {@link commitTree}; `InvalidArgument` for the first snapshot of a repository.
 */
export async function amendTree(
  context: CommitContext,
  branch: string,
  message: string,
  options: CommitOptions,
): Promise<ObjectId> {
  const { files, tree } = context;
  requireChanges(tree, options);
  const base = tree.base.id;
  const state = await files.readRepo(options);
  if (state && state.info.snapshots.get(base)?.parentId === undefined) {
    throw new MoraineError("InvalidArgument", "the first snapshot of a repository cannot be amended", {
      source: files.address,
    });
  }
  const previous = await files.transactionLog(base, options);
  requireUnmixed(files, previous, tree);
  const { own, further } = logsOf(tree.changes);
  const merged = previous ? mergeTransactionLogs(previous, own) : own;
  requireReadable(merged.updatedChunks.values());
  const written = await writeTree(context, { own: merged, further }, message, options);
  const after = await updateRepo(
    files,
    (repo) => {
      requireTip(files, repo, branch, base);
      const replaced = repo.snapshots.get(base);
      const info: SnapshotInfo = {
        ...written,
        parentId: replaced?.parentId,
        prunedAncestorLogs: [...(replaced?.prunedAncestorLogs ?? []), ...written.prunedAncestorLogs],
      };
      return {
        info: { branches: withTip(repo, branch, info) },
        newSnapshot: info,
        operation: { kind: "CommitAmended", branch, previousSnapshotId: base, newSnapshotId: written.id },
      };
    },
    options,
  );
  await leaveReceipt(
    files,
    after.snapshots.get(written.id) ?? { ...written, parentId: undefined },
    branch,
    after,
  );
  return written.id;
}

/** Moves and other changes are never in one commit. */
function requireUnmixed(
  files: RepositoryFiles,
  previous: TransactionLog | undefined,
  tree: WorkingTree,
): void {
  const hasMoves = (previous?.moves.length ?? 0) > 0;
  const movesNow = tree.changes.moves.size > 0;
  const isEmpty = previous === undefined || Object.values(previous).every((part) => sizeOf(part) === 0);
  if (hasMoves === movesNow || tree.changes.isEmpty || isEmpty) return;
  throw new MoraineError(
    "InvalidArgument",
    "a commit cannot both move nodes and change them: make a new one",
    {
      source: files.address,
    },
  );
}

function sizeOf(part: TransactionLog[keyof TransactionLog]): number {
  return "size" in part ? part.size : part.length;
}

/** Makes a snapshot that no branch points to. Errors: `InvalidArgument` where there is nothing to write, `ReadOnly`. */
export async function flushTree(
  context: CommitContext,
  message: string,
  options: CommitOptions,
): Promise<ObjectId> {
  requireChanges(context.tree, options);
  const base = context.tree.base.id;
  const written = await writeTree(context, logsOf(context.tree.changes), message, options);
  await updateRepo(
    context.files,
    () => ({
      info: {},
      newSnapshot: { ...written, parentId: base },
      operation: { kind: "NewDetachedSnapshot", newSnapshotId: written.id },
    }),
    options,
  );
  return written.id;
}

/** Writes the files of a snapshot; nothing leads to them yet. */
export async function writeTree(
  { files, settings, tree }: CommitContext,
  logs: CommitLogs,
  message: string,
  options: CommitOptions,
): Promise<Omit<SnapshotInfo, "parentId">> {
  if (typeof message !== "string") throw new MoraineError("InvalidArgument", "a commit needs a message");
  const { base, changes, nodes } = tree;
  const metadata = options.metadata ?? {};
  const { rewriteManifests } = options;
  return writeSnapshotFiles(
    files,
    { base, changes, nodes, logs, message, metadata, rewriteManifests },
    settings,
    {
      signal: options.signal,
    },
  );
}

function requireChanges(tree: WorkingTree, options: CommitOptions): void {
  if (!tree.changes.isEmpty || options.allowEmpty || options.rewriteManifests) return;
  throw new MoraineError(
    "InvalidArgument",
    "the session changed nothing; allowEmpty commits it nevertheless",
  );
}

function requireTip(files: RepositoryFiles, repo: RepoInfo, branch: string, base: ObjectId): void {
  const tip = repo.branches.get(branch);
  if (tip === base) return;
  if (tip === undefined) {
    throw new MoraineError("NotFound", `there is no branch "${branch}" any more`, { source: files.address });
  }
  throw new MoraineError(
    "Conflict",
    `the branch "${branch}" is at ${tip}, no longer at ${base}, which the session began with; rebase it`,
    { source: files.address },
  );
}

function withTip(repo: RepoInfo, branch: string, { id }: SnapshotInfo): RepoInfo["branches"] {
  return new Map(repo.branches).set(branch, id);
}
