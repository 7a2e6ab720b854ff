/**
 * What a commit says of its changes in transaction logs: one, or several where it made arrays of very many chunks.
 *
 * The official program lists the chunks of new arrays too: its diffs tell them, and who deletes an array that others
 * deleted and made again learns from them that it has chunks. A log that it can read has at most 50 million tables, one
 * a chunk, and is held in memory whole by all who read it. So the chunks of new arrays beyond some millions go into
 * further logs, which the commit names where those of expired ancestors are named (specification 2.1): diff and rebase
 * read them before its own. Programs from before 2.1 pass them over and miss no conflict: nobody else can have changed
 * chunks of an array that did not exist, and the commit's own log names the first chunk of each such array. What changed
 * of arrays that were there is in the own log, all of it.
 *
 * @module
 */

import type { ChangeSet, TouchedChunks } from "../changes/change-set.ts";
import type { NodeId } from "../format/identifier.ts";
import {
  type ChunkCoordinates,
  EMPTY_TRANSACTION_LOG,
  requireReadable,
  type TransactionLog,
} from "../format/transaction-log.ts";

/** Chunks of a log after which those of new arrays go into another one. */
export const CHUNKS_PER_LOG: number = 4 * 1024 * 1024;

/** The logs of a commit. */
export interface CommitLogs {
  readonly own: TransactionLog;
  /** Made one after another, as each may be large; they tell nothing but chunks of new arrays. */
  readonly further: Iterable<TransactionLog>;
}

/**
 * The logs of a set of changes.
 *
 * @param chunksPerLog chunks of new arrays fill a log up to so many
 * Errors: `LimitExceeded` where chunks of arrays that were there are more than others could read.
 */
export function logsOf(changes: ChangeSet, chunksPerLog: number = CHUNKS_PER_LOG): CommitLogs {
  const touched = [...changes.touchedChunks()];
  const made = touched.filter(([, { isNew }]) => isNew);
  const changed = touched.filter(([, { isNew }]) => !isNew);
  requireReadable(changed.map(([, { places }]) => places));
  const updatedChunks = new Map<NodeId, ChunkCoordinates>();
  let room = chunksPerLog;
  for (const [id, { places, gridShape }] of changed) {
    for (const chunks of places.blocks(gridShape, places.count)) updatedChunks.set(id, chunks);
    room -= places.count;
  }
  const own: TransactionLog = { ...changes.nodeChanges(), updatedChunks };
  const isShort = made.reduce((sum, [, { places }]) => sum + places.count, 0) <= room;
  for (const [id, { places, gridShape }] of made) {
    for (const chunks of places.blocks(gridShape, isShort ? places.count : 1)) {
      updatedChunks.set(id, chunks);
      break;
    }
  }
  return { own, further: isShort ? [] : chunkLogs(made, chunksPerLog) };
}

function* chunkLogs(
  arrays: readonly (readonly [NodeId, TouchedChunks])[],
  most: number,
): Generator<TransactionLog, void, undefined> {
  let updatedChunks = new Map<NodeId, ChunkCoordinates>();
  let room = most;
  for (const [id, { places, gridShape }] of arrays) {
    for (const chunks of places.blocks(gridShape, most)) {
      if (chunks.count > room) {
        yield { ...EMPTY_TRANSACTION_LOG, updatedChunks };
        updatedChunks = new Map();
        room = most;
      }
      updatedChunks.set(id, chunks);
      room -= chunks.count;
    }
  }
  if (updatedChunks.size > 0) yield { ...EMPTY_TRANSACTION_LOG, updatedChunks };
}
