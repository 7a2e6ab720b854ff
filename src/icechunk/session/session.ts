/**
 * Sessions: one snapshot of a repository to read from, and changes over it until they are committed
 * (Icechunk, "Sessions").
 *
 * @module
 */

import { type JsonObject, stringifyJson } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { ChunkSink } from "../../zarr/chunk-sink.ts";
import { placeReferences } from "../changes/chunk-changes.ts";
import { referencesOfManifest } from "../changes/incoming-references.ts";
import { arrayContent, contentOfDocument, groupAttributesOf, groupContent } from "../changes/node-content.ts";
import { normalizePath } from "../changes/node-path.ts";
import type { ChunkReferences } from "../format/chunk-references.ts";
import { ArraySink } from "./array-sink.ts";
import { CommittingSession } from "./committing-session.ts";
import { type ChunkMapping, reindexArray, shiftArray } from "./reindex.ts";
import { exportChanges, forkPoint, mergeChanges, type SessionChanges } from "./session-fork.ts";
import { SessionStore } from "./session-store.ts";

const DEFAULT_INLINE_THRESHOLD = 512;

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
export class Session extends CommittingSession {
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
    this.requireWritable();
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
    this.requireWritable();
    this.context.tree.create(path, arrayContent(metadata));
  }

  /** Replaces a group's attributes. Errors: `NotFound`, `ReadOnly`. */
  updateGroup(path: string, attributes: JsonObject): void {
    this.requireWritable();
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
    this.requireWritable();
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
    this.requireWritable();
    const normal = normalizePath(path);
    const content = contentOfDocument(zarrJson.slice(), normal);
    const existing = this.context.tree.nodes.get(normal);
    if (existing) this.context.tree.update(existing, content);
    else this.context.tree.create(normal, content);
  }

  /** Deletes a node and all below it; nothing where it is not there. Errors: `ReadOnly`. */
  delete(path: string): void {
    this.requireWritable();
    this.context.tree.delete(path);
  }

  /**
   * Sets references of an array, many at once. Bytes that the manifest holds become inline or native chunks. Those of an
   * array that is new may be very many where they come in the order of the grid: they go into manifests before the commit.
   *
   * @param at chunk coordinates of the manifest's first chunk in the array's grid; zeros where left out
   * Errors: as `referencesOfManifest`; `OutOfBounds` where the manifest does not fit in the grid; `ReadOnly`;
   * those of the storage.
   */
  async setReferences(
    path: string,
    manifest: ChunkManifest,
    { at, signal }: StorageOptions & { readonly at?: readonly number[] | undefined } = {},
  ): Promise<void> {
    this.requireWritable();
    const { gridShape } = this.context.tree.array(path);
    const place = at ?? gridShape.map(() => 0);
    const fits =
      manifest.gridShape.length === gridShape.length &&
      place.length === gridShape.length &&
      place.every((coordinate) => Number.isInteger(coordinate) && coordinate >= 0) &&
      gridShape.every((length, axis) => (place[axis] ?? 0) + (manifest.gridShape[axis] ?? 0) <= length);
    if (!fits) {
      throw new MoraineError(
        "OutOfBounds",
        `references for ${manifest.gridShape.join(" × ")} chunks do not fit in ${gridShape.join(" × ")} at [${place.join(", ")}]`,
        { path },
      );
    }
    const { files, access } = this.parts;
    const context = { files, access, packing: this.context.packing, inlineThreshold: this.#inlineThreshold };
    const same = gridShape.every((length, axis) => length === manifest.gridShape[axis]);
    for await (const references of referencesOfManifest(context, manifest, path, { signal })) {
      this.requireWritable();
      const changes = this.context.tree.changes.chunksOf(this.context.tree.array(path));
      changes.setMany(same ? references : placeReferences(references, gridShape, place));
      await this.noteReferences(references.count, { signal });
    }
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
    this.requireWritable();
    return this.#newSink(path);
  }

  protected override sinkOf(path: string): ChunkSink | undefined {
    return this.readOnly ? undefined : this.#newSink(path);
  }

  #newSink(path: string): ChunkSink {
    const { tree, packing } = this.context;
    const requireWritable = (): void => this.requireWritable();
    const noteChunks = (count: number, options: StorageOptions): Promise<void> =>
      this.noteReferences(count, options);
    const context = { tree, packing, inlineThreshold: this.#inlineThreshold, requireWritable, noteChunks };
    return new ArraySink(context, tree.array(path).path);
  }

  get #inlineThreshold(): number {
    return this.parts.settings.inlineChunkThresholdBytes ?? DEFAULT_INLINE_THRESHOLD;
  }

  /**
   * Moves chunks of an array to where `forward` says, by grid coordinates; see `reindexArray`.
   *
   * Errors: `NotFound`, `OutOfBounds`, `InvalidArgument`, `UnsupportedLayout`, `ReadOnly`.
   */
  async reindex(
    path: string,
    forward: ChunkMapping,
    { backward, signal }: StorageOptions & { readonly backward?: ChunkMapping | undefined } = {},
  ): Promise<void> {
    this.requireWritable();
    this.#move(path, await reindexArray(this.context, path, forward, backward, { signal }));
  }

  /**
   * Moves all chunks of an array by whole chunks along each axis; those that leave the grid are dropped, and places
   * that nothing moves into are emptied.
   */
  async shift(path: string, offset: readonly number[], options: StorageOptions = {}): Promise<void> {
    this.requireWritable();
    this.#move(path, await shiftArray(this.context, path, offset, options));
  }

  #move(path: string, references: ChunkReferences | undefined): void {
    this.requireWritable();
    const { tree } = this.context;
    if (references) tree.changes.chunksOf(tree.array(path)).setMany(references);
  }

  /**
   * A session without a branch over what this one has now, for a worker to change; its {@link changes} come back
   * through {@link merge}.
   */
  async fork(options: StorageOptions = {}): Promise<Session> {
    this.requireWritable();
    const { files } = this.parts;
    const id = await forkPoint(this.commitContext, this.context.packing, options);
    return new Session({ ...this.parts, snapshot: await files.snapshot(id, options), branch: undefined });
  }

  /** The changes as plain data that travels between threads (structured clone), after their chunks are stored. */
  async changes(options: StorageOptions = {}): Promise<SessionChanges> {
    await this.context.packing.finish(options);
    return exportChanges(this.parts.files, this.context.tree, options);
  }

  /**
   * Takes over the changes of forks; of a chunk that both changed, theirs stays.
   *
   * Errors: `Conflict` where a node was made, changed or deleted in ways that do not go together; nothing is taken
   * over then. `ReadOnly`.
   */
  merge(...forks: readonly SessionChanges[]): void {
    this.requireWritable();
    for (const changes of forks) mergeChanges(this.context.tree, changes);
  }
}
