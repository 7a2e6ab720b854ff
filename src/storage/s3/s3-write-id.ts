/**
 * Knowing one's own work again: an attempt whose answer was lost may have written what then is in the way of the
 * next one.
 *
 * @module
 */

import type { Version } from "../storage.ts";
import type { S3Attempt } from "./s3-connection.ts";

/** Metadata of an object (letters only: proxies drop other names) that tells who wrote it. */
export const WRITE_ID = "writeid";

/** The version of an object that was written with this id; undefined where another lies there, or none. */
export async function findOwnWrite(
  { client, sdk, abortSignal }: S3Attempt,
  target: { readonly Bucket: string; readonly Key: string },
  id: string,
): Promise<Version | undefined> {
  const found = await client.send(new sdk.HeadObjectCommand(target), { abortSignal }).catch(() => undefined);
  if (found?.Metadata?.[WRITE_ID] !== id) return undefined;
  return {
    ...(found.ETag && { etag: found.ETag }),
    ...(found.ContentLength !== undefined && { size: found.ContentLength }),
  };
}
