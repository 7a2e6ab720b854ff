/**
 * Checks transaction logs against the snapshots that they lead from and to.
 *
 * @module
 */

import type { StorageOptions } from "../../storage/storage.ts";
import type { NodeId, ObjectId } from "../format/identifier.ts";
import { compareBytes, compareCoordinates } from "../format/order.ts";
import type { RepoInfo } from "../format/repo.ts";
import type { Snapshot, SnapshotNode } from "../format/snapshot.ts";
import type { ChunkCoordinates, TransactionLog } from "../format/transaction-log.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import type { Findings } from "./fsck.ts";

/** Checks the log of a snapshot; gives how many logs were read. */
export async function checkTransaction(
  files: RepositoryFiles,
  info: RepoInfo,
  snapshot: Snapshot,
  findings: Findings,
  options: StorageOptions,
): Promise<number> {
  const source = files.addressOf(`${FOLDERS.transactionLog}/${snapshot.id}`);
  const known = info.snapshots.get(snapshot.id);
  const { parentId } = known ?? {};
  const read = await findings.attempt(source, async () => ({
    log: await files.transactionLog(snapshot.id, options),
  }));
  if (!read) return 1;
  const { log } = read;
  if (!log) {
    // Specification 1 wrote none for the first snapshot.
    if (parentId !== undefined) findings.error("NotFound", "the snapshot has no transaction log", source);
    return 0;
  }
  const fail = (message: string, path?: string): void => findings.error("CorruptFile", message, source, path);
  for (const [id, chunks] of log.updatedChunks) checkOrder(id, chunks, fail);
  const others = known?.prunedAncestorLogs ?? [];
  let isAlone = true;
  for (const id of others) isAlone = (await tellsOnlyChunks(files, id, findings, options)) && isAlone;
  const logs = 1 + others.length;
  // Logs of expired ancestors may stand between this one and the parent.
  const parent =
    parentId !== undefined && known !== undefined && isAlone
      ? await findings.attempt(source, () => files.snapshot(parentId, options))
      : undefined;
  if (!parent) return logs;
  const untold = untoldDifferences(parent, snapshot, log);
  const afterRoot = parentId !== undefined && info.snapshots.get(parentId)?.parentId === undefined;
  if (untold.length > 0 && afterRoot) {
    // Programs before specification 2.1 dropped the logs of the snapshots that they expired.
    findings.notice(
      "LostLogs",
      `${untold.length} nodes differ from the first snapshot in ways that no log tells: those between them expired`,
      source,
    );
  } else {
    for (const { message, path } of untold) fail(message, path);
  }
  return logs;
}

/** Checks a log that a snapshot names beside its own; whether it says nothing of nodes. */
async function tellsOnlyChunks(
  files: RepositoryFiles,
  id: ObjectId,
  findings: Findings,
  options: StorageOptions,
): Promise<boolean> {
  const source = files.addressOf(`${FOLDERS.transactionLog}/${id}`);
  const log = await findings.attempt(source, () => files.transactionLog(id, options));
  if (!log) return false;
  const { updatedChunks, ...nodes } = log;
  for (const [nodeId, chunks] of updatedChunks) {
    checkOrder(nodeId, chunks, (message) => findings.error("CorruptFile", message, source));
  }
  return Object.values(nodes).every((part) => ("size" in part ? part.size : part.length) === 0);
}

function checkOrder(id: NodeId, chunks: ChunkCoordinates, fail: (message: string) => void): void {
  const { rank, count, coordinates } = chunks;
  for (let i = 1; i < count; i++) {
    if (compareCoordinates(coordinates, (i - 1) * rank, coordinates, i * rank, rank) >= 0) {
      fail(`the updated chunks of node ${id} are not in order`);
      return;
    }
  }
}

/** Every difference between two snapshots must be told, or rebase and diff would miss it. */
function untoldDifferences(
  parent: Snapshot,
  snapshot: Snapshot,
  log: TransactionLog,
): { readonly message: string; readonly path: string }[] {
  const untold: { message: string; path: string }[] = [];
  const fail = (message: string, path: string): number => untold.push({ message, path });
  const before = byId(parent);
  const after = byId(snapshot);
  const moved = new Set(log.moves.map(({ nodeId }) => nodeId));
  for (const [id, node] of after) {
    const old = before.get(id);
    const isNew = log.newGroups.has(id) || log.newArrays.has(id);
    if (!old) {
      if (!isNew) fail("this node is new, and the log does not say so", node.path);
      continue;
    }
    const isUpdated = log.updatedGroups.has(id) || log.updatedArrays.has(id);
    if (!isUpdated && compareBytes(old.userData, node.userData) !== 0) {
      fail("the metadata of this node changed, and the log does not say so", node.path);
    }
    if (old.path !== node.path && !moved.has(id))
      fail(`this node was at ${old.path}, and the log says no move`, node.path);
  }
  for (const [id, node] of before) {
    const isDeleted = log.deletedGroups.has(id) || log.deletedArrays.has(id);
    if (!after.has(id) && !isDeleted) fail("this node is gone, and the log does not say so", node.path);
  }
  return untold;
}

function byId(snapshot: Snapshot): Map<NodeId, SnapshotNode> {
  return new Map([...snapshot.nodes.values()].map((node) => [node.id, node]));
}
