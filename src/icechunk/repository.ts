/**
 * Repositories: versions of a tree of arrays, with branches and tags (Icechunk specification 2; repositories of
 * specification 1 are read, and can be migrated).
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import type { Storage, StorageOptions } from "../storage/storage.ts";
import {
  mergeSettings,
  type RepositoryConfig,
  readConfiguration,
  writeConfiguration,
} from "./configuration.ts";
import { createRepositoryFiles } from "./create-repository.ts";
import { FEATURE, requireFeature, setFeatureFlag } from "./feature-flags.ts";
import { SPEC_VERSION } from "./format/envelope.ts";
import type { ObjectId } from "./format/identifier.ts";
import { encodeMetadata } from "./format/metadata.ts";
import type { RepoInfo } from "./format/repo.ts";
import type { RepositoryStatus } from "./format/update.ts";
import { type Ref, refNamed, resolveRef } from "./history.ts";
import { findLostCommits } from "./lost-commits.ts";
import {
  branchTip,
  createBranch,
  createTag,
  deleteBranch,
  deleteTag,
  MAIN_BRANCH,
  resetBranch,
} from "./refs.ts";
import { type RepoChange, requireOnline, type UpdateOptions, updateRepo } from "./repo-update.ts";
import { RepositoryFiles } from "./repository-files.ts";
import { type RepositoryOptions, RepositoryView } from "./repository-view.ts";
import { RearrangeSession } from "./session/rearrange-session.ts";
import { Session } from "./session/session.ts";
import { type Expiration, type ExpireRules, expireSnapshots } from "./upkeep/expire.ts";
import { type CollectedGarbage, type CollectOptions, collectGarbage } from "./upkeep/garbage-collection.ts";
import { type MigrateOptions, type Migration, migrateRepository } from "./upkeep/migration.ts";
import { forgetLostCommit, restoreLostCommit } from "./upkeep/settle-lost-commit.ts";

export type { RepositoryOptions } from "./repository-view.ts";

/**
 * A repository at an address.
 *
 * @example
 * const repository = await Repository.open(storage, "file:///archive.icechunk/", { authorize: ["file:///data/"] });
 * const session = await repository.readonlySession({ tag: "v1" });
 */
export class Repository extends RepositoryView {
  private constructor(files: RepositoryFiles, options: RepositoryOptions) {
    super(files, options);
  }

  /** Makes an empty repository in an empty folder. Errors: `AlreadyExists`; those of the storage. */
  static async create(
    storage: Storage,
    address: string,
    options: RepositoryOptions = {},
  ): Promise<Repository> {
    const files = new RepositoryFiles(address, storage, options.durable);
    await createRepositoryFiles(files, mergeSettings({}, options.config ?? {}), options);
    return new Repository(files, options);
  }

  /** Opens a repository. Errors: `NotFound` where there is none; those of its files. */
  static async open(storage: Storage, address: string, options: RepositoryOptions = {}): Promise<Repository> {
    const files = new RepositoryFiles(address, storage, options.durable);
    const info = await files.readInfo(options);
    const { onLostCommits } = options;
    if (onLostCommits) {
      const lost = await findLostCommits(files, info, options);
      if (lost.length > 0) onLostCommits(lost);
    }
    return new Repository(files, options);
  }

