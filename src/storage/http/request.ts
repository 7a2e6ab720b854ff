/**
 * One HTTP request: retried where that can help, its body exactly as long as the server said.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { refuseUserInformation } from "../address.ts";
import { RetryLater, type RetryOptions, withRetries } from "../retry.ts";
import type { Version } from "../storage.ts";

/** How requests are made. */
export interface HttpOptions extends RetryOptions {
  /** Headers by host (`data.example.org`, with its port where it is not the usual one). */
  readonly headers?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** Milliseconds without a byte after which a request counts as stalled; default 30,000. */
  readonly stallTimeout?: number | undefined;
  /** Told of every request that was answered: bytes of the body. */
  readonly onRequest?: ((bytes: number) => void) | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly version: Version;
  /** `Content-Range`, as it came. */
  readonly contentRange: string | undefined;
}

/** A range of bytes, both ends included, as the header says it. */
export type RangeHeader = `bytes=${number}-${number}`;

/** A body longer than this is not read when a range was asked for: the server ignored the range. */
const SLACK = 1024 * 1024;

/**
 * Sends a request and reads its body.
 *
 * Errors: `NotFound` (404, 410), `AccessDenied` (401, 403), `StorageFailed` after the retries, `Aborted`.
 */
export async function request(
  address: string,
  range: RangeHeader | undefined,
  options: HttpOptions,
  signal: AbortSignal | undefined,
  most: number = Number.MAX_SAFE_INTEGER,
): Promise<HttpAnswer> {
  refuseUserInformation(address);
  return await withRetries(address, options, signal, () => attempt(address, range, options, signal, most));
}

async function attempt(
  address: string,
  range: RangeHeader | undefined,
  options: HttpOptions,
  signal: AbortSignal | undefined,
  most: number,
): Promise<HttpAnswer> {
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => stop.abort(new RetryLater("the server stopped answering")),
      options.stallTimeout ?? 30_000,
    );
  };
  try {
    alive();
    const headers = new Headers(hostHeaders(address, options));
    if (range !== undefined) headers.set("range", range);
    const credentials = [...headers.keys()].some((name) => name !== "range");
    const response = await (options.fetch ?? globalThis.fetch)(address, {
      headers,
      signal: stop.signal,
      // A redirect must not carry credentials to another host.
      redirect: credentials ? "manual" : "follow",
    });
    checkRedirect(address, response, credentials);
    checkStatus(address, response);
    const bytes = await readBody(address, response, alive, most + SLACK);
    options.onRequest?.(bytes.length);
    return {
      status: response.status,
      bytes,
      version: versionOf(response, bytes.length),
      contentRange: response.headers.get("content-range") ?? undefined,
    };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (isMoraineError(error) || error instanceof RetryLater) throw error;
    const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
    if (reason instanceof RetryLater) throw reason;
    throw new RetryLater(causeOf(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** The headers of the address's own host. */
function hostHeaders(address: string, options: HttpOptions): Record<string, string> {
  const { host } = new URL(address);
  return { ...options.headers?.[host] };
}

function checkRedirect(address: string, response: Response, credentials: boolean): void {
  const redirected = response.status >= 300 && response.status < 400 && response.status !== 304;
  if (credentials && (redirected || response.type === "opaqueredirect")) {
    throw new MoraineError(
      "AccessDenied",
      "the server redirects a request that carries credentials; give the address that it leads to",
      { source: address },
    );
  }
  if (response.redirected && address.startsWith("https:") && !response.url.startsWith("https:")) {
    throw new MoraineError("AccessDenied", "the server redirects from https to another scheme", {
      source: address,
    });
  }
}

function checkStatus(address: string, response: Response): void {
  const { status } = response;
  if (status === 200 || status === 206 || status === 416) return;
  const said = `the server answered ${status}`;
  if (status === 404 || status === 410) throw new MoraineError("NotFound", said, { source: address });
  if (status === 401 || status === 403) throw new MoraineError("AccessDenied", said, { source: address });
  if (status === 408 || status === 429 || status >= 500) {
    throw new RetryLater(said, retryAfter(response.headers.get("retry-after")));
  }
  throw new MoraineError("StorageFailed", said, { source: address });
}

/** Milliseconds that `Retry-After` asks for: seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(milliseconds, 0) : undefined;
}

/** Reads a body; one shorter or longer than `Content-Length` says came through a broken connection. */
async function readBody(
  address: string,
  response: Response,
  alive: () => void,
  most: number,
): Promise<Uint8Array> {
  const encoded = response.headers.get("content-encoding");
  const plain = encoded === null || encoded === "identity";
  const length = response.headers.get("content-length");
  const said = plain && length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
  if (said !== undefined && said > most) {
    await response.body?.cancel();
    throw new MoraineError("StorageFailed", "the server ignores ranges and would send the whole object", {
      source: address,
    });
  }
  const pieces: Uint8Array[] = [];
  let total = 0;
  let whole = said === undefined ? undefined : new Uint8Array(said);
  const reader = response.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    alive();
    if (next === undefined || next.done) break;
    const piece: Uint8Array = next.value;
    if (total + piece.length > most) {
      await reader?.cancel();
      throw new MoraineError("StorageFailed", "the server ignores ranges and sends the whole object", {
        source: address,
      });
    }
    if (whole !== undefined && total + piece.length <= whole.length) whole.set(piece, total);
    else pieces.push(piece);
    total += piece.length;
  }
  if (said !== undefined && total !== said) throw new RetryLater(`${total} of ${said} bytes came`);
  if (whole === undefined) {
    whole = new Uint8Array(total);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
  }
  return whole;
}

/** The version that an answer tells of. A body that a proxy compressed has another ETag than the object's bytes. */
function versionOf(response: Response, received: number): Version {
  const range = /^bytes\s+(?:\d+-\d+|\*)\/(\d+)$/i.exec(response.headers.get("content-range") ?? "");
  const size = range ? Number(range[1]) : response.status === 200 ? received : undefined;
  const etag = response.headers.get("etag") ?? undefined;
  const modified = Date.parse(response.headers.get("last-modified") ?? "");
  return {
    ...(etag !== undefined && { etag }),
    ...(size !== undefined && { size }),
    ...(Number.isFinite(modified) && { lastModified: modified }),
  };
}

/** What fetch hides in `cause`: "ECONNRESET" says more than "fetch failed". */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message || cause.name}` : error.message;
}
