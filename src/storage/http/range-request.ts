/**
 * A range over HTTP, whatever the server makes of it.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { RetryLater, withRetries } from "../retry.ts";
import type { Version } from "../storage.ts";
import { type HttpOptions, request } from "./request.ts";

/** A server that ignores ranges may send an object of at most this many bytes instead. */
const WHOLE_LIMIT = 64 * 1024 * 1024;

/**
 * The bytes of a range: fewer than asked for only where the object ends before.
 *
 * - 206: what `Content-Range` says must be what was asked for (some servers answer another range).
 * - 200: the server ignored the range; the part is cut from the whole, if that is not too large.
 * - 416: the range begins at or after the end: no bytes.
 */
export async function requestRange(
  address: string,
  offset: number,
  length: number,
  options: HttpOptions,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: Uint8Array; readonly version: Version }> {
  return await withRetries(address, options, signal, async () => {
    const most = Math.max(length, WHOLE_LIMIT);
    const answer = await request(
      address,
      `bytes=${offset}-${offset + length - 1}`,
      { ...options, retries: 0 },
      signal,
      most,
    );
    if (answer.status === 416) return { bytes: new Uint8Array(0), version: answer.version };
    if (answer.status === 200) {
      return { bytes: answer.bytes.subarray(offset, offset + length), version: answer.version };
    }
    const match = /^bytes\s+(\d+)-(\d+)\/(\d+|\*)$/i.exec(answer.contentRange ?? "");
    if (!match) {
      // A browser may not show the header (CORS); the length then is all there is to check.
      if (answer.contentRange === undefined && answer.bytes.length === length) {
        return { bytes: answer.bytes, version: answer.version };
      }
      throw new MoraineError(
        "StorageFailed",
        `the server's Content-Range makes no sense: ${answer.contentRange}`,
        {
          source: address,
          offset,
        },
      );
    }
    const size = match[3] === "*" ? undefined : Number(match[3]);
    const end = size === undefined ? offset + length : Math.min(offset + length, size);
    if (Number(match[1]) !== offset || Number(match[2]) !== end - 1) {
      throw new RetryLater(`the server answered another range: ${answer.contentRange}`);
    }
    if (answer.bytes.length !== end - offset) {
      throw new RetryLater(`${answer.bytes.length} of ${end - offset} bytes came`);
    }
    return { bytes: answer.bytes, version: answer.version };
  });
}
