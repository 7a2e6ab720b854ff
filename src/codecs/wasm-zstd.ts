/**
 * Zstandard as WebAssembly: decoded by a module of our own, compressed by @bokuweb/zstd-wasm, which is loaded when it is
 * first needed. That decodes too where ours cannot.
 *
 * @module
 */

import { xxhash64 } from "../binary/xxhash64.ts";
import { MoraineError } from "../errors.ts";
import type { Zstd } from "./native.ts";
import { decodeZstdFrame, prepareZstdDecoder } from "./zstd-decoder.ts";
import { checkedFrames, decodeFrames } from "./zstd-frames.ts";

type Module = typeof import("@bokuweb/zstd-wasm");

/** More than this does not fit beside its source in the memory of a module. */
const MOST_BYTES = 2 ** 30;
/** `ZSTD_error_checksum_wrong`, negative (zstd_errors.h); the module says no more. */
const CHECKSUM_WRONG = " -22";

let module: Module | undefined;
let loading: Promise<Module> | undefined;

/** The module, initialised. */
export async function loadZstd(): Promise<Module> {
  loading ??= import("@bokuweb/zstd-wasm").then(async (loaded) => {
    await loaded.init();
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
  async ready(only) {
    if (!prepareZstdDecoder() || only !== "decode") await loadZstd();
  },
  decompress: (bytes, maximum) =>
    decodeFrames(
      bytes,
      maximum,
      (frame, size) =>
        decodeZstdFrame(frame, Math.min(size, maximum))?.slice() ?? unpack(loaded(), frame, size),
    ),
  decompressInto(bytes, target) {
    if (!prepareZstdDecoder()) return false;
    let at = 0;
    for (const { start, end, size } of checkedFrames(bytes, target.length)) {
      const content = decodeZstdFrame(bytes.subarray(start, end), Math.min(size, target.length - at));
      if (content === undefined)
        throw new MoraineError("LimitExceeded", "zstd: no memory for a further frame");
      target.set(content, at);
      at += content.length;
    }
    if (at !== target.length) {
      throw new MoraineError("CorruptChunk", `zstd: ${at} decoded bytes, ${target.length} are right`);
    }
    return true;
  },
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
