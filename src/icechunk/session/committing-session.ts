/**
 * What all sessions that take changes share: how the changes become a snapshot.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { ChangeSet } from "../changes/change-set.ts";
import { ChunkPacking } from "../changes/chunk-packing.ts";
import type { VirtualChunkAccess } from "../changes/virtual-chunks.ts";
import { WorkingTree } from "../changes/working-tree.ts";
import {
  amendTree,
  type CommitContext,
  type CommitOptions,
  commitTree,
  flushTree,
  type RebasingCommitOptions,
} from "../commit/session-commit.ts";
import { HELD_REFERENCES, writeAhead } from "../commit/write-ahead.ts";
import type { RepositoryConfig } from "../configuration.ts";
import type { RebasePolicy } from "../conflicts/conflicts.ts";
import { rebaseTree } from "../conflicts/rebase.ts";
import type { ObjectId } from "../format/identifier.ts";
import type { Snapshot } from "../format/snapshot.ts";
import type { RepositoryFiles } from "../repository-files.ts";
import { SessionView } from "./session-view.ts";

/** What a session is made of. */
export interface SessionParts {
  readonly files: RepositoryFiles;
  readonly snapshot: Snapshot;
  readonly settings: RepositoryConfig;
  readonly access: VirtualChunkAccess;
  /** Absent in a session that only reads, or that has no branch to commit to. */
  readonly branch?: string | undefined;
  readonly writable: boolean;
  /** Bytes at which objects of small chunks are written; see `RepositoryOptions`. */
  readonly chunkObjectBytes?: number | undefined;
  /** References that are held in memory; see `RepositoryOptions`. */
  readonly heldReferences?: number | undefined;
}

export class CommittingSession extends SessionView {
  protected readonly parts: SessionParts;
  #writable: boolean;
  /** While the changes are being committed or rebased: what came now would be in no commit. */
  #isClosed = false;
  /** References that came since some were written. */
  #came = 0;
  #writing: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    const { files, access, snapshot, chunkObjectBytes } = parts;
    const packing = new ChunkPacking(files, chunkObjectBytes);
    super({ files, access, tree: new WorkingTree(snapshot), packing });
    this.parts = parts;
    this.#writable = parts.writable;
  }

  /** The branch that {@link commit} moves. */
  get branch(): string | undefined {
    return this.#writable ? this.parts.branch : undefined;
  }

  get readOnly(): boolean {
    return !this.#writable;
  }

  /** Forgets all changes. Objects that were written for them are left to the garbage collection. */
  discardChanges(): void {
    this.requireWritable();
    this.context.tree.reset(this.context.tree.base, new ChangeSet());
  }

  /**
   * Makes the changes a snapshot, and the branch point to it; the session then reads it and takes no more changes.
   *
   * Errors: `Conflict` where others committed first (`RebaseError` where rebasing could not help), `NotFound`
   * where the branch was deleted, `InvalidArgument` where nothing was changed, `ReadOnly`; those of the storage.
   * After an error the session takes changes as before.
   */
  async commit(message: string, options: RebasingCommitOptions = {}): Promise<ObjectId> {
    const branch = this.#requireBranch();
    return this.#finish(options, () => commitTree(this.commitContext, branch, message, options));
  }

  /**
   * Replaces the newest commit of the branch by one with its changes and the session's.
   *
   * Errors: as {@link commit}; `InvalidArgument` for the first snapshot of a repository, and where moved nodes and
   * other changes would come into one commit.
   */
  async amend(message: string, options: CommitOptions = {}): Promise<ObjectId> {
    const branch = this.#requireBranch();
    return this.#finish(options, () => amendTree(this.commitContext, branch, message, options));
  }

  /** Makes a snapshot that no branch points to. Errors: as {@link commit}. */
  async flush(message: string, options: CommitOptions = {}): Promise<ObjectId> {
    return this.#finish(options, () => flushTree(this.commitContext, message, options));
  }

  /**
   * Puts the changes on top of what others committed to the branch meanwhile.
   *
   * Errors: `RebaseError` (code `Conflict`), after which the session stands at the last snapshot that it could follow.
   */
  async rebase(policy: RebasePolicy = {}, options: StorageOptions = {}): Promise<void> {
    const branch = this.#requireBranch();
    await this.#closed(() => rebaseTree(this.parts.files, this.context.tree, branch, policy, options));
  }

  /** Tells that references came; where many are held, waits until some are written. */
  protected async noteReferences(count: number, options: StorageOptions): Promise<void> {
    const { heldReferences = HELD_REFERENCES } = this.parts;
    this.#came += count;
    if (this.#came > heldReferences) {
      this.#came = 0;
      const before = this.#writing;
      const writing = (async () => {
        await before;
        await writeAhead(this.commitContext, heldReferences, options);
      })();
      // Who began it is told of its failure, and the others go on: what is not written is held.
      this.#writing = writing.catch(() => undefined);
      await writing;
    } else {
      await this.#writing;
    }
  }

  async #finish(options: StorageOptions, work: () => Promise<ObjectId>): Promise<ObjectId> {
    this.requireWritable();
    return await this.#closed(async () => {
      await this.#writing;
      await this.context.packing.finish(options);
      const id = await work();
      this.#writable = false;
      this.context.tree.reset(await this.parts.files.snapshot(id, options), new ChangeSet());
      return id;
    });
  }

  async #closed<T>(work: () => Promise<T>): Promise<T> {
    this.#isClosed = true;
    try {
      return await work();
    } finally {
      this.#isClosed = false;
    }
  }

  protected get commitContext(): CommitContext {
    const { files, settings } = this.parts;
    return { files, settings, tree: this.context.tree };
  }

  #requireBranch(): string {
    this.requireWritable();
    const { branch } = this.parts;
    if (branch !== undefined) return branch;
    throw new MoraineError("InvalidArgument", "this session has no branch", { source: this.address });
  }

  /** Errors: `ReadOnly`. */
  protected requireWritable(): void {
    if (this.#writable && !this.#isClosed) return;
    const why = this.#writable ? "is being committed, and takes no changes until then" : "only reads";
    throw new MoraineError("ReadOnly", `this session ${why}`, { source: this.address });
  }
}
