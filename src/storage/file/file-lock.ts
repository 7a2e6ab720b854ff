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
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { readdir, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../abort.ts";
import { quickly } from "./quick-calls.ts";
import { DAY_MS, removeUnfinishedOf } from "./unfinished.ts";

/** How long to wait for others before giving up, and when the lock of another machine counts as left behind. */
const PATIENCE_MS = 60_000;
const FOREIGN_AGE_MS = 120_000;

const ownToken = randomUUID();
const ownStart = startOf(process.pid);
let names = 0;

/** A name that no other process and no other call gives. */
export function uniqueName(): string {
  names += 1;
  return `${ownToken}-${names}`;
}

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
        await releaseLock(lock);
      }
    });
  queues.set(path, turn);
  try {
    return await turn;
  } finally {
    if (queues.get(path) === turn) queues.delete(path);
  }
}

/** A lock that is held. */
export interface HeldLock {
  readonly isHeld: true;
  readonly path: string;
  /** Files of dead holders below ours. */
  readonly older: readonly string[];
}

/** A lock that somebody else has. */
export interface BusyLock {
  readonly isHeld: false;
  /** Of the holder: as long as it is there, looking again brings nothing, unless the holder died. */
  readonly path: string;
}

async function acquire(path: string, signal: AbortSignal | undefined): Promise<HeldLock> {
  const started = Date.now();
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    throwIfAborted(signal);
    const lock = await tryLock(path);
    if (lock.isHeld) return lock;
    if (Date.now() - started > PATIENCE_MS) {
      throw new MoraineError("StorageFailed", "another process has held the lock of this file for a minute", {
        source: path,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
  }
}

/** Takes the lock of a file (which need not be there) if nobody has it. */
export async function tryLock(path: string): Promise<HeldLock | BusyLock> {
  const folder = dirname(path);
  const prefix = lockPrefix(basename(path));
  const found = await quickly(
    () => readdirSync(folder),
    () => readdir(folder),
  );
  const generations = found
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => a - b);
  const highest = generations.at(-1);
  let dead: string | undefined;
  if (highest !== undefined) {
    const holder = join(folder, `${prefix}${highest}`);
    dead = await deadHolder(holder);
    if (dead === undefined) return { isHeld: false, path: holder };
  }
  const mine = join(folder, `${prefix}${(highest ?? 0) + 1}`);
  const maker = { pid: process.pid, host: hostname(), started: ownStart };
  const text = JSON.stringify({ ...maker, token: uniqueName() });
  try {
    await quickly(
      () => writeFileSync(mine, text, { flag: "wx" }),
      () => writeFile(mine, text, { flag: "wx" }),
    );
  } catch (error) {
    if (isCode(error, "EEXIST")) return { isHeld: false, path: mine };
    // On a full disk the file is there, without what it should say.
    await rm(mine, { force: true });
    throw error;
  }
  if (highest !== undefined) {
    const still = await readFile(join(folder, `${prefix}${highest}`), "utf8").catch(() => undefined);
    if (still !== dead) {
      await rm(mine, { force: true });
      return { isHeld: false, path: mine };
    }
  }
  // By who has the lock: those who wait for it look here every few milliseconds.
  const ofOthers = found.filter((name) => !name.includes(ownToken));
  await removeUnfinishedOf(folder, ofOthers, Date.now() - DAY_MS);
  return {
    isHeld: true,
    path: mine,
    older: generations.map((generation) => join(folder, `${prefix}${generation}`)),
  };
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
  const match = /^\{"pid":(\d+),"host":("(?:[^"\\]|\\.)*"),(?:"started":"(\d+)",)?/.exec(text);
  // Created but not yet written, unless its maker died in between.
  if (!match) return age > 5000 ? text : undefined;
  const host: unknown = JSON.parse(match[2] ?? '""');
  if (host !== hostname()) return age > FOREIGN_AGE_MS ? text : undefined;
  const pid = Number(match[1]);
  if (!isProcessAlive(pid)) return text;
  // Another process may have got the number since, always so in a container that was started anew.
  const started = startOf(pid);
  if (match[3] !== undefined && started !== undefined && started !== match[3]) return text;
  return pid === process.pid && age > process.uptime() * 1000 + 1000 ? text : undefined;
}

/** When a process of this machine was started, in units of its kernel; undefined where it does not tell. */
function startOf(pid: number): string | undefined {
  try {
    // Field 22 (proc_pid_stat(5)); the second one, the name, may hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Whether there is a process of this number on this machine. */
export function isProcessAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !isCode(error, "ESRCH");
  }
}

/** Gives a lock back. */
export async function releaseLock(lock: HeldLock): Promise<void> {
  for (const path of [...lock.older, lock.path]) {
    await quickly(
      () => unlinkSync(path),
      () => unlink(path),
    ).catch((error: unknown) => {
      if (!isCode(error, "ENOENT")) throw error;
    });
  }
}

/** Whether an error of the file system has this code. */
export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
