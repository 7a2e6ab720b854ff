/**
 * Local files under `file:` addresses.
 *
 * @module
 */

import { link, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../abort.ts";
import { addressToPath, pathToAddress } from "../address.ts";
import type { StorageListener } from "../events.ts";
import { planRanges, rangePolicyOf } from "../ranges.ts";
import { type FetchedRange, readRanges } from "../read-ranges.ts";
import { type ResolvedRange, resolveRange } from "../slice-ranges.ts";
import type {
  ByteRange,
  CopyOptions,
  DeleteOptions,
  ListedObject,
  ReadOptions,
  ReadResult,
  SharedChange,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "../storage.ts";
import { requireVersion, sameVersion } from "../version.ts";
import { translate } from "./file-error.ts";
import { isCode, withFileLock } from "./file-lock.ts";
import {
  isLittle,
  type OpenFile,
  OpenFiles,
  readAt,
  readLittle,
  scatterAt,
  versionOf,
} from "./open-files.ts";
import { changeInTurn } from "./shared-change.ts";
import {
  failedPrecondition,
  linkFile,
  renameFile,
  replaceFile,
  statFile,
  writeInPlace,
  writeTemporary,
} from "./temporary-file.ts";
import { removeUnfinished, TEMPORARY } from "./unfinished.ts";

/** Of the whole process, which may have so many open only, however many storages it makes. */
const openFiles = new OpenFiles();

/** Files of the machine. Reads keep descriptors open; writes are atomic and reach the disk before they return. */
export class FileStorage implements Storage {
  readonly #files = openFiles;
  readonly #onEvent: StorageListener | undefined;

  constructor(onEvent?: StorageListener) {
    this.#onEvent = onEvent;
  }

  async read(address: string, ranges: readonly ByteRange[], options: ReadOptions = {}): Promise<ReadResult> {
    throwIfAborted(options.signal);
    const path = addressToPath(address);
    return await translate(address, () =>
      this.#files.use(path, async (file, version) => {
        requireVersion(address, version, options.version);
        const resolved = ranges.map((range) => resolveRange(address, range, version.size, options));
        const policy = rangePolicyOf(address);
        const [only] = resolved;
        if (only && resolved.length === 1 && only.length > 0 && only.length <= policy.split) {
          // Nothing to plan: most reads of small chunks are like this.
          const target = options.allocate?.(only.length);
          const { offset, length } = only;
          const { bytes } = await this.#readRange(
            address,
            file,
            version,
            offset,
            length,
            options.signal,
            target,
          );
          return { parts: [bytes], version };
        }
        const parts = new Array<Uint8Array>(ranges.length);
        const left = this.#readLittle(address, file, resolved, parts, options);
        if (left.length > 0) {
          const others = await readRanges(
            address,
            left.map((index) => resolved[index] ?? { offset: 0, length: 0 }),
            policy,
            (offset, length, signal, target) =>
              this.#readRange(address, file, version, offset, length, signal, target),
            { signal: options.signal, allocate: options.allocate },
          );
          left.forEach((index, i) => {
            parts[index] = others.parts[i] ?? new Uint8Array(0);
          });
        }
        return { parts, version };
      }),
    );
  }

  async readInto(
    address: string,
    offset: number,
    pieces: readonly Uint8Array[],
    options: ReadOptions = {},
  ): Promise<Version> {
    throwIfAborted(options.signal);
    const path = addressToPath(address);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return await translate(address, () =>
      this.#files.use(path, async (file, version) => {
        requireVersion(address, version, options.version);
        resolveRange(address, { offset, length }, version.size);
        const count = await scatterAt(file.descriptor, pieces, offset);
        this.#count(address, offset, length, count);
        return version;
      }),
    );
  }

  async head(address: string, options: StorageOptions = {}): Promise<Version & { readonly size: number }> {
    throwIfAborted(options.signal);
    return await translate(address, async () => {
      const stats = await statFile(addressToPath(address));
      if (stats.isDirectory()) throw new MoraineError("NotFound", "this is a folder", { source: address });
      return versionOf(stats);
    });
  }

  async write(address: string, bytes: Uint8Array, options: WriteOptions = {}): Promise<Version> {
    throwIfAborted(options.signal);
    const path = addressToPath(address);
    return await translate(address, async () => {
      const { precondition, durable = true, fresh = false } = options;
      if (fresh && precondition === undefined) return await writeInPlace(path, bytes, durable);
      const { temporary, version } = await writeTemporary(path, bytes, durable);
      let written = version;
      try {
        if (precondition === undefined) {
          await renameFile(temporary, path);
        } else if (precondition === "absent") {
          // A hard link is made only where nothing is: the one creation that fails for all but one.
          await link(temporary, path).catch((error: unknown) => {
            throw isCode(error, "EEXIST") ? failedPrecondition(address) : error;
          });
          await rm(temporary, { force: true });
        } else {
          written = await withFileLock(path, options.signal, () =>
            replaceFile(address, path, { temporary, version }, precondition),
          );
        }
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      if (precondition !== undefined && durable) await syncFolder(dirname(path));
      // Of what was written, not of what lies there now: somebody else may have been quick.
      return written;
    });
  }

  /** Makes a second name for the file: what is written here replaces files and never changes them. */
  async copy(from: string, to: string, options: CopyOptions): Promise<boolean> {
    throwIfAborted(options.signal);
    const [source, target] = [addressToPath(from), addressToPath(to)];
    return await translate(from, async () => {
      if (!(await linkFile(source, target))) return false;
      if (sameVersion(versionOf(await statFile(target)), options.version)) return true;
      await rm(target, { force: true });
      throw failedPrecondition(from);
    });
  }

  async *list(prefix: string, options: StorageOptions = {}): AsyncGenerator<ListedObject, void, undefined> {
    yield* listFolder(addressToPath(prefix), options);
  }

  async *names(folder: string, options: StorageOptions = {}): AsyncGenerator<string, void, undefined> {
    throwIfAborted(options.signal);
    const path = addressToPath(folder);
    for (const entry of await readFolder(path)) {
      if (isOwnFile(entry.name)) continue;
      // A link counts as what it leads to.
      const isFolder = entry.isSymbolicLink()
        ? await stat(join(path, entry.name)).then(
            (stats) => stats.isDirectory(),
            () => false,
          )
        : entry.isDirectory();
      yield isFolder ? `${entry.name}/` : entry.name;
    }
  }

  async delete(addresses: readonly string[], options: DeleteOptions = {}): Promise<void> {
    const { precondition } = options;
    for (const address of addresses) {
      throwIfAborted(options.signal);
      const path = addressToPath(address);
      await translate(address, () =>
        precondition === undefined
          ? rm(path, { force: true })
          : withFileLock(path, options.signal, () => removeVersion(address, path, precondition)),
      );
    }
  }

  async changeInTurn(address: string, change: SharedChange, options: StorageOptions = {}): Promise<void> {
    await translate(address, () => changeInTurn(addressToPath(address), change, options.signal));
  }

  async removeUnfinished(folder: string, before: Date): Promise<void> {
    await removeUnfinished(addressToPath(folder), before.getTime());
  }

  /** Closes the files that are kept open and that nobody reads, those of other storages of this kind too. */
  close(): void {
    this.#files.close();
  }

  /** Reads what takes no time worth waiting for, without a promise for each range; the indexes of the others. */
  #readLittle(
    address: string,
    { descriptor }: OpenFile,
    ranges: readonly ResolvedRange[],
    parts: Uint8Array[],
    options: ReadOptions,
  ): number[] {
    const left: number[] = [];
    const runs = planRanges(
      ranges.map(({ offset }) => offset),
      ranges.map(({ length }) => length),
      rangePolicyOf(address),
    );
    for (const { offset, length, members } of runs) {
      const bytes = isLittle(length) ? (options.allocate?.(length) ?? new Uint8Array(length)) : undefined;
      const count = bytes && readLittle(descriptor, bytes, offset);
      if (bytes === undefined || count === undefined) {
        for (const member of members) left.push(member);
        continue;
      }
      if (length > 0) this.#count(address, offset, length, count);
      for (const member of members) {
        const range = ranges[member];
        if (!range) continue;
        const start = range.offset - offset;
        parts[member] = bytes.subarray(start, start + range.length);
      }
    }
    return left;
  }

  async #readRange(
    address: string,
    file: OpenFile,
    version: Version,
    offset: number,
    length: number,
    signal: AbortSignal | undefined,
    target: Uint8Array = new Uint8Array(length),
  ): Promise<FetchedRange> {
    throwIfAborted(signal);
    const count = await readAt(file.descriptor, target, offset);
    this.#count(address, offset, length, count);
    return { bytes: target, version };
  }

  /** Tells of a request. Errors: `SourceChanged` where fewer bytes came than the file had. */
  #count(address: string, offset: number, length: number, count: number): void {
    this.#onEvent?.({ type: "request", address, bytes: count });
    if (count < length) {
      throw new MoraineError("SourceChanged", "the file became shorter while it was read", {
        source: address,
        offset: offset + count,
      });
    }
  }
}

