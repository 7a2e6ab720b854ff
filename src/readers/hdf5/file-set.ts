/**
 * The files that a scan reads from: the one that was opened, and those that it links to.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { nameOf, relativeAddress, schemeOf } from "../../storage/address.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import { Hdf5File } from "./hdf5-file.ts";
import { HeapObjects } from "./heap-objects.ts";
import type { GraphFile } from "./object-graph.ts";

/** Files that one file may link to, directly and through others. */
const MAXIMUM_FILES = 4096;

/** Opens each file once. */
export class FileSet {
  readonly main: GraphFile;
  readonly storage: Storage;
  readonly #files = new Map<string, Promise<GraphFile>>();

  constructor(main: Hdf5File, storage: Storage) {
    this.main = graphFile(main);
    this.storage = storage;
    this.#files.set(main.metadata.source, Promise.resolve(this.main));
  }

  /**
   * The file that `name` means in another file: relative to that file's folder. An absolute path that leads nowhere
   * is tried as a name in the folder too, as the library does.
   *
   * Errors: `NotFound`, and those of opening a file.
   */
  async external(from: GraphFile, name: string, options?: StorageOptions): Promise<GraphFile> {
    const addresses = externalAddresses(from.file.metadata.source, name);
    for (const [i, address] of addresses.entries()) {
      try {
        return await this.#open(address, options);
      } catch (error) {
        if (i + 1 < addresses.length && isMoraineError(error, "NotFound")) continue;
        throw error;
      }
    }
    throw new MoraineError("NotFound", `there is no file "${name}"`, { source: from.file.metadata.source });
  }

  async #open(address: string, options: StorageOptions | undefined): Promise<GraphFile> {
    let opened = this.#files.get(address);
    if (!opened) {
      if (this.#files.size >= MAXIMUM_FILES) {
        throw new MoraineError("LimitExceeded", `links to more than ${MAXIMUM_FILES} files`, {
          source: this.main.file.metadata.source,
        });
      }
      opened = Hdf5File.open(address, this.storage, options).then(graphFile);
      this.#files.set(address, opened);
    }
    return await opened;
  }
}

function graphFile(file: Hdf5File): GraphFile {
  return { file, heap: new HeapObjects(file), paths: new Map() };
}

/** Where a file may be that another one names, the likeliest first. */
export function externalAddresses(source: string, name: string): string[] {
  // A file must not send its reader to another storage.
  const scheme = schemeOf(name);
  if (scheme !== undefined && scheme !== schemeOf(source)) return [relativeAddress(source, nameOf(name))];
  const addresses = [relativeAddress(source, name)];
  if (name.startsWith("/")) addresses.push(relativeAddress(source, nameOf(name)));
  return addresses;
}
