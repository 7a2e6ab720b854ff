/**
 * Settles commits that another program overwrote: puts them back into the history, or forgets them.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ObjectId } from "../format/identifier.ts";
import type { RepoInfo, SnapshotInfo } from "../format/repo.ts";
import { chainOf } from "../history.ts";
import { deleteReceipts, findLostCommits, type LostCommit } from "../lost-commits.ts";
import { branchTip, MAIN_BRANCH } from "../refs.ts";
import { updateRepo } from "../repo-update.ts";
import type { RepositoryFiles } from "../repository-files.ts";

/**
 * Puts a lost commit, and the lost ones that it was built upon, back into the history, at the tip of a new branch.
 *
 * Errors: `NotFound` where no such commit is lost; `AlreadyExists` for the branch.
 */
export async function restoreLostCommit(
  files: RepositoryFiles,
  snapshotId: ObjectId,
  branch: string,
  options: StorageOptions = {},
): Promise<void> {
  const restored = new Set<ObjectId>();
  await updateRepo(
    files,
    async (info) => {
      restored.clear();
      const lost = new Map(
        (await findLostCommits(files, info, options)).map((commit) => [commit.snapshotId, commit]),
      );
      if (!lost.has(snapshotId)) throw notLost(files, snapshotId);
      if (info.branches.has(branch)) {
        throw new MoraineError("AlreadyExists", `there is a branch "${branch}"`, { source: files.address });
      }
      const snapshots = new Map(info.snapshots);
      for (let id: ObjectId | undefined = snapshotId; id !== undefined && !snapshots.has(id); ) {
        const commit: LostCommit | undefined = lost.get(id);
        const parentId: ObjectId | undefined = commit?.parentId;
        const furtherLogs = commit?.furtherLogs ?? [];
        const isThere: boolean = parentId !== undefined && (snapshots.has(parentId) || lost.has(parentId));
        const { flushedAt, message, metadata } = await files.snapshot(id, options);
        // What it was built upon has expired since: then it follows the first snapshot, as expiration makes it.
        const place: Pick<SnapshotInfo, "parentId" | "prunedAncestorLogs"> = isThere
          ? { parentId, prunedAncestorLogs: furtherLogs }
          : {
              parentId: firstOf(info, files),
              prunedAncestorLogs: [...(await logsOf(files, parentId, options)), ...furtherLogs],
            };
        snapshots.set(id, { id, flushedAt, message, metadata, ...place });
        restored.add(id);
        id = isThere ? parentId : undefined;
      }
      return {
        info: { snapshots, branches: new Map(info.branches).set(branch, snapshotId) },
        operation: { kind: "BranchCreated", name: branch },
      };
    },
    options,
  );
  // The operations log does not tell of them, so that they would count as lost when they expire.
  await deleteReceipts(files, restored, options);
}

/**
 * Takes note that a commit need not be put back: it is not told of any more, and garbage collection deletes its files
 * as it does others that nothing leads to.
 *
 * Errors: `NotFound` where no such commit is lost.
 */
export async function forgetLostCommit(
  files: RepositoryFiles,
  snapshotId: ObjectId,
  options: StorageOptions = {},
): Promise<void> {
  const lost = await findLostCommits(files, await files.readInfo(options), options);
  if (!lost.some((commit) => commit.snapshotId === snapshotId)) throw notLost(files, snapshotId);
  await deleteReceipts(files, new Set([snapshotId]), options);
}

function notLost({ address }: RepositoryFiles, snapshotId: ObjectId): MoraineError {
  return new MoraineError("NotFound", `no commit ${snapshotId} is lost`, { source: address });
}

/** The snapshot that the history of main begins with. */
function firstOf(info: RepoInfo, { address }: RepositoryFiles): ObjectId | undefined {
  let first: ObjectId | undefined;
  for (const { id } of chainOf(info, branchTip(info, MAIN_BRANCH), address)) first = id;
  return first;
}

/** The transaction log of a snapshot that left the history, where it is there. */
async function logsOf(
  files: RepositoryFiles,
  id: ObjectId | undefined,
  options: StorageOptions,
): Promise<ObjectId[]> {
  return id !== undefined && (await files.transactionLog(id, options)) ? [id] : [];
}
