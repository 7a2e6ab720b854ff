/**
 * Sessions: one snapshot of a repository to read from, and changes over it until they are committed
 * (Icechunk, "Sessions").
 *
 * @module
 */

import { type JsonObject, stringifyJson } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import type { ChunkManifest } from "../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import type { ChunkSink } from "../zarr/chunk-sink.ts";
import { ArraySink } from "./array-sink.ts";
import { ChangeSet } from "./change-set.ts";
import { placeReferences } from "./chunk-changes.ts";
import { ChunkPacking } from "./chunk-packing.ts";
import type { RepositoryConfig } from "./configuration.ts";
import type { RebasePolicy } from "./conflicts.ts";
import type { ObjectId } from "./format/identifier.ts";
import type { Snapshot } from "./format/snapshot.ts";
import { referencesOfManifest } from "./incoming-references.ts";
import { arrayContent, contentOfDocument, groupAttributesOf, groupContent } from "./node-content.ts";
import { normalizePath } from "./node-path.ts";
import { rebaseTree } from "./rebase.ts";
import type { RepositoryFiles } from "./repository-files.ts";
import {
  amendTree,
  type CommitOptions,
  commitTree,
  flushTree,
  type RebasingCommitOptions,
} from "./session-commit.ts";
import { SessionStore } from "./session-store.ts";
import { SessionView } from "./session-view.ts";
import type { VirtualChunkAccess } from "./virtual-chunks.ts";
import { WorkingTree } from "./working-tree.ts";

const DEFAULT_INLINE_THRESHOLD = 512;

/** What a session is made of. */
export interface SessionParts {
  readonly files: RepositoryFiles;
  readonly snapshot: Snapshot;
  readonly settings: RepositoryConfig;
  readonly access: VirtualChunkAccess;
  /** Absent in a session that only reads, or that has no branch to commit to. */
  readonly branch?: string | undefined;
  readonly writable: boolean;
}

/**
 * A view of a repository. A writable one takes changes, which nobody else sees before {@link commit}; after it the
 * session only reads, the new snapshot.
 *
 * @example
 * const session = await repository.writableSession("main");
 * session.createGroup("/", {});
 * session.createArray("/sst", metadata);
 * await session.setReferences("/sst", manifest);
 * const snapshot = await session.commit("first year");
 */
export class Session extends SessionView {
  readonly #parts: SessionParts;
  #writable: boolean;

  constructor(parts: SessionParts) {
    const { files, access, snapshot } = parts;
    super({ files, access, tree: new WorkingTree(snapshot), packing: new ChunkPacking(files) });
    this.#parts = parts;
    this.#writable = parts.writable;
  }

  /** The branch that {@link commit} moves. */
  get branch(): string | undefined {
    return this.#writable ? this.#parts.branch : undefined;
  }

  get readOnly(): boolean {
    return !this.#writable;
  }

  /** The session as keys and values, for zarrita and other readers of Zarr stores. */
  get store(): SessionStore {
    return new SessionStore(this.context, this);
  }

  /**
   * Makes a group, and the groups above it that are not there. One with the same attributes may be there already.
   *
   * Errors: `AlreadyExists`, `InvalidArgument` for a name that no node may have, `ReadOnly`.
   */
  createGroup(path: string, attributes: JsonObject = {}): void {
    this.#requireWritable();
    const existing = this.context.tree.nodes.get(normalizePath(path));
    if (existing?.kind === "group") {
      const before = groupAttributesOf(existing, this.address);
      if (stringifyJson(before) === stringifyJson(attributes)) return;
    }
    this.context.tree.create(path, groupContent({ attributes }));
  }

  /**
   * Makes an array without chunks, and the groups above it that are not there.
   *
   * Errors: `AlreadyExists`, `InvalidArgument`, `LimitExceeded` for a grid beyond what 32 bits count on an axis,
   * `ReadOnly`.
   */
  createArray(path: string, metadata: ArrayMetadata): void {
    this.#requireWritable();
    this.context.tree.create(path, arrayContent(metadata));
  }

