/**
 * zlib's streams (RFC 1950) decoded by WebAssembly (`wasm/inflate.ts`), nearly three times as fast as by a loop in
 * JavaScript. Node's own zlib is not slower where it has a thread for it, so this is for other platforms.
 *
 * @module
 */

import { MODULE } from "./inflate-module.ts";
import { wasmExports } from "./wasm-module.ts";

/** Of what is compressed and of what comes out: more would have the module keep much memory. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Behind the compressed bytes, zeros; behind those that come out. See the module's source. */
const ZEROS = 64;
const SLACK = 512;
const HEADER_BYTES = 2;
const CHECKSUM_BYTES = 4;

type Inflater = (bytes: Uint8Array, target: Uint8Array) => boolean;

let inflater: Inflater | undefined;
let refused = false;

/**
 * Decodes a stream to exactly the bytes of `target`. False where it does not decode to them, or not here: `target` may
 * hold anything then, and another decoder tells why.
 */
export function inflateZlib(bytes: Uint8Array, target: Uint8Array): boolean {
  if (inflater === undefined && !refused) {
    inflater = makeInflater();
    refused = inflater === undefined;
  }
  return inflater?.(bytes, target) ?? false;
}

function makeInflater(): Inflater | undefined {
  const found = wasmExports(MODULE, ["dataStart", "inflate", "adler32"]);
  if (found === undefined) return undefined;
  const { call, reserve } = found;
  const start = call("dataStart");
  return (bytes, target) => {
    // So little cannot be, and so much for so little is made to take long.
    const least = HEADER_BYTES + CHECKSUM_BYTES + 1;
    if (bytes.length < least || bytes.length > MOST_BYTES || target.length > MOST_BYTES) return false;
    if (bytes.length > 2 * target.length + 1024 || !isHeader(bytes[0] ?? 0, bytes[1] ?? 0)) return false;
    const out = start + bytes.length + ZEROS;
    const memory = reserve(out + target.length + SLACK);
    if (memory === undefined) return false;
    memory.set(bytes, start);
    memory.fill(0, start + bytes.length, out);
    const end = call("inflate", start + HEADER_BYTES, bytes.length - HEADER_BYTES, out, target.length);
    const checksum = end - start;
    if (end === 0 || checksum + CHECKSUM_BYTES > bytes.length) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (call("adler32", out, target.length) >>> 0 !== view.getUint32(checksum)) return false;
    target.set(memory.subarray(out, out + target.length));
    return true;
  };
}

/** Deflate in a window of at most 32 KiB, without a preset dictionary (section 2.2). */
function isHeader(method: number, flags: number): boolean {
  return (
    (method & 15) === 8 && method >> 4 <= 7 && (flags & 0x20) === 0 && ((method << 8) | flags) % 31 === 0
  );
}
