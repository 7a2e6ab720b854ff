/**
 * The codecs of a read, made once for each shape of chunk that is met.
 *
 * @module
 */

import { createPipeline, type Pipeline } from "../../codecs/pipeline.ts";
import { type ShardLayout, shardLayout } from "../../codecs/sharding.ts";
import type { ArrayMetadata } from "../array-metadata.ts";
import { remembered } from "../by-shape.ts";
import { largestChunk, sameShape } from "../chunk-grid.ts";
import type { ChunkLayout } from "./chunk-layout.ts";

export class Decoders {
  readonly #metadata: ArrayMetadata;
  readonly #layout: ChunkLayout;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #shards = new Map<string, ShardLayout>();
  #lastShape: readonly number[] = [Number.NaN];
  #last: Pipeline | undefined;

  constructor(metadata: ArrayMetadata, layout: ChunkLayout) {
    this.#metadata = metadata;
    this.#layout = layout;
  }

  /** Loads what the codecs decode with. */
  async ready(): Promise<void> {
    const level = this.#layout.levels.findLast((piece) => piece.kind === "shard");
    await this.pipeline(level?.pieceShape ?? largestChunk(this.#metadata.chunkGrid)).ready("decode");
  }

  /** For pieces of the last level. */
  pipeline(shape: readonly number[]): Pipeline {
    if (this.#last && sameShape(shape, this.#lastShape)) return this.#last;
    const { dataType, fillValue } = this.#metadata;
    const pipeline = remembered(this.#pipelines, shape.join(), () =>
      createPipeline(this.#layout.codecs, { shape: [...shape], dataType, fillValue }),
    );
    this.#lastShape = [...shape];
    this.#last = pipeline;
    return pipeline;
  }

  /** For the shards of a level. */
  shard(level: number, shape: readonly number[]): ShardLayout {
    const piece = this.#layout.levels[level];
    if (piece?.kind !== "shard") throw new RangeError(`the chunks of level ${level} are no shards`);
    return remembered(this.#shards, `${level}:${shape.join()}`, () => shardLayout(piece.sharding, shape));
  }
}
