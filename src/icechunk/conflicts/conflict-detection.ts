/**
 * Compares a session's changes with those of a commit that came before it (Icechunk's `ConflictDetector`).
 *
 * @module
 */

import type { ChangeSet } from "../changes/change-set.ts";
import { isWithin } from "../changes/change-set.ts";
import type { ChunkChanges } from "../changes/chunk-changes.ts";
import { parentPath } from "../changes/node-path.ts";
import type { WorkingTree } from "../changes/working-tree.ts";
import { gridStrides, positionOf } from "../format/chunk-references.ts";
import type { NodeId } from "../format/identifier.ts";
import type { Snapshot } from "../format/snapshot.ts";
import type { ChunkCoordinates, TransactionLog } from "../format/transaction-log.ts";
import type { Conflict, RebasePolicy } from "./conflicts.ts";

/** A conflict and the chunks, by place in the grid, that it is about. */
export interface FoundConflict {
  readonly conflict: Conflict;
  readonly nodeId?: NodeId | undefined;
  readonly positions?: ReadonlySet<number> | undefined;
}

/**
 * All conflicts with a commit.
 *
 * @param log what it changed
 * @param there the state at it, asked for only where it matters
 */
export async function findConflicts(
  tree: WorkingTree,
  log: TransactionLog,
  there: () => Promise<Snapshot>,
): Promise<FoundConflict[]> {
  const { changes } = tree;
  if (log.moves.length > 0 || changes.moves.size > 0) {
    return [{ conflict: { kind: "MoveOperationCannotBeRebased" } }];
  }
  const needsState = changes.created.size > 0 || changes.deleted.size > 0;
  const snapshot = needsState ? await there() : undefined;
  return [
    ...(snapshot ? newNodeConflicts(tree, log, snapshot) : []),
    ...metadataConflicts(changes, log),
    ...chunkConflicts(tree, log),
    ...(snapshot ? deleteConflicts(changes, log, snapshot) : []),
  ];
}

function newNodeConflicts(tree: WorkingTree, log: TransactionLog, there: Snapshot): FoundConflict[] {
  const { changes, base } = tree;
  const found: FoundConflict[] = [];
  for (const path of changes.created.keys()) {
    const existing = there.nodes.get(path);
    // A node that was deleted here and made again replaces the one that is there.
    if (existing && changes.deleted.get(existing.id)?.path !== path) {
      found.push({ conflict: { kind: "NewNodeConflictsWithExistingNode", path } });
    }
    for (let parent = parentPath(path); parent !== undefined; parent = parentPath(parent)) {
      const isArray = there.nodes.get(parent)?.kind === "array";
      const isGone = base.nodes.has(parent) && !there.nodes.has(parent) && !changes.created.has(parent);
      if (isArray || isGone) found.push({ conflict: { kind: "NewNodeInInvalidGroup", path: parent } });
    }
  }
  // A node that was made meanwhile in a group that was deleted here would be left without its group.
  const made = new Set([...log.newGroups, ...log.newArrays]);
  const deletedGroups = [...changes.deleted.values()].filter(({ kind }) => kind === "group");
  if (made.size === 0 || deletedGroups.length === 0) return found;
  for (const [path, node] of there.nodes) {
    if (!made.has(node.id)) continue;
    const group = deletedGroups.find((deleted) => isWithin(path, deleted.path) && path !== deleted.path);
    if (group && !changes.created.has(group.path)) {
      found.push({ conflict: { kind: "NewNodeInInvalidGroup", path: group.path } });
    }
  }
  return found;
}

function metadataConflicts({ updated }: ChangeSet, log: TransactionLog): FoundConflict[] {
  const found: FoundConflict[] = [];
  for (const [id, { path }] of updated) {
    if (log.updatedArrays.has(id) || log.updatedGroups.has(id)) {
      found.push({ conflict: { kind: "ZarrMetadataDoubleUpdate", path } });
    }
    if (log.deletedArrays.has(id)) {
      found.push({ conflict: { kind: "ZarrMetadataUpdateOfDeletedArray", path } });
    }
    if (log.deletedGroups.has(id)) {
      found.push({ conflict: { kind: "ZarrMetadataUpdateOfDeletedGroup", path } });
    }
  }
  return found;
}

