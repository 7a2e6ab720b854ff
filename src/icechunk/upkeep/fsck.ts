/**
 * Checks a whole repository: every file, reference and order rule, from the refs down to the chunk objects.
 *
 * @module
 */

import { type ErrorCode, isMoraineError, MoraineError } from "../../errors.ts";
import { nameOf } from "../../storage/address.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { VirtualChunkAccess } from "../changes/virtual-chunks.ts";
import { readConfiguration, settingsOf } from "../configuration.ts";
import { isObjectId, type ObjectId } from "../format/identifier.ts";
import type { RepoInfo } from "../format/repo.ts";
import type { Snapshot } from "../format/snapshot.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import { checkHistory } from "./check-history.ts";
import { ManifestCheck } from "./check-manifest.ts";
import { checkSnapshot } from "./check-snapshot.ts";
import { checkTransaction } from "./check-transaction.ts";

/** Something that was found. */
export interface Finding {
  /** `error`: data are lost or wrong, or readers may fail. `notice`: harmless, or garbage. */
  readonly severity: "error" | "notice";
  /** Code of the error that a reader would meet, or what kind of notice it is. */
  readonly code: string;
  readonly message: string;
  /** Address of the file. */
  readonly source: string;
  /** Path of the group or array. */
  readonly path?: string | undefined;
}

/** What a check looked at and found. */
export interface CheckedRepository {
  /** What was looked at. */
  readonly checked: {
    readonly snapshots: number;
    readonly manifests: number;
    readonly transactionLogs: number;
    readonly references: number;
    readonly nativeChunks: number;
  };
  readonly findings: readonly Finding[];
}

const OF_STORAGE: ReadonlySet<ErrorCode> = new Set(["StorageFailed", "AccessDenied", "Aborted"]);

/** Takes findings; an error that is thrown by a task becomes one. */
export class Findings {
  readonly all: Finding[] = [];

  error(code: string, message: string, source: string, path?: string): void {
    this.all.push({ severity: "error", code, message, source, path });
  }

  notice(code: string, message: string, source: string, path?: string): void {
    this.all.push({ severity: "notice", code, message, source, path });
  }

  /** Runs a task; undefined where it failed on what it read. */
  async attempt<T>(source: string, task: () => Promise<T>): Promise<T | undefined> {
    try {
      return await task();
    } catch (error) {
      // A storage that fails says nothing of the files.
      if (!isMoraineError(error) || OF_STORAGE.has(error.code)) throw error;
      this.error(error.code, error.message, error.source ?? source, error.path);
      return undefined;
    }
  }
}

/**
 * Checks a repository. Every snapshot of the history, every manifest and transaction log is read; chunk objects are
 * compared by their sizes, virtual ones are not looked at.
 *
 * Errors: `NotFound` where there is no repository; those of the storage. Everything else is a finding.
 */
export async function checkRepository(
  files: RepositoryFiles,
  options: StorageOptions = {},
): Promise<CheckedRepository> {
  const findings = new Findings();
  const root = files.addressOf("repo");
  const info = await findings.attempt(root, async () => {
    const found = await files.readInfo(options);
    // Read when they are asked for: now, so that what is wrong with them is found here.
    for (const _ of found.snapshots.values());
    for (const _ of found.latestUpdates);
    return found;
  });
  if (!info) {
    if (findings.all[0]?.code === "NotFound") {
      throw new MoraineError("NotFound", "there is no Icechunk repository", { source: files.address });
    }
    return { checked: NOTHING, findings: findings.all };
  }
  await checkHistory(files, info, findings, options);
  const settings = settingsOf(readConfiguration(info.config, root));
  const access = new VirtualChunkAccess(settings.virtualChunkContainers ?? [], "all", files.address);
  const manifests = new ManifestCheck(files, await sizesIn(files, FOLDERS.chunk, options), access, findings);
  let transactionLogs = 0;
  for (const { id } of info.snapshots.values()) {
    const snapshot = await snapshotOf(files, id, findings, options);
    if (!snapshot) continue;
    checkSnapshot(files, info, snapshot, findings);
    await manifests.check(snapshot, options);
    transactionLogs += await checkTransaction(files, info, snapshot, findings, options);
  }
  await findUnreferenced(files, info, manifests.seen, findings, options);
  const checked = {
    snapshots: info.snapshots.size,
    manifests: manifests.seen.size,
    transactionLogs,
    references: manifests.references,
    nativeChunks: manifests.nativeChunks,
  };
  return { checked, findings: findings.all };
}

const NOTHING: CheckedRepository["checked"] = {
  snapshots: 0,
  manifests: 0,
  transactionLogs: 0,
  references: 0,
  nativeChunks: 0,
};

/** A snapshot of the history; undefined where it cannot be read. */
async function snapshotOf(
  files: RepositoryFiles,
  id: ObjectId,
  findings: Findings,
  options: StorageOptions,
): Promise<Snapshot | undefined> {
  return findings.attempt(files.addressOf(`${FOLDERS.snapshot}/${id}`), () => files.snapshot(id, options));
}

/** Sizes of the objects in a folder, by name. */
async function sizesIn(
  files: RepositoryFiles,
  folder: string,
  options: StorageOptions,
): Promise<Map<string, number | undefined>> {
  const sizes = new Map<string, number | undefined>();
  for await (const { address, size } of files.storage.list(`${files.addressOf(folder)}/`, options)) {
    sizes.set(nameOf(address), size);
  }
  return sizes;
}

/** Files that no history leads to: of commits that were cut off, or overwritten by writers without locks. */
async function findUnreferenced(
  files: RepositoryFiles,
  info: RepoInfo,
  manifests: ReadonlySet<ObjectId>,
  findings: Findings,
  options: StorageOptions,
): Promise<void> {
  const logs = new Set(
    [...info.snapshots.values()].flatMap(({ id, prunedAncestorLogs }) => [id, ...prunedAncestorLogs]),
  );
  const kinds = [
    [FOLDERS.snapshot, (id: ObjectId) => info.snapshots.has(id)],
    [FOLDERS.transactionLog, (id: ObjectId) => logs.has(id)],
    [FOLDERS.manifest, (id: ObjectId) => manifests.has(id)],
  ] as const;
  for (const [folder, isKnown] of kinds) {
    for (const name of (await sizesIn(files, folder, options)).keys()) {
      const address = files.addressOf(`${folder}/${name}`);
      if (!isObjectId(name)) findings.notice("UnknownFile", "no file of a repository is named so", address);
      else if (!isKnown(name)) findings.notice("Unreferenced", "nothing leads to this file", address);
    }
  }
}
