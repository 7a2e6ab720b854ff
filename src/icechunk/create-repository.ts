/**
 * Makes the files of a new repository.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { microsecondsNow } from "./clock.ts";
import { settingsOf, writeConfiguration } from "./configuration.ts";
import { SPEC_VERSION } from "./format/envelope.ts";
import { INITIAL_SNAPSHOT_ID } from "./format/identifier.ts";
import { encodeMetadata } from "./format/metadata.ts";
import type { RepoInfo, SnapshotInfo } from "./format/repo.ts";
import { writeRepo } from "./format/repo-encoding.ts";
import { writeSnapshot } from "./format/snapshot-writer.ts";
import { EMPTY_TRANSACTION_LOG, writeTransactionLog } from "./format/transaction-log.ts";
import { MAIN_BRANCH } from "./refs.ts";
import { DEFAULT_COMPRESSION_LEVEL } from "./repo-update.ts";
import { FOLDERS, type RepositoryFiles } from "./repository-files.ts";

/**
 * Writes an empty repository: one snapshot, and the branch main at it.
 *
 * @param config kept with the repository; empty for none
 * Errors: `AlreadyExists` where anything lies in the folder.
 */
export async function createRepositoryFiles(
  files: RepositoryFiles,
  config: JsonObject,
  options: StorageOptions = {},
): Promise<void> {
  await requireEmpty(files, options);
  const level = settingsOf(config).compressionLevel ?? DEFAULT_COMPRESSION_LEVEL;
  const now = microsecondsNow();
  const root: SnapshotInfo = {
    id: INITIAL_SNAPSHOT_ID,
    flushedAt: now,
    message: "Repository initialized",
    metadata: encodeMetadata({ __icechunk: { is_root: true } }),
    prunedAncestorLogs: [],
  };
  const [snapshot, log] = await Promise.all([
    writeSnapshot({ ...root, nodes: new Map(), manifestFiles: new Map() }, level),
    writeTransactionLog(INITIAL_SNAPSHOT_ID, EMPTY_TRANSACTION_LOG, level),
  ]);
  // The same in every repository: of two that create, one wins below.
  await Promise.all([
    files.write(`${FOLDERS.snapshot}/${INITIAL_SNAPSHOT_ID}`, snapshot, options),
    files.write(`${FOLDERS.transactionLog}/${INITIAL_SNAPSHOT_ID}`, log, options),
  ]);
  const info: RepoInfo = {
    specVersion: SPEC_VERSION,
    branches: new Map([[MAIN_BRANCH, INITIAL_SNAPSHOT_ID]]),
    tags: new Map(),
    deletedTags: new Set(),
    snapshots: new Map([[INITIAL_SNAPSHOT_ID, root]]),
    status: { availability: "online", setAt: now },
    metadata: [],
    latestUpdates: [{ operation: { kind: "RepoInitialized" }, updatedAt: now }],
    config: Object.keys(config).length === 0 ? undefined : writeConfiguration(config),
    enabledFlags: [],
    disabledFlags: [],
  };
  try {
    await files.write("repo", await writeRepo(info, level), {
      ...options,
      precondition: "absent",
    });
  } catch (error) {
    throw isMoraineError(error, "PreconditionFailed") ? alreadyExists(files) : error;
  }
}

/** A folder that holds other things could hide or destroy them. */
async function requireEmpty(files: RepositoryFiles, options: StorageOptions): Promise<void> {
  for await (const _ of files.storage.list(`${files.address}/`, options)) throw alreadyExists(files);
}

function alreadyExists(files: RepositoryFiles): MoraineError {
  return new MoraineError(
    "AlreadyExists",
    "a repository needs an empty folder, and something lies in this one",
    {
      source: files.address,
    },
  );
}
