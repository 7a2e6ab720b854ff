/**
 * Makes shards of the encoded inner chunks (Zarr v3 codec "sharding_indexed", "binary shard format").
 *
 * @module
 */

import type { ShardIndexCodec } from "../../codecs/shard-index.ts";
import { type Sharding, shardLayout } from "../../codecs/sharding.ts";

/** Shards of one shape. */
export class ShardEncoder {
  /** Number of inner chunks along each axis. */
  readonly grid: readonly number[];
  readonly index: ShardIndexCodec;

  /**
   * Errors: `LimitExceeded` for very many inner chunks.
   *
   * @param shape elements of the shard along each axis
   */
  constructor(sharding: Sharding, shape: readonly number[]) {
    const { grid, index } = shardLayout(sharding, shape);
    index.requireMemory();
    this.grid = grid;
    this.index = index;
  }

  /**
   * The bytes of a shard: inner chunks one after another without gaps, in C order.
   *
   * @param parts encoded inner chunks in C order, undefined where one is not stored
   * @returns undefined where none is stored: then the shard is not either
   */
  assemble(parts: readonly (Uint8Array | undefined)[]): Uint8Array | undefined {
    const { index } = this;
    const offsets = new Float64Array(index.count).fill(Number.NaN);
    const lengths = new Float64Array(index.count);
    const first = index.location === "start" ? index.size : 0;
    let end = first;
    for (let entry = 0; entry < index.count; entry++) {
      const part = parts[entry];
      if (part === undefined) continue;
      offsets[entry] = end;
      lengths[entry] = part.length;
      end += part.length;
    }
    if (end === first && parts.every((part) => part === undefined)) return undefined;
    const total = index.location === "start" ? end : end + index.size;
    const shard = new Uint8Array(total);
    parts.forEach((part, entry) => {
      if (part) shard.set(part, offsets[entry] ?? 0);
    });
    shard.set(index.encode({ offsets, lengths }), index.location === "start" ? 0 : end);
    return shard;
  }

  /**
   * The encoded inner chunks of a shard, views of its bytes, in C order.
   *
   * Errors: `CorruptChunk`, `ChecksumMismatch` for a shard that is torn, or that something else wrote: it is not
   * rewritten, since what it holds would be lost.
   */
  split(shard: Uint8Array): (Uint8Array | undefined)[] {
    const index = this.index.decodeFrom(shard);
    return Array.from({ length: this.index.count }, (_, entry) => {
      const offset = index.offsets[entry] ?? Number.NaN;
      if (Number.isNaN(offset)) return undefined;
      this.index.check(index, entry, shard.length);
      return shard.subarray(offset, offset + (index.lengths[entry] ?? 0));
    });
  }
}
