/**
 * Carries out a campaign: batch after batch, each in a commit of its own, so that it can be stopped and taken up again.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { isMoraineError } from "../../errors.ts";
import type { Session } from "../../icechunk/session/session.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { Repository } from "../repository.ts";
import type { StoredCounts } from "./store-chunks.ts";

/** Commits that others may come before, batch for batch. */
const MOST_CONFLICTS = 20;

/** Where and how each batch is committed. */
export interface CampaignOptions extends StorageOptions {
  readonly branch: string;
  /** Of every commit. */
  readonly message: string;
  /** Whether a batch stands as it is where others only changed other chunks meanwhile. */
  readonly rebase?: boolean | undefined;
  readonly onProgress?: ((progress: { readonly chunks: number; readonly bytes: number }) => void) | undefined;
}

/** What was done. Bytes are encoded ones. */
export interface CampaignSummary extends StoredCounts {
  /** Snapshots, in order. */
  readonly commits: readonly string[];
}

/**
 * Commits each batch that changes something. Where others come in between, it is rebased if that is asked for and nothing
 * conflicts; else it begins anew from what they left.
 *
 * Errors: those of the work; `Conflict` where others keep coming first. What was committed stays.
 *
 * @param work changes a session and tells what it changed
 */
export async function commitBatches<Item>(
  repository: Repository,
  items: AsyncIterable<Item>,
  work: (session: Session, item: Item) => Promise<StoredCounts>,
  { branch, message, rebase = false, onProgress, signal }: CampaignOptions,
): Promise<CampaignSummary> {
  const commits: string[] = [];
  let chunks = 0;
  let bytes = 0;
  for await (const item of items) {
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      const session = await repository.writableSession(branch, { signal });
      const stored = await work(session, item);
      if (stored.chunks === 0 || !session.hasUncommittedChanges) break;
      const metadata: JsonObject = { chunks: stored.chunks, bytes: stored.bytes };
      try {
        commits.push(await session.commit(message, { metadata, rebase, signal }));
      } catch (error) {
        if (!isMoraineError(error, "Conflict") || attempt >= MOST_CONFLICTS) throw error;
        continue;
      }
      chunks += stored.chunks;
      bytes += stored.bytes;
      onProgress?.({ chunks, bytes });
      break;
    }
  }
  return { commits, chunks, bytes };
}
