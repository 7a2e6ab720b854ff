/**
 * Deleting objects, a thousand a request (DeleteObjects).
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { DeleteOptions } from "../storage.ts";
import { opaqueTag, sameVersion } from "../version.ts";
import { parseS3Address, s3Address } from "./s3-address.ts";
import type { S3Attempt, S3Connection } from "./s3-connection.ts";

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
  const address = s3Address(bucket, key);
  const { precondition } = options;
  const target = { Bucket: bucket, Key: key, ...payer(connection) };
  const send = <T>(run: (attempt: S3Attempt) => Promise<T>) =>
    connection.send({ address, bucket, bytes: 0, signal: options.signal, run });
  try {
    if (precondition === undefined) {
      await send(({ client, sdk, abortSignal }) =>
        client.send(new sdk.DeleteObjectCommand(target), { abortSignal }),
      );
      return;
    }
    // Many services ignore conditions of a deletion: asked first, what is left is the time of one request.
    const { ETag, ContentLength, LastModified } = await send(({ client, sdk, abortSignal }) =>
      client.send(new sdk.HeadObjectCommand(target), { abortSignal }),
    );
    const found = { etag: ETag, size: ContentLength, lastModified: LastModified?.getTime() };
    if (!sameVersion(found, precondition)) {
      throw new MoraineError("PreconditionFailed", "somebody else wrote first", { source: address });
    }
    const remove = (IfMatch: string | undefined) =>
      send(({ client, sdk, abortSignal }) =>
        client.send(new sdk.DeleteObjectCommand({ ...target, ...(IfMatch && { IfMatch }) }), { abortSignal }),
      );
    await remove(ETag).catch(async (error: unknown) => {
      // Some services compare ETags without quotes; a real conflict fails again.
      if (!isMoraineError(error, "PreconditionFailed") || ETag === undefined) throw error;
      await remove(opaqueTag(ETag));
    });
  } catch (error) {
    if (!isMoraineError(error, "NotFound")) throw error;
  }
}

function payer(connection: S3Connection): { RequestPayer?: "requester" } {
  return connection.options.requesterPays ? { RequestPayer: "requester" } : {};
}
