/**
 * What lies directly below a folder, in storages that know folders and in those that know only addresses.
 *
 * @module
 */

import { keyBelow } from "./address.ts";
import type { Storage, StorageOptions } from "./storage.ts";

/**
 * The names directly below a folder, each once, those of folders with a slash at their end.
 *
 * @param folder an address that ends with `/`
 */
export async function* namesBelow(
  storage: Storage,
  folder: string,
  options?: StorageOptions,
): AsyncGenerator<string, void, undefined> {
  if (storage.names) {
    yield* storage.names(folder, options);
    return;
  }
  const seen = new Set<string>();
  for await (const { address } of storage.list(folder, options)) {
    const key = keyBelow(folder, address);
    if (key === undefined) continue;
    const slash = key.indexOf("/");
    const name = slash < 0 ? key : key.slice(0, slash + 1);
    if (seen.has(name)) continue;
    seen.add(name);
    yield name;
  }
}
