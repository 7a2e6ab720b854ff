/**
 * Objects behind HTTP(S), read by ranges (RFC 9110, section 14).
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../abort.ts";
import type { StorageListener } from "../events.ts";
import { rangePolicyOf } from "../ranges.ts";
import { readRanges } from "../read-ranges.ts";
import { checkRange, resolveRange } from "../slice-ranges.ts";
import type {
  ByteRange,
  ListedObject,
  ReadOptions,
  ReadResult,
  Storage,
  StorageOptions,
  Version,
} from "../storage.ts";
import { requireVersion } from "../version.ts";
import { type AddressMapping, HttpClient } from "./http-client.ts";
import type { HttpOptions } from "./http-options.ts";

/**
 * Reads over HTTP; writing, listing and deleting are errors `ReadOnly`.
 *
 * @example
 * const storage = new HttpStorage({ bearerTokens: { "data.example.org": token } });
 */
export class HttpStorage implements Storage {
  readonly #client: HttpClient;

  /** @param map what stands behind addresses of other schemes that are read over HTTPS, such as `gs://` */
  constructor(options: HttpOptions = {}, onEvent?: StorageListener, map?: AddressMapping) {
    this.#client = new HttpClient(options, onEvent, map);
  }

  async read(address: string, ranges: readonly ByteRange[], options: ReadOptions = {}): Promise<ReadResult> {
    throwIfAborted(options.signal);
    for (const range of ranges) checkRange(address, range);
    const [only] = ranges;
    if (ranges.length === 1 && only?.offset === 0 && only.length === undefined) {
      const { bytes, version } = await this.#client.whole(address, options.signal);
      requireVersion(address, version, options.version);
      return { parts: [bytes], version };
    }
    if (ranges.length === 1 && only !== undefined && only.offset < 0) {
      const tail = await this.#client.tail(address, -only.offset, options.signal);
      if (tail !== undefined) {
        requireVersion(address, tail.version, options.version);
        return { parts: [tail.bytes], version: tail.version };
      }
    }
    // The last bytes can be asked for only where the size is known.
    const open = ranges.some((range) => range.length === undefined);
    const head = open ? await this.#client.head(address, options.signal) : undefined;
    if (head !== undefined) requireVersion(address, head, options.version);
    const resolved = ranges.map((range) =>
      head === undefined
        ? { offset: range.offset, length: range.length ?? 0 }
        : resolveRange(address, range, head.size, options),
    );
    const expected = options.version ?? head;
    const { parts, version } = await readRanges(
      address,
      resolved,
      rangePolicyOf(address),
      (offset, length, signal, target) => this.#client.range(address, offset, length, signal, target),
      { ...options, version: expected },
    );
    if (version !== undefined) return { parts, version };
    const found = head ?? (await this.#client.head(address, options.signal));
    requireVersion(address, found, options.version);
    return { parts, version: found };
  }

  async head(address: string, options: StorageOptions = {}): Promise<Version & { readonly size: number }> {
    throwIfAborted(options.signal);
    return await this.#client.head(address, options.signal);
  }

  async write(address: string): Promise<Version> {
    throw new MoraineError("ReadOnly", "HTTP addresses are only read", { source: address });
  }

  // biome-ignore lint/correctness/useYield: the interface is a generator, and HTTP has no listing.
  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    throw new MoraineError("ReadOnly", "HTTP addresses cannot be listed", { source: prefix });
  }

  async delete(addresses: readonly string[]): Promise<void> {
    throw new MoraineError("ReadOnly", "HTTP addresses are only read", { source: addresses[0] });
  }
}
