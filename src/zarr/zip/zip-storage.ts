/**
 * The entries of a zip archive as a storage, so that a Zarr store can lie in one.
 *
 * @module
 */

import { crc32 } from "../../binary/crc32.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import { sliceRanges } from "../../storage/slice-ranges.ts";
import type {
  ByteRange,
  DeleteOptions,
  ListedObject,
  ReadOptions,
  ReadResult,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "../../storage/storage.ts";
import { requireVersion, sameVersion } from "../../storage/version.ts";
import { readZipDirectory, STORED, type ZipDirectory, type ZipEntry } from "./zip-directory.ts";
import { ZipEntries } from "./zip-entries.ts";
import { encodeZip, type WrittenEntry } from "./zip-writer.ts";

/** An entry that was written since the archive was read, or was deleted. */
type Change =
  | { readonly bytes: Uint8Array; readonly version: Version & { readonly size: number } }
  | "deleted";

/**
 * Reads the entries of an archive by ranges; what is written stays in memory until {@link flush} puts a new archive
 * in the place of the old one.
 *
 * Its addresses are `zip+` and the archive's, `!/`, and the name of the entry.
 *
 * @example
 * const zip = await ZipStorage.open(storage, "https://host/archive.zarr.zip");
 * const group = await openLocation(root(new ZarrStore(zip, zip.root)));
 */
export class ZipStorage implements Storage {
  /** Address of what lies at the top of the archive. */
  readonly root: string;
  readonly #storage: Storage;
  readonly #archive: string;
  #entries: ZipEntries | undefined;
  readonly #changes = new Map<string, Change>();
  /** Names of all entries in order, until something changes. */
  #names: readonly string[] | undefined;
  #writes = 0;

  private constructor(storage: Storage, archive: string, directory: ZipDirectory | undefined) {
    this.root = `zip+${archive}!/`;
    this.#storage = storage;
    this.#archive = archive;
    this.#entries = directory && new ZipEntries(storage, archive, directory);
  }

  /**
   * Opens an archive.
   *
   * Errors: `NotFound`, `UnknownFormat` for what is no zip archive, `CorruptFile`, `UnsupportedLayout`, those of the
   * storage.
   *
   * @param create start an empty one where nothing lies
   */
  static async open(
    storage: Storage,
    archive: string,
    { create = false, signal }: StorageOptions & { readonly create?: boolean | undefined } = {},
  ): Promise<ZipStorage> {
    try {
      return new ZipStorage(storage, archive, await readZipDirectory(storage, archive, { signal }));
    } catch (error) {
      if (!create || !isMoraineError(error, "NotFound")) throw error;
      return new ZipStorage(storage, archive, undefined);
    }
  }

  async read(address: string, ranges: readonly ByteRange[], options: ReadOptions = {}): Promise<ReadResult> {
    const name = this.#nameOf(address);
    const change = this.#changes.get(name);
    if (change !== undefined) {
      if (change === "deleted") throw this.#notFound(address);
      requireVersion(address, change.version, options.version);
      return { parts: sliceRanges(address, change.bytes, ranges), version: change.version };
    }
    const { entries, entry } = this.#entry(name, address);
    const version = versionOf(entry);
    requireVersion(address, version, options.version);
    const isPart = ranges.every((range) => range.offset !== 0 || range.length !== undefined);
    if (isPart && entry.method === STORED) {
      return { parts: await entries.readParts(entry, address, ranges, options), version };
    }
    return { parts: sliceRanges(address, await entries.readWhole(entry, address, options), ranges), version };
  }

  async head(address: string): Promise<Version & { readonly size: number }> {
    const name = this.#nameOf(address);
    const change = this.#changes.get(name);
    if (change === "deleted") throw this.#notFound(address);
    return change?.version ?? versionOf(this.#entry(name, address).entry);
  }

  async write(address: string, bytes: Uint8Array, options: WriteOptions = {}): Promise<Version> {
    const name = this.#nameOf(address);
    this.#require(address, options.precondition);
    this.#writes += 1;
    const version = { etag: `"${this.#writes}"`, size: bytes.length };
    this.#changes.set(name, { bytes: bytes.slice(), version });
    this.#names = undefined;
    return version;
  }

  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    const below = this.#nameOf(prefix);
    const names = this.#sortedNames();
    for (let at = lowerBound(names, below); names[at]?.startsWith(below); at++) {
      const address = this.root + names[at];
      yield { address, ...(await this.head(address)) };
    }
  }

  async *names(folder: string): AsyncGenerator<string, void, undefined> {
    const below = this.#nameOf(folder);
    const names = this.#sortedNames();
    for (let at = lowerBound(names, below); names[at]?.startsWith(below); ) {
      const rest = names[at]?.slice(below.length) ?? "";
      const slash = rest.indexOf("/");
      const name = slash < 0 ? rest : rest.slice(0, slash + 1);
      yield name;
      // Past everything that is in this folder: "0" is the character after "/".
      at = slash < 0 ? at + 1 : lowerBound(names, `${below}${name.slice(0, -1)}0`);
    }
  }

  async delete(addresses: readonly string[], options: DeleteOptions = {}): Promise<void> {
    for (const address of addresses) {
      this.#require(address, options.precondition);
      const name = this.#nameOf(address);
      if (this.#entries?.get(name)) this.#changes.set(name, "deleted");
      else this.#changes.delete(name);
      this.#names = undefined;
    }
  }

  /**
   * Writes the archive with everything that was changed: the old one stays whole until the new one is. Entries that
   * did not change are copied as they are.
   *
   * Errors: `PreconditionFailed` where somebody else has written it since it was read; `LimitExceeded` for an archive
   * of 4 GiB or more.
   */
  async flush(options: StorageOptions = {}): Promise<void> {
    if (this.#changes.size === 0 && this.#entries !== undefined) return;
    const entries: WrittenEntry[] = [];
    for (const name of this.#sortedNames()) {
      const change = this.#changes.get(name);
      if (change === undefined) {
        const { entries: old, entry } = this.#entry(name, this.root + name);
        entries.push({ ...entry, bytes: await old.readStored(entry, this.root + name, options) });
      } else if (change !== "deleted") {
        const { bytes } = change;
        entries.push({ name, method: STORED, crc32: crc32(bytes), size: bytes.length, bytes });
      }
    }
    await this.#storage.write(this.#archive, encodeZip(entries), {
      ...options,
      precondition: this.#entries?.version ?? "absent",
    });
    const directory = await readZipDirectory(this.#storage, this.#archive, options);
    this.#entries = new ZipEntries(this.#storage, this.#archive, directory);
    this.#changes.clear();
    this.#names = undefined;
  }

  #nameOf(address: string): string {
    if (address.startsWith(this.root)) return address.slice(this.root.length);
    throw new MoraineError("InvalidArgument", `this is no address in ${this.#archive}`, { source: address });
  }

  #entry(name: string, address: string): { readonly entries: ZipEntries; readonly entry: ZipEntry } {
    const entry = this.#entries?.get(name);
    if (this.#entries === undefined || entry === undefined) throw this.#notFound(address);
    return { entries: this.#entries, entry };
  }

  #notFound(address: string): MoraineError {
    return new MoraineError("NotFound", "the zip archive has no such entry", { source: address });
  }

  #require(address: string, precondition: "absent" | Version | undefined): void {
    if (precondition === undefined) return;
    const name = this.#nameOf(address);
    const change = this.#changes.get(name);
    const entry = this.#entries?.get(name);
    const now = change === "deleted" ? undefined : (change?.version ?? (entry && versionOf(entry)));
    const holds =
      precondition === "absent" ? now === undefined : now !== undefined && sameVersion(now, precondition);
    if (!holds)
      throw new MoraineError("PreconditionFailed", "somebody else wrote first", { source: address });
  }

  #sortedNames(): readonly string[] {
    if (this.#names === undefined) {
      const names = new Set<string>();
      for (const name of this.#entries?.names() ?? []) {
        if (this.#changes.get(name) !== "deleted") names.add(name);
      }
      for (const [name, change] of this.#changes) if (change !== "deleted") names.add(name);
      this.#names = [...names].sort();
    }
    return this.#names;
  }
}

function versionOf(entry: ZipEntry): Version & { readonly size: number } {
  return { etag: `"${entry.crc32.toString(16)}-${entry.headerOffset}-${entry.size}"`, size: entry.size };
}

/** The first of some sorted names that is not before another. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? "") < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
