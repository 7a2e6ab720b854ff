/**
 * Requests over HTTP, retried where that can help, and what their answers bring.
 *
 * No conditional headers are sent, and suffix ranges only outside of browsers: both make browsers ask for permission
 * first (CORS preflight). The version is taken from each answer instead.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { refuseUserInformation } from "../address.ts";
import { refuseClimbing } from "../authorized-prefixes.ts";
import { readExactly, readToEnd, requireReadable } from "../byte-stream.ts";
import type { StorageListener } from "../events.ts";
import { networkError } from "../network-error.ts";
import type { FetchedRange } from "../read-ranges.ts";
import { RequestGates } from "../request-gate.ts";
import { RetryLater, withRetries } from "../retry.ts";
import { STALL_TIMEOUT, withStallTimeout } from "../stall.ts";
import type { Version } from "../storage.ts";
import { bodyOf, checkStatus, contentLength, contentRange, isEncoded, versionOf } from "./answer.ts";
import type { HttpOptions } from "./http-options.ts";
import { isTooFar, partialContent, rangeOfWhole, rangePastEnd } from "./range-answer.ts";
import { Redirects } from "./redirects.ts";
import { fetchTransport, type HttpResponse, transport } from "./transport.ts";

/** What a whole object of unknown size counts for in the limit of bytes at a time. */
const UNKNOWN_SIZE = 1024 * 1024;

/** Reads the body of an answer; `alive` is called whenever something came. */
type Take<T> = (response: HttpResponse, alive: () => void) => Promise<T>;

/** The HTTP address behind one of another scheme, such as `gs://`. */
export type AddressMapping = (address: string) => string;

export class HttpClient {
  readonly #options: HttpOptions;
  readonly #onEvent: StorageListener | undefined;
  readonly #map: AddressMapping;
  readonly #gates: RequestGates;
  readonly #redirects: Redirects;
  /** Origins that have answered a range: where one ignores it later, that may pass. */
  readonly #withRanges = new Set<string>();
  /** Origins that have answered anything. */
  readonly #answered = new Set<string>();

