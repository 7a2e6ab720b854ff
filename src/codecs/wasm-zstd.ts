/**
 * Zstandard as WebAssembly (@bokuweb/zstd-wasm), loaded when it is first needed.
 *
 * @module
 */

import { decodeBase64 } from "../binary/base64.ts";
import { xxhash64 } from "../binary/xxhash64.ts";
import { MoraineError } from "../errors.ts";
import type { Zstd } from "./native.ts";
import { decodeFrames } from "./zstd-frames.ts";

type Module = typeof import("@bokuweb/zstd-wasm");

/** More than this does not fit beside its source in the memory of a module. */
const MOST_BYTES = 2 ** 30;
/** `ZSTD_error_checksum_wrong`, negative (zstd_errors.h); the module says no more. */
const CHECKSUM_WRONG = " -22";
/**
 * A frame of 200 bytes with Huffman codes and sequences. Functions of WebAssembly are compiled when they are called
 * first, which takes longer than to decode most files: while the module is loaded, requests are under way.
 */
const SAMPLE =
  "KLUv/SDIlQQAAowhG4C1zQHA4//txr99sha39BhJBcmlxyUjCjOw620vDnwHlVijXgHyIQISywDegfFhJvbsPc2nKIlN7SUwnyETWzAvOnxIS+yC" +
  "3kX5Dkd6F+MbYIlFfhOJz3ASW/xNy6dWYs9fxPEVBb9OfDcSK5BedR/ixBIE71F8iSOxy3iR5VtJYpHyFgECABGFgKgCBQU=";

let module: Module | undefined;
let loading: Promise<Module> | undefined;

/** The module, initialised. */
export async function loadZstd(): Promise<Module> {
  loading ??= import("@bokuweb/zstd-wasm").then(async (loaded) => {
    await loaded.init();
    unpack(loaded, decodeBase64(SAMPLE) ?? new Uint8Array(0), 200);
    return loaded;
  });
  module = await loading;
  return module;
}

function loaded(): Module {
  // A Blosc container may hold what its metadata does not name.
  if (module === undefined) throw new MoraineError("UnsupportedCodec", "zstd is met where no codec names it");
  return module;
}

export const wasmZstd: Zstd = {
  async ready() {
    await loadZstd();
  },
  decompress: (bytes, maximum) =>
    decodeFrames(bytes, maximum, (frame, size) => unpack(loaded(), frame, size)),
  compress(bytes, level, checksum) {
    const frame = loaded().compress(bytes, level);
    return checksum ? withChecksum(frame, bytes) : frame;
  },
};

function unpack({ decompress }: Module, frame: Uint8Array, size: number): Uint8Array {
  if (size > MOST_BYTES) throw new MoraineError("LimitExceeded", `zstd: a frame of ${size} bytes`);
  try {
    return decompress(frame, { defaultHeapSize: size });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!message.endsWith(CHECKSUM_WRONG)) {
      // The package says of all its errors that it "failed to compress".
      const [code = message] = /-?\d+$/.exec(message) ?? [];
      throw new MoraineError("CorruptChunk", `zstd: the frame does not decode (${code})`, { cause: error });
    }
    throw new MoraineError("ChecksumMismatch", "zstd: the checksum does not match", { cause: error });
  }
}

/** The frame with the checksum of its content, which the module does not write itself (RFC 8878, section 3.1.1). */
function withChecksum(frame: Uint8Array, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(frame.length + 4);
  out.set(frame);
  out[4] = (out[4] ?? 0) | 0x04;
  new DataView(out.buffer).setUint32(frame.length, Number(xxhash64(content) & 0xffffffffn), true);
  return out;
}
