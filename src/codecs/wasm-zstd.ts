/**
 * Zstandard as WebAssembly (@bokuweb/zstd-wasm), loaded when it is first needed.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { Zstd } from "./native.ts";
import { splitFrames } from "./zstd-frames.ts";

type Module = typeof import("@bokuweb/zstd-wasm");

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
  async ready() {
    await loadZstd();
  },
  decompress(bytes, maximum) {
    const parts = splitFrames(bytes).map((frame) => {
      if (frame.declared !== undefined && frame.declared > maximum) {
        throw new MoraineError("CorruptChunk", `${frame.declared} bytes are compressed here, not ${maximum}`);
      }
      return loaded().decompress(bytes.subarray(frame.start, frame.end), {
        defaultHeapSize: Math.max(Math.min(frame.bound, maximum), 1),
      });
    });
    return joined(parts);
  },
  compress(bytes, level) {
    return loaded().compress(bytes, level);
  },
};

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1 && parts[0]) return parts[0];
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
