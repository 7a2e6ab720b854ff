/**
 * Listing of buckets, a thousand keys a request (ListObjectsV2).
 *
 * @module
 */

import type { ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import { MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../abort.ts";
import type { ListedObject, StorageOptions } from "../storage.ts";
import { parseS3Address, s3Address } from "./s3-address.ts";
import type { S3Connection } from "./s3-connection.ts";

/** All objects whose address starts with the prefix. */
export async function* listObjects(
  connection: S3Connection,
  prefix: string,
  options: StorageOptions,
): AsyncGenerator<ListedObject, void, undefined> {
  const { bucket } = parseS3Address(prefix);
  for await (const page of pages(connection, prefix, undefined, options)) {
    const decode = decoderOf(page);
    for (const { Key, ETag, Size, LastModified } of page.Contents ?? []) {
      if (Key === undefined) continue;
      yield {
        address: s3Address(bucket, decode(Key)),
        ...(ETag !== undefined && { etag: ETag }),
        ...(Size !== undefined && { size: Size }),
        ...(LastModified !== undefined && { lastModified: LastModified.getTime() }),
      };
    }
  }
}

/** The names directly below a folder, those of folders with a slash at their end. */
export async function* listNames(
  connection: S3Connection,
  folder: string,
  options: StorageOptions,
): AsyncGenerator<string, void, undefined> {
  const { key } = parseS3Address(folder);
  for await (const page of pages(connection, folder, "/", options)) {
    const decode = decoderOf(page);
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      if (Prefix !== undefined) yield decode(Prefix).slice(key.length);
    }
    for (const { Key } of page.Contents ?? []) {
      const name = Key === undefined ? "" : decode(Key).slice(key.length);
      // Some tools mark a folder by an empty object of its name.
      if (name !== "") yield name;
    }
  }
}

async function* pages(
  connection: S3Connection,
  prefix: string,
  delimiter: string | undefined,
  options: StorageOptions,
): AsyncGenerator<ListObjectsV2CommandOutput, void, undefined> {
  const { bucket, key } = parseS3Address(prefix);
  let token: string | undefined;
  do {
    throwIfAborted(options.signal);
    const input = {
      Bucket: bucket,
      Prefix: key,
      // Keys may hold characters that XML cannot.
      EncodingType: "url" as const,
      ...(delimiter !== undefined && { Delimiter: delimiter }),
      ...(token !== undefined && { ContinuationToken: token }),
      ...(connection.options.requesterPays && { RequestPayer: "requester" as const }),
    };
    const page = await connection.send({
      address: prefix,
      bucket,
      bytes: 0,
      signal: options.signal,
      run: ({ client, sdk, abortSignal }) =>
        client.send(new sdk.ListObjectsV2Command(input), { abortSignal }),
    });
    yield page;
    const next = page.IsTruncated ? page.NextContinuationToken : undefined;
    if (next !== undefined && next === token) {
      throw new MoraineError("StorageFailed", "the service gives the same page again and again", {
        source: prefix,
      });
    }
    token = next;
  } while (token !== undefined);
}

/** Undoes the escapes of keys, which services that do not know them leave away. */
function decoderOf(page: ListObjectsV2CommandOutput): (key: string) => string {
  return page.EncodingType === "url" ? (key) => decodeURIComponent(key.replaceAll("+", " ")) : (key) => key;
}
