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
import { ZarrArray } from "../zarr/node.ts";
import type { ChunkContext } from "./array-chunks.ts";
import { ArraySink } from "./array-sink.ts";
import { ChangeSet } from "./change-set.ts";
import { placeReferences } from "./chunk-changes.ts";
import { ChunkPacking } from "./chunk-packing.ts";
import type { RepositoryConfig } from "./configuration.ts";
import type { RebasePolicy } from "./conflicts.ts";
import { type SessionStatus, statusOf } from "./diff.ts";
import type { ObjectId } from "./format/identifier.ts";
import type { Snapshot } from "./format/snapshot.ts";
import { referencesOfManifest } from "./incoming-references.ts";
import { arrayContent, contentOfDocument, groupAttributesOf, groupContent } from "./node-content.ts";
import { normalizePath } from "./node-path.ts";
import { rebaseTree } from "./rebase.ts";
import { FOLDERS, type RepositoryFiles } from "./repository-files.ts";
import {
  amendTree,
  type CommitOptions,
  commitTree,
  flushTree,
  type RebasingCommitOptions,
} from "./session-commit.ts";
import { type SessionArray, type SessionGroup, type SessionNode, sessionNode } from "./session-tree.ts";
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
export class Session {
  readonly #parts: SessionParts;
  readonly #tree: WorkingTree;
  readonly #packing: ChunkPacking;
  readonly #context: ChunkContext;
  #writable: boolean;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#writable = parts.writable;
    this.#tree = new WorkingTree(parts.snapshot);
    this.#packing = new ChunkPacking(parts.files);
    this.#context = { files: parts.files, access: parts.access, tree: this.#tree, packing: this.#packing };
  }

  /** Address of the repository. */
  get address(): string {
    return this.#parts.files.address;
  }

  /** The snapshot that is read, and that changes build upon. */
  get snapshotId(): ObjectId {
    return this.#tree.base.id;
  }

  /** The branch that {@link commit} moves. */
  get branch(): string | undefined {
    return this.#writable ? this.#parts.branch : undefined;
  }

  get readOnly(): boolean {
    return !this.#writable;
  }

  get hasUncommittedChanges(): boolean {
    return !this.#tree.changes.isEmpty;
  }

  /** The root group; one without attributes where the repository has none yet. */
  get root(): SessionGroup {
    const node = sessionNode(this.#context, "/");
    if (node?.kind === "group") return node;
    if (node?.kind === "fault") throw node.error;
    throw new MoraineError("InvalidArgument", "the root of this repository is an array", {
      source: this.address,
    });
  }

  /** The node at a path, or undefined; one that cannot be understood is a fault. */
  node(path: string): SessionNode | undefined {
    return sessionNode(this.#context, normalizePath(path));
  }

  /** The group at a path. Errors: `NotFound`; those of its metadata. */
  group(path: string): SessionGroup {
    const node = this.#nodeAt(path);
    if (node.kind === "group") return node;
    throw new MoraineError("NotFound", "this is an array, not a group", { source: this.address, path });
  }

  /** The array at a path, to be read and, in a writable session, written. Errors: `NotFound`; those of its metadata. */
  array(path: string): ZarrArray {
    const { metadata, chunks, path: normal } = this.#arrayAt(path);
    return new ZarrArray({
      metadata,
      chunks,
      storage: this.#parts.files.storage,
      path: normal,
      source: this.address,
      sink: this.#writable ? this.sink(normal) : undefined,
    });
  }

  #nodeAt(path: string): SessionGroup | SessionArray {
    const node = this.node(path);
    if (node?.kind === "fault") throw node.error;
    if (node) return node;
    throw new MoraineError("NotFound", "there is no such group or array", { source: this.address, path });
  }

  #arrayAt(path: string): SessionArray {
    const node = this.#nodeAt(path);
    if (node.kind === "array") return node;
    throw new MoraineError("NotFound", "this is a group, not an array", { source: this.address, path });
  }

  /** All paths, groups and arrays, sorted by code units. */
  paths(): string[] {
    return [...this.#tree.nodes.keys()].sort();
  }

  /** Whether an address is of one of the repository's own chunk objects. */
  isNative(address: string): boolean {
    return address.startsWith(`${this.#parts.files.addressOf(FOLDERS.chunk)}/`);
  }

  /** All references of an array as one manifest; locations need not be authorized to be told. */
  async manifest(path: string, options?: StorageOptions): Promise<ChunkManifest> {
    return this.#arrayAt(path).manifest(options);
  }

  /**
   * Makes a group, and the groups above it that are not there. One with the same attributes may be there already.
   *
   * Errors: `AlreadyExists`, `InvalidArgument` for a name that no node may have, `ReadOnly`.
   */
  createGroup(path: string, attributes: JsonObject = {}): void {
    this.#requireWritable();
    const existing = this.#tree.nodes.get(normalizePath(path));
    if (existing?.kind === "group") {
      const before = groupAttributesOf(existing, this.address);
      if (stringifyJson(before) === stringifyJson(attributes)) return;
    }
    this.#tree.create(path, groupContent({ attributes }));
  }

  /**
   * Makes an array without chunks, and the groups above it that are not there.
   *
   * Errors: `AlreadyExists`, `InvalidArgument`, `LimitExceeded` for a grid beyond what 32 bits count on an axis,
   * `ReadOnly`.
   */
  createArray(path: string, metadata: ArrayMetadata): void {
    this.#requireWritable();
    this.#tree.create(path, arrayContent(metadata));
  }

  /** Replaces a group's attributes. Errors: `NotFound`, `ReadOnly`. */
  updateGroup(path: string, attributes: JsonObject): void {
    this.#requireWritable();
    const normal = normalizePath(path);
    const node = this.#tree.nodes.get(normal);
    if (node) this.#tree.update(node, groupContent({ attributes }));
    else this.createGroup(this.group(normal).path, attributes);
  }

  /**
   * Replaces an array's metadata. Chunks outside a smaller shape are gone, even if it grows again.
   *
   * Errors: `NotFound`, `InvalidArgument` for another number of axes, `ReadOnly`.
   */
  updateArray(path: string, metadata: ArrayMetadata): void {
    this.#requireWritable();
    const node = this.#tree.array(path);
    if (node.shape.length !== metadata.shape.length) {
      throw new MoraineError("InvalidArgument", "an array keeps its number of axes", { path });
    }
    this.#tree.update(node, arrayContent(metadata));
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
    const existing = this.#tree.nodes.get(normal);
    if (existing) this.#tree.update(existing, content);
    else this.#tree.create(normal, content);
  }

  /** The bytes of a node's `zarr.json`, or undefined. */
  document(path: string): Uint8Array | undefined {
    return this.#tree.nodes.get(normalizePath(path))?.userData;
  }

  /** Deletes a node and all below it; nothing where it is not there. Errors: `ReadOnly`. */
  delete(path: string): void {
    this.#requireWritable();
    this.#tree.delete(path);
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
    const { gridShape } = this.#tree.array(path);
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
    const context = { files, access, packing: this.#packing, inlineThreshold: this.#inlineThreshold };
    const references = await referencesOfManifest(context, manifest, path, { signal });
    const same = gridShape.every((length, axis) => length === manifest.gridShape[axis]);
    const changes = this.#tree.changes.chunksOf(this.#tree.array(path));
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
    const { path: normal } = this.#tree.array(path);
    return new ArraySink(
      { tree: this.#tree, packing: this.#packing, inlineThreshold: this.#inlineThreshold },
      normal,
    );
  }

  get #inlineThreshold(): number {
    return this.#parts.settings.inlineChunkThresholdBytes ?? DEFAULT_INLINE_THRESHOLD;
  }

  /** What is not committed yet. */
  status(): SessionStatus {
    return statusOf(this.#tree);
  }

  /** Forgets all changes. Chunk objects that were written for them are left to the garbage collection. */
  discardChanges(): void {
    this.#requireWritable();
    this.#tree.reset(this.#tree.base, new ChangeSet());
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
    await rebaseTree(this.#parts.files, this.#tree, this.#requireBranch(), policy, options);
  }

  async #finish(
    work: (branch: string) => Promise<ObjectId>,
    options: StorageOptions,
    detached = false,
  ): Promise<ObjectId> {
    this.#requireWritable();
    const branch = detached ? "" : this.#requireBranch();
    await this.#packing.finish(options);
    const id = await work(branch);
    this.#writable = false;
    this.#tree.reset(await this.#parts.files.snapshot(id, options), new ChangeSet());
    return id;
  }

  #commitContext(): { files: RepositoryFiles; settings: RepositoryConfig; tree: WorkingTree } {
    const { files, settings } = this.#parts;
    return { files, settings, tree: this.#tree };
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
