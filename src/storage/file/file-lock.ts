/**
 * An advisory lock on a file, safe across the processes of one machine and recovered from those that died.
 *
 * A lock is a file `.NAME.lock.GENERATION` beside NAME (a hash of it where it is long), created exclusively. It is held by the process that made
 * the highest generation. A process that finds the holder dead makes the next generation (only one can), and
 * then looks whether the dead holder's file is still the one that it saw: if not, others went on meanwhile,
 * and it starts over. So no lock is ever broken by moving or deleting another's file.
 *
 * @module
 */

import { createHash, randomUUID } from "node:crypto";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../abort.ts";
import { quickly } from "./quick-calls.ts";

/** How long to wait for others before giving up, and when the lock of another machine counts as left behind. */
const PATIENCE_MS = 60_000;
const FOREIGN_AGE_MS = 120_000;

/** Tasks of this process that wait for the same file, so that they do not spin on the disk. */
const queues = new Map<string, Promise<unknown>>();

/** Runs a task while holding the lock of a file. Errors: `StorageFailed` when others hold it for a minute. */
export async function withFileLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const turn = before
    .catch(() => undefined)
    .then(async () => {
      const lock = await acquire(path, signal);
      try {
        return await task();
      } finally {
        await release(lock);
      }
    });
  queues.set(path, turn);
  try {
    return await turn;
  } finally {
    if (queues.get(path) === turn) queues.delete(path);
  }
}

interface HeldLock {
  readonly path: string;
  /** Files of dead holders below ours. */
  readonly older: readonly string[];
}

async function acquire(path: string, signal: AbortSignal | undefined): Promise<HeldLock> {
  const started = Date.now();
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    throwIfAborted(signal);
    const lock = await tryAcquire(path);
    if (lock !== undefined) return lock;
    if (Date.now() - started > PATIENCE_MS) {
      throw new MoraineError("StorageFailed", "another process has held the lock of this file for a minute", {
        source: path,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
  }
}

async function tryAcquire(path: string): Promise<HeldLock | undefined> {
  const folder = dirname(path);
  const prefix = lockPrefix(basename(path));
  const names = await quickly(
    () => readdirSync(folder),
    () => readdir(folder),
  );
  const generations = names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => a - b);
  const highest = generations.at(-1);
  let dead: string | undefined;
  if (highest !== undefined) {
    dead = await deadHolder(join(folder, `${prefix}${highest}`));
    if (dead === undefined) return undefined;
  }
  const mine = join(folder, `${prefix}${(highest ?? 0) + 1}`);
  const text = JSON.stringify({ pid: process.pid, host: hostname(), token: randomUUID() });
  try {
    await quickly(
      () => writeFileSync(mine, text, { flag: "wx" }),
      () => writeFile(mine, text, { flag: "wx" }),
    );
  } catch (error) {
    if (isCode(error, "EEXIST")) return undefined;
    throw error;
  }
  if (highest !== undefined) {
    const still = await readFile(join(folder, `${prefix}${highest}`), "utf8").catch(() => undefined);
    if (still !== dead) {
      await rm(mine, { force: true });
      return undefined;
    }
  }
  return { path: mine, older: generations.map((generation) => join(folder, `${prefix}${generation}`)) };
}

/** A name may be as long as the file system allows, so that nothing more fits: then its hash stands for it. */
function lockPrefix(name: string): string {
  const short = Buffer.byteLength(name) <= 200;
  return `.${short ? name : createHash("sha256").update(name).digest("hex")}.lock.`;
}

/** What the file of a dead holder says, or undefined where the holder may be alive. */
async function deadHolder(lock: string): Promise<string | undefined> {
  let text: string;
  let age: number;
  try {
    text = await readFile(lock, "utf8");
    age = Date.now() - (await stat(lock)).mtimeMs;
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
  const match = /^\{"pid":(\d+),"host":("(?:[^"\\]|\\.)*"),/.exec(text);
  // Created but not yet written, unless its maker died in between.
  if (!match) return age > 5000 ? text : undefined;
  const host: unknown = JSON.parse(match[2] ?? '""');
  if (host !== hostname()) return age > FOREIGN_AGE_MS ? text : undefined;
  try {
    process.kill(Number(match[1]), 0);
    return undefined;
  } catch (error) {
    return isCode(error, "ESRCH") ? text : undefined;
  }
}

async function release(lock: HeldLock): Promise<void> {
  for (const path of [...lock.older, lock.path]) {
    await quickly(
      () => rmSync(path, { force: true }),
      () => rm(path, { force: true }),
    );
  }
}

/** Whether an error of the file system has this code. */
export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
