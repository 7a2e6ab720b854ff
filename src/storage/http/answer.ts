/**
 * What the head of an answer says: whether it is the right one, of which bytes, of which version.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { type ContentRange, parseContentRange } from "../content-range.ts";
import { RetryLater } from "../retry.ts";
import type { Version } from "../storage.ts";
import type { HttpResponse } from "./transport.ts";

/** Parameters of a signature in an address (AWS, Google, Azure, CloudFront). */
const SIGNED = /[?&](?:x-amz-signature|x-goog-signature|sig|signature)=/i;

/**
 * Throws unless the status is 200, 206 or 416.
 *
 * Errors: `NotFound` (404, 410), `AccessDenied` (401, 403), `StorageFailed`; `RetryLater` for what may pass.
 */
export function checkStatus(address: string, response: HttpResponse): void {
  const { status } = response;
  if (status === 200 || status === 206 || status === 416) return;
  const said = `the server answered ${status}`;
  if (status === 404 || status === 410) throw new MoraineError("NotFound", said, { source: address });
  if (status === 401 || status === 403 || (status === 400 && SIGNED.test(address))) {
    const hint = SIGNED.test(address) ? "; the signature of the address may have run out" : "";
    throw new MoraineError("AccessDenied", said + hint, { source: address });
  }
  if (status === 429 || status === 503) {
    throw new RetryLater(said, { throttled: true, after: retryAfter(response.headers.get("retry-after")) });
  }
  if (status === 408 || status === 425 || (status >= 500 && status !== 501 && status !== 505)) {
    throw new RetryLater(said, { after: retryAfter(response.headers.get("retry-after")) });
  }
  throw new MoraineError("StorageFailed", said, { source: address });
}

/** Milliseconds that `Retry-After` asks for: seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(milliseconds, 0) : undefined;
}

/** Whether the body is of other bytes than the object: a server or proxy compressed it. */
export function isEncoded(response: HttpResponse): boolean {
  const encoding = response.headers.get("content-encoding")?.trim().toLowerCase();
  return encoding !== undefined && encoding !== "" && encoding !== "identity";
}

/** `Content-Length`, where it counts bytes of the object. */
export function contentLength(response: HttpResponse): number | undefined {
  const value = response.headers.get("content-length");
  if (value === null || isEncoded(response) || !/^\d{1,15}$/.test(value)) return undefined;
  return Number(value);
}

/** The pieces of the body; leaving the loop early ends the transfer. */
export async function* bodyOf(response: HttpResponse): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let done = false;
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done || next.value === undefined) break;
      yield next.value;
    }
    done = true;
  } finally {
    if (!done) await reader.cancel().catch(() => undefined);
  }
}

/** `Content-Range`; undefined where there is none or a browser hides it. Errors: `StorageFailed` if broken. */
export function contentRange(address: string, response: HttpResponse): ContentRange | undefined {
  const value = response.headers.get("content-range");
  return value === null ? undefined : parseContentRange(address, value);
}

/**
 * The version that an answer tells of.
 *
 * @param size bytes of the whole object, where known
 */
export function versionOf(response: HttpResponse, size: number | undefined): Version {
  // What a proxy compressed has another ETag than the object itself, or the same with other bytes.
  const etag = isEncoded(response) ? undefined : (response.headers.get("etag") ?? undefined);
  const modified = Date.parse(response.headers.get("last-modified") ?? "");
  return {
    ...(etag !== undefined && { etag }),
    ...(size !== undefined && { size }),
    ...(Number.isFinite(modified) && { lastModified: modified }),
  };
}
