/**
 * Changes of one file by several processes at a time, each of which would have to write all of it. They take turns, and
 * whoever has the turn carries out what the others have handed in meanwhile: eight changes then cost two writes or
 * three instead of eight, and nobody reads and encodes what somebody else makes stale.
 *
 * Turns and files that are handed in are for speed alone. What keeps changes from being lost is the precondition of the
 * write: who cannot have the turn within {@link PATIENCE_MS} goes on without it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { crc32 } from "../../binary/crc32.ts";
import { throwIfAborted } from "../abort.ts";
import type { SharedChange } from "../storage.ts";
import { isCode, isProcessAlive, releaseLock, tryLock, uniqueName } from "./file-lock.ts";
import { inFolderOf } from "./folders.ts";
import { renameFile, writeTemporary } from "./temporary-file.ts";
import { TEMPORARY } from "./unfinished.ts";

const PATIENCE_MS = 20_000;
/** Milliseconds between two looks at whether the turn has ended, and how often one looks until its holder is asked. */
const WAIT_MS = 2;
const LOOKS = 100;
/** Larger changes are not handed in, and of those handed in only so many bytes are carried out in one turn. */
const MOST_BYTES = 32 * 1024 * 1024;
/** A checksum, the bytes of the maker's name, and the name. */
const HEADER_BYTES = 8;

/** Carries out a change in turn with those of other processes, or has one of these carry it out. */
export async function changeInTurn(
  path: string,
  change: SharedChange,
  signal: AbortSignal | undefined,
): Promise<void> {
  const prefix = `${TEMPORARY}change-${hashOf(basename(path))}-`;
  const started = Date.now();
  let handedIn: string | undefined;
  try {
    for (;;) {
      throwIfAborted(signal);
      const lock = await inFolderOf(path, () => tryLock(`${path}.turn`));
      if (lock.isHeld || Date.now() - started > PATIENCE_MS) {
        try {
          // Whoever had the turn removes what it has carried out.
          if (handedIn !== undefined && !(await takeBack(handedIn))) return;
          handedIn = undefined;
          await carryOut(path, prefix, change, lock.isHeld);
          return;
        } finally {
          if (lock.isHeld) await releaseLock(lock);
        }
      }
      const words = handedIn === undefined ? await change.words() : undefined;
      if (words !== undefined && words.length <= MOST_BYTES) {
        handedIn = await handIn(path, prefix, words);
      }
      if (await isCarriedOut(lock.path, handedIn, signal)) return;
    }
  } catch (error) {
    if (handedIn !== undefined) await takeBack(handedIn).catch(() => undefined);
    throw error;
  }
}

/** Waits for the end of a turn; tells whether somebody has carried out what was handed in. */
async function isCarriedOut(
  lock: string,
  handedIn: string | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS * (0.5 + Math.random())));
    throwIfAborted(signal);
    if (handedIn !== undefined && !existsSync(handedIn)) return true;
    if (!existsSync(lock)) return false;
  }
  return false;
}

async function carryOut(
  path: string,
  prefix: string,
  change: SharedChange,
  withOthers: boolean,
): Promise<void> {
  let others: readonly HandedIn[] = [];
  const done = await change.carryOut(async () => {
    if (withOthers) others = await handedInFor(path, prefix);
    return others.map(({ words }) => words);
  });
  await Promise.all(others.map(async (other, at) => done[at] && (await rm(other.path, { force: true }))));
}

/** Puts a change beside the file, where the one whose turn it is looks for it. */
async function handIn(path: string, prefix: string, words: Uint8Array): Promise<string> {
  const maker = new TextEncoder().encode(hostname());
  const bytes = new Uint8Array(HEADER_BYTES + maker.length + words.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, crc32(words), true);
  view.setUint32(4, maker.length, true);
  bytes.set(maker, HEADER_BYTES);
  bytes.set(words, HEADER_BYTES + maker.length);
  const { temporary } = await writeTemporary(path, bytes, false);
  const place = join(dirname(path), `${prefix}${process.pid}-${uniqueName()}`);
  await renameFile(temporary, place);
  return place;
}

/** Takes back what was handed in; false where it has been carried out. */
async function takeBack(handedIn: string): Promise<boolean> {
  try {
    await rm(handedIn);
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** A change that somebody has put beside the file. */
interface HandedIn {
  readonly path: string;
  readonly words: Uint8Array;
}

/** What others wait for: of processes of this machine that are alive, or somebody else would change something later. */
async function handedInFor(path: string, prefix: string): Promise<HandedIn[]> {
  const found: HandedIn[] = [];
  let room = MOST_BYTES;
  for (const name of (await readdir(dirname(path))).sort()) {
    if (!name.startsWith(prefix)) continue;
    const pid = /^\d+/.exec(name.slice(prefix.length))?.[0];
    if (pid === undefined || !isProcessAlive(Number(pid))) continue;
    const place = join(dirname(path), name);
    const bytes = await readRecent(place);
    const words = bytes && wordsOf(bytes);
    if (words === undefined || words.length > room) continue;
    room -= words.length;
    found.push({ path: place, words });
  }
  return found;
}

/** Undefined for what was taken back, and for what its maker no longer waits for. */
async function readRecent(place: string): Promise<Uint8Array | undefined> {
  try {
    const { mtimeMs } = await stat(place);
    return Date.now() - mtimeMs < PATIENCE_MS ? new Uint8Array(await readFile(place)) : undefined;
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Undefined for what is of another machine, whose processes cannot be seen, or no change. */
function wordsOf(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = HEADER_BYTES + view.getUint32(4, true);
  if (end > bytes.length) return undefined;
  if (new TextDecoder().decode(bytes.subarray(HEADER_BYTES, end)) !== hostname()) return undefined;
  const words = bytes.subarray(end);
  return crc32(words) === view.getUint32(0, true) ? words : undefined;
}

function hashOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 16);
}
