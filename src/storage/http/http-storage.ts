/**
 * Objects behind HTTP(S), read by ranges (RFC 9110, section 14).
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { schemeOf } from "../address.ts";
import { planRanges } from "../ranges.ts";
import { resolveRange, sliceRanges } from "../slice-ranges.ts";
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
import { requestRange } from "./range-request.ts";
import type { HttpOptions } from "./request.ts";
import { request } from "./request.ts";

/** A round trip costs as much as reading on for about this many bytes; larger requests gain nothing more. */
const POLICY = { gap: 128 * 1024, maximum: 16 * 1024 * 1024 };

/**
 * Reads over HTTP. Suffix ranges and conditional headers are not sent: both make browsers ask for permission
 * first (CORS preflight); the version is taken from each answer instead.
 */
export class HttpStorage implements Storage {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions = {}) {
    this.#options = options;
  }

  async read(address: string, ranges: readonly ByteRange[], options: ReadOptions = {}): Promise<ReadResult> {
    options.signal?.throwIfAborted();
    // The end of an object, or all of it, can be asked for only where its size is known.
    const open = ranges.some((range) => range.offset < 0 || range.length === undefined);
    if (open && ranges.length === 1 && ranges[0]?.offset === 0) return this.#readWhole(address, options);
    const size = open ? (await this.head(address, options)).size : undefined;
    const resolved = ranges.map((range) =>
      size === undefined
        ? { offset: range.offset, length: range.length ?? 0 }
        : resolveRange(address, range, size),
    );
    const parts = new Array<Uint8Array>(ranges.length);
    const wanted: number[] = [];
    resolved.forEach((range, index) => {
      if (range.length === 0) parts[index] = new Uint8Array(0);
      else wanted.push(index);
    });
    const merged = planRanges(
      wanted.map((index) => resolved[index]?.offset ?? 0),
      wanted.map((index) => resolved[index]?.length ?? 0),
      POLICY,
    );
    let version: Version | undefined = options.version;
    await Promise.all(
      merged.map(async (run) => {
        const answer = await requestRange(address, run.offset, run.length, this.#options, options.signal);
        requireVersion(address, answer.version, version);
        version = { ...answer.version, ...version };
        for (const member of run.members) {
          const index = wanted[member] ?? 0;
          const start = (resolved[index]?.offset ?? 0) - run.offset;
          const part = answer.bytes.subarray(start, start + (resolved[index]?.length ?? 0));
          if (part.length < (resolved[index]?.length ?? 0)) {
            throw new MoraineError("TruncatedFile", "the range reaches beyond the end of the object", {
              source: address,
              offset: run.offset + answer.bytes.length,
            });
          }
          parts[index] = part;
        }
      }),
    );
    return { parts, version: version ?? (await this.head(address, options)) };
  }

  async head(address: string, options: StorageOptions = {}): Promise<Version & { readonly size: number }> {
    // HEAD is refused by signed addresses and by some servers: one byte tells the size as well.
    const answer = await requestRange(address, 0, 1, this.#options, options.signal);
    const { size } = answer.version;
    if (size === undefined) {
      throw new MoraineError("StorageFailed", "the server does not tell the size of the object", {
        source: address,
      });
    }
    return { ...answer.version, size };
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

  async #readWhole(address: string, options: ReadOptions): Promise<ReadResult> {
    const answer = await request(address, undefined, this.#options, options.signal);
    requireVersion(address, answer.version, options.version);
    return { parts: sliceRanges(address, answer.bytes, [{ offset: 0 }]), version: answer.version };
  }
}

/** Whether an address is for this storage. */
export function isHttpAddress(address: string): boolean {
  const scheme = schemeOf(address);
  return scheme === "http" || scheme === "https";
}