  /**
   * A session that reads one snapshot, for a single look at the state of the repository: opening to read once.
   *
   * @param name a branch, tag or snapshot, in this order; main where nothing is said
   * Errors: `NotFound`.
   */
  static async openSession(
    storage: Storage,
    address: string,
    { name, asOf }: { readonly name?: string | undefined; readonly asOf?: Date | undefined },
    options: RepositoryOptions = {},
  ): Promise<Session> {
    const files = new RepositoryFiles(address, storage);
    const info = await files.readInfo(options);
    const ref: Ref = { ...(name !== undefined && refNamed(info, name, files.address)), asOf };
    const repository = new Repository(files, options);
    return new Session(await repository.sessionParts(info, resolveRef(info, ref, files.address), options));
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

  /** A session whose changes can be committed to a branch. Errors: `NotFound`, `ReadOnly`, `UnsupportedVersion`. */
  async writableSession(branch: string = MAIN_BRANCH, options: StorageOptions = {}): Promise<Session> {
    const info = await this.#writableInfo(options);
    return new Session(await this.sessionParts(info, branchTip(info, branch), options, branch));
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
    return new RearrangeSession(await this.sessionParts(info, branchTip(info, branch), options, branch));
  }

  /**
   * A session without a branch over a snapshot, as `Session.fork` makes it, for another thread or process.
   *
   * @param snapshotId of a fork (its `snapshotId`) or any snapshot
   */
  async forkedSession(snapshotId: ObjectId, options: StorageOptions = {}): Promise<Session> {
    const info = await this.#writableInfo(options);
    return new Session({ ...(await this.sessionParts(info, snapshotId, options)), writable: true });
  }

  async #writableInfo(options: StorageOptions): Promise<RepoInfo> {
    const info = await this.info(options);
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

  /** Makes a tag, for ever. Errors: `AlreadyExists`, also where one of this name was deleted; `NotFound`. */
  async createTag(name: string, snapshotId: ObjectId, options: StorageOptions = {}): Promise<void> {
    await this.#update((info) => createTag(info, name, snapshotId), options);
  }

  /** Deletes a tag, whose name is never used again. Errors: `NotFound`. */
  async deleteTag(name: string, options: StorageOptions = {}): Promise<void> {
    await this.#update((info) => deleteTag(info, name), options);
  }

  /** Keeps settings with the repository, over those that it has; containers are added. Errors: `InvalidArgument`. */
  async saveConfig(settings: RepositoryConfig, options: StorageOptions = {}): Promise<void> {
    await this.#update((info) => {
      const before = readConfiguration(info.config, this.address);
      const config = writeConfiguration(mergeSettings(before, settings));
      const same =
        info.config?.length === config.length && info.config.every((byte, i) => byte === config[i]);
      return same ? undefined : { info: { config }, operation: { kind: "ConfigChanged" } };
    }, options);
  }

  /** Replaces the metadata of the repository. */
  async setMetadata(metadata: JsonObject, options: StorageOptions = {}): Promise<void> {
    await this.#update(
      () => ({ info: { metadata: encodeMetadata(metadata) }, operation: { kind: "MetadataChanged" } }),
      options,
    );
  }

  /** Makes the repository read-only for everybody, or writable again. Errors: `InvalidArgument` for another state. */
  async setStatus(
    availability: RepositoryStatus["availability"],
    { reason, signal }: StorageOptions & { readonly reason?: string | undefined } = {},
  ): Promise<void> {
    if (availability !== "online" && availability !== "read-only") {
      throw new MoraineError(
        "InvalidArgument",
        `a repository is "online" or "read-only", not "${availability}"`,
      );
    }
    await this.#update(
      (_, now) => {
        const status: RepositoryStatus = { availability, setAt: now, reason };
        return { info: { status }, operation: { kind: "RepoStatusChanged", status } };
      },
      { signal, evenReadOnly: true },
    );
  }

  /** Switches a feature on or off, or back to its default. Errors: `InvalidArgument` for a name not known. */
  async setFeatureFlag(
    name: string,
    enabled: boolean | undefined,
    options: StorageOptions = {},
  ): Promise<void> {
    await this.#update((info) => setFeatureFlag(info, name, enabled), options);
  }

  async #update(
    change: (info: RepoInfo, now: number) => RepoChange | undefined,
    options: UpdateOptions,
  ): Promise<void> {
    await updateRepo(this.files, change, options);
  }

  /**
   * Takes old snapshots out of the history. Their files stay until garbage is collected.
   *
   * Errors: `ReadOnly`, `UnsupportedVersion`.
   */
  async expireSnapshots(rules: ExpireRules, options: StorageOptions = {}): Promise<Expiration> {
    let made: Expiration = { released: [], deletedBranches: [], deletedTags: [] };
    await this.#update((info) => {
      const { expiration, change } = expireSnapshots(info, rules, this.address);
      made = expiration;
      return change;
    }, options);
    return made;
  }

  /** Deletes files that no history leads to; see `collectGarbage`. */
  async garbageCollect(options: CollectOptions): Promise<CollectedGarbage> {
    return collectGarbage(this.files, options);
  }

  /** Puts a commit that another program overwrote back, at the tip of a new branch; see `restoreLostCommit`. */
  async restoreLostCommit(snapshotId: ObjectId, branch: string, options: StorageOptions = {}): Promise<void> {
    await restoreLostCommit(this.files, snapshotId, branch, options);
  }

  /** Tells no more of a commit that another program overwrote; see `forgetLostCommit`. Errors: `NotFound`. */
  async forgetLostCommit(snapshotId: ObjectId, options: StorageOptions = {}): Promise<void> {
    await forgetLostCommit(this.files, snapshotId, options);
  }

  /** Makes a repository of specification 1 one of specification 2; see `migrateRepository`. */
  async migrate(options: MigrateOptions = {}): Promise<Migration> {
    return migrateRepository(this.files, options);
  }
}
