/**
 * Blocks that LZ4 compressed, decoded by WebAssembly (`wasm/blosc-block.ts`): three to four times as fast as a loop here,
 * which reads and writes a byte at a time.
 *
 * @module
 */

import { wasmExports } from "../wasm-module.ts";
import { MODULE } from "./block-module.ts";

/**
 * Decodes a block to all of `target` and puts the bytes of elements of `typeSize` bytes together. False where it does
 * not decode, or is too large to be decoded here; `target` may hold anything then.
 *
 * @param encoded streams, each behind 4 bytes with its length
 * @param typeSize 1, 2, 4 or 8
 */
export type BlockDecoder = (
  encoded: Uint8Array,
  streams: number,
  typeSize: number,
  target: Uint8Array,
) => boolean;

/** Behind each part of the memory: the module reads and writes beyond what is wanted. */
const SLACK = 64;
/** Larger blocks would have the module keep much memory: it is three times as much. */
const MOST_BYTES = 1024 * 1024;

let decoder: BlockDecoder | undefined;
let refused = false;

/** The decoder; undefined where WebAssembly, or its vectors, are not to be had. */
export function blockDecoder(): BlockDecoder | undefined {
  if (decoder === undefined && !refused) {
    decoder = makeDecoder();
    refused = decoder === undefined;
  }
  return decoder;
}

function makeDecoder(): BlockDecoder | undefined {
  const found = wasmExports(MODULE, ["decodeBlock"]);
  if (found === undefined) return undefined;
  const { call, reserve } = found;
  return (encoded, streams, typeSize, target) => {
    const { length } = target;
    if (encoded.length > MOST_BYTES || length > MOST_BYTES) return false;
    const plain = encoded.length + SLACK;
    const elements = plain + length + SLACK;
    const memory = reserve(elements + length + SLACK);
    if (memory === undefined) return false;
    memory.set(encoded);
    if (!call("decodeBlock", 0, encoded.length, streams, plain, length, typeSize, elements)) return false;
    const out = typeSize > 1 ? elements : plain;
    target.set(memory.subarray(out, out + length));
    return true;
  };
}
