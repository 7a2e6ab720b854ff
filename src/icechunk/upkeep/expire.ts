/**
 * Expiration: old snapshots leave the history, and those that stay follow the first one (Icechunk specification 2.1).
 * Only `repo` changes; the garbage collection deletes the files later.
 *
 * @module
 */

import { microsecondsOf } from "../clock.ts";
import type { ObjectId } from "../format/identifier.ts";
import type { RepoInfo, SnapshotInfo } from "../format/repo.ts";
import { chainOf } from "../history.ts";
import { MAIN_BRANCH } from "../refs.ts";
import type { RepoChange } from "../repo-update.ts";

/** What expires, and what goes with it. */
export interface ExpireRules {
  /** Snapshots from before this time expire. */
  readonly olderThan: Date;
  /** Whether branches at an expired snapshot are deleted, except main. Else they keep it. */
  readonly deleteExpiredBranches?: boolean | undefined;
  /** As above for tags. */
  readonly deleteExpiredTags?: boolean | undefined;
}

/** What left the history. */
export interface Expiration {
  /** Snapshots that left the history. */
  readonly released: readonly ObjectId[];
  readonly deletedBranches: readonly string[];
  readonly deletedTags: readonly string[];
}

/** Works out an expiration; the change is undefined where nothing expires. */
export function expireSnapshots(
  info: RepoInfo,
  rules: ExpireRules,
  source: string,
): { readonly expiration: Expiration; readonly change: RepoChange | undefined } {
  const limit = microsecondsOf(rules.olderThan);
  const expired = new Set<ObjectId>();
  for (const { id, parentId, flushedAt } of info.snapshots.values()) {
    if (parentId !== undefined && flushedAt < limit) expired.add(id);
  }
  const atExpired = (refs: ReadonlyMap<string, ObjectId>, asked: boolean | undefined): string[] =>
    asked ? [...refs].flatMap(([name, id]) => (expired.has(id) && name !== MAIN_BRANCH ? name : [])) : [];
  const deletedBranches = atExpired(info.branches, rules.deleteExpiredBranches);
  const deletedTags = rules.deleteExpiredTags
    ? [...info.tags].flatMap(([name, id]) => (expired.has(id) ? name : []))
    : [];
  const branches = without(info.branches, deletedBranches);
  const tags = without(info.tags, deletedTags);
  const kept = new Set([...branches.values(), ...tags.values()]);
  const released = new Set([...expired].filter((id) => !kept.has(id)));
  const expiration = { released: [...released].sort(), deletedBranches, deletedTags };
  if (released.size === 0 && deletedBranches.length === 0 && deletedTags.length === 0) {
    return { expiration, change: undefined };
  }
  const snapshots = new Map<ObjectId, SnapshotInfo>();
  for (const snapshot of info.snapshots.values()) {
    if (released.has(snapshot.id)) continue;
    const { parentId } = snapshot;
    const orphaned = parentId !== undefined && released.has(parentId);
    snapshots.set(snapshot.id, orphaned ? afterRoot(info, snapshot, source) : snapshot);
  }
  const change: RepoChange = {
    info: { branches, tags, deletedTags: new Set([...info.deletedTags, ...deletedTags]), snapshots },
    operation: { kind: "ExpirationRan" },
  };
  return { expiration, change };
}

/** A snapshot as the child of the first one; the logs of those between them are kept for rebase and diff. */
function afterRoot(info: RepoInfo, snapshot: SnapshotInfo, source: string): SnapshotInfo {
  const chain = [...chainOf(info, snapshot.id, source)];
  const root = chain.at(-1);
  const between = chain.slice(1, -1).reverse();
  return {
    ...snapshot,
    parentId: root?.id,
    prunedAncestorLogs: [
      ...between.flatMap((ancestor) => [...ancestor.prunedAncestorLogs, ancestor.id]),
      ...snapshot.prunedAncestorLogs,
    ],
  };
}

function without(refs: ReadonlyMap<string, ObjectId>, names: readonly string[]): Map<string, ObjectId> {
  const rest = new Map(refs);
  for (const name of names) rest.delete(name);
  return rest;
}
