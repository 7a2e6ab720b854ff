/**
 * Frames of Zstandard (RFC 8878) decoded by WebAssembly of our own (`wasm/zstd.ts`), in two thirds of the time that the
 * library takes which compresses them (`wasm-zstd.ts`), and without loading it.
 *
 * @module
 */

import { decodeBase64 } from "../binary/base64.ts";
import { MoraineError } from "../errors.ts";
import { wasmExports } from "./wasm-module.ts";
import { MODULE } from "./zstd-decoder-module.ts";

/** What numbers of 32 bits with a sign can tell. */
const MOST_BYTES = 2 ** 31 - 1;
/** Memory that is kept for the next frame: new pages take as long as decoding. It never shrinks, only goes as a whole. */
const KEEP_BYTES = 256 * 1024 * 1024;
/** Behind the frame, and behind its content. See the module's source. */
const SLACK = 64;
/** What the module tells. */
const CHECKSUM_WRONG = -2;
/**
 * A frame of 200 bytes with Huffman codes and sequences. Functions of WebAssembly are compiled when they are called
 * first, which takes longer than to decode most files: before data come there is time.
 */
const SAMPLE =
  "KLUv/SDIlQQAAowhG4C1zQHA4//txr99sha39BhJBcmlxyUjCjOw620vDnwHlVijXgHyIQISywDegfFhJvbsPc2nKIlN7SUwnyETWzAvOnxIS+yC" +
  "3kX5Dkd6F+MbYIlFfhOJz3ASW/xNy6dWYs9fxPEVBb9OfDcSK5BedR/ixBIE71F8iSOxy3iR5VtJYpHyFgECABGFgKgCBQU=";
const SAMPLE_BYTES = 200;

type FrameDecoder = (frame: Uint8Array, maximum: number) => Uint8Array;

let decoder: FrameDecoder | undefined;
let refused = false;

/** Makes the decoder ready. False where there is no WebAssembly, or none with vectors. */
export function prepareZstdDecoder(): boolean {
  if (decoder === undefined && !refused) {
    decoder = makeDecoder();
    refused = decoder === undefined;
    decoder?.(decodeBase64(SAMPLE) ?? new Uint8Array(0), SAMPLE_BYTES);
  }
  return decoder !== undefined;
}

/**
 * Decodes one whole frame, whose checksum is verified where it has one.
 *
 * Errors: `CorruptChunk` where it does not decode to at most `maximum` bytes, or needs a dictionary; `ChecksumMismatch`;
 * `LimitExceeded` where there is not so much memory.
 *
 * @returns its content, in memory that the next frame is decoded in; undefined where there is no decoder
 */
export function decodeZstdFrame(frame: Uint8Array, maximum: number): Uint8Array | undefined {
  return prepareZstdDecoder() ? decoder?.(frame, maximum) : undefined;
}

function makeDecoder(): FrameDecoder | undefined {
  const found = wasmExports(MODULE, ["dataStart", "decodeFrame"]);
  if (found === undefined) return undefined;
  const { call, reserve } = found;
  const start = call("dataStart");
  return (frame, maximum) => {
    const out = start + frame.length + SLACK;
    const memory = maximum > MOST_BYTES ? undefined : reserve(out + maximum + SLACK);
    if (memory === undefined) {
      throw new MoraineError("LimitExceeded", `zstd: no memory for a frame of ${maximum} bytes`);
    }
    if (memory.length > KEEP_BYTES) decoder = undefined;
    memory.set(frame, start);
    const size = call("decodeFrame", start, frame.length, out, maximum);
    if (size === CHECKSUM_WRONG) {
      throw new MoraineError("ChecksumMismatch", "zstd: the checksum does not match");
    }
    if (size < 0) throw new MoraineError("CorruptChunk", "zstd: the frame does not decode");
    return memory.subarray(out, out + size);
  };
}
