/**
 * Blocks that LZ4 compressed, decoded by WebAssembly (`wasm/blosc-block.ts`): three to four times as fast as a loop here,
 * which reads and writes a byte at a time.
 *
 * @module
 */

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

const PAGE_BYTES = 65536;
/** Behind each part of the memory: the module reads and writes beyond what is wanted. */
const SLACK = 64;
/** Larger blocks would have the module keep much memory: it is three times as much. */
const MOST_BYTES = 1024 * 1024;

let decoder: BlockDecoder | undefined;
let refused = false;

/** The decoder; undefined where WebAssembly, or its vectors, are not to be had. */
export function blockDecoder(): BlockDecoder | undefined {
  if (decoder !== undefined || refused) return decoder;
  try {
    decoder = instantiate();
  } catch {
    // A page's security policy may forbid it, and old engines have no vectors.
    refused = true;
  }
  return decoder;
}

function instantiate(): BlockDecoder {
  const bytes = Uint8Array.from(atob(MODULE), (character) => character.charCodeAt(0));
  const { memory, decodeBlock } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof decodeBlock !== "function") {
    throw new TypeError("this is another module");
  }
  return (encoded, streams, typeSize, target) => {
    if (encoded.length > MOST_BYTES || target.length > MOST_BYTES) return false;
    const plain = encoded.length + SLACK;
    const elements = plain + target.length + SLACK;
    const end = elements + target.length + SLACK;
    if (!reserve(memory, end)) return false;
    const space = new Uint8Array(memory.buffer);
    space.set(encoded);
    if (!decodeBlock(0, encoded.length, streams, plain, target.length, typeSize, elements)) return false;
    const found = typeSize > 1 ? elements : plain;
    target.set(space.subarray(found, found + target.length));
    return true;
  };
}

/** Makes the memory as large as need be; false where there is no more. */
function reserve(memory: WebAssembly.Memory, bytes: number): boolean {
  const lacking = bytes - memory.buffer.byteLength;
  try {
    if (lacking > 0) memory.grow(Math.ceil(lacking / PAGE_BYTES));
    return true;
  } catch {
    return false;
  }
}
