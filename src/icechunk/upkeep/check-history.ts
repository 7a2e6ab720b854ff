/**
 * Checks what the `repo` file says: refs, the order of snapshots in time, and the operations log.
 *
 * @module
 */

import { isMoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { compareIdentifiers, compareUtf8 } from "../format/order.ts";
import type { RepoInfo } from "../format/repo.ts";
import { findLostCommits } from "../lost-commits.ts";
import { operationsLog } from "../operations-log.ts";
import { MAIN_BRANCH } from "../refs.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import type { Findings } from "./fsck.ts";

export async function checkHistory(
  files: RepositoryFiles,
  info: RepoInfo,
  findings: Findings,
  options: StorageOptions,
): Promise<void> {
  const source = files.addressOf("repo");
  const fail = (message: string): void => findings.error("CorruptFile", message, source);
  if (!info.branches.has(MAIN_BRANCH)) fail("there is no branch main");
  for (const name of info.deletedTags) {
    if (info.tags.has(name)) fail(`the tag "${name}" is there and deleted`);
  }
  for (const { id, parentId, flushedAt } of info.snapshots.values()) {
    const parent = parentId === undefined ? undefined : info.snapshots.get(parentId);
    if (parent && parent.flushedAt >= flushedAt)
      fail(`snapshot ${id} is not younger than its parent ${parent.id}`);
  }
  checkCircles(info, fail);
  if (info.specVersion === 1) return;
  // Readers find these by bisection.
  requireOrder("snapshots", [...info.snapshots.keys()], compareIdentifiers, fail);
  requireOrder("branches", [...info.branches.keys()], compareUtf8, fail);
  requireOrder("tags", [...info.tags.keys()], compareUtf8, fail);
  requireOrder("deleted tags", [...info.deletedTags], compareUtf8, fail);
  await checkOperations(files, findings, options);
  for (const { snapshotId, branch, message, time } of await findLostCommits(files, info, options)) {
    findings.error(
      "LostCommit",
      `the commit ${snapshotId} ("${message}", ${time.toISOString()}, branch ${branch}) is in no history: ` +
        "another program overwrote it; it can be put back on a new branch, or forgotten",
      files.addressOf(`${FOLDERS.snapshot}/${snapshotId}`),
    );
  }
}

function checkCircles(info: RepoInfo, fail: (message: string) => void): void {
  const sound = new Set<string>();
  for (const { id } of info.snapshots.values()) {
    const path = new Set<string>();
    for (
      let at: string | undefined = id;
      at !== undefined && !sound.has(at);
      at = info.snapshots.get(at)?.parentId
    ) {
      if (path.has(at)) {
        fail(`the history before ${id} turns in a circle`);
        return;
      }
      path.add(at);
    }
    for (const passed of path) sound.add(passed);
  }
}

/** A vector must ascend strictly. */
export function requireOrder(
  what: string,
  items: readonly string[],
  compare: (a: string, b: string) => number,
  fail: (message: string) => void,
): void {
  for (let i = 1; i < items.length; i++) {
    if (compare(items[i - 1] ?? "", items[i] ?? "") >= 0) {
      fail(`${what} are not in order at "${items[i]}"`);
      return;
    }
  }
}

async function checkOperations(
  files: RepositoryFiles,
  findings: Findings,
  options: StorageOptions,
): Promise<void> {
  const source = files.addressOf("repo");
  let before = Number.POSITIVE_INFINITY;
  let last = "";
  try {
    for await (const { operation, updatedAt } of operationsLog(files, options)) {
      if (updatedAt >= before)
        findings.error("CorruptFile", "the operations log is not in the order of time", source);
      before = updatedAt;
      last = operation.kind;
    }
  } catch (error) {
    if (!isMoraineError(error)) throw error;
    findings.error(error.code, `the operations log: ${error.message}`, error.source ?? source);
    return;
  }
  if (last !== "RepoInitialized") {
    findings.error(
      "CorruptFile",
      `the operations log begins with ${last || "nothing"}, not with the creation`,
      source,
    );
  }
}
