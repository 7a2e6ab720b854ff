/**
 * `sharding_indexed`: many chunks in one, each encoded by itself, found through an index (Zarr v3 codec
 * "sharding_indexed" 1.0).
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import type { CodecSpecification } from "./codec.ts";
import { parseCodecList } from "./codec-list.ts";
import { Configuration } from "./configuration.ts";
import { ShardIndexCodec } from "./shard-index.ts";

/** The configuration of a sharding codec. */
export interface Sharding {
  /** Elements of an inner chunk along each axis. */
  readonly chunkShape: readonly number[];
  /** What encodes an inner chunk. */
  readonly codecs: readonly CodecSpecification[];
  /** What encodes the index. */
  readonly indexCodecs: readonly CodecSpecification[];
  readonly indexLocation: "start" | "end";
}

/** Checks the configuration of a sharding codec; `InvalidMetadata` where it breaks the specification. */
export function parseSharding(values: JsonObject): Sharding {
  const configuration = new Configuration("sharding_indexed", values, [
    "chunk_shape",
    "codecs",
    "index_codecs",
    "index_location",
  ]);
  const chunkShape = configuration.value("chunk_shape");
  if (!Array.isArray(chunkShape) || !chunkShape.every(isChunkLength)) {
    throw configuration.error("chunk_shape must be a list of whole numbers of at least 1");
  }
  return {
    chunkShape,
    codecs: parseCodecList(configuration.value("codecs"), "codecs"),
    indexCodecs: parseCodecList(configuration.value("index_codecs"), "index_codecs"),
    indexLocation: configuration.word("index_location", ["start", "end"], "end"),
  };
}

/** How shards of one shape are made. */
export interface ShardLayout {
  /** Number of inner chunks along each axis. */
  readonly grid: readonly number[];
  readonly index: ShardIndexCodec;
}

/**
 * How a shard of a shape is made; `InvalidMetadata` where inner chunks do not fill it exactly.
 *
 * @param shape elements of the shard along each axis
 */
export function shardLayout(sharding: Sharding, shape: readonly number[]): ShardLayout {
  const { chunkShape } = sharding;
  const fits =
    chunkShape.length === shape.length &&
    chunkShape.every((length, axis) => (shape[axis] ?? 0) % length === 0);
  if (!fits) {
    throw new MoraineError(
      "InvalidMetadata",
      `codec sharding_indexed: inner chunks of ${chunkShape.join(" x ")} do not fill a shard of ${shape.join(" x ")}`,
    );
  }
  const grid = chunkShape.map((length, axis) => (shape[axis] ?? 0) / length);
  return { grid, index: new ShardIndexCodec(sharding.indexCodecs, sharding.indexLocation, grid) };
}

function isChunkLength(value: JsonValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}
