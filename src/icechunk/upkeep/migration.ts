/**
 * Migration of a repository of specification 1: a `repo` file is written that says what its refs and snapshots say.
 * All other files stay as they are, and are read by the rules of their own version.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { namesBelow } from "../../storage/names.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { microsecondsNow } from "../clock.ts";
import { SPEC_VERSION } from "../format/envelope.ts";
import type { ObjectId } from "../format/identifier.ts";
import type { RepoInfo } from "../format/repo.ts";
import { writeRepo } from "../format/repo-encoding.ts";
import type { Operation, Update } from "../format/update.ts";
import { chainOf } from "../history.ts";
import { MAIN_BRANCH } from "../refs.ts";
import { DEFAULT_COMPRESSION_LEVEL } from "../repo-update.ts";
import type { RepositoryFiles } from "../repository-files.ts";

const MILLISECOND = 1000;

/** How a repository is migrated. */
export interface MigrateOptions extends StorageOptions {
  /** Only tells what would be written. */
  readonly dryRun?: boolean | undefined;
  /** Whether the refs and configuration of specification 1 are deleted, so that old clients fail early. Default true. */
  readonly deleteOldRefs?: boolean | undefined;
}

/** What was taken over. */
export interface Migration {
  readonly branches: number;
  readonly tags: number;
  readonly snapshots: number;
}

/**
 * Makes a repository of specification 1 one of specification 2.
 *
 * Errors: `AlreadyExists` where it is one already; `NotFound` where there is none; those of its files, before
 * anything is written.
 */
export async function migrateRepository(
  files: RepositoryFiles,
  options: MigrateOptions = {},
): Promise<Migration> {
  const old = await files.readInfo(options);
  if (old.specVersion >= SPEC_VERSION) throw alreadyMigrated(files);
  const setAt = Math.min(...[...old.snapshots.values()].map(({ flushedAt }) => flushedAt));
  const info: RepoInfo = {
    ...old,
    specVersion: SPEC_VERSION,
    status: { availability: "online", setAt },
    latestUpdates: [
      {
        operation: { kind: "RepoMigrated", fromVersion: 1, toVersion: SPEC_VERSION },
        updatedAt: microsecondsNow(),
      },
      ...inventedUpdates(old, files.address),
    ],
  };
  const summary = { branches: old.branches.size, tags: old.tags.size, snapshots: old.snapshots.size };
  const bytes = await writeRepo(info, DEFAULT_COMPRESSION_LEVEL);
  if (options.dryRun) return summary;
  const oldKeys = options.deleteOldRefs === false ? [] : await keysOfOldRefs(files, options);
  try {
    await files.write("repo", bytes, {
      signal: options.signal,
      precondition: "absent",
    });
  } catch (error) {
    throw isMoraineError(error, "PreconditionFailed") ? alreadyMigrated(files) : error;
  }
  for (const key of oldKeys) await files.storage.delete([files.addressOf(key)], options);
  return summary;
}

function alreadyMigrated(files: RepositoryFiles): MoraineError {
  return new MoraineError("AlreadyExists", "this is a repository of specification 2 already", {
    source: files.address,
  });
}

/** Keys of the refs, main first, and the configuration. */
async function keysOfOldRefs(files: RepositoryFiles, options: StorageOptions): Promise<string[]> {
  const keys: string[] = [];
  for await (const name of namesBelow(files.storage, `${files.addressOf("refs")}/`, options)) {
    if (!name.endsWith("/")) continue;
    keys.push(`refs/${name}ref.json`, ...(name.startsWith("tag.") ? [`refs/${name}ref.json.deleted`] : []));
  }
  const main = `refs/branch.${MAIN_BRANCH}/ref.json`;
  return [main, ...keys.filter((key) => key !== main), "config.yaml"];
}

/** An operations log as it would have become, newest first, by the times of the snapshots. */
function inventedUpdates(info: RepoInfo, source: string): Update[] {
  const found: { readonly operation: Operation; readonly time: number }[] = [];
  const told = new Set<ObjectId>();
  const root = [...chainOf(info, info.branches.get(MAIN_BRANCH) ?? "", source)].at(-1);
  found.push({ operation: { kind: "RepoInitialized" }, time: root?.flushedAt ?? 0 });
  const tellCommits = (branch: string, tip: ObjectId): void => {
    for (const { id, parentId, flushedAt } of chainOf(info, tip, source)) {
      if (told.has(id) || parentId === undefined) break;
      told.add(id);
      found.push({ operation: { kind: "NewCommit", branch, newSnapshotId: id }, time: flushedAt });
    }
  };
  const timeOf = (id: ObjectId): number => info.snapshots.get(id)?.flushedAt ?? 0;
  for (const [name, tip] of info.branches) if (name === MAIN_BRANCH) tellCommits(name, tip);
  for (const [name, tip] of info.branches) {
    if (name === MAIN_BRANCH) continue;
    found.push({ operation: { kind: "BranchCreated", name }, time: timeOf(tip) + MILLISECOND });
    tellCommits(name, tip);
  }
  for (const [name, id] of info.tags) {
    found.push({ operation: { kind: "TagCreated", name }, time: timeOf(id) + MILLISECOND });
  }
  let last = 0;
  return found
    .sort((a, b) => a.time - b.time)
    .map(({ operation, time }): Update => {
      last = Math.max(time, last + 1);
      return { operation, updatedAt: last };
    })
    .reverse();
}
