/**
 * HDF5 filter plugins from the installed package: Node's `fetch` knows no `file:` URLs.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import type { PluginLoader } from "../../readers/hdf5/decoding/filter-plugins.ts";

/** Reads a plugin by its URL. */
export const readPlugin: PluginLoader = async (url) => new Uint8Array(await readFile(new URL(url)));
