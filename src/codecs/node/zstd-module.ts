/**
 * The WebAssembly module inside of @bokuweb/zstd-wasm, called without the package's own functions: these allocate,
 * clear and copy the decoded bytes once more and make a context for every frame, which costs a third of the time of
 * decoding. Where the package has another form than the one known here, everything goes its ordinary way.
 *
 * @module
 */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MoraineError } from "../../errors.ts";
import type { Zstd } from "../native.ts";
import { wasmZstd } from "../wasm-zstd.ts";
import { checkedFrames } from "../zstd-frames.ts";

/** What is used of the module. Addresses and sizes are in bytes of its memory. */
interface Module {
  readonly HEAPU8: Uint8Array;
  readonly _malloc: (size: number) => number;
  readonly _free: (address: number) => void;
  readonly _ZSTD_createDCtx: () => number;
  readonly _ZSTD_decompress_usingDict: (
    context: number,
    target: number,
    targetSize: number,
    source: number,
    sourceSize: number,
    dictionary: number,
    dictionarySize: number,
  ) => number;
  readonly _ZSTD_isError: (result: number) => number;
}

const FUNCTIONS = ["_malloc", "_free", "_ZSTD_createDCtx", "_ZSTD_decompress_usingDict", "_ZSTD_isError"];

/** `ZSTD_error_checksum_wrong`, negative (zstd_errors.h). */
const CHECKSUM_WRONG = -22;
/** Memory of the module that is kept from frame to frame. */
const KEEP_BYTES = 4 * 1024 * 1024 + 64 * 1024;

let module: Module | undefined;
let context = 0;

/** The portable zstd, with a decoder that decodes into given memory. */
export const nodeWasmZstd: Zstd = {
  ...wasmZstd,
  async ready() {
    if (module !== undefined) return;
    await withLoopAlive(() => wasmZstd.ready());
    module ??= findModule();
  },
  decompressInto(bytes, target) {
    if (module === undefined) return false;
    let at = 0;
    for (const { start, end } of checkedFrames(bytes, target.length)) {
      at += unpack(module, bytes.subarray(start, end), target.subarray(at));
    }
    if (at !== target.length) {
      throw new MoraineError("CorruptChunk", `zstd: ${at} decoded bytes, ${target.length} are right`);
    }
    return true;
  },
};

/**
 * While nothing else is under way, Node's event loop ends, and Node then waits until V8 has compiled everything that it
 * compiles in the background: the module's functions a second time, better, 20 to 40 ms (`SpinEventLoop` and
 * `NodePlatform::DrainTasks` in Node's sources). A timer keeps the loop running.
 */
async function withLoopAlive(task: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => undefined, 1000);
  try {
    await task();
  } finally {
    clearInterval(timer);
  }
}

function findModule(): Module | undefined {
  try {
    const require = createRequire(import.meta.url);
    const loaded: unknown = require(join(dirname(require.resolve("@bokuweb/zstd-wasm")), "module.js"));
    const found = typeof loaded === "object" && loaded && "Module" in loaded ? loaded.Module : undefined;
    return isModule(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function isModule(value: unknown): value is Module {
  return (
    typeof value === "object" &&
    value !== null &&
    FUNCTIONS.every((name) => typeof Reflect.get(value, name) === "function") &&
    Reflect.get(value, "HEAPU8") instanceof Uint8Array
  );
}

/** Memory of the module for one use after another. */
class Scratch {
  #address = 0;
  #size = 0;

  /** An address of so many bytes; it holds until the next one is asked for. */
  reserve({ _malloc, _free }: Module, size: number): number {
    if (size > this.#size) {
      if (this.#address !== 0) _free(this.#address);
      this.#size = 0;
      this.#address = _malloc(size);
      if (this.#address === 0) throw new MoraineError("LimitExceeded", `zstd: no memory for ${size} bytes`);
      this.#size = size;
    }
    return this.#address;
  }

  trim({ _free }: Module): void {
    if (this.#size <= KEEP_BYTES) return;
    _free(this.#address);
    this.#address = 0;
    this.#size = 0;
  }
}

const source = new Scratch();
const decoded = new Scratch();

/** Decodes a frame to the start of the target; gives its bytes in number. */
function unpack(zstd: Module, frame: Uint8Array, target: Uint8Array): number {
  if (context === 0) context = zstd._ZSTD_createDCtx();
  try {
    const from = source.reserve(zstd, frame.length);
    const to = decoded.reserve(zstd, Math.max(target.length, 1));
    zstd.HEAPU8.set(frame, from);
    const size = zstd._ZSTD_decompress_usingDict(context, to, target.length, from, frame.length, 0, 0);
    if (zstd._ZSTD_isError(size)) {
      throw size === CHECKSUM_WRONG
        ? new MoraineError("ChecksumMismatch", "zstd: the checksum does not match")
        : new MoraineError("CorruptChunk", `zstd: the frame does not decode (${size})`);
    }
    target.set(zstd.HEAPU8.subarray(to, to + size));
    return size;
  } finally {
    source.trim(zstd);
    decoded.trim(zstd);
  }
}
