/**
 * What a repository tells: sessions that read, refs, history, settings.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { Storage, StorageOptions } from "../storage/storage.ts";
import { VirtualChunkAccess, type VirtualChunkAuthorization } from "./changes/virtual-chunks.ts";
import { mergeSettings, type RepositoryConfig, readConfiguration, settingsOf } from "./configuration.ts";
import { type Diff, diffSnapshots } from "./diff.ts";
import { type FeatureFlag, featureFlags } from "./feature-flags.ts";
import { SPEC_VERSION } from "./format/envelope.ts";
import type { ObjectId } from "./format/identifier.ts";
import { decodeMetadata } from "./format/metadata.ts";
import type { RepoInfo } from "./format/repo.ts";
import type { RepositoryStatus, Update } from "./format/update.ts";
import {
  ancestryOf,
  type HistoryEntry,
  type Ref,
  refNamed,
  resolveRef,
  type SnapshotRef,
} from "./history.ts";
import { findLostCommits, type LostCommit } from "./lost-commits.ts";
import { operationsLog } from "./operations-log.ts";
import { branchTip, tagTarget } from "./refs.ts";
import { RepositoryFiles } from "./repository-files.ts";
import type { SessionParts } from "./session/committing-session.ts";
import { Session } from "./session/session.ts";
import { type CheckedRepository, checkRepository } from "./upkeep/fsck.ts";
import { type StorageStatistics, storageStatistics } from "./upkeep/storage-statistics.ts";

/** How a repository is opened. */
export interface RepositoryOptions extends StorageOptions {
  /** Settings over those that the repository keeps; at its creation they are kept. */
  readonly config?: RepositoryConfig | undefined;
  /**
   * URL prefixes that virtual chunks may be read from, or `"all"` that the repository names. None where it is left
   * out: a repository from a stranger may name any file or host.
   */
  readonly authorize?: VirtualChunkAuthorization | undefined;
  /**
   * Whether writes wait until they are on the disk, so that a commit outlives a power cut. Default false, as with the
   * official clients: a commit outlives everything else, and costs a tenth.
   */
  readonly durable?: boolean | undefined;
  /**
   * Bytes at which an object of small chunks is written: many chunks of one session share it, in the order of the
   * grid. Chunks of at least an eighth of it have objects of their own. Default 8 MiB.
   */
  readonly chunkObjectBytes?: number | undefined;
  /**
   * References of new arrays that a session holds in memory before it writes manifests of those that came in the order of
   * the grid. Default 1,048,576, about 30 MiB.
   */
  readonly heldReferences?: number | undefined;
  /** Told at opening of commits that another program, which knows no locks, has overwritten on a local folder. */
  readonly onLostCommits?: ((lost: readonly LostCommit[]) => void) | undefined;
}

/** A repository to be read. */
export class RepositoryView {
  protected readonly files: RepositoryFiles;
  protected readonly repositoryOptions: RepositoryOptions;

  protected constructor(files: RepositoryFiles, options: RepositoryOptions) {
    this.files = files;
    this.repositoryOptions = options;
  }

  /** Without a slash at its end. */
  get address(): string {
    return this.files.address;
  }

  get storage(): Storage {
    return this.files.storage;
  }

  /** Version of the specification: 1 or 2. Repositories of version 1 are only read. */
  async specVersion(options: StorageOptions = {}): Promise<number> {
    return (await this.info(options)).specVersion;
  }

  /**
   * A session that reads a branch (main where nothing is said), tag or snapshot, or a branch as it was at a time.
   *
   * Errors: `NotFound` where there is no such ref, or nothing at that time.
   */
  async readonlySession(ref: Ref = {}, options: StorageOptions = {}): Promise<Session> {
    const info = await this.info(options);
    return new Session(await this.sessionParts(info, resolveRef(info, ref, this.address), options));
  }

  protected async sessionParts(
    info: RepoInfo,
    id: ObjectId,
    options: StorageOptions,
    branch?: string,
  ): Promise<SessionParts> {
    const settings = this.settingsOf(info);
    return {
      files: this.files,
      snapshot: await this.files.snapshot(id, options),
      settings,
      access: new VirtualChunkAccess(
        settings.virtualChunkContainers ?? [],
        this.repositoryOptions.authorize ?? [],
        this.address,
      ),
      branch,
      writable: branch !== undefined,
      chunkObjectBytes: this.repositoryOptions.chunkObjectBytes,
      heldReferences: this.repositoryOptions.heldReferences,
    };
  }

