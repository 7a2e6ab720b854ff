/**
 * Branches and tags: what may be done with them (Icechunk specification, "Refs"). Each function works out the next
 * state of a repository; `updateRepo` makes it.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { FEATURE, requireFeature } from "./feature-flags.ts";
import type { ObjectId } from "./format/identifier.ts";
import type { RepoInfo } from "./format/repo.ts";
import type { RepoChange } from "./repo-update.ts";

export const MAIN_BRANCH = "main";

/** Errors: `AlreadyExists`, `NotFound` for the snapshot, `InvalidArgument` for an empty name. */
export function createBranch(info: RepoInfo, name: string, snapshotId: ObjectId): RepoChange {
  requireName(name);
  requireSnapshot(info, snapshotId);
  if (info.branches.has(name)) throw new MoraineError("AlreadyExists", `there is a branch "${name}"`);
  return {
    info: { branches: new Map(info.branches).set(name, snapshotId) },
    operation: { kind: "BranchCreated", name },
  };
}

/** Errors: `NotFound`; `Conflict` where the branch is not at `from`. */
export function resetBranch(
  info: RepoInfo,
  name: string,
  snapshotId: ObjectId,
  from: ObjectId | undefined,
): RepoChange {
  const previous = branchTip(info, name);
  requireSnapshot(info, snapshotId);
  if (from !== undefined && from !== previous) {
    throw new MoraineError("Conflict", `the branch "${name}" is at ${previous}, not at ${from}`);
  }
  return {
    info: { branches: new Map(info.branches).set(name, snapshotId) },
    operation: { kind: "BranchReset", name, previousSnapshotId: previous },
  };
}

/** Errors: `NotFound`; `InvalidArgument` for `main`. */
export function deleteBranch(info: RepoInfo, name: string): RepoChange {
  if (name === MAIN_BRANCH) throw new MoraineError("InvalidArgument", "the branch main cannot be deleted");
  const previousSnapshotId = branchTip(info, name);
  const branches = new Map(info.branches);
  branches.delete(name);
  return { info: { branches }, operation: { kind: "BranchDeleted", name, previousSnapshotId } };
}

/** Errors: `AlreadyExists`, also for the name of a tag that was deleted; `NotFound` for the snapshot. */
export function createTag(info: RepoInfo, name: string, snapshotId: ObjectId): RepoChange {
  requireFeature(info, FEATURE.createTag, "creating tags");
  requireName(name);
  requireSnapshot(info, snapshotId);
  if (info.tags.has(name)) throw new MoraineError("AlreadyExists", `there is a tag "${name}"`);
  if (info.deletedTags.has(name)) {
    throw new MoraineError("AlreadyExists", `there was a tag "${name}"; a tag's name is never used again`);
  }
  return {
    info: { tags: new Map(info.tags).set(name, snapshotId) },
    operation: { kind: "TagCreated", name },
  };
}

/** Errors: `NotFound`. */
export function deleteTag(info: RepoInfo, name: string): RepoChange {
  requireFeature(info, FEATURE.deleteTag, "deleting tags");
  const previousSnapshotId = tagTarget(info, name);
  const tags = new Map(info.tags);
  tags.delete(name);
  return {
    info: { tags, deletedTags: new Set([...info.deletedTags, name]) },
    operation: { kind: "TagDeleted", name, previousSnapshotId },
  };
}

/** The snapshot that a branch is at. Errors: `NotFound`. */
export function branchTip(info: Pick<RepoInfo, "branches">, name: string): ObjectId {
  const id = info.branches.get(name);
  if (id === undefined) throw new MoraineError("NotFound", `there is no branch "${name}"`);
  return id;
}

/** The snapshot that a tag names. Errors: `NotFound`. */
export function tagTarget(info: Pick<RepoInfo, "tags">, name: string): ObjectId {
  const id = info.tags.get(name);
  if (id === undefined) throw new MoraineError("NotFound", `there is no tag "${name}"`);
  return id;
}

export function requireSnapshot(info: RepoInfo, id: ObjectId): void {
  if (!info.snapshots.has(id)) throw new MoraineError("NotFound", `there is no snapshot ${id}`);
}

function requireName(name: string): void {
  if (name === "") throw new MoraineError("InvalidArgument", "a branch or tag needs a name");
}