function chunkConflicts(tree: WorkingTree, log: TransactionLog): FoundConflict[] {
  const found: FoundConflict[] = [];
  const touches = (id: NodeId): boolean =>
    log.deletedArrays.has(id) || log.updatedArrays.has(id) || log.updatedChunks.has(id);
  const touched = [...tree.changes.chunks].filter(([id, changes]) => touches(id) && !changes.isEmpty);
  if (touched.length === 0) return found;
  const paths = new Map([...tree.nodes].map(([path, { id }]) => [id, path]));
  for (const [id, changes] of touched) {
    const path = paths.get(id) ?? "";
    if (log.deletedArrays.has(id)) found.push({ conflict: { kind: "ChunksUpdatedInDeletedArray", path } });
    if (log.updatedArrays.has(id)) found.push({ conflict: { kind: "ChunksUpdatedInUpdatedArray", path } });
    const theirs = log.updatedChunks.get(id);
    if (theirs) found.push(...doubleUpdate(path, id, changes, theirs));
  }
  return found;
}

function doubleUpdate(
  path: string,
  nodeId: NodeId,
  ours: ChunkChanges,
  theirs: ChunkCoordinates,
): FoundConflict[] {
  const { rank, count, coordinates } = theirs;
  if (rank !== ours.gridShape.length) return [];
  const strides = gridStrides(ours.gridShape);
  const positions = new Set<number>();
  const chunks: number[][] = [];
  for (let i = 0; i < count; i++) {
    const position = positionOf(coordinates, i * rank, ours.gridShape, strides);
    if (position < 0 || !ours.has(position)) continue;
    positions.add(position);
    chunks.push([...coordinates.subarray(i * rank, (i + 1) * rank)]);
  }
  if (positions.size === 0) return [];
  return [{ conflict: { kind: "ChunkDoubleUpdate", path, chunks }, nodeId, positions }];
}

function deleteConflicts(changes: ChangeSet, log: TransactionLog, there: Snapshot): FoundConflict[] {
  const found: FoundConflict[] = [];
  for (const { path, kind } of changes.deleted.values()) {
    const id = there.nodes.get(path)?.id;
    if (id === undefined) continue;
    if (kind === "array" && (log.updatedArrays.has(id) || log.updatedChunks.has(id))) {
      found.push({ conflict: { kind: "DeleteOfUpdatedArray", path } });
    }
    if (kind === "group" && log.updatedGroups.has(id)) {
      found.push({ conflict: { kind: "DeleteOfUpdatedGroup", path } });
    }
  }
  return found;
}

/** Settles conflicts by a policy, which may drop changes; false, with nothing dropped, where it cannot settle all. */
export function settleConflicts(
  changes: ChangeSet,
  found: readonly FoundConflict[],
  policy: RebasePolicy,
): boolean {
  const {
    onChunkConflict = "fail",
    failOnDeleteOfUpdatedArray = true,
    failOnDeleteOfUpdatedGroup = true,
  } = policy;
  const settled = ({ conflict }: FoundConflict): boolean =>
    (conflict.kind === "ChunkDoubleUpdate" && onChunkConflict !== "fail") ||
    (conflict.kind === "DeleteOfUpdatedArray" && !failOnDeleteOfUpdatedArray) ||
    (conflict.kind === "DeleteOfUpdatedGroup" && !failOnDeleteOfUpdatedGroup);
  if (!found.every(settled)) return false;
  if (onChunkConflict === "theirs") {
    for (const { nodeId, positions } of found) {
      if (nodeId !== undefined && positions) changes.chunks.get(nodeId)?.revert(positions);
    }
  }
  return true;
}
