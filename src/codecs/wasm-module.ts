/**
 * A module that `scripts/make-wasm.mjs` compiled, ready to be called.
 *
 * @module
 */

const PAGE_BYTES = 65536;

/** Modules by their base64. While one is held, so is what an engine has compiled of it, the second time better. */
const modules = new Map<string, WebAssembly.Module>();

/** The functions of a module, and its memory. */
export interface WasmExports {
  /** Calls a function; what it returns is a number, a truth 0 or 1. */
  call(name: string, ...words: number[]): number;
  /** The memory, of at least so many bytes; undefined where there is not so much. */
  reserve(bytes: number): Uint8Array | undefined;
}

/**
 * Makes the module ready; undefined where that cannot be done: a page's security policy may forbid it, and old engines have
 * no vectors.
 *
 * @param module in base64
 * @param names of the functions that it must have
 */
export function wasmExports(module: string, names: readonly string[]): WasmExports | undefined {
  let exports: WebAssembly.Exports;
  try {
    exports = new WebAssembly.Instance(compiled(module)).exports;
  } catch {
    return undefined;
  }
  const { memory } = exports;
  const functions = new Map(names.map((name) => [name, exports[name]]));
  if (!(memory instanceof WebAssembly.Memory)) return undefined;
  return {
    call(name, ...words) {
      const found = functions.get(name);
      if (typeof found !== "function") throw new TypeError(`the module has no function ${name}`);
      return Number(found(...words));
    },
    reserve(bytes) {
      const lacking = bytes - memory.buffer.byteLength;
      try {
        if (lacking > 0) memory.grow(Math.ceil(lacking / PAGE_BYTES));
      } catch {
        return undefined;
      }
      return new Uint8Array(memory.buffer);
    },
  };
}

function compiled(module: string): WebAssembly.Module {
  const known = modules.get(module);
  if (known) return known;
  const bytes = Uint8Array.from(atob(module), (character) => character.charCodeAt(0));
  const made = new WebAssembly.Module(bytes);
  modules.set(module, made);
  return made;
}
