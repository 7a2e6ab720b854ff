/**
 * Decoding Blosc's containers.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { untransposeBits } from "../bit-transpose.ts";
import { decodeBlosclz } from "../lz/blosclz.ts";
import { decodeLz4Block } from "../lz/lz4-block.ts";
import { decodeSnappy } from "../lz/snappy.ts";
import { native } from "../native.ts";
import { unshuffleInto } from "../shuffle.ts";
import { blockDecoder } from "./block-decoder.ts";
import {
  BIT_SHUFFLED,
  type BloscCompressor,
  COMPRESSORS,
  FORMAT,
  HEADER,
  SHUFFLED,
  STORED,
  WHOLE_BLOCKS,
  wholeGroups,
} from "./format.ts";

/** Blocks of elements of up to 16 bytes are split into as many streams, when these have at least 128 bytes. */
const MOST_SPLITS = 16;
const SMALLEST = 128;

/** Bytes of elements that the fast decoder puts together. */
const VECTOR_SIZES = [2, 4, 8];

/** The best that each of them can do, roughly: more is a lie. */
const BEST_RATIOS = [256, 256, 64, 1100, 45_000] as const;

interface Header {
  readonly flags: number;
  readonly typeSize: number;
  readonly size: number;
  readonly blockSize: number;
}

/**
 * Decodes a container.
 *
 * Errors: `CorruptChunk`; `UnsupportedCodec` for a version of the format or a compressor that is not known.
 *
 * @param exact bytes that must come out, where they are known
 * @param maximum bytes that may come out
 * @param target memory for them, as large as `exact`
 */
export function decodeBlosc(
  bytes: Uint8Array,
  exact: number | undefined,
  maximum: number,
  target?: Uint8Array,
): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { flags, typeSize, size, blockSize } = readHeader(view, exact, maximum);
  if (size === 0) return new Uint8Array(0);
  if (flags & STORED) {
    if (bytes.length !== HEADER + size)
      throw corrupt(`${bytes.length} bytes that should hold ${size} as they are`);
    if (target === undefined) return bytes.slice(HEADER);
    target.set(bytes.subarray(HEADER));
    return target;
  }
  const count = Math.ceil(size / blockSize);
  if (HEADER + 4 * count > bytes.length) throw corrupt(`no room for the starts of ${count} blocks`);
  const compressor = COMPRESSORS[flags >> 5];
  if (compressor === undefined) {
    throw new MoraineError("UnsupportedCodec", `blosc: there is no compressor ${flags >> 5} here`);
  }
  if (size > (BEST_RATIOS[flags >> 5] ?? 1) * bytes.length) {
    throw corrupt(`${bytes.length} bytes that cannot hold ${size}`);
  }
  const out = target ?? new Uint8Array(size);
  const byBytes = (flags & SHUFFLED) !== 0 && typeSize > 1;
  const byBits = (flags & BIT_SHUFFLED) !== 0 && blockSize >= typeSize;
  const fast = compressor === "lz4" ? blockDecoder() : undefined;
  /** Whether elements come out of the fast decoder as they are. */
  const isDirect = !byBits && (!byBytes || VECTOR_SIZES.includes(typeSize));
  let scratch: Uint8Array | undefined;
  for (let block = 0; block < count; block++) {
    const start = block * blockSize;
    const part = out.subarray(start, Math.min(start + blockSize, size));
    const isWhole = part.length === blockSize;
    const isSplit =
      !(flags & WHOLE_BLOCKS) && typeSize <= MOST_SPLITS && blockSize / typeSize >= SMALLEST && isWhole;
    const streams = isSplit ? typeSize : 1;
    const first = view.getInt32(HEADER + 4 * block, true);
    // What does not decode there is decoded again below, which tells why.
    const encoded = fast && part.length % streams === 0 && blockBytes(view, bytes, first, count, streams);
    if (isDirect && encoded && fast(encoded, streams, byBytes ? typeSize : 1, part)) continue;
    if (byBytes || byBits) scratch ??= new Uint8Array(Math.min(blockSize, size));
    const plain = scratch?.subarray(0, part.length) ?? part;
    if (isDirect || !encoded || !fast(encoded, streams, 1, plain)) {
      readStreams(view, bytes, first, count, streams, plain, compressor);
    }
    if (byBits) untransposeBlock(plain, part, typeSize);
    else if (byBytes) unshuffleInto(plain, part, typeSize);
  }
  return out;
}