  constructor(options: HttpOptions, onEvent?: StorageListener, map: AddressMapping = (address) => address) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#map = map;
    this.#gates = new RequestGates(options.limits);
    this.#redirects = new Redirects(options);
  }

  /** The bytes of a range: fewer than asked for only where the object ends before. `length` is not 0. */
  async range(
    address: string,
    offset: number,
    length: number,
    signal: AbortSignal | undefined,
    target?: Uint8Array,
  ): Promise<FetchedRange> {
    const headers = { range: `bytes=${offset}-${offset + length - 1}` };
    const answer = await this.#request(address, { headers }, length, signal, async (response, alive) => {
      if (response.status === 416) return rangePastEnd(address, response, offset);
      const { origin } = new URL(this.#map(address));
      if (response.status === 200) {
        if (isTooFar(response, offset, length)) throw this.#ignored(address, origin, offset);
        return await rangeOfWhole(response, offset, length, alive);
      }
      this.#withRanges.add(origin);
      return await partialContent(address, response, offset, length, alive, target);
    });
    if (answer !== undefined) return answer;
    const size = await this.#sizeByHead(address, signal);
    const left = Math.max(size - offset, 0);
    if (left === 0) return { bytes: new Uint8Array(0), version: { size } };
    if (left >= length) {
      throw new MoraineError(
        "StorageFailed",
        "the answer is shorter than the range, without a Content-Range",
        {
          source: address,
          offset,
        },
      );
    }
    const { bytes, version } = await this.range(address, offset, left, signal, target?.subarray(0, left));
    return { bytes, version: { ...version, size } };
  }

  /**
   * The last bytes of an object, or all of a shorter one, in one request; undefined where the server does not say
   * where they begin, and where it would have to be asked for leave first (browsers: only `bytes=a-b` needs none).
   */
  async tail(
    address: string,
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<FetchedRange | undefined> {
    if (this.#options.fetch !== undefined || transport.send === fetchTransport) return undefined;
    const headers = { range: `bytes=-${length}` };
    return await this.#request(address, { headers }, length, signal, async (response, alive) => {
      const range =
        response.status === 206 && !isEncoded(response) ? contentRange(address, response) : undefined;
      if (range?.size === undefined) return undefined;
      const start = Math.max(range.size - length, 0);
      // Some servers take a suffix for something else.
      if (range.first !== start || range.last !== range.size - 1) return undefined;
      return {
        bytes: await readExactly(bodyOf(response), range.size - start, alive),
        version: versionOf(response, range.size),
      };
    });
  }

  #ignored(address: string, origin: string, offset: number): Error {
    const said = "the server ignores ranges and would send the whole object";
    return this.#withRanges.has(origin)
      ? new RetryLater(said)
      : new MoraineError("StorageFailed", said, { source: address, offset });
  }

  /** The whole object. */
  async whole(address: string, signal: AbortSignal | undefined): Promise<FetchedRange> {
    // Browsers decide about compression themselves and drop this header without asking the server.
    const headers = { "accept-encoding": "identity" };
    const answer = await this.#request(
      address,
      { headers },
      UNKNOWN_SIZE,
      signal,
      async (response, alive) => {
        if (response.status !== 200) {
          throw new MoraineError(
            "StorageFailed",
            `the server answered ${response.status} for a whole object`,
            {
              source: address,
            },
          );
        }
        const length = contentLength(response);
        requireReadable(address, length ?? 0);
        const bytes =
          length === undefined
            ? await readToEnd(address, bodyOf(response), alive)
            : await readExactly(bodyOf(response), length, alive);
        const ends = length !== undefined || isEncoded(response) || response.headers.has("transfer-encoding");
        return { bytes, version: versionOf(response, bytes.length), ends };
      },
    );
    // A body that only the end of the connection ends may have been cut short: another answer must confirm it.
    if (!answer.ends && (await this.head(address, signal)).size !== answer.bytes.length) {
      throw new MoraineError("StorageFailed", "the body that came has not the size of the object", {
        source: address,
      });
    }
    return answer;
  }

  /** The version and size. */
  async head(address: string, signal: AbortSignal | undefined): Promise<Version & { readonly size: number }> {
    // HEAD is refused by signed addresses and by some servers: one byte tells the size as well.
    const { version } = await this.range(address, 0, 1, signal);
    if (version.size !== undefined) return { ...version, size: version.size };
    return { ...version, size: await this.#sizeByHead(address, signal) };
  }

  /** Browsers may hide Content-Range but always show Content-Length. */
  async #sizeByHead(address: string, signal: AbortSignal | undefined): Promise<number> {
    const size = await this.#request(address, { method: "HEAD" }, 0, signal, async (response) =>
      contentLength(response),
    );
    if (size === undefined) {
      throw new MoraineError("StorageFailed", "the server does not tell the size of the object", {
        source: address,
      });
    }
    return size;
  }

  async #request<T>(
    address: string,
    init: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> },
    bytes: number,
    signal: AbortSignal | undefined,
    take: Take<T>,
  ): Promise<T> {
    refuseUserInformation(address);
    const url = this.#map(address);
    refuseClimbing(url);
    const gate = this.#gates.of(new URL(url).origin);
    return await withRetries(address, this.#options, this.#onEvent, signal, () =>
      gate.run(bytes, signal, () => this.#attempt(address, url, init, signal, take)),
    );
  }

  async #attempt<T>(
    address: string,
    url: string,
    init: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> },
    signal: AbortSignal | undefined,
    take: Take<T>,
  ): Promise<T> {
    let bytes = 0;
    const { origin } = new URL(url);
    try {
      const timeout = this.#options.stallTimeout ?? STALL_TIMEOUT;
      return await withStallTimeout(signal, timeout, async (inner, alive) => {
        const method = init.method ?? "GET";
        const response = await this.#redirects.send(url, init.headers ?? {}, { method, signal: inner });
        try {
          alive();
          this.#answered.add(origin);
          checkStatus(address, response);
          const result = await take(response, alive);
          bytes = bytesOf(result);
          return result;
        } finally {
          // A body that nobody read would keep its connection busy.
          if (response.body && !response.bodyUsed) await response.body.cancel().catch(() => undefined);
        }
      });
    } catch (error) {
      if (isMoraineError(error) || error instanceof RetryLater) throw error;
      throw networkError(address, error, this.#answered.has(origin));
    } finally {
      this.#onEvent?.({ type: "request", address, bytes });
    }
  }
}

function bytesOf(result: unknown): number {
  return typeof result === "object" &&
    result !== null &&
    "bytes" in result &&
    result.bytes instanceof Uint8Array
    ? result.bytes.length
    : 0;
}
