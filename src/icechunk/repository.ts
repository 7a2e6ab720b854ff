/**
 * Repositories: versions of a tree of arrays, with branches and tags (Icechunk specification 2; repositories of
 * specification 1 are read, and can be migrated).
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { Storage, StorageOptions } from "../storage/storage.ts";
import type { SessionParts } from "./committing-session.ts";
import {
  mergeSettings,
  type RepositoryConfig,
  readConfiguration,
  settingsOf,
  writeConfiguration,
} from "./configuration.ts";
import { createRepositoryFiles } from "./create-repository.ts";
import { type Diff, diffSnapshots } from "./diff.ts";
import { FEATURE, type FeatureFlag, featureFlags, requireFeature, setFeatureFlag } from "./feature-flags.ts";
import { SPEC_VERSION } from "./format/envelope.ts";
import type { ObjectId } from "./format/identifier.ts";
import { decodeMetadata, encodeMetadata } from "./format/metadata.ts";
import type { RepoInfo } from "./format/repo.ts";
import type { RepositoryStatus, Update } from "./format/update.ts";
import { ancestryOf, type HistoryEntry, type Ref, resolveRef, type SnapshotRef } from "./history.ts";
import { operationsLog } from "./operations-log.ts";
import { RearrangeSession } from "./rearrange-session.ts";
import {
  branchTip,
  createBranch,
  createTag,
  deleteBranch,
  deleteTag,
  MAIN_BRANCH,
  resetBranch,
  tagTarget,
} from "./refs.ts";
import { type RepoChange, requireOnline, type UpdateOptions, updateRepo } from "./repo-update.ts";
import { RepositoryFiles } from "./repository-files.ts";
import { Session } from "./session.ts";
import { VirtualChunkAccess, type VirtualChunkAuthorization } from "./virtual-chunks.ts";

export interface RepositoryOptions extends StorageOptions {
  /** Settings over those that the repository keeps; at its creation they are kept. */
  readonly config?: RepositoryConfig | undefined;
  /**
   * URL prefixes that virtual chunks may be read from, or `"all"` that the repository names. None where it is left
   * out: a repository from a stranger may name any file or host.
   */
  readonly authorize?: VirtualChunkAuthorization | undefined;
}

/**
 * A repository at an address.
 *
 * @example
 * const repository = await Repository.open(storage, "file:///archive.icechunk/", { authorize: ["file:///data/"] });
 * const session = await repository.readonlySession({ tag: "v1" });
 */
export class Repository {
  readonly #files: RepositoryFiles;
  readonly #options: RepositoryOptions;