function readHeader(view: DataView, exact: number | undefined, maximum: number): Header {
  if (view.byteLength < HEADER) throw corrupt("an end within its header");
  const version = view.getUint8(0);
  if (version !== FORMAT)
    throw new MoraineError("UnsupportedCodec", `blosc: format ${version} is not known here`);
  if (view.getUint8(1) !== 1) {
    throw new MoraineError(
      "UnsupportedCodec",
      `blosc: format ${view.getUint8(1)} of the compressor is not known here`,
    );
  }
  const header: Header = {
    flags: view.getUint8(2),
    typeSize: view.getUint8(3),
    size: view.getUint32(4, true),
    blockSize: view.getUint32(8, true),
  };
  const { size, blockSize, typeSize } = header;
  if (size > maximum || (exact !== undefined && size !== exact)) {
    throw corrupt(`${size} decoded bytes, not ${exact ?? `at most ${maximum}`}`);
  }
  if (view.getUint32(12, true) !== view.byteLength) {
    throw corrupt(`${view.byteLength} bytes that say they are ${view.getUint32(12, true)}`);
  }
  if (size > 0 && (typeSize === 0 || blockSize === 0 || blockSize > size)) {
    throw corrupt(`blocks of ${blockSize} bytes, elements of ${typeSize}`);
  }
  return header;
}

/** The streams of a block that LZ4 compressed, with their lengths; undefined where they are not as they must be. */
function blockBytes(
  view: DataView,
  bytes: Uint8Array,
  start: number,
  blocks: number,
  streams: number,
): Uint8Array | undefined {
  if (start < HEADER + 4 * blocks) return undefined;
  let end = start;
  for (let stream = 0; stream < streams; stream++) {
    if (end + 4 > bytes.length) return undefined;
    const length = view.getInt32(end, true);
    if (length <= 0 || length > bytes.length - end - 4) return undefined;
    end += 4 + length;
  }
  return bytes.subarray(start, end);
}

/** Decodes the streams of a block, each behind 4 bytes with its length. */
function readStreams(
  view: DataView,
  bytes: Uint8Array,
  start: number,
  blocks: number,
  streams: number,
  target: Uint8Array,
  compressor: BloscCompressor,
): void {
  let at = start;
  if (at < HEADER + 4 * blocks) throw corrupt("a block before the first one");
  const size = target.length / streams;
  if (!Number.isInteger(size)) throw corrupt(`${target.length} bytes in ${streams} streams`);
  for (let stream = 0; stream < streams; stream++) {
    if (at + 4 > bytes.length) throw corrupt("an end within a block");
    const length = view.getInt32(at, true);
    at += 4;
    if (length <= 0 || length > bytes.length - at) throw corrupt(`a stream of ${length} bytes`);
    const encoded = bytes.subarray(at, at + length);
    const part = target.subarray(stream * size, (stream + 1) * size);
    if (length === part.length) part.set(encoded);
    else decompress(compressor, encoded, part);
    at += length;
  }
}

function decompress(compressor: BloscCompressor, encoded: Uint8Array, target: Uint8Array): void {
  if (compressor === "blosclz") decodeBlosclz(encoded, target);
  else if (compressor === "snappy") decodeSnappy(encoded, target);
  else if (compressor === "zlib") fill(target, native.deflate.inflate(encoded, "zlib", target.length));
  else if (compressor === "zstd") {
    if (!native.zstd.decompressInto?.(encoded, target)) {
      fill(target, native.zstd.decompress(encoded, target.length));
    }
  } else decodeLz4Block(encoded, target);
}

function fill(target: Uint8Array, decoded: Uint8Array): void {
  if (decoded.length !== target.length)
    throw corrupt(`a stream of ${decoded.length} bytes, not ${target.length}`);
  target.set(decoded);
}

/** Bits are taken apart where elements come in groups of eight, else the block stays as it is. */
function untransposeBlock(from: Uint8Array, to: Uint8Array, typeSize: number): void {
  const whole = wholeGroups(from.length, typeSize);
  if (whole > 0) untransposeBits(from.subarray(0, whole), to, typeSize);
  to.set(from.subarray(whole), whole);
}

function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `Blosc data with ${what}`);
}