  /** Replaces a group's attributes. Errors: `NotFound`, `ReadOnly`. */
  updateGroup(path: string, attributes: JsonObject): void {
    this.#requireWritable();
    const normal = normalizePath(path);
    const node = this.context.tree.nodes.get(normal);
    if (node) this.context.tree.update(node, groupContent({ attributes }));
    else this.createGroup(this.group(normal).path, attributes);
  }

  /**
   * Replaces an array's metadata. Chunks outside a smaller shape are gone, even if it grows again.
   *
   * Errors: `NotFound`, `InvalidArgument` for another number of axes, `ReadOnly`.
   */
  updateArray(path: string, metadata: ArrayMetadata): void {
    this.#requireWritable();
    const node = this.context.tree.array(path);
    if (node.shape.length !== metadata.shape.length) {
      throw new MoraineError("InvalidArgument", "an array keeps its number of axes", { path });
    }
    this.context.tree.update(node, arrayContent(metadata));
  }

  /**
   * Sets the `zarr.json` of a node as it is, and makes the node where it is not there.
   *
   * Errors: as `contentOfDocument`; `AlreadyExists` where a node of the other kind is; `ReadOnly`.
   */
  setDocument(path: string, zarrJson: Uint8Array): void {
    this.#requireWritable();
    const normal = normalizePath(path);
    const content = contentOfDocument(zarrJson.slice(), normal);
    const existing = this.context.tree.nodes.get(normal);
    if (existing) this.context.tree.update(existing, content);
    else this.context.tree.create(normal, content);
  }

  /** Deletes a node and all below it; nothing where it is not there. Errors: `ReadOnly`. */
  delete(path: string): void {
    this.#requireWritable();
    this.context.tree.delete(path);
  }

