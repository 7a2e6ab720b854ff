/**
 * The answers to a request for a range (RFC 9110, section 14): the part, the whole, or that there is nothing.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { readExactly, readRangeOfWhole } from "../byte-stream.ts";
import { expectRange } from "../content-range.ts";
import type { FetchedRange } from "../read-ranges.ts";
import { RetryLater } from "../retry.ts";
import { bodyOf, contentLength, contentRange, isEncoded, versionOf } from "./answer.ts";
import type { HttpResponse } from "./transport.ts";

/** Where a server ignores ranges, a range is cut out of the first so many bytes of the whole. */
const WHOLE_LIMIT = 64 * 1024 * 1024;

/** 416: the range begins at or after the end. */
export function rangePastEnd(address: string, response: HttpResponse, offset: number): FetchedRange {
  const size = contentRange(address, response)?.size;
  if (size !== undefined && offset < size) {
    throw new RetryLater(`the server refuses a range that begins before the end, ${size} bytes`);
  }
  return { bytes: new Uint8Array(0), version: versionOf(response, size) };
}

/**
 * 206: what `Content-Range` says must be what was asked for (some servers answer another range). Undefined where the
 * header is hidden and the length is another, as at the end of an object.
 */
export async function partialContent(
  address: string,
  response: HttpResponse,
  offset: number,
  length: number,
  alive: () => void,
  target: Uint8Array | undefined,
): Promise<FetchedRange | undefined> {
  if (isEncoded(response)) {
    throw new MoraineError(
      "StorageFailed",
      "the server compresses ranges, whose bytes then are not the object's",
      {
        source: address,
      },
    );
  }
  const range = contentRange(address, response);
  if (range === undefined) {
    // Browsers hide the header unless the server exposes it (CORS): the length then is all there is to check.
    if (contentLength(response) !== length) return undefined;
    const bytes = await readExactly(bodyOf(response), length, alive, target);
    return { bytes, version: versionOf(response, undefined) };
  }
  const expected = expectRange(range, offset, length);
  return {
    bytes: await readExactly(bodyOf(response), expected, alive, target?.subarray(0, expected)),
    version: versionOf(response, range.size),
  };
}

/** Whether more of the whole would have to be read than a range is worth. */
export function isTooFar(response: HttpResponse, offset: number, length: number): boolean {
  return Math.min(offset + length, contentLength(response) ?? Number.MAX_SAFE_INTEGER) > WHOLE_LIMIT;
}

/** 200: the server ignored the range; it is cut out of the whole. Errors: `RetryLater` for a body cut short. */
export async function rangeOfWhole(
  response: HttpResponse,
  offset: number,
  length: number,
  alive: () => void,
): Promise<FetchedRange> {
  const size = contentLength(response);
  const bytes = await readRangeOfWhole(bodyOf(response), offset, length, alive);
  const wanted = size === undefined ? length : Math.max(Math.min(offset + length, size) - offset, 0);
  // Where nothing tells the size, only an encoding whose end can be seen shows that the object ends here.
  const ends = size === undefined && (isEncoded(response) || response.headers.has("transfer-encoding"));
  if (bytes.length < wanted && !ends) {
    throw new RetryLater(`the body ended before byte ${offset + wanted} of ${size ?? "an unknown number"}`);
  }
  return { bytes, version: versionOf(response, size) };
}
