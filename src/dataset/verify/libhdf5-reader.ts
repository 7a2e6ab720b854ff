/**
 * HDF5 files as libhdf5 reads them, compiled to WebAssembly by h5wasm.
 *
 * @module
 */

import { loadPlugin, pluginFile, pluginOf } from "../../readers/hdf5/decoding/filter-plugins.ts";
import { type ComparedValues, type IndependentReader, NotComparable } from "./independent-reader.ts";

type Library = typeof import("h5wasm")["default"];
type Module = Awaited<Library["ready"]>;
type File = InstanceType<Library["File"]>;

/** Classes of datatypes (H5T_class_t). */
const [INTEGER, FLOAT, STRING, ENUM] = [0, 1, 3, 8];
const PLUGIN_FOLDER = "/verify-plugins";

let opened = 0;

/** Opens a file that is held whole. Errors: {@link NotComparable} where the library refuses it. */
export async function openWithLibhdf5(bytes: Uint8Array): Promise<IndependentReader> {
  const { default: h5wasm } = await import("h5wasm");
  const module = await h5wasm.ready;
  const name = `/verify${opened++}.h5`;
  module.FS.writeFile(name, bytes);
  let file: File;
  try {
    file = new h5wasm.File(name, "r");
  } catch (error) {
    module.FS.unlink(name);
    throw new NotComparable(`libhdf5: ${error instanceof Error ? error.message : String(error)}`);
  }
  await loadPlugins(module, filtersOf(h5wasm, file));
  return {
    name: "libhdf5",
    read: (path, start, shape) => readBox(h5wasm, file, path, start, shape),
    close() {
      file.close();
      module.FS.unlink(name);
    },
  };
}

/** Numbers of the filters of all datasets. */
function filtersOf(h5wasm: Library, file: File): Set<number> {
  const filters = new Set<number>();
  for (const path of file.paths()) {
    try {
      const entity = file.get(path);
      if (entity instanceof h5wasm.Dataset) for (const { id } of entity.filters) filters.add(id);
    } catch {
      // The library refuses it, which is told where its values are asked for.
    }
  }
  return filters;
}

async function loadPlugins(module: Module, filters: ReadonlySet<number>): Promise<void> {
  for (const id of filters) {
    const plugin = pluginOf(id);
    if (plugin === undefined) continue;
    module.FS.mkdirTree(PLUGIN_FOLDER);
    module.insert_plugin_search_path(PLUGIN_FOLDER, 0);
    module.FS.writeFile(`${PLUGIN_FOLDER}/${pluginFile(plugin)}`, await loadPlugin(plugin));
  }
}

function readBox(
  h5wasm: Library,
  file: File,
  path: string,
  start: readonly number[],
  shape: readonly number[],
): ComparedValues {
  const dataset = file.get(path);
  if (!(dataset instanceof h5wasm.Dataset)) throw new NotComparable(`libhdf5 finds no dataset ${path}`);
  const { type, size, littleEndian } = dataset.metadata;
  const isNumber = type === INTEGER || type === ENUM || (type === FLOAT && size >= 4);
  if (!isNumber && type !== STRING)
    throw new NotComparable(`h5wasm gives no values of datatype class ${type}`);
  if (isNumber && ![1, 2, 4, 8].includes(size))
    throw new NotComparable(`h5wasm gives no numbers of ${size} bytes`);
  if (type === ENUM && !littleEndian && size > 1)
    throw new NotComparable("h5wasm gives big-endian enumerations as they lie");
  const ranges = shape.map((length, axis): [number, number] => [
    start[axis] ?? 0,
    (start[axis] ?? 0) + length,
  ]);
  const values: unknown = shape.length === 0 ? dataset.value : dataset.slice(ranges);
  if (ArrayBuffer.isView(values)) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  if (typeof values === "string") return [values];
  if (Array.isArray(values) && values.every((value) => typeof value === "string")) return values;
  if (shape.length === 0 && (typeof values === "number" || typeof values === "bigint")) {
    return scalarBytes(values, type === FLOAT, size);
  }
  throw new NotComparable("h5wasm gives these values in a form of its own");
}

function scalarBytes(value: number | bigint, isFloat: boolean, size: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  if (!isFloat) view.setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
  else if (size === 4) view.setFloat32(0, Number(value), true);
  else view.setFloat64(0, Number(value), true);
  return bytes.subarray(0, size);
}
