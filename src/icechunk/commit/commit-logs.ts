/**
 * What a commit says of its changes in transaction logs: one, or several where it made arrays of very many chunks.
 *
 * The official program lists the chunks of new arrays too: its diffs tell them, and who deletes an array that others
 * deleted and made again learns from them that it has chunks. A log that it can read has at most 50 million tables, one
 * a chunk, and is held in memory whole by all who read it. So the chunks of new arrays beyond some millions go into
 * further logs, which the commit names where those of expired ancestors are named (specification 2.1): diff and rebase
 * read them before its own. Programs from before 2.1 pass them over and miss no conflict: nobody else can have changed
 * chunks of an array that did not exist. What changed of arrays that were there is always in the commit's own log.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ChangeSet, TouchedChunks } from "../changes/change-set.ts";
import type { NodeId } from "../format/identifier.ts";
import {
  type ChunkCoordinates,
  EMPTY_TRANSACTION_LOG,
  type TransactionLog,
} from "../format/transaction-log.ts";

/** Chunks of a log after which those of new arrays go into another one. */
export const CHUNKS_PER_LOG: number = 8 * 1024 * 1024;
/** Tables that official readers take of a log (icechunk 2.3, `max_tables`), less those that are no chunks. */
const MOST_CHUNKS = 49_000_000;

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
  const updatedChunks = new Map<NodeId, ChunkCoordinates>();
  let room = chunksPerLog;
  for (const [id, { places, gridShape, isNew }] of touched) {
    if (isNew) continue;
    for (const chunks of places.blocks(gridShape, places.count)) updatedChunks.set(id, chunks);
    room -= places.count;
  }
  const own: TransactionLog = { ...changes.nodeChanges(), updatedChunks };
  requireReadable(own);
  const made = touched.filter(([, { isNew }]) => isNew);
  const total = made.reduce((sum, [, { places }]) => sum + places.count, 0);
  if (total > room) return { own, further: chunkLogs(made, chunksPerLog) };
  for (const [id, { places, gridShape }] of made) {
    for (const chunks of places.blocks(gridShape, places.count)) updatedChunks.set(id, chunks);
  }
  return { own, further: [] };
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

/** Errors: `LimitExceeded`. */
export function requireReadable({ updatedChunks }: TransactionLog): void {
  let total = 0;
  for (const { count } of updatedChunks.values()) total += count;
  if (total <= MOST_CHUNKS) return;
  throw new MoraineError(
    "LimitExceeded",
    `a commit that changes ${total} chunks of arrays that were there could not be read by others, who take at most ` +
      `${MOST_CHUNKS}: make several of it`,
  );
}