  private constructor(files: RepositoryFiles, options: RepositoryOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** Makes an empty repository in an empty folder. Errors: `AlreadyExists`; those of the storage. */
  static async create(
    storage: Storage,
    address: string,
    options: RepositoryOptions = {},
  ): Promise<Repository> {
    const files = new RepositoryFiles(address, storage);
    await createRepositoryFiles(files, mergeSettings({}, options.config ?? {}), options);
    return new Repository(files, options);
  }

  /** Opens a repository. Errors: `NotFound` where there is none; those of its files. */
  static async open(storage: Storage, address: string, options: RepositoryOptions = {}): Promise<Repository> {
    const files = new RepositoryFiles(address, storage);
    await files.readInfo(options);
    return new Repository(files, options);
  }

  /** Opens a repository, made where there is none. */
  static async openOrCreate(
    storage: Storage,
    address: string,
    options: RepositoryOptions = {},
  ): Promise<Repository> {
    try {
      return await Repository.open(storage, address, options);
    } catch (error) {
      if (!isMoraineError(error, "NotFound")) throw error;
    }
    try {
      return await Repository.create(storage, address, options);
    } catch (error) {
      // Somebody else may have made it meanwhile; other things in the folder are still an error.
      if (!isMoraineError(error, "AlreadyExists")) throw error;
      return await Repository.open(storage, address, options).catch(() => {
        throw error;
      });
    }
  }

  /** Whether there is a repository at an address. */
  static async exists(storage: Storage, address: string, options: StorageOptions = {}): Promise<boolean> {
    try {
      await new RepositoryFiles(address, storage).readInfo(options);
      return true;
    } catch (error) {
      if (isMoraineError(error, "NotFound")) return false;
      throw error;
    }
  }

  /** Without a slash at its end. */
  get address(): string {
    return this.#files.address;
  }

  get storage(): Storage {
    return this.#files.storage;
  }

  /** Version of the specification: 1 or 2. Repositories of version 1 are only read. */
  async specVersion(options: StorageOptions = {}): Promise<number> {
    return (await this.#info(options)).specVersion;
  }

  /**
   * A session that reads a branch (main where nothing is said), tag or snapshot, or a branch as it was at a time.
   *
   * Errors: `NotFound` where there is no such ref, or nothing at that time.
   */
  async readonlySession(ref: Ref = {}, options: StorageOptions = {}): Promise<Session> {
    const info = await this.#info(options);
    return new Session(await this.#sessionParts(info, resolveRef(info, ref, this.address), options));
  }

  /** A session whose changes can be committed to a branch. Errors: `NotFound`, `ReadOnly`, `UnsupportedVersion`. */
  async writableSession(branch: string = MAIN_BRANCH, options: StorageOptions = {}): Promise<Session> {
    const info = await this.#writableInfo(options);
    return new Session(await this.#sessionParts(info, branchTip(info, branch), options, branch));
  }

  /**
   * A session that only moves nodes. Errors: as {@link writableSession}; `ReadOnly` where the repository forbids it.
   */
  async rearrangeSession(
    branch: string = MAIN_BRANCH,
    options: StorageOptions = {},
  ): Promise<RearrangeSession> {
    const info = await this.#writableInfo(options);
    requireFeature(info, FEATURE.moveNode, "moving nodes");
    return new RearrangeSession(await this.#sessionParts(info, branchTip(info, branch), options, branch));
  }

  /**
   * A session without a branch over a snapshot, as `Session.fork` makes it, for another thread or process.
   *
   * @param snapshotId of a fork (its `snapshotId`) or any snapshot
   */
  async forkedSession(snapshotId: ObjectId, options: StorageOptions = {}): Promise<Session> {
    const info = await this.#writableInfo(options);
    return new Session({ ...(await this.#sessionParts(info, snapshotId, options)), writable: true });
  }

  async #writableInfo(options: StorageOptions): Promise<RepoInfo> {
    const info = await this.#info(options);
    if (info.specVersion < SPEC_VERSION) {
      throw new MoraineError(
        "UnsupportedVersion",
        "this repository is of specification 1, which is only read here; migrate it to change it",
        { source: this.address },
      );
    }
    requireOnline(info, this.address);
    return info;
  }

  async #sessionParts(
    info: RepoInfo,
    id: ObjectId,
    options: StorageOptions,
    branch?: string,
  ): Promise<SessionParts> {
    const settings = this.#settingsOf(info);
    return {
      files: this.#files,
      snapshot: await this.#files.snapshot(id, options),
      settings,
      access: new VirtualChunkAccess(
        settings.virtualChunkContainers ?? [],
        this.#options.authorize ?? [],
        this.address,
      ),
      branch,
      writable: branch !== undefined,
    };
  }

  /** Makes a branch. Errors: `AlreadyExists`, `NotFound` for the snapshot. */
  async createBranch(name: string, snapshotId: ObjectId, options: StorageOptions = {}): Promise<void> {
    await this.#update((info) => createBranch(info, name, snapshotId), options);
  }

  /**
   * Makes a branch point to another snapshot.
   *
   * @param from where the branch must be now
   * Errors: `NotFound`; `Conflict` where the branch is elsewhere.
   */
  async resetBranch(
    name: string,
    snapshotId: ObjectId,
    { from, signal }: StorageOptions & { readonly from?: ObjectId | undefined } = {},
  ): Promise<void> {
    await this.#update((info) => resetBranch(info, name, snapshotId, from), { signal });
  }

  /** Deletes a branch; its snapshots stay until garbage is collected. Errors: `NotFound`, `InvalidArgument` for main. */
  async deleteBranch(name: string, options: StorageOptions = {}): Promise<void> {
    await this.#update((info) => deleteBranch(info, name), options);
  }

  /** Branches and their snapshots, by name. */
  async listBranches(options: StorageOptions = {}): Promise<ReadonlyMap<string, ObjectId>> {
    return (await this.#info(options)).branches;
  }

  /** The snapshot that a branch is at. Errors: `NotFound`. */
  async lookupBranch(name: string, options: StorageOptions = {}): Promise<ObjectId> {
    return branchTip(await this.#info(options), name);
  }

  /** Makes a tag, for ever. Errors: `AlreadyExists`, also where one of this name was deleted; `NotFound`. */
  async createTag(name: string, snapshotId: ObjectId, options: StorageOptions = {}): Promise<void> {
    await this.#update((info) => createTag(info, name, snapshotId), options);
  }

  /** Deletes a tag, whose name is never used again. Errors: `NotFound`. */
  async deleteTag(name: string, options: StorageOptions = {}): Promise<void> {
    await this.#update((info) => deleteTag(info, name), options);
  }

  /** Tags and their snapshots, by name. */
  async listTags(options: StorageOptions = {}): Promise<ReadonlyMap<string, ObjectId>> {
    return (await this.#info(options)).tags;
  }

  /** The snapshot that a tag names. Errors: `NotFound`. */
  async lookupTag(name: string, options: StorageOptions = {}): Promise<ObjectId> {
    return tagTarget(await this.#info(options), name);
  }

  /** The snapshot that a ref leads to. Errors: `NotFound`. */
  async resolve(ref: Ref, options: StorageOptions = {}): Promise<ObjectId> {
    return resolveRef(await this.#info(options), ref, this.address);
  }

  /** A snapshot and those before it, newest first. Errors: `NotFound`. */
  async *ancestry(
    ref: Ref = {},
    options: StorageOptions = {},
  ): AsyncGenerator<HistoryEntry, void, undefined> {
    const info = await this.#info(options);
    yield* ancestryOf(info, resolveRef(info, ref, this.address), this.address);
  }

  /**
   * What changed from one snapshot to another that came after it.
   *
   * Errors: `NotFound`; `InvalidArgument` where the first is no ancestor of the other.
   */
  async diff(from: SnapshotRef, to: Ref = {}, options: StorageOptions = {}): Promise<Diff> {
    const info = await this.#info(options);
    const [first, last] = [resolveRef(info, from, this.address), resolveRef(info, to, this.address)];
    return diffSnapshots(this.#files, info, first, last, options);
  }

  /** The operations log, newest first, older pages read as they are needed. */
  operations(options: StorageOptions = {}): AsyncGenerator<Update, void, undefined> {
    return operationsLog(this.#files, options);
  }

  /** The settings that hold: those given at opening over those that the repository keeps. */
  async config(options: StorageOptions = {}): Promise<RepositoryConfig> {
    return this.#settingsOf(await this.#info(options));
  }

  /** The configuration that the repository keeps, with all that is in it. */
  async savedConfig(options: StorageOptions = {}): Promise<JsonObject> {
    return readConfiguration((await this.#info(options)).config, this.address);
  }

  /** Keeps settings with the repository, over those that it has; containers are added. */
  async saveConfig(settings: RepositoryConfig, options: StorageOptions = {}): Promise<void> {
    await this.#update((info) => {
      const before = readConfiguration(info.config, this.address);
      const config = writeConfiguration(mergeSettings(before, settings));
      const same =
        info.config?.length === config.length && info.config.every((byte, i) => byte === config[i]);
      return same ? undefined : { info: { config }, operation: { kind: "ConfigChanged" } };
    }, options);
  }

  /** The user's metadata of the repository. */
  async metadata(options: StorageOptions = {}): Promise<JsonObject> {
    return decodeMetadata((await this.#info(options)).metadata, SPEC_VERSION, this.address);
  }

  /** Replaces the metadata of the repository. */
  async setMetadata(metadata: JsonObject, options: StorageOptions = {}): Promise<void> {
    await this.#update(
      () => ({ info: { metadata: encodeMetadata(metadata) }, operation: { kind: "MetadataChanged" } }),
      options,
    );
  }

  /** Whether the repository takes changes. */
  async status(options: StorageOptions = {}): Promise<RepositoryStatus> {
    return (await this.#info(options)).status;
  }

  /** Makes the repository read-only for everybody, or writable again. */
  async setStatus(
    availability: RepositoryStatus["availability"],
    { reason, signal }: StorageOptions & { readonly reason?: string | undefined } = {},
  ): Promise<void> {
    await this.#update(
      (_, now) => {
        const status: RepositoryStatus = { availability, setAt: now, reason };
        return { info: { status }, operation: { kind: "RepoStatusChanged", status } };
      },
      { signal, evenReadOnly: true },
    );
  }

  async featureFlags(options: StorageOptions = {}): Promise<FeatureFlag[]> {
    return featureFlags(await this.#info(options));
  }

  /** Switches a feature on or off, or back to its default. Errors: `InvalidArgument` for a name not known. */
  async setFeatureFlag(
    name: string,
    enabled: boolean | undefined,
    options: StorageOptions = {},
  ): Promise<void> {
    await this.#update((info) => setFeatureFlag(info, name, enabled), options);
  }

  #settingsOf(info: RepoInfo): RepositoryConfig {
    const saved = readConfiguration(info.config, this.address);
    return settingsOf(mergeSettings(saved, this.#options.config ?? {}));
  }

  async #info(options: StorageOptions): Promise<RepoInfo> {
    return this.#files.readInfo(options);
  }

  async #update(
    change: (info: RepoInfo, now: number) => RepoChange | undefined,
    options: UpdateOptions,
  ): Promise<void> {
    await updateRepo(this.#files, change, options);
  }
}
