/**
 * Which commits wrote the chunks of arrays: the transaction logs of a history, newest first.
 *
 * @module
 */

import type { StorageOptions } from "../storage/storage.ts";
import { mergeCoordinates } from "./conflicts/merge-transaction-logs.ts";
import type { NodeId, ObjectId } from "./format/identifier.ts";
import type { RepoInfo } from "./format/repo.ts";
import type { ChunkCoordinates, TransactionLog } from "./format/transaction-log.ts";
import { chainOf, entryOf, type HistoryEntry } from "./history.ts";
import type { RepositoryFiles } from "./repository-files.ts";

/** Commits whose logs are fetched at a time. */
const CONCURRENT_LOGS = 16;

/** What one commit wrote of the arrays that are asked about, by their paths now. */
export interface Writing {
  readonly entry: HistoryEntry;
  /** Grid coordinates of chunks that it set or deleted, each once. */
  readonly chunks: ReadonlyMap<string, ChunkCoordinates>;
  /** Arrays that it made. */
  readonly made: ReadonlySet<string>;
}

/**
 * What each commit wrote, newest first; those that wrote nothing of the arrays are there too. Of expired snapshots
 * the one after them tells.
 *
 * Errors: those of the repository's files.
 *
 * @param arrays paths by the ids of the nodes, which stay when an array is moved
 */
export async function* writingsOf(
  files: RepositoryFiles,
  info: RepoInfo,
  tip: ObjectId,
  arrays: ReadonlyMap<NodeId, string>,
  options: StorageOptions = {},
): AsyncGenerator<Writing, void, undefined> {
  const chain = [...chainOf(info, tip, files.address)];
  for (let first = 0; first < chain.length; first += CONCURRENT_LOGS) {
    const part = chain.slice(first, first + CONCURRENT_LOGS);
    const logs = await Promise.all(
      part.map(({ id, prunedAncestorLogs }) =>
        Promise.all(
          [id, ...[...prunedAncestorLogs].reverse()].map((log) => files.transactionLog(log, options)),
        ),
      ),
    );
    for (const [at, snapshot] of part.entries()) {
      yield { entry: entryOf(snapshot, files.address), ...writingOf(logs[at] ?? [], arrays) };
    }
  }
}

/** @param logs newest first; the official program leaves some out */
function writingOf(
  logs: readonly (TransactionLog | undefined)[],
  arrays: ReadonlyMap<NodeId, string>,
): Omit<Writing, "entry"> {
  const chunks = new Map<string, ChunkCoordinates>();
  const made = new Set<string>();
  for (const log of logs) {
    for (const [id, path] of arrays) {
      const updated = log?.updatedChunks.get(id);
      const before = chunks.get(path);
      if (updated) chunks.set(path, before ? mergeCoordinates(updated, before) : updated);
      if (log?.newArrays.has(id)) made.add(path);
    }
  }
  return { chunks, made };
}
