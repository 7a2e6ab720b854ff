/**
 * The portable zstd for a Node that has none.
 *
 * @module
 */

import type { Zstd } from "../native.ts";
import { wasmZstd } from "../wasm-zstd.ts";

export const nodeWasmZstd: Zstd = {
  ...wasmZstd,
  ready: (only) => withLoopAlive(() => wasmZstd.ready(only)),
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
