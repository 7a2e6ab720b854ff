/**
 * The operations log: what was done to a repository, newest first. The `repo` file holds the newest entries; the
 * copy that was made of it before the oldest of them holds those before (Icechunk specification 2, "Operations log").
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { type RepoInfo, readRepo } from "./format/repo.ts";
import type { Update } from "./format/update.ts";
import { FOLDERS, type RepositoryFiles } from "./repository-files.ts";

/** All entries. Errors: `NotFound` where a page of the log is gone; those of its files. */
export async function* operationsLog(
  files: RepositoryFiles,
  options: StorageOptions = {},
): AsyncGenerator<Update, void, undefined> {
  let page: RepoInfo = await files.readInfo(options);
  const seen = new Set<string>();
  for (;;) {
    yield* page.latestUpdates;
    const name = page.repoBeforeUpdates;
    if (name === undefined) return;
    if (seen.has(name)) {
      throw new MoraineError("CorruptFile", "the pages of the operations log turn in a circle", {
        source: files.addressOf(`${FOLDERS.overwritten}/${name}`),
      });
    }
    seen.add(name);
    page = await readBackup(files, name, options);
  }
}

/** A former state of the `repo` file, by its name in the operations log. */
async function readBackup(
  files: RepositoryFiles,
  name: string,
  options: StorageOptions = {},
): Promise<RepoInfo> {
  const key = `${FOLDERS.overwritten}/${name}`;
  return readRepo((await files.read(key, options)).bytes, files.addressOf(key));
}
