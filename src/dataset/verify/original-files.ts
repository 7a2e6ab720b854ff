/**
 * The original files of an index, each opened twice: scanned here, and by a reader that shares no code with it.
 *
 * @module
 */

import { isMoraineError } from "../../errors.ts";
import type { Storage } from "../../storage/storage.ts";
import { openSource, type SourceOptions } from "../open.ts";
import { type IndependentReader, NotComparable } from "./independent-reader.ts";
import { OriginalChunks } from "./origin.ts";

export interface OriginalFile {
  readonly chunks: OriginalChunks;
  readonly reader: IndependentReader;
}

const FILE_LIMIT = 1024 ** 3;
/** Files that are kept open: each is held whole in memory. */
const KEEP = 2;

export class OriginalFiles {
  readonly #storage: Storage;
  readonly #options: SourceOptions & { readonly fileLimit?: number | undefined };
  readonly #files = new Map<string, OriginalFile>();
  /** Why files cannot be compared, so that they are not opened again for every chunk. */
  readonly #refused = new Map<string, NotComparable>();

  constructor(storage: Storage, options: SourceOptions & { readonly fileLimit?: number | undefined }) {
    this.#storage = storage;
    this.#options = options;
  }

  /** Errors: {@link NotComparable} where the file is gone, too large or of no format that others read. */
  async at(location: string): Promise<OriginalFile> {
    const refused = this.#refused.get(location);
    if (refused) throw refused;
    let file = this.#files.get(location);
    if (file === undefined) {
      try {
        file = await this.#open(location);
      } catch (error) {
        const reason =
          error instanceof NotComparable
            ? error
            : isMoraineError(error) && error.code !== "Aborted"
              ? new NotComparable(`${error.code}: ${error.message}`)
              : undefined;
        if (reason === undefined) throw error;
        this.#refused.set(location, reason);
        throw reason;
      }
    }
    this.#files.delete(location);
    this.#files.set(location, file);
    for (const [oldest, { reader }] of this.#files) {
      if (this.#files.size <= KEEP) break;
      reader.close();
      this.#files.delete(oldest);
    }
    return file;
  }

  close(): void {
    for (const { reader } of this.#files.values()) reader.close();
    this.#files.clear();
  }

  async #open(location: string): Promise<OriginalFile> {
    const { signal, fileLimit = FILE_LIMIT } = this.#options;
    const { size } = await this.#storage.head(location, { signal });
    if (size > fileLimit) throw new NotComparable(`the original file has ${size} bytes, too many to hold`);
    const source = await openSource(location, { ...this.#options, ref: undefined, asOf: undefined });
    const chunks = await OriginalChunks.of(source, { signal });
    const { parts } = await this.#storage.read(location, [{ offset: 0 }], { signal });
    const bytes = parts[0] ?? new Uint8Array(0);
    return { chunks, reader: await independentReader(source.format, bytes) };
  }
}

async function independentReader(format: string, bytes: Uint8Array): Promise<IndependentReader> {
  if (format === "hdf5") {
    const { openWithLibhdf5 } = await import("./libhdf5-reader.ts");
    return await openWithLibhdf5(bytes);
  }
  if (format === "netcdf3") {
    const { openWithNetcdfjs } = await import("./netcdfjs-reader.ts");
    return await openWithNetcdfjs(bytes);
  }
  throw new NotComparable(`no other reader is at hand for ${format}`);
}
