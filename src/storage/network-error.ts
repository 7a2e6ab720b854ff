/**
 * Why a connection failed: faults that may pass, and those that will not.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { RetryLater } from "./retry.ts";

/** Codes of Node and OpenSSL that trying again does not change. */
const PERMANENT = /^(ENOTFOUND|ERR_INVALID_URL|ERR_TLS_.*|CERT_.*|.*SELF_SIGNED.*|UNABLE_TO_.*)$/;

/**
 * Nobody listens there: a wrong port, or a server that is not up. At a host that has answered before it is one that is
 * restarted, and comes back.
 */
const REFUSED = "ECONNREFUSED";
const RETRIES_OF_REFUSED = 2;

/**
 * The error of a failed connection. Browsers give no reason, so that theirs all count as passing.
 *
 * @param hasAnswered whether the host has answered before
 */
export function networkError(
  address: string,
  error: unknown,
  hasAnswered: boolean,
): MoraineError | RetryLater {
  // "ECONNRESET" says more than "fetch failed", in whose cause it hides.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const said = cause instanceof Error ? cause.message || code || cause.name : String(cause);
  if (PERMANENT.test(code) || said === "bad port" || said === "unknown scheme") {
    return new MoraineError("StorageFailed", `no connection: ${said}`, { source: address, cause: error });
  }
  const retries = code === REFUSED && !hasAnswered ? RETRIES_OF_REFUSED : undefined;
  return new RetryLater(`the connection failed: ${said}`, { cause: error, retries });
}
