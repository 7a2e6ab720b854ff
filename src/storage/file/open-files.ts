/**
 * Open files, kept for the next read: one descriptor a file, the least recently used closed first.
 *
 * @module
 */

import {
  type BigIntStats,
  close,
  closeSync,
  fstat,
  fstatSync,
  open,
  openSync,
  read,
  readSync,
  readv,
  stat,
  statSync,
} from "node:fs";
import { promisify } from "node:util";
import type { Version } from "../storage.ts";
import { isQuick, quickly, tookSince } from "./quick-calls.ts";

const BIG = { bigint: true } as const;
/** From memory these are there before another thread would have begun. */
const LITTLE_BYTES = 128 * 1024;
const [openPooled, statPooled, fstatPooled] = [promisify(open), promisify(stat), promisify(fstat)];
const closePooled = promisify(close);

const openFile = (path: string): Promise<number> =>
  quickly(
    () => openSync(path, "r"),
    () => openPooled(path, "r"),
  );
const closeFile = (descriptor: number): Promise<void> =>
  quickly(
    () => closeSync(descriptor),
    () => closePooled(descriptor),
  );
const statFile = (path: string): Promise<BigIntStats> =>
  quickly(
    () => statSync(path, BIG),
    () => statPooled(path, BIG),
  );
const statDescriptor = (descriptor: number): Promise<BigIntStats> =>
  quickly(
    () => fstatSync(descriptor, BIG),
    () => fstatPooled(descriptor, BIG),
  );

/** Descriptors kept open when nobody reads from them. */
const KEEP = 64;

/** What identifies a state of a local file; object_store (Icechunk) makes its ETags of the same three numbers. */
export function versionOf(stats: BigIntStats): Version & { readonly size: number } {
  return {
    etag: `"${stats.ino.toString(16)}-${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}"`,
    size: Number(stats.size),
    lastModified: Number(stats.mtimeNs) / 1e6,
  };
}

/** A file that is open. */
export interface OpenFile {
  readonly descriptor: number;
  readonly inode: bigint;
  readonly device: bigint;
  users: number;
}

interface HeldFile {
  readonly file: OpenFile;
  readonly stats: BigIntStats;
}

export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();

  /** Runs a task with an open file and its version now; a file that was replaced meanwhile is opened anew. */
  async use<T>(
    path: string,
    task: (file: OpenFile, version: Version & { size: number }) => Promise<T>,
  ): Promise<T> {
    const { file, stats } = (await this.#hold(path)) ?? (await this.#open(path));
    try {
      return await task(file, versionOf(stats));
    } finally {
      await this.#release(path, file);
    }
  }

  /** The file that is open already, if it still is the one that lies there. */
  async #hold(path: string): Promise<HeldFile | undefined> {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    // Before anything is waited for: whoever drops the file meanwhile must not close it.
    file.users += 1;
    try {
      const stats = await statFile(path);
      if (file.inode === stats.ino && file.device === stats.dev) {
        if (this.#files.get(path) === file) {
          this.#files.delete(path);
          this.#files.set(path, file);
        }
        return { file, stats };
      }
    } catch (error) {
      await this.#release(path, file);
      throw error;
    }
    await this.#release(path, file);
    return undefined;
  }

  async #open(path: string): Promise<HeldFile> {
    const descriptor = await openFile(path);
    // Of the very file that is open: another one may have been put in its place since.
    const stats = await statDescriptor(descriptor);
    const file = { descriptor, inode: stats.ino, device: stats.dev, users: 1 };
    this.#drop(path);
    this.#files.set(path, file);
    return { file, stats };
  }

  async #release(path: string, file: OpenFile): Promise<void> {
    file.users -= 1;
    if (this.#files.get(path) !== file && file.users === 0) await closeFile(file.descriptor);
    this.#trim();
  }

  /** Closes what nobody reads. */
  close(): void {
    for (const path of [...this.#files.keys()]) this.#drop(path);
  }

  #trim(): void {
    for (const [path, file] of this.#files) {
      if (this.#files.size <= KEEP) return;
      if (file.users === 0) this.#drop(path);
    }
  }

  /** Forgets a file; whoever still reads it closes it. */
  #drop(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    if (file.users === 0) void closeFile(file.descriptor).catch(() => undefined);
  }
}

/** Fills a buffer from a position; the number of bytes that were there. */
export async function readAt(descriptor: number, buffer: Uint8Array, position: number): Promise<number> {
  return readLittle(descriptor, buffer, position) ?? (await readPooled(descriptor, buffer, position));
}

/** Whether a read of so many bytes may be worth no thread of its own. */
export function isLittle(length: number): boolean {
  return length <= LITTLE_BYTES;
}

/** As {@link readAt}, at once; undefined where that would take too long. */
export function readLittle(descriptor: number, buffer: Uint8Array, position: number): number | undefined {
  if (!isLittle(buffer.length) || !isQuick()) return undefined;
  const start = performance.now();
  let filled = 0;
  try {
    while (filled < buffer.length) {
      const count = readSync(descriptor, buffer, filled, buffer.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
  } finally {
    tookSince(start);
  }
  return filled;
}

function readPooled(descriptor: number, buffer: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let filled = 0;
    const next = () => {
      read(descriptor, buffer, filled, buffer.length - filled, position + filled, (error, count) => {
        if (error) return reject(error);
        filled += count;
        if (count === 0 || filled === buffer.length) resolve(filled);
        else next();
      });
    };
    if (buffer.length === 0) resolve(0);
    else next();
  });
}

/** Pieces that the system takes at a time; it may take fewer. */
const PIECES = 256;

/** Fills pieces of memory, one after another, from a position; the number of bytes that were there. */
export async function scatterAt(
  descriptor: number,
  pieces: readonly Uint8Array[],
  position: number,
): Promise<number> {
  let filled = 0;
  for (let first = 0; first < pieces.length; first += PIECES) {
    const some = pieces.slice(first, first + PIECES);
    let count = await readPieces(descriptor, some, position + filled);
    filled += count;
    // Cut short, as by a signal: what is missing of each piece.
    for (const piece of some) {
      const there = Math.min(count, piece.length);
      count -= there;
      if (there === piece.length) continue;
      const more = await readPooled(descriptor, piece.subarray(there), position + filled);
      filled += more;
      if (there + more < piece.length) return filled;
    }
  }
  return filled;
}

function readPieces(descriptor: number, pieces: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    readv(descriptor, pieces, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}
