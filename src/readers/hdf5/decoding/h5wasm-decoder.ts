/**
 * Decodes chunks with the HDF5 library itself, compiled to WebAssembly: for filters that have no decoder here. The
 * library (4 MB) and the plugins are loaded when a chunk first needs them.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../../errors.ts";
import type { Filter } from "../filter-pipeline.ts";
import { buildCapsule, CAPSULE_PATH } from "./capsule.ts";
import { loadPlugin, pluginFile, pluginOf } from "./filter-plugins.ts";
import { withinMemory } from "./memory-limit.ts";
import { withPluginImports } from "./plugin-imports.ts";

type Library = Awaited<typeof import("h5wasm")["ready"]>;

const PLUGIN_FOLDER = "/plugins";
/** The library's memory ends at 2 GiB; the chunk stands in it encoded, decoded and once more in between. */
const LARGEST_CHUNK = 512 * 1024 * 1024;
/** Of the library and its plugins, beside what the chunk takes. */
const OWN_MEMORY = 64 * 1024 * 1024;
/** Failures after which no further instance is made on a thread: the memory of one is never given back. */
const MAXIMUM_RESTARTS = 16;

/** An instance of the library, with the plugins that were put into it. */
interface Instance {
  readonly library: Library;
  readonly plugins: Set<string>;
  /** What the library printed to its standard error since the chunk was opened. */
  diagnostics: string;
}

let instance: Promise<Instance> | undefined;
let generation = 0;
let capsules = 0;

/**
 * Decodes one chunk.
 *
 * Errors: `CorruptChunk` with the library's own words, `UnsupportedFilter`, `LimitExceeded`.
 *
 * @param stored bytes of the chunk as they lie in the file
 * @param decodedLength bytes of the chunk without filters
 * @param filterMask bit `i`: filter `i` was left out
 */
export type LibraryDecoder = (
  stored: Uint8Array,
  decodedLength: number,
  filters: readonly Filter[],
  filterMask: number,
) => Promise<Uint8Array>;

let decode: LibraryDecoder = decodeHere;

/** Has chunks decoded elsewhere: plugins do not always come to an end with damaged bytes. */
export function useLibraryDecoder(decoder: LibraryDecoder): void {
  decode = decoder;
}

/** Decodes a chunk where {@link useLibraryDecoder} says, else on this thread. */
export const decodeWithLibrary: LibraryDecoder = (stored, decodedLength, filters, filterMask) =>
  decode(stored, decodedLength, filters, filterMask);

/** Decodes a chunk on this thread. */
export async function decodeHere(
  stored: Uint8Array,
  decodedLength: number,
  filters: readonly Filter[],
  filterMask: number,
): Promise<Uint8Array> {
  if (decodedLength > LARGEST_CHUNK || stored.length > LARGEST_CHUNK) {
    throw new MoraineError("LimitExceeded", `a chunk of ${decodedLength} bytes is too large for its decoder`);
  }
  instance ??= createInstance();
  const { library, plugins } = await instance.catch((error: unknown) => {
    instance = undefined;
    throw error;
  });
  for (const { id } of filters) {
    const plugin = pluginOf(id);
    if (plugin === undefined || plugins.has(plugin)) continue;
    const bytes = await loadPlugin(plugin);
    library.FS.writeFile(`${PLUGIN_FOLDER}/${pluginFile(plugin)}`, bytes);
    plugins.add(plugin);
  }
  const current = await instance;
  const capsule = buildCapsule(stored, decodedLength, filters, filterMask);
  try {
    const limit = OWN_MEMORY + 4 * (capsule.length + decodedLength);
    return withinMemory(limit, () =>
      withPluginImports(
        () => library.HEAPU8,
        () => decodeCapsule(current, capsule, decodedLength),
      ),
    );
  } catch (cause) {
    // An abort leaves the instance unusable, and nobody can tell how far another exception got.
    instance = undefined;
    if (isMoraineError(cause)) throw cause;
    const reason = deepest(current.diagnostics) ?? (cause instanceof Error ? cause.message : String(cause));
    throw new MoraineError("CorruptChunk", `filters ${filters.map(({ id }) => id).join(", ")}: ${reason}`, {
      cause,
    });
  }
}

function decodeCapsule(instance: Instance, capsule: Uint8Array, decodedLength: number): Uint8Array {
  const { library } = instance;
  // A name of its own: the library takes a file that something still holds open for the same file.
  const name = `/capsule${capsules++}.h5`;
  library.FS.writeFile(name, capsule);
  const file = library.open(name, library.H5F_ACC_RDONLY);
  if (file <= 0n) throw new Error("the library does not open the chunk");
  // Opening tells of an error that is none: that the library has no newer bounds of versions.
  instance.diagnostics = "";
  const memory = library._malloc(Math.max(decodedLength, 1));
  try {
    if (memory === 0) throw new Error("the library's memory is exhausted");
    const status = library.get_dataset_data(file, CAPSULE_PATH, null, null, null, BigInt(memory));
    if (status < 0) throw new Error("the library does not decode the chunk");
    return library.HEAPU8.slice(memory, memory + decodedLength);
  } finally {
    library._free(memory);
    library.close_file(file);
    library.FS.unlink(name);
  }
}

/** What the innermost function of the library's error stack says. */
function deepest(diagnostics: string): string | undefined {
  return [...diagnostics.matchAll(/^ *#\d+: .*?\(\): (.*)$/gm)].at(-1)?.[1];
}

/**
 * The first instance is the one that h5wasm makes on import. Further ones need its module evaluated again, which
 * a query in the URL does where the runtime can tell the URL.
 */
async function createInstance(): Promise<Instance> {
  const again = generation++;
  const { ready } = again === 0 ? await import("h5wasm") : await importAgain(again);
  const library = await ready;
  const created: Instance = { library, plugins: new Set(), diagnostics: "" };
  captureDiagnostics(library, (text) => {
    created.diagnostics += text;
  });
  library.FS.mkdirTree(PLUGIN_FOLDER);
  library.insert_plugin_search_path(PLUGIN_FOLDER, 0);
  return created;
}

async function importAgain(again: number): Promise<typeof import("h5wasm")> {
  if (again > MAXIMUM_RESTARTS || typeof import.meta.resolve !== "function") {
    throw new MoraineError(
      "UnsupportedFilter",
      "the filter's decoder failed before and cannot be restarted here",
    );
  }
  return await import(/* @vite-ignore */ `${import.meta.resolve("h5wasm")}?instance=${again}`);
}

/** The library prints its error stack to the standard error, plugins to the output; nobody but us should see it. */
function captureDiagnostics(library: Library, append: (text: string) => void): void {
  const { FS }: { FS: object } = library;
  const streams: unknown[] = "streams" in FS && Array.isArray(FS.streams) ? FS.streams.slice(1, 3) : [];
  const write = (_: unknown, buffer: Uint8Array, offset: number, length: number): number => {
    append(new TextDecoder().decode(buffer.slice(offset, offset + length)));
    return length;
  };
  for (const stream of streams) {
    if (typeof stream !== "object" || stream === null || !("stream_ops" in stream)) continue;
    stream.stream_ops = { ...Object(stream.stream_ops), write };
  }
}