/** Removes the file if it is still the expected one. Called with its lock held. */
async function removeVersion(address: string, path: string, expected: Version): Promise<void> {
  const current = await statFile(path).catch((error: unknown) => {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (current === undefined) return;
  if (!sameVersion(versionOf(current), expected)) throw failedPrecondition(address);
  await rm(path, { force: true });
}

/** Makes a rename survive a power cut. Some file systems cannot sync folders; then there is nothing to do. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch (error) {
    if (!isCode(error, "EINVAL", "EISDIR", "EPERM", "ENOTSUP")) throw error;
  } finally {
    await handle.close();
  }
}

async function* listFolder(
  folder: string,
  options: StorageOptions,
): AsyncGenerator<ListedObject, void, undefined> {
  throwIfAborted(options.signal);
  for (const entry of await readFolder(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      yield* listFolder(path, options);
    } else if (!isOwnFile(entry.name)) {
      try {
        yield { address: pathToAddress(path), ...versionOf(await statFile(path)) };
      } catch (error) {
        // Deleted between the listing and now, or a link to nowhere.
        if (!isCode(error, "ENOENT")) throw error;
      }
    }
  }
}

/** The entries of a folder, sorted; none where no folder is. */
async function readFolder(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a name is of a file that writers here leave beside the objects. */
function isOwnFile(name: string): boolean {
  return name.startsWith(TEMPORARY) || /^\..*\.lock\.\d+$/.test(name);
}
