/**
 * Undoes the filters of chunks that no Zarr codec decodes: the easy ones here, from the first hard one on the rest
 * of the pipeline by the library.
 *
 * @module
 */

import type { ExpectedSize } from "../../../codecs/codec.ts";
import { makeCodec } from "../../../codecs/codecs.ts";
import { native } from "../../../codecs/native.ts";
import { isMoraineError, MoraineError } from "../../../errors.ts";
import { BITSHUFFLE, codecOf, filterName, LZ4, LZF } from "../filter-codecs.ts";
import { type Filter, NBIT, SCALE_OFFSET, SZIP } from "../filter-pipeline.ts";
import { decodeBitshuffle } from "../filters/bitshuffle.ts";
import { decodeLz4 } from "../filters/lz4.ts";
import { decodeLzf } from "../filters/lzf.ts";
import { pluginOf } from "./filter-plugins.ts";
import { decodeWithLibrary } from "./h5wasm-decoder.ts";

/** Bytes that a filter in the middle of a pipeline may decode to, as a multiple of the chunk's, and a little. */
const EXPANSION = 1.1;
const EXPANSION_BYTES = 64 * 1024;

type Step = (bytes: Uint8Array, expected: ExpectedSize) => Uint8Array | Promise<Uint8Array>;

/** Decodes the chunks of a dataset. */
export class ChunkDecoder {
  readonly #filters: readonly Filter[];
  readonly #chunkBytes: number;
  readonly #steps: readonly (Step | undefined)[];

  /**
   * @param chunkBytes of a chunk without filters
   * @param elementSize bytes of an element as it is stored
   */
  constructor(filters: readonly Filter[], chunkBytes: number, elementSize: number) {
    this.#filters = filters;
    this.#chunkBytes = chunkBytes;
    this.#steps = filters.map((filter) => stepOf(filter, elementSize));
  }

  /** A filter that nothing here decodes; undefined where there is none. */
  get unknown(): Filter | undefined {
    return this.#filters.find(({ id }, i) => this.#steps[i] === undefined && !isInLibrary(id));
  }

  /**
   * The elements of a chunk as they were before the filters.
   *
   * @param filterMask bit `i`: filter `i` was left out
   * Errors: `CorruptChunk`, `ChecksumMismatch`, `UnsupportedFilter`, `LimitExceeded`.
   */
  async decode(stored: Uint8Array, filterMask: number): Promise<Uint8Array> {
    let bytes = stored;
    for (let i = this.#filters.length - 1; i >= 0; i--) {
      const filter = this.#filters[i];
      if (filter === undefined || ((filterMask >>> i) & 1) === 1) continue;
      const step = this.#steps[i];
      if (step === undefined) {
        if (!isInLibrary(filter.id)) {
          throw new MoraineError("UnsupportedFilter", `there is no decoder for filter ${filterName(filter)}`);
        }
        bytes = await decodeWithLibrary(bytes, this.#chunkBytes, this.#filters.slice(0, i + 1), filterMask);
        break;
      }
      bytes = await guarded(filter, () => step(bytes, this.#expected(i, filterMask)));
    }
    if (bytes.length !== this.#chunkBytes) {
      throw new MoraineError(
        "CorruptChunk",
        `the chunk decodes to ${bytes.length} bytes, ${this.#chunkBytes} are right`,
      );
    }
    return bytes;
  }

  /** What filter `i` decodes to: exactly the chunk for the first one that was not left out. */
  #expected(i: number, filterMask: number): ExpectedSize {
    const below = 2 ** i - 1;
    const first = (~filterMask & below) === 0;
    if (first) return { exact: this.#chunkBytes, maximum: this.#chunkBytes };
    return { exact: undefined, maximum: Math.ceil(this.#chunkBytes * EXPANSION) + EXPANSION_BYTES };
  }
}

function isInLibrary(id: number): boolean {
  return id === SZIP || id === NBIT || id === SCALE_OFFSET || pluginOf(id) !== undefined;
}

function stepOf(filter: Filter, elementSize: number): Step | undefined {
  switch (filter.id) {
    case LZF:
      return decodeLzf;
    case LZ4:
      return decodeLz4;
    case BITSHUFFLE:
      return (bytes) =>
        decodeBitshuffle(bytes, filter.parameters, async (frame, length) => {
          await native.zstd.ready("decode");
          return native.zstd.decompress(frame, length);
        });
  }
  const specification = codecOf(filter, elementSize);
  if (!specification) return undefined;
  const codec = makeCodec(specification, {
    shape: [],
    dataType: { name: "uint8" },
    fillValue: new Uint8Array(1),
  });
  if (codec.kind !== "bytes-to-bytes") return undefined;
  return async (bytes, expected) => {
    await codec.ready?.("decode");
    return codec.decode(bytes, expected);
  };
}

async function guarded(filter: Filter, decode: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await decode();
  } catch (error) {
    if (isMoraineError(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MoraineError("CorruptChunk", `filter ${filterName(filter)}: ${reason}`, { cause: error });
  }
}
