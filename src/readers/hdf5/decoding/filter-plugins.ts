/**
 * Filters that the HDF5 library loads as plugins, as `h5wasm-plugins` has them.
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";

/** Plugin of each filter, by its registered number. */
const PLUGINS: ReadonlyMap<number, string> = new Map([
  [307, "bz2"],
  [32000, "lzf"],
  [32001, "blosc"],
  [32004, "lz4"],
  [32008, "bshuf"],
  [32013, "zfp"],
  [32015, "zstd"],
  [32019, "jpeg"],
  [32022, "bitgroom"],
  [32023, "bitround"],
  [32026, "blosc2"],
]);

/** Fetches the bytes of a plugin by its URL. */
export type PluginLoader = (url: string) => Promise<Uint8Array>;

let load: PluginLoader = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

/** Node's `fetch` knows no `file:` URLs: it sets a loader of its own. */
export function setPluginLoader(loader: PluginLoader): void {
  load = loader;
}

/** Name of the plugin that knows a filter; undefined where there is none. */
export function pluginOf(filter: number): string | undefined {
  return PLUGINS.get(filter);
}

/** File name of a plugin. */
export function pluginFile(plugin: string): string {
  return `libH5Z${plugin}.so`;
}

/** @throws `UnsupportedFilter` where the plugin cannot be had */
export async function loadPlugin(plugin: string): Promise<Uint8Array> {
  try {
    const { base_url: base } = await import("h5wasm-plugins");
    return await load(`${base}/plugins/${pluginFile(plugin)}`);
  } catch (cause) {
    throw new MoraineError("UnsupportedFilter", `the decoder of filter ${plugin} could not be loaded`, {
      cause,
    });
  }
}
