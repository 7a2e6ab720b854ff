/**
 * The files of a repository by what they are: which key each has, and which are remembered. All but `repo` never
 * change once written, so that what was read once holds for ever.
 *
 * @module
 */

import { native } from "../codecs/native.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import { joinAddress, schemeOf } from "../storage/address.ts";
import type { Storage, StorageOptions, Version, WriteOptions } from "../storage/storage.ts";
import { encodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "./format/identifier.ts";
import { type Manifest, readManifest } from "./format/manifest.ts";
import { parseRepo, type RepoInfo, readRepo } from "./format/repo.ts";
import type { EncodedRepo, RepoEncoding } from "./format/repo-encoding.ts";
import {
  type KnownManifests,
  type ManifestFileInfo,
  type ManifestPart,
  readSnapshot,
  type Snapshot,
} from "./format/snapshot.ts";
import { readTransactionLog, type TransactionLog } from "./format/transaction-log.ts";
import { RecentlyUsed } from "./recently-used.ts";
import { readInfoV1 } from "./repository-v1.ts";

/** Folders of the immutable files. */
export const FOLDERS = {
  snapshot: "snapshots",
  manifest: "manifests",
  transactionLog: "transactions",
  chunk: "chunks",
  overwritten: "overwritten",
} as const;

/** Nodes of snapshots, and bytes of unpacked manifests, that are kept for the next time. */
const KEPT_NODES = 500_000;
const KEPT_MANIFEST_BYTES = 256 * 1024 * 1024;
/** A `repo` file from so many bytes on is asked whether it changed before it is read again. */
const LARGE_REPO_BYTES = 128 * 1024;
/** Far in the future in milliseconds: backups are named by the time until then, so that they list newest first. */
const BACKUP_EPOCH = 32_503_680_000_000;

/** The `repo` file as it was read: what it says, its bytes, and the version that a write must replace. */
export interface RepoState {
  readonly info: RepoInfo;
  readonly bytes: Uint8Array;
  readonly version: Version;
  /** Where it was written here: what the next one is made from. */
  readonly encoding?: RepoEncoding | undefined;
}

export class RepositoryFiles {
  /** Address of the repository's folder. */
  readonly address: string;
  readonly storage: Storage;
  readonly #snapshots = new RecentlyUsed<ObjectId, Snapshot>(KEPT_NODES);
  readonly #manifests = new RecentlyUsed<ObjectId, Manifest>(KEPT_MANIFEST_BYTES);
  /** The `repo` file as it was read last; unpacked anew only where it has changed. */
  #repo: RepoState | undefined;

  readonly #durable: boolean;

  /** @param durable whether writes wait until a power cut cannot take them */
  constructor(address: string, storage: Storage, durable = false) {
    this.address = address.replace(/\/+$/, "");
    this.storage = storage;
    this.#durable = durable;
  }

  addressOf(key: string): string {
    return joinAddress(this.address, key);
  }

  addressOfChunk(id: ObjectId): string {
    return this.addressOf(`${FOLDERS.chunk}/${id}`);
  }

  /** Bytes and version of a whole object. Errors: `NotFound`. */
  async read(key: string, options: StorageOptions = {}): Promise<{ bytes: Uint8Array; version: Version }> {
    const { parts, version } = await this.storage.read(this.addressOf(key), [{ offset: 0 }], options);
    return { bytes: parts[0] ?? new Uint8Array(0), version };
  }

  /** As {@link read}; undefined where nothing lies. */
  async readIfThere(
    key: string,
    options: StorageOptions = {},
  ): Promise<{ bytes: Uint8Array; version: Version } | undefined> {
    try {
      return await this.read(key, options);
    } catch (error) {
      if (isMoraineError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** Writes a whole object. */
  async write(
    key: string,
    bytes: Uint8Array,
    options: Pick<WriteOptions, "signal" | "precondition" | "fresh"> = {},
  ): Promise<Version> {
    const { signal, precondition, fresh } = options;
    return this.storage.write(this.addressOf(key), bytes, {
      signal,
      precondition,
      fresh,
      durable: this.#durable,
    });
  }

  /** The `repo` file; undefined in a repository of specification 1, or where there is none. */
  async readRepo(options: StorageOptions = {}): Promise<RepoState | undefined> {
    const before = this.#repo;
    if (before && (await this.#isUnchanged(before, options))) return before;
    // The decoder is made ready while the file is under way.
    const [found] = await Promise.all([this.readIfThere("repo", options), native.zstd.ready("decode")]);
    this.#repo = found && { ...found, info: await readRepo(found.bytes, this.addressOf("repo")) };
    return this.#repo;
  }

  /** The `repo` file as it was read or written last, if need be out of date, where to look again takes a request. */
  async recentRepo(options: StorageOptions = {}): Promise<RepoState | undefined> {
    return this.#repo && !this.isOnDisk ? this.#repo : this.readRepo(options);
  }

  /** Whether this is a local folder. */
  get isOnDisk(): boolean {
    return schemeOf(this.address) === "file";
  }

  /** Whether the `repo` file is as it was. Asked where that costs less than reading the file. */
  async #isUnchanged(before: RepoState, options: StorageOptions): Promise<boolean> {
    const { etag } = before.version;
    if (etag === undefined || (!this.isOnDisk && before.bytes.length < LARGE_REPO_BYTES)) return false;
    try {
      return (await this.storage.head(this.addressOf("repo"), options)).etag === etag;
    } catch (error) {
      if (isMoraineError(error, "NotFound")) return false;
      throw error;
    }
  }

  /** Copies the `repo` file to a name below `overwritten/`; false where it is no longer this one. */
  async backUpRepo(state: RepoState, name: string, options: StorageOptions = {}): Promise<boolean> {
    const key = `${FOLDERS.overwritten}/${name}`;
    const { version, bytes } = state;
    // A copy that is no copy of bytes has nothing to wait for on the disk.
    if (!this.#durable && this.storage.copy) {
      try {
        const [from, to] = [this.addressOf("repo"), this.addressOf(key)];
        if (await this.storage.copy(from, to, { signal: options.signal, version })) return true;
      } catch (error) {
        if (isMoraineError(error, "PreconditionFailed", "NotFound")) return false;
        throw error;
      }
    }
    await this.write(key, bytes, { signal: options.signal, fresh: true });
    return true;
  }

  /** Replaces the `repo` file. Errors: `PreconditionFailed` where it is no longer the one that was read. */
  async replaceRepo(
    before: RepoState,
    { file, payload, encoding }: EncodedRepo,
    options: StorageOptions = {},
  ): Promise<RepoState> {
    const { signal } = options;
    const version = await this.write("repo", file, { signal, precondition: before.version });
    this.#repo = { info: parseRepo(payload, this.addressOf("repo")), bytes: file, version, encoding };
    return this.#repo;
  }

  /**
   * What a repository says of itself, whatever its version.
   *
   * Errors: `NotFound` where there is none.
   */
  async readInfo(options: StorageOptions = {}): Promise<RepoInfo> {
    const info = (await this.readRepo(options))?.info ?? (await readInfoV1(this, options));
    if (info) return info;
    throw new MoraineError("NotFound", "there is no Icechunk repository", { source: this.address });
  }

  /** Keeps a snapshot that was written here, so that it is not read back. */
  rememberSnapshot(snapshot: Snapshot): void {
    this.#snapshots.put(snapshot.id, snapshot, 1 + snapshot.nodes.size);
  }

  async snapshot(id: ObjectId, options: StorageOptions = {}): Promise<Snapshot> {
    options.signal?.throwIfAborted();
    return this.#snapshots.get(
      id,
      async () => {
        const key = `${FOLDERS.snapshot}/${id}`;
        const snapshot = await readSnapshot((await this.read(key)).bytes, this.addressOf(key));
        if (snapshot.id !== id) {
          throw new MoraineError("CorruptFile", `this snapshot says that it is ${snapshot.id}`, {
            source: this.addressOf(key),
          });
        }
        return snapshot;
      },
      (snapshot) => 1 + snapshot.nodes.size,
    );
  }

  async manifest(file: ManifestFileInfo, options: StorageOptions = {}): Promise<Manifest> {
    options.signal?.throwIfAborted();
    return this.#manifests.get(
      file.id,
      async () => {
        const address = this.addressOf(`${FOLDERS.manifest}/${file.id}`);
        // The size is known, so that one request suffices where the end of an object must be named.
        const { parts } = await this.storage.read(address, [{ offset: 0, length: file.sizeBytes }]);
        return readManifest(parts[0] ?? new Uint8Array(0), address, file.id);
      },
      (manifest) => manifest.byteLength,
    );
  }

  /** A manifest that was read before and is remembered. */
  manifestAtHand(id: ObjectId): Manifest | undefined {
    return this.#manifests.atHand(id);
  }

  /** A manifest that a node refers to. Errors: `CorruptFile` where it is not among those that are known. */
  async manifestOf(
    known: KnownManifests,
    part: ManifestPart,
    options: StorageOptions = {},
  ): Promise<Manifest> {
    const file = known.manifestFiles.get(part.manifestId);
    if (!file) {
      throw new MoraineError("CorruptFile", `manifest ${part.manifestId} is not in the snapshot's list`, {
        source: this.addressOf(`${FOLDERS.snapshot}/${known.id}`),
      });
    }
    return this.manifest(file, options);
  }

  /** The transaction log of a snapshot; undefined where it has none (the first of an old repository). */
  async transactionLog(id: ObjectId, options: StorageOptions = {}): Promise<TransactionLog | undefined> {
    const key = `${FOLDERS.transactionLog}/${id}`;
    const found = await this.readIfThere(key, options);
    return found && readTransactionLog(found.bytes, this.addressOf(key), id);
  }
}

/** Name, below `overwritten/`, for a copy of a file that is about to be replaced. */
export function backupName(file: string): string {
  const countdown = String(BACKUP_EPOCH - Date.now()).padStart(14, "0");
  return `${file}.${countdown}.${encodeIdentifier(crypto.getRandomValues(new Uint8Array(OBJECT_ID_BYTES)))}`;
}
