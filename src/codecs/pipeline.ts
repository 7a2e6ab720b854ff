/**
 * The codecs of an array, one after another (Zarr v3 core 3.1, "codecs").
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../errors.ts";
import type {
  ArrayToArrayCodec,
  ArrayToBytesCodec,
  BytesToBytesCodec,
  ChunkData,
  ChunkRepresentation,
  CodecSpecification,
  ExpectedSize,
} from "./codec.ts";
import { makeCodec } from "./codecs.ts";
import { native } from "./native.ts";

/** Bytes that may come out of a decoder where no size is known: chunks of variable-length elements. */
const UNKNOWN_MAXIMUM = 2 ** 31 - 1;
/** What compressors may add at the most to bytes that do not compress: a share, and a little. */
const EXPANSION = 1.1;
const EXPANSION_BYTES = 64 * 1024;

/** Memory for what one filter hands to the next, of this thread: see `Pipeline.#scratch`. */
let scratch: Uint8Array = new Uint8Array(0);
const MOST_SCRATCH_BYTES = 8 * 1024 * 1024;

/** How a chunk was encoded, where it differs from the rest. */
export interface DecodeOptions {
  /** Bit `i`: the `i`-th bytes-to-bytes codec was left out when the chunk was written. */
  readonly filterMask?: number | undefined;
  /** The buffer belongs to the caller alone and may be changed, or become the result. */
  readonly owned?: boolean | undefined;
  /**
   * Memory of the size of the decoded chunk that the elements may be put into: used again and again, it stays warm.
   * They need not be: the result says where they are.
   */
  readonly target?: Uint8Array | undefined;
}

/**
 * Checks a chain of codecs against what it will encode.
 *
 * Errors: `InvalidMetadata` for a chain that the specification forbids, `UnsupportedCodec`.
 *
 * @example
 * const pipeline = createPipeline([{ name: "bytes", configuration: { endian: "little" } }], {
 *   shape: [2], dataType: { name: "int16" }, fillValue: new Uint8Array(2),
 * });
 * pipeline.decode(new Uint8Array([1, 0, 2, 0]));
 */
export function createPipeline(
  specifications: readonly CodecSpecification[],
  representation: ChunkRepresentation,
): Pipeline {
  return new Pipeline(specifications, representation);
}

export class Pipeline {
  readonly specifications: readonly CodecSpecification[];
  /** What it decodes to. */
  readonly representation: ChunkRepresentation;
  readonly #arrays: ArrayToArrayCodec[] = [];
  readonly #serializer: ArrayToBytesCodec;
  readonly #filters: BytesToBytesCodec[] = [];
  /** For each filter mask that was met, what each filter must decode to. */
  readonly #expected = new Map<number, readonly ExpectedSize[]>();

  constructor(specifications: readonly CodecSpecification[], representation: ChunkRepresentation) {
    this.specifications = specifications;
    this.representation = representation;
    let current = representation;
    let serializer: ArrayToBytesCodec | undefined;
    for (const specification of specifications) {
      const codec = makeCodec(specification, current);
      const late = serializer !== undefined;
      if (late !== (codec.kind === "bytes-to-bytes")) {
        throw new MoraineError(
          "InvalidMetadata",
          `codec ${specification.name} stands ${late ? "after" : "before"} the one that makes bytes`,
        );
      }
      if (codec.kind === "array-to-array") {
        this.#arrays.push(codec);
        current = codec.encoded;
      } else if (codec.kind === "array-to-bytes") {
        serializer = codec;
      } else {
        this.#filters.push(codec);
      }
    }
    if (serializer === undefined) {
      throw new MoraineError("InvalidMetadata", "no codec turns the elements into bytes");
    }
    this.#serializer = serializer;
  }

