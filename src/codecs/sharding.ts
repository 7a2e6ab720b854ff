/**
 * `sharding_indexed`: many chunks in one, each encoded by itself, found through an index (Zarr v3 codec
 * "sharding_indexed" 1.0).
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import type { CodecSpecification } from "./codec.ts";
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
    codecs: codecList(configuration, "codecs"),
    indexCodecs: codecList(configuration, "index_codecs"),
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

function codecList(configuration: Configuration, key: string): CodecSpecification[] {
  const list = configuration.value(key);
  if (!Array.isArray(list) || list.length === 0) throw configuration.error(`${key} must be a list of codecs`);
  return list.map((entry: JsonValue) => {
    // The short form of the specification 3.1: a name alone.
    if (typeof entry === "string") return { name: entry };
    if (!isObject(entry)) throw configuration.error(`${key} holds what is no codec`);
    const { name, configuration: settings, must_understand: mustUnderstand = true, ...others } = entry;
    if (typeof name !== "string" || typeof mustUnderstand !== "boolean" || Object.keys(others).length > 0) {
      throw configuration.error(`${key} holds what is no codec`);
    }
    if (settings === undefined) return { name };
    if (!isObject(settings)) throw configuration.error(`the configuration of ${name} is no object`);
    return { name, configuration: settings };
  });
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
