/**
 * Encoding Blosc's containers.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { transposeBits } from "../bit-transpose.ts";
import { encodeBlosclz } from "../lz/blosclz.ts";
import { encodeLz4Block } from "../lz/lz4-block.ts";
import { native } from "../native.ts";
import { shuffle } from "../shuffle.ts";
import {
  BIT_SHUFFLED,
  type BloscCompressor,
  type BloscShuffle,
  COMPRESSORS,
  FORMAT,
  HEADER,
  SHUFFLED,
  STORED,
  WHOLE_BLOCKS,
  wholeGroups,
} from "./format.ts";

/** Fewer bytes are not worth compressing, as c-blosc has it. */
const SMALLEST = 128;
const BLOCK_BYTES = 128 * 1024;

/** How a container is written. */
export interface BloscSettings {
  readonly compressor: BloscCompressor;
  readonly level: number;
  readonly shuffle: BloscShuffle;
  /** Bytes of an element, 1 to 255. */
  readonly typeSize: number;
  /** Bytes of a block; 0 leaves it to the encoder. */
  readonly blockSize: number;
}

/** Encodes a container. Errors: `UnsupportedCodec` for Snappy, which is only read. */
export function encodeBlosc(bytes: Uint8Array, settings: BloscSettings): Uint8Array {
  const { shuffle: kind, typeSize, level } = settings;
  const unit = typeSize * 8;
  const wished = settings.blockSize || BLOCK_BYTES;
  const blockSize = Math.min(Math.max(wished - (wished % unit), unit), Math.max(bytes.length, 1));
  const number = settings.compressor === "lz4hc" ? 1 : COMPRESSORS.indexOf(settings.compressor);
  const flags =
    (number << 5) | WHOLE_BLOCKS | (kind === "shuffle" ? SHUFFLED : kind === "bitshuffle" ? BIT_SHUFFLED : 0);
  if (level === 0 || bytes.length < SMALLEST)
    return container(flags | STORED, typeSize, bytes, blockSize, [bytes], []);
  const parts: Uint8Array[] = [];
  const starts: number[] = [];
  let at = HEADER + 4 * Math.ceil(bytes.length / blockSize);
  for (let start = 0; start < bytes.length; start += blockSize) {
    const block = shuffled(bytes.subarray(start, start + blockSize), settings);
    const encoded = compress(block, settings);
    const stream = encoded.length < block.length ? encoded : block;
    const length = new Uint8Array(4);
    new DataView(length.buffer).setInt32(0, stream.length, true);
    parts.push(length, stream);
    starts.push(at);
    at += 4 + stream.length;
  }
  return at >= HEADER + bytes.length
    ? container(flags | STORED, typeSize, bytes, blockSize, [bytes], [])
    : container(flags, typeSize, bytes, blockSize, parts, starts);
}

function container(
  flags: number,
  typeSize: number,
  bytes: Uint8Array,
  blockSize: number,
  parts: readonly Uint8Array[],
  starts: readonly number[],
): Uint8Array {
  const head = HEADER + 4 * starts.length;
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, head));
  const view = new DataView(out.buffer);
  out.set([FORMAT, 1, flags, typeSize]);
  view.setUint32(4, bytes.length, true);
  view.setUint32(8, blockSize, true);
  view.setUint32(12, out.length, true);
  starts.forEach((start, block) => void view.setInt32(HEADER + 4 * block, start, true));
  let at = head;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function shuffled(block: Uint8Array, { shuffle: kind, typeSize }: BloscSettings): Uint8Array {
  if (kind === "shuffle") return shuffle(block, typeSize);
  const whole = kind === "bitshuffle" ? wholeGroups(block.length, typeSize) : 0;
  if (whole === 0) return block;
  const out = block.slice();
  transposeBits(block.subarray(0, whole), out, typeSize);
  return out;
}

function compress(block: Uint8Array, { compressor, level }: BloscSettings): Uint8Array {
  switch (compressor) {
    case "blosclz":
      return encodeBlosclz(block);
    case "zlib":
      return native.deflate.deflate(block, "zlib", level);
    case "zstd":
      // As c-blosc: level 9 is the most that Zstandard can do.
      return native.zstd.compress(block, level < 9 ? Math.max(2 * level - 1, 1) : 22, false);
    case "snappy":
      throw new MoraineError("UnsupportedCodec", "blosc: nothing is written with Snappy here");
    default:
      return encodeLz4Block(block);
  }
}
