/**
 * What a session reads: the groups and arrays of a snapshot, with the session's changes over them.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ChunkSink } from "../../zarr/chunk-sink.ts";
import { ZarrArray } from "../../zarr/node.ts";
import type { ChunkContext } from "../changes/array-chunks.ts";
import { normalizePath } from "../changes/node-path.ts";
import { type SessionStatus, statusOf } from "../diff.ts";
import type { ObjectId } from "../format/identifier.ts";
import { FOLDERS } from "../repository-files.ts";
import { type Writing, writingsOf } from "../writings.ts";
import { type SessionArray, type SessionGroup, type SessionNode, sessionNode } from "./session-tree.ts";

export class SessionView {
  protected readonly context: ChunkContext;

  constructor(context: ChunkContext) {
    this.context = context;
  }

  /** Address of the repository. */
  get address(): string {
    return this.context.files.address;
  }

  /** The snapshot that is read, and that changes build upon. */
  get snapshotId(): ObjectId {
    return this.context.tree.base.id;
  }

  get hasUncommittedChanges(): boolean {
    return !this.context.tree.changes.isEmpty;
  }

  /** What is not committed yet. */
  status(): SessionStatus {
    return statusOf(this.context.tree);
  }

  /** The root group; one without attributes where the repository has none yet. */
  get root(): SessionGroup {
    const node = sessionNode(this.context, "/");
    if (node?.kind === "group") return node;
    if (node?.kind === "fault") throw node.error;
    throw new MoraineError("InvalidArgument", "the root of this repository is an array", {
      source: this.address,
    });
  }

  /** The node at a path, or undefined; one that cannot be understood is a fault. */
  node(path: string): SessionNode | undefined {
    return sessionNode(this.context, normalizePath(path));
  }

  /** The group at a path. Errors: `NotFound`; those of its metadata. */
  group(path: string): SessionGroup {
    const node = this.#nodeAt(path);
    if (node.kind === "group") return node;
    throw new MoraineError("NotFound", "this is an array, not a group", { source: this.address, path });
  }

  /**
   * The array at a path, to be read and, in a session that takes changes, written.
   *
   * Errors: `NotFound`; those of its metadata.
   */
  array(path: string): ZarrArray {
    const { metadata, chunks, path: normal } = this.#arrayAt(path);
    const sink = this.sinkOf(normal);
    // What is opened for writing may be written without a look at what was there.
    if (sink === undefined) chunks.expectQuestions?.();
    return new ZarrArray({
      metadata,
      chunks,
      storage: this.context.files.storage,
      path: normal,
      source: this.address,
      sink,
    });
  }

  /** Takes the chunks of an array; undefined where the session only reads. */
  protected sinkOf(_path: string): ChunkSink | undefined {
    return undefined;
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
    return [...this.context.tree.nodes.keys()].sort();
  }

  /** The bytes of a node's `zarr.json`, or undefined. */
  document(path: string): Uint8Array | undefined {
    return this.context.tree.nodes.get(normalizePath(path))?.userData;
  }

  /** All references of an array as one manifest; locations need not be authorized to be told. */
  async manifest(path: string, options?: StorageOptions): Promise<ChunkManifest> {
    return this.#arrayAt(path).manifest(options);
  }

  /**
   * What each commit up to the session's snapshot wrote of some arrays, newest first; see `writingsOf`.
   *
   * Errors: `NotFound`; those of the repository's files.
   */
  async *writings(
    paths: readonly string[],
    options: StorageOptions = {},
  ): AsyncGenerator<Writing, void, undefined> {
    const { files, tree } = this.context;
    const arrays = new Map(paths.map((path) => [tree.array(path).id, path]));
    const { id } = tree.base;
    yield* writingsOf(files, await files.readInfo(options), id, arrays, options);
  }

  /** Whether an address is of one of the repository's own chunk objects. */
  isNative(address: string): boolean {
    return address.startsWith(`${this.context.files.addressOf(FOLDERS.chunk)}/`);
  }
}
