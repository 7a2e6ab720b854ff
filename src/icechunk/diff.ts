/**
 * What changed: between two snapshots, and in a session since its base.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { WorkingTree } from "./changes/working-tree.ts";
import { mergeTransactionLogs } from "./conflicts/merge-transaction-logs.ts";
import type { NodeId, ObjectId } from "./format/identifier.ts";
import type { RepoInfo } from "./format/repo.ts";
import type { SnapshotNode } from "./format/snapshot.ts";
import { EMPTY_TRANSACTION_LOG, type TransactionLog } from "./format/transaction-log.ts";
import { chainOf } from "./history.ts";
import type { RepositoryFiles } from "./repository-files.ts";

/** Paths of what changed, sorted. */
export interface Diff {
  readonly newGroups: readonly string[];
  readonly newArrays: readonly string[];
  readonly deletedGroups: readonly string[];
  readonly deletedArrays: readonly string[];
  /** With other metadata. */
  readonly updatedGroups: readonly string[];
  readonly updatedArrays: readonly string[];
  /** Grid coordinates of chunks that were set or deleted. */
  readonly updatedChunks: ReadonlyMap<string, readonly (readonly number[])[]>;
  readonly moved: readonly { readonly from: string; readonly to: string }[];
}

export type SessionStatus = Diff;

/** Chunks that are told one by one: lists of their coordinates take 2 GiB. */
const MOST_TOLD = 32 * 1024 * 1024;

/** Errors: `LimitExceeded`. */
function requireTellable(chunks: Iterable<{ readonly count: number }>, source?: string): void {
  let total = 0;
  for (const { count } of chunks) total += count;
  if (total <= MOST_TOLD) return;
  throw new MoraineError(
    "LimitExceeded",
    `${total} changed chunks are more than the ${MOST_TOLD} that are told one by one`,
    { source },
  );
}

/** What a session changed. Errors: `LimitExceeded` for more chunks than can be told one by one. */
export function statusOf(tree: WorkingTree): SessionStatus {
  if (tree.changes.isEmpty) return describeLog(EMPTY_TRANSACTION_LOG, new Map());
  const touched = [...tree.changes.touchedChunks().values()];
  requireTellable(touched.map(({ places }) => places));
  return describeLog(tree.changes.toTransactionLog(), pathsById(tree.base.nodes, tree.nodes));
}

/**
 * What changed after `from` up to `to`, which must come after it.
 *
 * Errors: `InvalidArgument` where it does not; `LimitExceeded` for more chunks than can be told one by one.
 */
export async function diffSnapshots(
  files: RepositoryFiles,
  info: RepoInfo,
  from: ObjectId,
  to: ObjectId,
  options: StorageOptions = {},
): Promise<Diff> {
  const ids: ObjectId[] = [];
  let reached = false;
  for (const snapshot of chainOf(info, to, files.address)) {
    reached = snapshot.id === from;
    if (reached) break;
    ids.push(snapshot.id, ...[...snapshot.prunedAncestorLogs].reverse());
  }
  if (!reached || ids.length === 0) {
    throw new MoraineError("InvalidArgument", `${from} is no snapshot before ${to}`, {
      source: files.address,
    });
  }
  let log = EMPTY_TRANSACTION_LOG;
  for (const id of ids.reverse()) {
    // Official writers left some out: of expired snapshots, and of the first one.
    const next = await files.transactionLog(id, options);
    if (next) log = mergeTransactionLogs(log, next);
    requireTellable(log.updatedChunks.values(), files.address);
  }
  const [before, after] = await Promise.all([files.snapshot(from, options), files.snapshot(to, options)]);
  return describeLog(log, pathsById(before.nodes, after.nodes));
}

/** Paths by id, the later ones over the earlier. */
function pathsById(...states: readonly ReadonlyMap<string, SnapshotNode>[]): Map<NodeId, string> {
  const paths = new Map<NodeId, string>();
  for (const nodes of states) for (const [path, { id }] of nodes) paths.set(id, path);
  return paths;
}

/** A transaction log in paths. Nodes that are in neither state, made and deleted between them, are left out. */
function describeLog(log: TransactionLog, paths: ReadonlyMap<NodeId, string>): Diff {
  const named = (ids: Iterable<NodeId>): string[] => [...ids].flatMap((id) => paths.get(id) ?? []).sort();
  const updatedChunks = new Map<string, number[][]>();
  for (const [id, { rank, count, coordinates }] of log.updatedChunks) {
    const path = paths.get(id);
    if (path === undefined) continue;
    const chunks = Array.from({ length: count }, (_, i) => [
      ...coordinates.subarray(i * rank, (i + 1) * rank),
    ]);
    // An array that was deleted and the one in its place have one path.
    const before = updatedChunks.get(path);
    updatedChunks.set(path, before ? before.concat(chunks) : chunks);
  }
  return {
    newGroups: named(log.newGroups),
    newArrays: named(log.newArrays),
    deletedGroups: named(log.deletedGroups),
    deletedArrays: named(log.deletedArrays),
    updatedGroups: named(log.updatedGroups),
    updatedArrays: named(log.updatedArrays),
    updatedChunks: new Map([...updatedChunks].sort(([a], [b]) => (a < b ? -1 : 1))),
    moved: log.moves.map(({ from, to }) => ({ from, to })),
  };
}
