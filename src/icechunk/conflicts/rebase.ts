/**
 * Puts a session's changes on top of what others committed meanwhile, after comparing them with their
 * transaction logs, oldest first.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { WorkingTree } from "../changes/working-tree.ts";
import type { ObjectId } from "../format/identifier.ts";
import type { RepoInfo } from "../format/repo.ts";
import { EMPTY_TRANSACTION_LOG } from "../format/transaction-log.ts";
import type { RepositoryFiles } from "../repository-files.ts";
import { findConflicts, settleConflicts } from "./conflict-detection.ts";
import { RebaseError, type RebasePolicy, requirePolicy } from "./conflicts.ts";

/** A snapshot to be followed, and the logs that lead to it. */
interface Step {
  readonly snapshotId: ObjectId;
  readonly logs: readonly ObjectId[];
}

/**
 * Rebases a session onto the tip of its branch; nothing to do where it is there, or the branch is gone.
 *
 * Errors: {@link RebaseError}, after which the session stands at the last snapshot that it could follow;
 * `Conflict` where the branch's history no longer holds the session's base; `InvalidArgument` for the policy.
 */
export async function rebaseTree(
  files: RepositoryFiles,
  tree: WorkingTree,
  branch: string,
  policy: RebasePolicy,
  options: StorageOptions = {},
): Promise<void> {
  requirePolicy(policy);
  const state = await files.readRepo(options);
  const tip = state?.info.branches.get(branch);
  if (!state || tip === undefined || tip === tree.base.id) return;
  const before = tree.base;
  let reached: ObjectId | undefined;
  try {
    for (const { snapshotId, logs } of stepsTo(files, state.info, tip, before.id)) {
      for (const id of logs) {
        const log = await files.transactionLog(id, options);
        if (!log && id !== snapshotId) {
          throw new MoraineError("NotFound", `the transaction log ${id} of an expired snapshot is gone`, {
            source: files.address,
          });
        }
        const there = () => files.snapshot(snapshotId, options);
        const conflicts = await findConflicts(tree, log ?? EMPTY_TRANSACTION_LOG, there);
        if (!settleConflicts(tree.changes, conflicts, policy)) {
          throw new RebaseError(
            snapshotId,
            conflicts.map(({ conflict }) => conflict),
            files.address,
          );
        }
      }
      reached = snapshotId;
    }
  } finally {
    if (reached !== undefined) tree.reset(await files.snapshot(reached, options), tree.changes);
  }
}

/** The steps from a base to a tip, oldest first. */
function stepsTo(files: RepositoryFiles, info: RepoInfo, tip: ObjectId, base: ObjectId): Step[] {
  const steps: Step[] = [];
  for (let id: ObjectId | undefined = tip; id !== undefined; ) {
    const snapshot = info.snapshots.get(id);
    if (!snapshot) break;
    const pruned = snapshot.prunedAncestorLogs;
    // A base that expired since is among the logs that its successor keeps.
    const expired = pruned.indexOf(base);
    steps.push({ snapshotId: id, logs: [...pruned.slice(expired + 1), id] });
    if (expired >= 0 || snapshot.parentId === base) return steps.reverse();
    id = snapshot.parentId;
  }
  throw new MoraineError(
    "Conflict",
    `the branch's history no longer holds ${base}, which the session began with`,
    {
      source: files.address,
    },
  );
}
