/**
 * What the file system says when something cannot be done, as errors of ours.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { isCode } from "./file-lock.ts";

/** Runs a task of the file system; its errors become ours. */
export async function translate<T>(address: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (isMoraineError(error)) throw error;
    const place = { source: address, cause: error };
    if (isCode(error, "ENOENT", "ENOTDIR")) throw new MoraineError("NotFound", "nothing lies there", place);
    if (isCode(error, "EISDIR")) throw new MoraineError("NotFound", "this is a folder", place);
    if (isCode(error, "EACCES", "EPERM")) throw new MoraineError("AccessDenied", "no permission", place);
    if (isCode(error, "EROFS")) throw new MoraineError("ReadOnly", "the file system is read-only", place);
    if (isCode(error, "ENOSPC", "EDQUOT")) throw new MoraineError("StorageFailed", "the disk is full", place);
    if (isCode(error, "ENAMETOOLONG"))
      throw new MoraineError("InvalidArgument", "the name is too long", place);
    if (error instanceof Error && error.name === "AbortError") throw error;
    throw new MoraineError("StorageFailed", error instanceof Error ? error.message : String(error), place);
  }
}