  /** Branches and their snapshots, by name. */
  async listBranches(options: StorageOptions = {}): Promise<ReadonlyMap<string, ObjectId>> {
    return (await this.info(options)).branches;
  }

  /** The snapshot that a branch is at. Errors: `NotFound`. */
  async lookupBranch(name: string, options: StorageOptions = {}): Promise<ObjectId> {
    return branchTip(await this.info(options), name);
  }

  /** Tags and their snapshots, by name. */
  async listTags(options: StorageOptions = {}): Promise<ReadonlyMap<string, ObjectId>> {
    return (await this.info(options)).tags;
  }

  /** The snapshot that a tag names. Errors: `NotFound`. */
  async lookupTag(name: string, options: StorageOptions = {}): Promise<ObjectId> {
    return tagTarget(await this.info(options), name);
  }

  /** The snapshot that a ref leads to. Errors: `NotFound`. */
  async resolve(ref: Ref, options: StorageOptions = {}): Promise<ObjectId> {
    return resolveRef(await this.info(options), ref, this.address);
  }

  /** What a name stands for: a branch, a tag or a snapshot, in this order. Errors: `NotFound`. */
  async refNamed(name: string, options: StorageOptions = {}): Promise<SnapshotRef> {
    return refNamed(await this.info(options), name, this.address);
  }

  /** A snapshot and those before it, newest first. Errors: `NotFound`. */
  async *ancestry(
    ref: Ref = {},
    options: StorageOptions = {},
  ): AsyncGenerator<HistoryEntry, void, undefined> {
    const info = await this.info(options);
    // Not `yield*`, which waits twice for each.
    for (const entry of ancestryOf(info, resolveRef(info, ref, this.address), this.address)) yield entry;
  }

  /**
   * What changed from one snapshot to another that came after it.
   *
   * Errors: `NotFound`; `InvalidArgument` where the first is no ancestor of the other.
   */
  async diff(from: SnapshotRef, to: Ref = {}, options: StorageOptions = {}): Promise<Diff> {
    const info = await this.info(options);
    const [first, last] = [resolveRef(info, from, this.address), resolveRef(info, to, this.address)];
    return diffSnapshots(this.files, info, first, last, options);
  }

  /** The operations log, newest first, older pages read as they are needed. */
  operations(options: StorageOptions = {}): AsyncGenerator<Update, void, undefined> {
    return operationsLog(this.files, options);
  }

  /** The settings that hold: those given at opening over those that the repository keeps. */
  async config(options: StorageOptions = {}): Promise<RepositoryConfig> {
    return this.settingsOf(await this.info(options));
  }

  /** The configuration that the repository keeps, with all that is in it. */
  async savedConfig(options: StorageOptions = {}): Promise<JsonObject> {
    return readConfiguration((await this.info(options)).config, this.address);
  }

  /** The user's metadata of the repository. */
  async metadata(options: StorageOptions = {}): Promise<JsonObject> {
    return decodeMetadata((await this.info(options)).metadata, SPEC_VERSION, this.address);
  }

  /** Whether the repository takes changes. */
  async status(options: StorageOptions = {}): Promise<RepositoryStatus> {
    return (await this.info(options)).status;
  }

  async featureFlags(options: StorageOptions = {}): Promise<FeatureFlag[]> {
    return featureFlags(await this.info(options));
  }

  protected settingsOf(info: RepoInfo): RepositoryConfig {
    const saved = readConfiguration(info.config, this.address);
    return settingsOf(mergeSettings(saved, this.repositoryOptions.config ?? {}));
  }

  protected async info(options: StorageOptions): Promise<RepoInfo> {
    return this.files.readInfo(options);
  }

  /**
   * How much the repository holds, counted once however many snapshots share it. Reads every manifest.
   */
  async storageStatistics(options: StorageOptions = {}): Promise<StorageStatistics> {
    return storageStatistics(this.files, await this.info(options), options);
  }

  /** Commits that another program has overwritten on a local folder, oldest first. */
  async lostCommits(options: StorageOptions = {}): Promise<LostCommit[]> {
    return findLostCommits(this.files, await this.info(options), options);
  }

  /** Checks every file, reference and order rule; see `checkRepository`. */
  async fsck(options: StorageOptions = {}): Promise<CheckedRepository> {
    // With nothing remembered: files may have been damaged since.
    return checkRepository(new RepositoryFiles(this.address, this.storage), options);
  }
}
