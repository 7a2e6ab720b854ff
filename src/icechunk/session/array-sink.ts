/**
 * Writes the chunks of one array into a session.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { sameShape } from "../../zarr/chunk-grid.ts";
import type { ChunkSink, EncodedChunks } from "../../zarr/chunk-sink.ts";
import type { ChunkChange } from "../changes/chunk-changes.ts";
import type { ChunkPacking } from "../changes/chunk-packing.ts";
import { requireBytes } from "../changes/incoming-references.ts";
import { arrayContent } from "../changes/node-content.ts";
import type { WorkingTree } from "../changes/working-tree.ts";
import { gridStrides, positionOf } from "../format/chunk-references.ts";
import type { ArrayNode } from "../format/snapshot.ts";

const DELETED: ChunkChange = { kind: "deleted" };

export interface WriteContext {
  readonly tree: WorkingTree;
  readonly packing: ChunkPacking;
  readonly inlineThreshold: number;
  /** Errors: `ReadOnly` where the session takes no changes, or no more. */
  readonly requireWritable: () => void;
  /** Told how many chunks came. */
  readonly noteChunks: (count: number, options: StorageOptions) => Promise<void>;
}

/** Chunks of at most the threshold are kept inline, others go to chunk objects before the commit. */
export class ArraySink implements ChunkSink {
  readonly owner: object;
  readonly #context: WriteContext;
  readonly #path: string;

  constructor(context: WriteContext, path: string) {
    this.owner = context.tree;
    this.#context = context;
    this.#path = path;
  }

  async write(chunks: EncodedChunks, options: StorageOptions = {}): Promise<readonly number[]> {
    this.#context.requireWritable();
    requireCoordinates(chunks, this.#context.tree.array(this.#path));
    for (let i = 0; i < chunks.count; i++) {
      const bytes = chunks.bytes[i];
      const change = bytes === undefined ? DELETED : await this.#store(bytes, chunks, i, options);
      // Looked up after the storing, during which the array may have been resized.
      const node = this.#context.tree.array(this.#path);
      const { gridShape } = node;
      const position = positionOf(
        chunks.coordinates,
        i * gridShape.length,
        gridShape,
        gridStrides(gridShape),
      );
      if (position >= 0) this.#context.tree.changes.chunksOf(node).set(position, change);
      // Deleting what cannot be there is nothing.
      else if (bytes !== undefined) throw outside(node, chunks, i);
    }
    await this.#context.noteChunks(chunks.count, options);
    return [];
  }

  async #store(
    bytes: Uint8Array,
    { coordinates }: EncodedChunks,
    index: number,
    options: StorageOptions,
  ): Promise<ChunkChange> {
    requireBytes(bytes, this.#path);
    const { packing, inlineThreshold, tree } = this.#context;
    if (bytes.length <= inlineThreshold) return { kind: "inline", bytes };
    const { id, gridShape } = tree.array(this.#path);
    const position = positionOf(coordinates, index * gridShape.length, gridShape, gridStrides(gridShape));
    return await packing.add(bytes, { array: id, position }, options);
  }

  async requireCurrent({ shape }: ArrayMetadata): Promise<void> {
    const node = this.#context.tree.array(this.#path);
    if (sameShape(node.shape, shape)) return;
    throw new MoraineError("Conflict", "the session has given this array another shape: open it again", {
      path: this.#path,
    });
  }

  async writeMetadata(metadata: ArrayMetadata, _options?: StorageOptions): Promise<void> {
    const { tree, requireWritable } = this.#context;
    requireWritable();
    tree.update(tree.array(this.#path), arrayContent(metadata));
  }
}

/** Errors: `InvalidArgument` for numbers that are no coordinates of so many chunks: they would name other ones. */
function requireCoordinates({ coordinates, count }: EncodedChunks, { gridShape, path }: ArrayNode): void {
  const isWhole = coordinates instanceof Uint32Array || coordinates.every(Number.isInteger);
  if (isWhole && coordinates.length === count * gridShape.length) return;
  const told = coordinates.length <= 8 ? `[${coordinates.join(", ")}]` : `${coordinates.length} numbers`;
  throw new MoraineError(
    "InvalidArgument",
    `${told} are no coordinates of ${count === 1 ? "a chunk" : `${count} chunks`} along ${gridShape.length} axes`,
    { path },
  );
}

function outside(node: ArrayNode, chunks: EncodedChunks, index: number): MoraineError {
  const rank = node.gridShape.length;
  const coordinates = [...chunks.coordinates.subarray(index * rank, (index + 1) * rank)];
  return new MoraineError(
    "OutOfBounds",
    `chunk [${coordinates.join(", ")}] is outside of the grid of ${node.gridShape.join(" × ")} chunks`,
    { path: node.path },
  );
}
