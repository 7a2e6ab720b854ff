/**
 * Uploading large objects in parts, side by side.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { linkedController } from "../abort.ts";
import type { Version } from "../storage.ts";
import { parseS3Address } from "./s3-address.ts";
import type { S3Attempt, S3Connection } from "./s3-connection.ts";
import { serviceAnswer } from "./s3-error.ts";
import { findOwnWrite, WRITE_ID } from "./s3-write-id.ts";

/** Bytes of a part; more where there would be too many. */
const PART = 16 * 1024 * 1024;
const MOST_PARTS = 10_000;

/** Writes an object whatever lies there. A reader sees it whole or not at all. */
export async function uploadInParts(
  connection: S3Connection,
  address: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Version> {
  const upload = new MultipartUpload(connection, address, bytes, signal);
  await upload.begin();
  try {
    return await upload.complete(await upload.sendParts());
  } catch (error) {
    // Parts that are left behind are paid for.
    await upload.giveUp();
    throw error;
  }
}

interface UploadedPart {
  readonly PartNumber: number;
  readonly ETag?: string;
}

class MultipartUpload {
  readonly #connection: S3Connection;
  readonly #address: string;
  readonly #bytes: Uint8Array;
  readonly #signal: AbortSignal | undefined;
  readonly #target: { readonly Bucket: string; readonly Key: string; readonly RequestPayer?: "requester" };
  readonly #id: string = crypto.randomUUID();
  #uploadId = "";

  constructor(connection: S3Connection, address: string, bytes: Uint8Array, signal: AbortSignal | undefined) {
    const { bucket, key } = parseS3Address(address);
    this.#connection = connection;
    this.#address = address;
    this.#bytes = bytes;
    this.#signal = signal;
    this.#target = {
      Bucket: bucket,
      Key: key,
      ...(connection.options.requesterPays && { RequestPayer: "requester" as const }),
    };
  }

  async begin(): Promise<void> {
    const input = { ...this.#target, Metadata: { [WRITE_ID]: this.#id } };
    const { UploadId } = await this.#send(0, this.#signal, ({ client, sdk, abortSignal }) =>
      client.send(new sdk.CreateMultipartUploadCommand(input), { abortSignal }),
    );
    if (UploadId === undefined) {
      throw new MoraineError("StorageFailed", "the service began no upload", { source: this.#address });
    }
    this.#uploadId = UploadId;
  }

  async sendParts(): Promise<UploadedPart[]> {
    const size = Math.max(PART, Math.ceil(this.#bytes.length / MOST_PARTS));
    const count = Math.ceil(this.#bytes.length / size);
    const { controller, unlink } = linkedController(this.#signal);
    const parts = Array.from({ length: count }, (_, index) =>
      this.#sendPart(index + 1, this.#bytes.subarray(index * size, (index + 1) * size), controller.signal),
    );
    try {
      return await Promise.all(parts);
    } catch (error) {
      controller.abort(error);
      // What is still under way must end before the upload is given up.
      await Promise.allSettled(parts);
      throw error;
    } finally {
      unlink();
    }
  }

  async complete(parts: UploadedPart[]): Promise<Version> {
    const input = { ...this.#target, UploadId: this.#uploadId, MultipartUpload: { Parts: parts } };
    const size = this.#bytes.length;
    return await this.#send(0, this.#signal, async (attempt): Promise<Version> => {
      const { client, sdk, abortSignal, before } = attempt;
      try {
        const { ETag } = await client.send(new sdk.CompleteMultipartUploadCommand(input), { abortSignal });
        return { ...(ETag && { etag: ETag }), size };
      } catch (error) {
        // The upload is gone: completed by an attempt whose answer was lost?
        const gone = before > 0 && serviceAnswer(error)?.status === 404;
        const own = gone ? await findOwnWrite(attempt, this.#target, this.#id) : undefined;
        if (own === undefined) throw error;
        return own;
      }
    });
  }

  /** Deletes the parts. Why the upload failed matters more than whether this succeeds. */
  async giveUp(): Promise<void> {
    const input = { ...this.#target, UploadId: this.#uploadId };
    await this.#send(0, undefined, ({ client, sdk, abortSignal }) =>
      client.send(new sdk.AbortMultipartUploadCommand(input), { abortSignal }),
    ).catch(() => undefined);
  }

  async #sendPart(PartNumber: number, Body: Uint8Array, signal: AbortSignal): Promise<UploadedPart> {
    const input = { ...this.#target, UploadId: this.#uploadId, PartNumber, Body, ContentLength: Body.length };
    const { ETag } = await this.#send(Body.length, signal, ({ client, sdk, abortSignal, transferred }) => {
      transferred(Body.length);
      return client.send(new sdk.UploadPartCommand(input), { abortSignal });
    });
    return { PartNumber, ...(ETag !== undefined && { ETag }) };
  }

  #send<T>(
    bytes: number,
    signal: AbortSignal | undefined,
    run: (attempt: S3Attempt) => Promise<T>,
  ): Promise<T> {
    return this.#connection.send({ address: this.#address, bucket: this.#target.Bucket, bytes, signal, run });
  }
}
