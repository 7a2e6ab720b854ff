/**
 * `Content-Range`: which bytes an answer brings (RFC 9110, section 14.4).
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { RetryLater } from "./retry.ts";

/** Numbers are undefined where the header has `*`. */
export interface ContentRange {
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly size: number | undefined;
}

/** Errors: `StorageFailed` where the header is broken. */
export function parseContentRange(address: string, value: string): ContentRange {
  const match = /^bytes\s+(?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/i.exec(value);
  if (!match) {
    throw new MoraineError(
      "StorageFailed",
      `the server's Content-Range makes no sense: ${value.slice(0, 100)}`,
      {
        source: address,
      },
    );
  }
  const number = (text: string | undefined) =>
    text === undefined || text === "*" ? undefined : Number(text);
  return { first: number(match[1]), last: number(match[2]), size: number(match[3]) };
}

/**
 * The bytes that must come, given that the range was asked for: fewer only where the object ends before.
 *
 * Errors: `RetryLater` for another range (some servers and caches answer one).
 */
export function expectRange({ first, last, size }: ContentRange, offset: number, length: number): number {
  const end = Math.min(offset + length, size ?? Number.MAX_SAFE_INTEGER);
  if (first !== offset || last !== end - 1) {
    throw new RetryLater(
      `bytes ${offset}-${end - 1} were wanted, the server answered ${first ?? "*"}-${last ?? "*"} of ${size ?? "*"}`,
    );
  }
  return end - offset;
}
