/**
 * Making folders, and saying why that is not possible.
 *
 * @module
 */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { isCode } from "./file-lock.ts";

/** Does something with a file; where its folder is missing, that is made and it is done once more. */
export async function inFolderOf<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
  }
  await makeFolder(dirname(path));
  return await work();
}

/** Makes a folder and those above it where they are missing. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
    // Node says so whatever is in the way, a read-only file system for example. Step by step the true reason comes out.
    await makeStepByStep(folder);
  }
}

async function makeStepByStep(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (isCode(error, "EEXIST")) return;
    if (!isCode(error, "ENOENT") || dirname(folder) === folder) throw error;
    await makeStepByStep(dirname(folder));
    await makeStepByStep(folder);
  }
}
