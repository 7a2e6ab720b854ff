/**
 * A store object of zarrita as a storage, so that moraine reads whatever zarrita has a store for.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../../storage/abort.ts";
import { sliceRanges } from "../../storage/slice-ranges.ts";
import type {
  ByteRange,
  ListedObject,
  ReadOptions,
  ReadResult,
  Storage,
  StorageOptions,
  Version,
} from "../../storage/storage.ts";
import { requireVersion } from "../../storage/version.ts";
import type { RangeQuery } from "./zarrita-store.ts";

/** What is used of a store object of zarrita: `AsyncReadable` or `SyncReadable`. */
export interface ZarritaReadable {
  get(
    key: `/${string}`,
    options?: { signal?: AbortSignal },
  ): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  getRange?(
    key: `/${string}`,
    range: { offset: number; length: number } | { suffixLength: number },
    options?: { signal?: AbortSignal },
  ): Promise<Uint8Array | undefined> | Uint8Array | undefined;
}

/** Address of the root of every such store. */
export const ZARRITA_ROOT = "zarrita://store/";

/** Keys whose sizes are remembered: a store tells one only by giving the whole value. */
const KEEP = 10_000;

/**
 * Reads through a store object of zarrita. It has no listing: groups are read through
 * consolidated metadata or by the names of their members.
 *
 * @example
 * const group = await openLocation(root(new ZarrStore(new ZarritaStorage(new FetchStore(url)), ZARRITA_ROOT)));
 */
export class ZarritaStorage implements Storage {
  readonly #store: ZarritaReadable;
  readonly #sizes = new Map<string, number>();

  constructor(store: ZarritaReadable) {
    this.#store = store;
  }

  async read(address: string, ranges: readonly ByteRange[], options: ReadOptions = {}): Promise<ReadResult> {
    throwIfAborted(options.signal);
    const key = keyOf(address);
    const passed = options.signal ? { signal: options.signal } : {};
    const queries = ranges.map(queryOf);
    // A store without ranges gives all, once for all of them.
    if (this.#store.getRange && queries.every((query) => query !== undefined)) {
      const parts = await Promise.all(queries.map((query) => this.#store.getRange?.(key, query, passed)));
      const found = parts.filter((part) => part !== undefined);
      if (found.length < ranges.length) throw notFound(address);
      found.forEach((part, at) => {
        const { offset, length } = ranges[at] ?? { offset: 0 };
        const isShort = length !== undefined ? part.length !== length : part.length > -offset;
        if (isShort) {
          throw new MoraineError(
            "TruncatedFile",
            `${part.length} bytes came instead of ${length ?? -offset}`,
            {
              source: address,
              offset,
            },
          );
        }
      });
      return { parts: found, version: {} };
    }
    const bytes = await this.#store.get(key, passed);
    if (bytes === undefined) throw notFound(address);
    const version = { size: bytes.length };
    requireVersion(address, version, options.version);
    return { parts: sliceRanges(address, bytes, ranges), version };
  }

  async head(address: string, options: StorageOptions = {}): Promise<Version & { readonly size: number }> {
    const known = this.#sizes.get(address);
    if (known !== undefined) return { size: known };
    const { parts } = await this.read(address, [{ offset: 0 }], options);
    const size = parts[0]?.length ?? 0;
    if (this.#sizes.size >= KEEP) this.#sizes.clear();
    this.#sizes.set(address, size);
    return { size };
  }

  async write(address: string): Promise<Version> {
    throw new MoraineError("ReadOnly", "stores of zarrita are only read", { source: address });
  }

  // biome-ignore lint/correctness/useYield: the interface is a generator, and zarrita's stores have no listing.
  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    throw new MoraineError("ReadOnly", "stores of zarrita cannot be listed", { source: prefix });
  }

  async delete(addresses: readonly string[]): Promise<void> {
    throw new MoraineError("ReadOnly", "stores of zarrita have no deletion", { source: addresses[0] });
  }
}

function keyOf(address: string): `/${string}` {
  if (address.startsWith(ZARRITA_ROOT)) return `/${address.slice(ZARRITA_ROOT.length)}`;
  throw new MoraineError("InvalidArgument", "this is no address in a store of zarrita", { source: address });
}

/** Undefined for a range that zarrita has no word for: to the end of the value. */
function queryOf({ offset, length }: ByteRange): RangeQuery | undefined {
  if (length !== undefined) return { offset, length };
  return offset < 0 ? { suffixLength: -offset } : undefined;
}

function notFound(address: string): MoraineError {
  return new MoraineError("NotFound", "the store has no such key", { source: address });
}
