/**
 * Deleting objects, a thousand a request (DeleteObjects).
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { DeleteOptions } from "../storage.ts";
import { parseS3Address, s3Address } from "./s3-address.ts";
import type { S3Connection } from "./s3-connection.ts";

const BATCH = 1000;

/** Deletes objects; those that are not there are passed over. */
export async function deleteObjects(
  connection: S3Connection,
  addresses: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const buckets = new Map<string, string[]>();
  for (const address of addresses) {
    const { bucket, key } = parseS3Address(address);
    const keys = buckets.get(bucket);
    if (keys) keys.push(key);
    else buckets.set(bucket, [key]);
  }
  for (const [bucket, keys] of buckets) {
    for (let start = 0; start < keys.length; start += BATCH) {
      await deleteBatch(connection, bucket, keys.slice(start, start + BATCH), options);
    }
  }
}

async function deleteBatch(
  connection: S3Connection,
  bucket: string,
  keys: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const [first = ""] = keys;
  // Only the request for one object takes a condition.
  if (options.precondition !== undefined) {
    await Promise.all(keys.map((key) => deleteOne(connection, bucket, key, options)));
    return;
  }
  if (keys.length === 1) return await deleteOne(connection, bucket, first, options);
  const input = {
    Bucket: bucket,
    Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
    ...payer(connection),
  };
  try {
    const { Errors } = await connection.send({
      address: s3Address(bucket, first),
      bucket,
      bytes: 0,
      signal: options.signal,
      run: ({ client, sdk, abortSignal }) =>
        client.send(new sdk.DeleteObjectsCommand(input), { abortSignal }),
    });
    const failed = Errors?.find(({ Code }) => Code !== "NoSuchKey");
    if (failed === undefined) return;
    throw new MoraineError(
      failed.Code === "AccessDenied" ? "AccessDenied" : "StorageFailed",
      `${Errors?.length} of ${keys.length} objects could not be deleted (${failed.Code})`,
      { source: s3Address(bucket, failed.Key ?? "") },
    );
  } catch (error) {
    // Services without this request, or with another checksum of it (Google, older MinIO).
    if (!isMoraineError(error, "StorageFailed") || !/answered (400|405|501)/.test(error.message)) throw error;
    await Promise.all(keys.map((key) => deleteOne(connection, bucket, key, options)));
  }
}

async function deleteOne(
  connection: S3Connection,
  bucket: string,
  key: string,
  options: DeleteOptions,
): Promise<void> {
  const etag = options.precondition?.etag;
  const input = {
    Bucket: bucket,
    Key: key,
    ...(etag !== undefined && { IfMatch: etag }),
    ...payer(connection),
  };
  try {
    await connection.send({
      address: s3Address(bucket, key),
      bucket,
      bytes: 0,
      signal: options.signal,
      run: ({ client, sdk, abortSignal }) => client.send(new sdk.DeleteObjectCommand(input), { abortSignal }),
    });
  } catch (error) {
    if (!isMoraineError(error, "NotFound")) throw error;
  }
}

function payer(connection: S3Connection): { RequestPayer?: "requester" } {
  return connection.options.requesterPays ? { RequestPayer: "requester" } : {};
}
