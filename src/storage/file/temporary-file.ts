/**
 * Whole files that are written beside their place and then put there, so that nobody sees a part of one.
 *
 * @module
 */

import {
  type BigIntStats,
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { link, open, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MoraineError } from "../../errors.ts";
import type { Version } from "../storage.ts";
import { sameVersion } from "../version.ts";
import { isCode, uniqueName } from "./file-lock.ts";
import { inFolderOf } from "./folders.ts";
import { versionOf } from "./open-files.ts";
import { quickly } from "./quick-calls.ts";
import { TEMPORARY } from "./unfinished.ts";

/** Bytes up to which a file that need not be durable may be written in one direct call. */
const SMALL_WRITE = 64 * 1024;

/** A file that is written and not yet in its place. */
export interface TemporaryFile {
  readonly temporary: string;
  readonly version: Version & { readonly size: number };
}

export function statFile(path: string): Promise<BigIntStats> {
  return quickly(
    () => statSync(path, { bigint: true }),
    () => stat(path, { bigint: true }),
  );
}

export function renameFile(from: string, to: string): Promise<void> {
  return quickly(
    () => renameSync(from, to),
    () => rename(from, to),
  );
}

/** Gives a file a second name; false where the file system has no such thing. Makes the folder if need be. */
export async function linkFile(from: string, to: string): Promise<boolean> {
  const make = (): Promise<void> =>
    quickly(
      () => linkSync(from, to),
      () => link(from, to),
    );
  try {
    await inFolderOf(to, make);
    return true;
  } catch (error) {
    if (isCode(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EMLINK")) return false;
    throw error;
  }
}

/** Writes a file that nobody looks for yet; makes its folder if need be. */
export async function writeInPlace(
  path: string,
  bytes: Uint8Array,
  durable: boolean,
): Promise<TemporaryFile["version"]> {
  return await inFolderOf(path, async () => {
    try {
      return await writeNew(path, bytes, durable);
    } catch (error) {
      if (!isCode(error, "EEXIST", "ENOENT")) await rm(path, { force: true });
      throw error;
    }
  });
}

/** Writes a file beside a path, on the same file system, so that it can be renamed; makes its folder if need be. */
export async function writeTemporary(
  path: string,
  bytes: Uint8Array,
  durable: boolean,
): Promise<TemporaryFile> {
  const temporary = join(dirname(path), `${TEMPORARY}${process.pid}-${uniqueName()}`);
  return { temporary, version: await writeInPlace(temporary, bytes, durable) };
}

function writeNew(path: string, bytes: Uint8Array, durable: boolean): Promise<TemporaryFile["version"]> {
  const pooled = async (): Promise<TemporaryFile["version"]> => {
    const handle = await open(path, "wx");
    try {
      // One call each: `writeFile` cuts into pieces of 512 KiB, each of which waits for a thread.
      for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
      if (durable) await handle.datasync();
      return versionOf(await handle.stat({ bigint: true }));
    } finally {
      await handle.close();
    }
  };
  if (durable || bytes.length > SMALL_WRITE) return pooled();
  return quickly(() => {
    const descriptor = openSync(path, "wx");
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      return versionOf(fstatSync(descriptor, { bigint: true }));
    } finally {
      closeSync(descriptor);
    }
  }, pooled);
}

/**
 * Puts a temporary file in place if the file there is still the expected one. Called with its lock held.
 *
 * Errors: `PreconditionFailed`.
 */
export async function replaceFile(
  address: string,
  path: string,
  { temporary, version }: TemporaryFile,
  expected: Version,
): Promise<TemporaryFile["version"]> {
  let current: BigIntStats;
  try {
    current = await statFile(path);
  } catch (error) {
    throw isCode(error, "ENOENT") ? failedPrecondition(address) : error;
  }
  if (!sameVersion(versionOf(current), expected)) throw failedPrecondition(address);
  let written = version;
  // Clocks of file systems tick in milliseconds: two states of one size must not look the same.
  if ((version.lastModified ?? 0) <= Number(current.mtimeNs) / 1e6) {
    const later = Number(current.mtimeNs / 1000n + 2n) / 1e6;
    await utimes(temporary, later, later);
    written = versionOf(await statFile(temporary));
  }
  await renameFile(temporary, path);
  return written;
}

export function failedPrecondition(address: string): MoraineError {
  return new MoraineError("PreconditionFailed", "somebody else wrote first", { source: address });
}
