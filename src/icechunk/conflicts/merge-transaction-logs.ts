/**
 * Joins what follows one another into one: the log of an amended commit, the changes between two snapshots.
 *
 * @module
 */

import type { NodeId } from "../format/identifier.ts";
import { compareCoordinates } from "../format/order.ts";
import type { ChunkCoordinates, Move, TransactionLog } from "../format/transaction-log.ts";

/** The log of two sets of changes, one after the other: what was made and deleted again leaves no trace. */
export function mergeTransactionLogs(first: TransactionLog, second: TransactionLog): TransactionLog {
  const newGroups = union(first.newGroups, second.newGroups);
  const newArrays = union(first.newArrays, second.newArrays);
  const deletedGroups = union(first.deletedGroups, second.deletedGroups);
  const deletedArrays = union(first.deletedArrays, second.deletedArrays);
  const isNew = (id: NodeId): boolean => newGroups.has(id) || newArrays.has(id);
  const isGone = (id: NodeId): boolean => isNew(id) && (deletedGroups.has(id) || deletedArrays.has(id));
  const updatedChunks = new Map<NodeId, ChunkCoordinates>();
  for (const [id, chunks] of [...first.updatedChunks, ...second.updatedChunks]) {
    if (isGone(id)) continue;
    const before = updatedChunks.get(id);
    updatedChunks.set(id, before ? mergeCoordinates(before, chunks) : chunks);
  }
  return {
    newGroups: without(newGroups, (id) => deletedGroups.has(id)),
    newArrays: without(newArrays, (id) => deletedArrays.has(id)),
    deletedGroups: without(deletedGroups, (id) => newGroups.has(id)),
    deletedArrays: without(deletedArrays, (id) => newArrays.has(id)),
    updatedGroups: without(union(first.updatedGroups, second.updatedGroups), isNew),
    updatedArrays: without(union(first.updatedArrays, second.updatedArrays), isNew),
    updatedChunks,
    moves: mergeMoves(first.moves, second.moves),
  };
}

function union(a: ReadonlySet<NodeId>, b: ReadonlySet<NodeId>): Set<NodeId> {
  return new Set([...a, ...b]);
}

function without(ids: ReadonlySet<NodeId>, unwanted: (id: NodeId) => boolean): Set<NodeId> {
  return new Set([...ids].filter((id) => !unwanted(id)));
}

/** For each node the way from where it was first to where it came last. */
function mergeMoves(first: readonly Move[], second: readonly Move[]): Move[] {
  const moves = new Map<NodeId, Move>();
  for (const move of [...first, ...second]) {
    const before = moves.get(move.nodeId);
    moves.set(move.nodeId, before ? { ...move, from: before.from } : move);
  }
  return [...moves.values()].filter(({ from, to }) => from !== to);
}

/** Sorted coordinates of both, each once. */
export function mergeCoordinates(a: ChunkCoordinates, b: ChunkCoordinates): ChunkCoordinates {
  const { rank } = a;
  if (b.rank !== rank) return b;
  const merged = new Uint32Array(rank * (a.count + b.count));
  let count = 0;
  for (let i = 0, k = 0; i < a.count || k < b.count; count++) {
    const order =
      i === a.count
        ? 1
        : k === b.count
          ? -1
          : compareCoordinates(a.coordinates, i * rank, b.coordinates, k * rank, rank);
    const [from, at] = order <= 0 ? [a.coordinates, i * rank] : [b.coordinates, k * rank];
    for (let axis = 0; axis < rank; axis++) merged[count * rank + axis] = from[at + axis] ?? 0;
    if (order <= 0) i += 1;
    if (order >= 0) k += 1;
  }
  return { rank, count, coordinates: merged.slice(0, rank * count) };
}