  /** Bytes of every encoded chunk; undefined where they differ from chunk to chunk. */
  get encodedSize(): number | undefined {
    let size = this.#serializer.encodedSize;
    for (const filter of this.#filters) size = size === undefined ? undefined : filter.encodedSize(size);
    return size;
  }

  /** Whether decoding takes longer than copying the bytes would. */
  get isCostly(): boolean {
    return this.#filters.length > 0;
  }

  /** Whether decoding can run on other threads. */
  get hasAsyncDecoder(): boolean {
    return this.#filters.some((filter) => filter.decodeAsync !== undefined);
  }

  /** Whether the encoded bytes are the elements as they are in memory, little-endian. */
  get isIdentity(): boolean {
    return this.#arrays.length === 0 && this.#filters.length === 0 && this.#serializer.isIdentity === true;
  }

  /** Loads what the codecs need, or only what they decode with; to be awaited once before the first `decode` or `encode`. */
  async ready(only?: "decode"): Promise<void> {
    await Promise.all([this.#serializer, ...this.#filters].map((codec) => codec.ready?.(only)));
  }

  /**
   * Decodes a chunk.
   *
   * Errors: `CorruptChunk` when the bytes do not decode to exactly what the representation promises,
   * `ChecksumMismatch`.
   */
  decode(bytes: Uint8Array, options: DecodeOptions = {}): ChunkData {
    const mask = options.filterMask ?? 0;
    const expected = this.#expectedSizes(mask);
    let current = bytes;
    let owned = options.owned ?? false;
    for (let index = this.#filters.length - 1; index >= 0; index--) {
      const filter = this.#filters[index];
      const size = expected[index];
      if (filter === undefined || size === undefined || isLeftOut(mask, index)) continue;
      const target =
        targetOf(mask, index, size, options) ?? this.#scratch(mask, index, size, expected, options);
      const decoded = guarded(() => decodeFilter(filter, current, size, target));
      checkSize(decoded, size);
      owned = owned || !sharesMemory(decoded, bytes);
      if (isReleased(current, bytes, decoded)) native.release(current);
      current = decoded;
    }
    return this.#toElements(current, owned);
  }

  /**
   * Memory for what only the next filter sees, to be used again by the next chunk: where that filter, the last one, puts
   * what it makes into the caller's memory, nothing is a view of this.
   */
  #scratch(
    mask: number,
    index: number,
    { exact }: ExpectedSize,
    expected: readonly ExpectedSize[],
    options: DecodeOptions,
  ): Uint8Array | undefined {
    if (exact === undefined || exact > MOST_SCRATCH_BYTES) return undefined;
    if (this.#filters[index]?.decodeInto === undefined) return undefined;
    let next = index - 1;
    while (next >= 0 && isLeftOut(mask, next)) next--;
    const size = expected[next];
    if (size === undefined || this.#filters[next]?.decodeInto === undefined) return undefined;
    if (targetOf(mask, next, size, options) === undefined) return undefined;
    if (scratch.length < exact) scratch = new Uint8Array(exact);
    return scratch.subarray(0, exact);
  }

  /** As {@link decode}, on other threads where the codecs can. */
  async decodeAsync(bytes: Uint8Array, options: DecodeOptions = {}): Promise<ChunkData> {
    const mask = options.filterMask ?? 0;
    const expected = this.#expectedSizes(mask);
    let current = bytes;
    let owned = options.owned ?? false;
    for (let index = this.#filters.length - 1; index >= 0; index--) {
      const filter = this.#filters[index];
      const size = expected[index];
      if (filter === undefined || size === undefined || isLeftOut(mask, index)) continue;
      let decoded: Uint8Array;
      try {
        decoded = filter.decodeAsync
          ? await filter.decodeAsync(current, size)
          : decodeFilter(filter, current, size, targetOf(mask, index, size, options));
      } catch (error) {
        throw corrupt(error);
      }
      checkSize(decoded, size);
      owned = owned || !sharesMemory(decoded, bytes);
      if (isReleased(current, bytes, decoded)) native.release(current);
      current = decoded;
    }
    return this.#toElements(current, owned);
  }

  /** Encodes a chunk of the representation's shape. */
  encode(data: ChunkData): Uint8Array {
    let bytes = this.#toBytes(data);
    for (const filter of this.#filters) bytes = filter.encode(bytes);
    return bytes;
  }

  /** As {@link encode}, on other threads where the codecs can. */
  async encodeAsync(data: ChunkData): Promise<Uint8Array> {
    let bytes = this.#toBytes(data);
    for (const filter of this.#filters) {
      bytes = filter.encodeAsync ? await filter.encodeAsync(bytes) : filter.encode(bytes);
    }
    return bytes;
  }

  #toBytes(data: ChunkData): Uint8Array {
    let current = data;
    for (const codec of this.#arrays) current = codec.encode(current);
    return this.#serializer.encode(current);
  }

  #toElements(bytes: Uint8Array, owned: boolean): ChunkData {
    const { encodedSize } = this.#serializer;
    if (encodedSize !== undefined && bytes.length !== encodedSize) {
      throw new MoraineError("CorruptChunk", `the chunk has ${bytes.length} bytes, ${encodedSize} are right`);
    }
    let data = guarded(() => this.#serializer.decode(bytes, owned));
    for (let index = this.#arrays.length - 1; index >= 0; index--) {
      const codec = this.#arrays[index];
      const current = data;
      if (codec) data = guarded(() => codec.decode(current));
    }
    return data;
  }

  /** For each filter the size of what it encodes, some filters being left out. */
  #expectedSizes(mask: number): readonly ExpectedSize[] {
    const known = this.#expected.get(mask);
    if (known) return known;
    let exact = this.#serializer.encodedSize;
    let maximum = exact ?? UNKNOWN_MAXIMUM;
    const sizes: ExpectedSize[] = [];
    this.#filters.forEach((filter, index) => {
      sizes.push({ exact, maximum });
      if (isLeftOut(mask, index)) return;
      exact = exact === undefined ? undefined : filter.encodedSize(exact);
      maximum = exact ?? Math.min(Math.ceil(maximum * EXPANSION) + EXPANSION_BYTES, UNKNOWN_MAXIMUM);
    });
    if (this.#expected.size < 64) this.#expected.set(mask, sizes);
    return sizes;
  }
}

/** The memory for the last filter to be decoded, where it fits. */
function targetOf(
  mask: number,
  index: number,
  { exact }: ExpectedSize,
  { target }: DecodeOptions,
): Uint8Array | undefined {
  const isLast = index === 0 || (~mask & (2 ** index - 1)) === 0;
  return isLast && target !== undefined && target.length === exact ? target : undefined;
}

function decodeFilter(
  filter: BytesToBytesCodec,
  bytes: Uint8Array,
  size: ExpectedSize,
  target: Uint8Array | undefined,
): Uint8Array {
  if (target === undefined || filter.decodeInto === undefined) return filter.decode(bytes, size);
  filter.decodeInto(bytes, target);
  return target;
}

function isLeftOut(mask: number, index: number): boolean {
  return index < 32 && ((mask >>> index) & 1) === 1;
}

function checkSize(decoded: Uint8Array, { exact, maximum }: ExpectedSize): void {
  if (exact !== undefined ? decoded.length !== exact : decoded.length > maximum) {
    throw new MoraineError(
      "CorruptChunk",
      `a codec decoded ${decoded.length} bytes, ${exact === undefined ? `at most ${maximum}` : exact} are right`,
    );
  }
}

/** Whether nobody will look at what a filter was given: not the caller, nor the next one, nor the next chunk. */
function isReleased(given: Uint8Array, bytes: Uint8Array, decoded: Uint8Array): boolean {
  return !sharesMemory(given, bytes) && !sharesMemory(given, decoded) && !sharesMemory(given, scratch);
}

function sharesMemory(a: Uint8Array, b: Uint8Array): boolean {
  return a.buffer === b.buffer;
}

/** Runs a decoder; whatever it throws over bad bytes becomes a `CorruptChunk`. */
function guarded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw corrupt(error);
  }
}

function corrupt(error: unknown): Error {
  if (isMoraineError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new MoraineError("CorruptChunk", `the chunk does not decode: ${message}`, { cause: error });
}
