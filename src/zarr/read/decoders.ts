/**
 * The codecs of a read, made once for each shape of chunk that is met.
 *
 * @module
 */

import { createPipeline, type Pipeline } from "../../codecs/pipeline.ts";
import type { ArrayMetadata } from "../array-metadata.ts";
import { ShardIndexCodec } from "../sharding/shard-index.ts";
import { innerGridShape } from "../sharding/sharding.ts";
import type { ChunkLayout } from "./chunk-layout.ts";

/** How shards of one shape are made. */
export interface ShardShape {
  /** Number of inner chunks along each axis. */
  readonly grid: readonly number[];
  readonly index: ShardIndexCodec;
}

/** Shapes that are remembered; grids of more shapes than that are made of few at a time. */
const KEEP = 256;

export class Decoders {
  readonly #metadata: ArrayMetadata;
  readonly #layout: ChunkLayout;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #shards = new Map<string, ShardShape>();
  #lastShape: readonly number[] = [Number.NaN];
  #last: Pipeline | undefined;

  constructor(metadata: ArrayMetadata, layout: ChunkLayout) {
    this.#metadata = metadata;
    this.#layout = layout;
  }

  /** For pieces of the last level. */
  pipeline(shape: readonly number[]): Pipeline {
    if (this.#last && sameShape(shape, this.#lastShape)) return this.#last;
    const { dataType, fillValue } = this.#metadata;
    const pipeline = remembered(this.#pipelines, shape.join(), () =>
      createPipeline(this.#layout.codecs, { shape, dataType, fillValue }),
    );
    this.#lastShape = [...shape];
    this.#last = pipeline;
    return pipeline;
  }

  /** For the shards of a level. */
  shard(level: number, shape: readonly number[]): ShardShape | undefined {
    const piece = this.#layout.levels[level];
    if (piece?.kind !== "shard") return undefined;
    return remembered(this.#shards, `${level}:${shape.join()}`, () => {
      const grid = innerGridShape(shape, piece.sharding);
      return { grid, index: new ShardIndexCodec(piece.sharding, grid) };
    });
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

function remembered<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const known = values.get(key);
  if (known !== undefined) return known;
  if (values.size >= KEEP) values.clear();
  const made = make();
  values.set(key, made);
  return made;
}
