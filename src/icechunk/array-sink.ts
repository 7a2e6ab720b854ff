/**
 * Writes the chunks of one array into a session.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import type { ChunkSink, EncodedChunks } from "../zarr/chunk-sink.ts";
import type { ChunkPacking } from "./chunk-packing.ts";
import { gridStrides, positionOf } from "./format/chunk-references.ts";
import type { ArrayNode } from "./format/snapshot.ts";
import { requireBytes } from "./incoming-references.ts";
import { arrayContent } from "./node-content.ts";
import type { WorkingTree } from "./working-tree.ts";

export interface WriteContext {
  readonly tree: WorkingTree;
  readonly packing: ChunkPacking;
  readonly inlineThreshold: number;
}

/** Chunks of at most the threshold are kept inline, others go to chunk objects before the commit. */
export class ArraySink implements ChunkSink {
  readonly #context: WriteContext;
  readonly #path: string;

  constructor(context: WriteContext, path: string) {
    this.#context = context;
    this.#path = path;
  }

  async write(chunks: EncodedChunks, options: StorageOptions = {}): Promise<readonly number[]> {
    const { tree, packing, inlineThreshold } = this.#context;
    const node = tree.array(this.#path);
    const rank = node.gridShape.length;
    const strides = gridStrides(node.gridShape);
    const changes = tree.changes.chunksOf(node);
    for (let i = 0; i < chunks.count; i++) {
      const position = positionOf(chunks.coordinates, i * rank, node.gridShape, strides);
      const bytes = chunks.bytes[i];
      if (position < 0) {
        // Deleting what cannot be there is nothing.
        if (bytes === undefined) continue;
        throw outside(node, chunks, i);
      }
      if (bytes === undefined) {
        changes.set(position, { kind: "deleted" });
        continue;
      }
      requireBytes(bytes, this.#path);
      if (bytes.length <= inlineThreshold) changes.set(position, { kind: "inline", bytes });
      else changes.set(position, { kind: "native", ...(await packing.add(bytes, options)) });
    }
    return [];
  }

  async writeMetadata(metadata: ArrayMetadata, _options?: StorageOptions): Promise<void> {
    const { tree } = this.#context;
    tree.update(tree.array(this.#path), arrayContent(metadata));
  }
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
