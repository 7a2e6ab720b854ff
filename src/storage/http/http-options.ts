/**
 * How requests over HTTP are made.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { GateLimits } from "../request-gate.ts";
import type { RetryOptions } from "../retry.ts";

/** Headers of one host: fixed, or asked for before each request (short-lived tokens). */
export type HostHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** How servers are asked. */
export interface HttpOptions extends RetryOptions {
  /**
   * Headers by host (`data.example.org`, with its port where it is not the usual one). They are sent to that
   * host alone, also when another one redirects to it or from it.
   */
  readonly headers?: Readonly<Record<string, HostHeaders>> | undefined;
  /** Bearer tokens by host, sent as `Authorization: Bearer …`. */
  readonly bearerTokens?: Readonly<Record<string, string>> | undefined;
  /**
   * The address to ask instead, asked for before each request: where addresses must be signed and signatures
   * run out.
   */
  readonly sign?: ((address: string) => string | Promise<string>) | undefined;
  /** Milliseconds without a byte after which a request counts as stalled; default 30,000. */
  readonly stallTimeout?: number | undefined;
  /** What is under way at one host at most; default 64 requests and 128 MiB. */
  readonly limits?: Partial<GateLimits> | undefined;
  /** What sends the requests, instead of the platform's own: behind a proxy, or in a test. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** The headers that are meant for the host of an address. */
export async function headersFor(address: string, options: HttpOptions): Promise<Record<string, string>> {
  const { host } = new URL(address);
  const own = Object.hasOwn(options.headers ?? {}, host) ? options.headers?.[host] : undefined;
  const token = Object.hasOwn(options.bearerTokens ?? {}, host) ? options.bearerTokens?.[host] : undefined;
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(typeof own === "function" ? await own() : own),
  };
  for (const [name, value] of Object.entries(headers)) {
    // What `fetch` says of such a header repeats its value.
    if (!/^[!#$%&'*+.^`|~\w-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new MoraineError(
        "InvalidArgument",
        `the header "${name.slice(0, 40)}" for ${host} cannot be sent`,
      );
    }
  }
  return headers;
}
