/**
 * Prepares Node's engine for the command, before its modules are loaded.
 *
 * @module
 */

import module from "node:module";
import v8 from "node:v8";

/** The V8 of Node 20. */
const EAGER_V8 = /^11\.3\./;

/**
 * On Node 20 the optimizing compiler is made to wait longer: it takes up functions that ran for some milliseconds, and
 * half of the processor time of an index of some hundred files went into code that was no longer needed when it was
 * ready. Loops that stay hot are optimized all the same. Later versions have a compiler between and need nothing.
 *
 * Where Node can (22.8 on), what was compiled is kept for the next time in its own cache
 * (`NODE_COMPILE_CACHE` names the folder, `NODE_DISABLE_COMPILE_CACHE=1` turns it off).
 */
export function prepareEngine(): void {
  if (EAGER_V8.test(process.versions.v8)) v8.setFlagsFromString("--interrupt-budget=400000");
  if ("enableCompileCache" in module && typeof module.enableCompileCache === "function") {
    module.enableCompileCache();
  }
}