  /**
   * Sets references of an array, many at once. Bytes that the manifest holds become inline or native chunks.
   *
   * @param at chunk coordinates of the manifest's first chunk in the array's grid; zeros where left out
   * Errors: as `referencesOfManifest`; `OutOfBounds` where the manifest does not fit in the grid; `ReadOnly`.
   */
  async setReferences(
    path: string,
    manifest: ChunkManifest,
    { at, signal }: StorageOptions & { readonly at?: readonly number[] | undefined } = {},
  ): Promise<void> {
    this.#requireWritable();
    const { gridShape } = this.context.tree.array(path);
    const place = at ?? gridShape.map(() => 0);
    const fits =
      manifest.gridShape.length === gridShape.length &&
      gridShape.every((length, axis) => (place[axis] ?? 0) + (manifest.gridShape[axis] ?? 0) <= length);
    if (!fits) {
      throw new MoraineError(
        "OutOfBounds",
        `references for ${manifest.gridShape.join(" × ")} chunks do not fit in ${gridShape.join(" × ")}`,
        { path },
      );
    }
    const { files, access } = this.#parts;
    const context = { files, access, packing: this.context.packing, inlineThreshold: this.#inlineThreshold };
    const references = await referencesOfManifest(context, manifest, path, { signal });
    const same = gridShape.every((length, axis) => length === manifest.gridShape[axis]);
    const changes = this.context.tree.changes.chunksOf(this.context.tree.array(path));
    changes.setMany(same ? references : placeReferences(references, gridShape, place));
  }

  /**
   * Sets the encoded bytes of one chunk, which must not be changed afterwards.
   *
   * Errors: `NotFound`, `OutOfBounds`, `InvalidArgument` for no bytes, `ReadOnly`; those of the storage, also of
   * chunks that were set before.
   */
  async setChunk(
    path: string,
    coordinates: readonly number[],
    bytes: Uint8Array,
    options?: StorageOptions,
  ): Promise<void> {
    await this.sink(path).write(
      { count: 1, coordinates: Float64Array.from(coordinates), bytes: [bytes] },
      options,
    );
  }

  /** Deletes chunks, which then read as the fill value. Errors: `NotFound`, `ReadOnly`. */
  async deleteChunks(path: string, chunks: readonly (readonly number[])[]): Promise<void> {
    const coordinates = Float64Array.from(chunks.flat());
    await this.sink(path).write({ count: chunks.length, coordinates, bytes: chunks.map(() => undefined) });
  }

  /** Takes the chunks of an array. Errors: `NotFound`, `ReadOnly`. */
  sink(path: string): ChunkSink {
    this.#requireWritable();
    const { tree, packing } = this.context;
    return new ArraySink({ tree, packing, inlineThreshold: this.#inlineThreshold }, tree.array(path).path);
  }

  protected override sinkOf(path: string): ChunkSink | undefined {
    return this.#writable ? this.sink(path) : undefined;
  }

  get #inlineThreshold(): number {
    return this.#parts.settings.inlineChunkThresholdBytes ?? DEFAULT_INLINE_THRESHOLD;
  }

  /** Forgets all changes. Chunk objects that were written for them are left to the garbage collection. */
  discardChanges(): void {
    this.#requireWritable();
    this.context.tree.reset(this.context.tree.base, new ChangeSet());
  }

  /**
   * Makes the changes a snapshot, and the branch point to it; the session then reads it and takes no more changes.
   *
   * Errors: `Conflict` where others committed first (`RebaseError` where rebasing could not help), `NotFound`
   * where the branch was deleted, `InvalidArgument` where nothing was changed, `ReadOnly`; those of the storage.
   * After an error the session is as it was.
   */
  async commit(message: string, options: RebasingCommitOptions = {}): Promise<ObjectId> {
    return this.#finish((branch) => commitTree(this.#commitContext(), branch, message, options), options);
  }

  /**
   * Replaces the newest commit of the branch by one with its changes and the session's.
   *
   * Errors: as {@link commit}; `InvalidArgument` for the first snapshot of a repository.
   */
  async amend(message: string, options: CommitOptions = {}): Promise<ObjectId> {
    return this.#finish((branch) => amendTree(this.#commitContext(), branch, message, options), options);
  }

  /** Makes a snapshot that no branch points to. Errors: as {@link commit}. */
  async flush(message: string, options: CommitOptions = {}): Promise<ObjectId> {
    return this.#finish(() => flushTree(this.#commitContext(), message, options), options, true);
  }

  /**
   * Puts the changes on top of what others committed to the branch meanwhile.
   *
   * Errors: `RebaseError` (code `Conflict`), after which the session stands at the last snapshot that it could follow.
   */
  async rebase(policy: RebasePolicy = {}, options: StorageOptions = {}): Promise<void> {
    await rebaseTree(this.#parts.files, this.context.tree, this.#requireBranch(), policy, options);
  }

  async #finish(
    work: (branch: string) => Promise<ObjectId>,
    options: StorageOptions,
    detached = false,
  ): Promise<ObjectId> {
    this.#requireWritable();
    const branch = detached ? "" : this.#requireBranch();
    await this.context.packing.finish(options);
    const id = await work(branch);
    this.#writable = false;
    this.context.tree.reset(await this.#parts.files.snapshot(id, options), new ChangeSet());
    return id;
  }

  #commitContext(): { files: RepositoryFiles; settings: RepositoryConfig; tree: WorkingTree } {
    const { files, settings } = this.#parts;
    return { files, settings, tree: this.context.tree };
  }

  #requireBranch(): string {
    this.#requireWritable();
    const { branch } = this.#parts;
    if (branch !== undefined) return branch;
    throw new MoraineError("InvalidArgument", "this session has no branch", { source: this.address });
  }

  #requireWritable(): void {
    if (this.#writable) return;
    throw new MoraineError("ReadOnly", "this session only reads", { source: this.address });
  }
}
