/**
 * Why a connection failed: faults that may pass, and those that will not.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { RetryLater } from "./retry.ts";

/** Codes of Node and OpenSSL that trying again does not change. */
const PERMANENT = /^(ENOTFOUND|ERR_INVALID_URL|ERR_TLS_.*|CERT_.*|.*SELF_SIGNED.*|UNABLE_TO_.*)$/;

/** The error of a failed connection. Browsers give no reason, so that theirs all count as passing. */
export function networkError(address: string, error: unknown): MoraineError | RetryLater {
  // "ECONNRESET" says more than "fetch failed", in whose cause it hides.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const said = cause instanceof Error ? cause.message || code || cause.name : String(cause);
  if (PERMANENT.test(code) || said === "bad port" || said === "unknown scheme") {
    return new MoraineError("StorageFailed", `no connection: ${said}`, { source: address, cause: error });
  }
  return new RetryLater(`the connection failed: ${said}`, { cause: error });
}
