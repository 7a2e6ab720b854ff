/**
 * The index of a shard: where in it each inner chunk lies (Zarr v3 codec "sharding_indexed", "binary shard
 * format").
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { CodecSpecification } from "./codec.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";

/** Both halves of 2^64 - 1, which stands for an inner chunk that is not stored. */
const ONES = 0xffff_ffff;

/** A shard of more inner chunks has an index that does not fit in memory with what is made of it: 1 GiB encoded. */
const MOST_INNER_CHUNKS = 2 ** 26;

/** The decoded index: an entry for each inner chunk, in C order. */
export interface ShardIndex {
  /** Bytes from the start of the shard; NaN where nothing is stored, infinite beyond 2^53. */
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
}

/** Encodes and decodes the indexes of shards that hold the same number of inner chunks. */
export class ShardIndexCodec {
  /** Number of inner chunks. */
  readonly count: number;
  /** Bytes of the encoded index. */
  readonly size: number;
  readonly location: "start" | "end";
  readonly #pipeline: Pipeline;

  /**
   * Errors: `InvalidMetadata` where the index codecs do not give the index a fixed size.
   *
   * @param gridShape number of inner chunks along each axis of the shard
   */
  constructor(
    codecs: readonly CodecSpecification[],
    location: "start" | "end",
    gridShape: readonly number[],
  ) {
    this.count = gridShape.reduce((product, length) => product * length, 1);
    this.location = location;
    this.#pipeline = createPipeline(codecs, {
      shape: [...gridShape, 2],
      dataType: { name: "uint64" },
      fillValue: new Uint8Array(8).fill(0xff),
    });
    const size = this.#pipeline.encodedSize;
    if (size === undefined) {
      throw new MoraineError("InvalidMetadata", "the index codecs of a shard give it no fixed size");
    }
    this.size = size;
  }

  /** Before an index is read or made. Errors: `LimitExceeded` for one of very many entries. */
  requireMemory(): void {
    if (this.count <= MOST_INNER_CHUNKS) return;
    throw new MoraineError("LimitExceeded", `a shard of ${this.count} inner chunks`);
  }

  /** Loads what the index codecs need, or only what they decode with. */
  async ready(only?: "decode"): Promise<void> {
    await this.#pipeline.ready(only);
  }

  /** The index of a shard that is held whole. Errors as {@link decode}. */
  decodeFrom(shard: Uint8Array): ShardIndex {
    const start = this.location === "start" ? 0 : Math.max(0, shard.length - this.size);
    return this.decode(shard.subarray(start, start + this.size));
  }

  /** Errors: `CorruptChunk`, `ChecksumMismatch` for bytes that are no index. */
  decode(bytes: Uint8Array): ShardIndex {
    if (bytes.length < this.size) {
      throw new MoraineError(
        "CorruptChunk",
        `the shard has ${bytes.length} bytes, fewer than the ${this.size} of its index`,
      );
    }
    const data = this.#pipeline.decode(bytes);
    if (!(data instanceof Uint8Array))
      throw new MoraineError("CorruptChunk", "a shard's index holds no numbers");
    const words = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const offsets = new Float64Array(this.count);
    const lengths = new Float64Array(this.count);
    for (let entry = 0, at = 0; entry < this.count; entry++, at += 16) {
      const [low, high] = [words.getUint32(at, true), words.getUint32(at + 4, true)];
      const [lengthLow, lengthHigh] = [words.getUint32(at + 8, true), words.getUint32(at + 12, true)];
      const missing = low === ONES && high === ONES && lengthLow === ONES && lengthHigh === ONES;
      offsets[entry] = missing ? Number.NaN : exact(low, high);
      lengths[entry] = missing ? 0 : exact(lengthLow, lengthHigh);
    }
    return { offsets, lengths };
  }

  encode({ offsets, lengths }: ShardIndex): Uint8Array {
    const bytes = new Uint8Array(this.count * 16).fill(0xff);
    const words = new DataView(bytes.buffer);
    for (let entry = 0; entry < this.count; entry++) {
      const offset = offsets[entry] ?? Number.NaN;
      if (Number.isNaN(offset)) continue;
      words.setBigUint64(entry * 16, BigInt(offset), true);
      words.setBigUint64(entry * 16 + 8, BigInt(lengths[entry] ?? 0), true);
    }
    return this.#pipeline.encode(bytes);
  }

  /**
   * Checks a stored entry; `CorruptChunk` where it does not lie inside the shard or lies in the index. (Entries
   * may share bytes: the specification does not forbid it, and some writers store equal chunks once.)
   *
   * @param size bytes of the shard, where they are known
   */
  check({ offsets, lengths }: ShardIndex, entry: number, size: number | undefined): void {
    const offset = offsets[entry] ?? 0;
    const length = lengths[entry] ?? 0;
    const first = this.location === "start" ? this.size : 0;
    const end = (size ?? Number.MAX_SAFE_INTEGER) - (this.location === "end" ? this.size : 0);
    if (offset < first || !(offset + length <= end)) {
      throw new MoraineError(
        "CorruptChunk",
        `inner chunk ${entry} at ${offset}, ${length} bytes long, is outside of the shard's ${first} to ${end}`,
      );
    }
  }
}

function exact(low: number, high: number): number {
  return high < 2 ** 21 ? high * 2 ** 32 + low : Number.POSITIVE_INFINITY;
}
