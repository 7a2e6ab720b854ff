/**
 * Files that writers left behind when they were killed. Nobody lists or reads them, and after a while nobody will rename
 * them any more.
 *
 * @module
 */

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** How the names of files begin that are not yet in their place. */
export const TEMPORARY = ".moraine-tmp-";

/** Longer than any write or pause of a living process. */
export const DAY_MS: number = 24 * 60 * 60 * 1000;
/** Younger ones may still be written. */
const HOUR_MS = 60 * 60 * 1000;

/** Removes those among the names in a folder that are older than a time, in milliseconds since 1970. */
export async function removeUnfinishedOf(
  folder: string,
  names: readonly string[],
  before: number,
): Promise<void> {
  for (const name of names) {
    if (!name.startsWith(TEMPORARY)) continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(() => undefined);
    // In a folder that may only be read they are in nobody's way.
    if (stats && stats.mtimeMs < before) await rm(path, { force: true }).catch(() => undefined);
  }
}

/** The same in a folder and all below it. */
export async function removeUnfinished(folder: string, before: number): Promise<void> {
  const old = Math.min(before, Date.now() - HOUR_MS);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  await removeUnfinishedOf(folder, names, old);
  for (const entry of entries) {
    if (entry.isDirectory()) await removeUnfinished(join(folder, entry.name), before);
  }
}
