/**
 * Functions of the C library and zlib that filter plugins import and h5wasm does not have: without them a plugin fails
 * where it first calls one. Real work only where decoding needs it.
 *
 * @module
 */

import { native } from "../../../codecs/native.ts";
import { isMoraineError } from "../../../errors.ts";

type Import = (...values: number[]) => number;

const NOTHING: Import = () => 0;
const PRINTING = ["fiprintf", "__small_fprintf", "fwrite", "fputc", "fflush", "puts"];
/** There is one thread, which has nothing to wait for. */
const THREADS = ["pthread_mutex_destroy", "pthread_cond_destroy", "pthread_attr_destroy"];

const [OK, BUFFER_TOO_SMALL, DATA_ERROR] = [0, -5, -3];

/**
 * Runs a task, which must be synchronous, while modules of WebAssembly that are instantiated get these functions.
 *
 * @param memory the memory of the instance that loads the modules, as it is now
 */
export function withPluginImports<T>(memory: () => Uint8Array, task: () => T): T {
  const functions = functionsIn(memory);
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module, imports: WebAssembly.Imports = {}) {
      const { env = {} } = imports;
      const get = (target: WebAssembly.ModuleImports, name: string): unknown =>
        functions.get(name) ?? Reflect.get(target, name);
      super(module, { ...imports, env: new Proxy(env, { get }) });
    }
  };
  try {
    return task();
  } finally {
    WebAssembly.Instance = Instance;
  }
}

function functionsIn(memory: () => Uint8Array): ReadonlyMap<string, Import> {
  return new Map<string, Import>([
    ...[...PRINTING, ...THREADS].map((name): [string, Import] => [name, NOTHING]),
    ["ldexp", (value = 0, exponent = 0) => scaled(value, exponent)],
    ["memcmp", (a = 0, b = 0, length = 0) => compared(memory(), a >>> 0, b >>> 0, length >>> 0)],
    [
      "uncompress",
      (to = 0, lengthAt = 0, from = 0, length = 0) =>
        uncompress(memory(), to >>> 0, lengthAt >>> 0, from >>> 0, length >>> 0),
    ],
  ]);
}

/** Multiplied by a power of two, rounded once: into the subnormal numbers the last step alone leads. */
function scaled(value: number, exponent: number): number {
  let result = value;
  let rest = Math.max(Math.min(exponent, 3000), -3000);
  for (; rest > 1023; rest -= 1023) result *= 2 ** 1023;
  for (; rest < -1022; rest += 969) result *= 2 ** -969;
  return result * 2 ** rest;
}

function compared(bytes: Uint8Array, a: number, b: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const difference = (bytes[a + i] ?? 0) - (bytes[b + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** As in zlib: the length of what there is room for is given at an address, and that of what came out put there. */
function uncompress(memory: Uint8Array, to: number, lengthAt: number, from: number, length: number): number {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const room = view.getUint32(lengthAt, true);
  try {
    const bytes = native.deflate.inflate(memory.slice(from, from + length), "zlib", room);
    if (bytes.length > room) return BUFFER_TOO_SMALL;
    memory.set(bytes, to);
    view.setUint32(lengthAt, bytes.length, true);
    return OK;
  } catch (error) {
    if (isMoraineError(error)) return DATA_ERROR;
    throw error;
  }
}
