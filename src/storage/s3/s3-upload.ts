/**
 * Writing objects to S3: conditional and in one piece, or in parts where they are large.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Version, WriteOptions } from "../storage.ts";
import { opaqueTag } from "../version.ts";
import { parseS3Address } from "./s3-address.ts";
import type { S3Attempt, S3Connection } from "./s3-connection.ts";
import { serviceAnswer } from "./s3-error.ts";
import { uploadInParts } from "./s3-multipart.ts";
import { findOwnWrite, WRITE_ID } from "./s3-write-id.ts";

/** Objects larger than this are uploaded in parts. Bytes. */
const MULTIPART_FROM = 64 * 1024 * 1024;

export class S3Uploader {
  readonly #connection: S3Connection;
  /** Whether `If-Match` wants ETags without quotes: some versions of Ceph do; learnt from the first answer. */
  #unquoted: boolean | undefined;

  constructor(connection: S3Connection) {
    this.#connection = connection;
  }

  /** Errors: `PreconditionFailed` and those of `Storage`. */
  async write(address: string, bytes: Uint8Array, options: WriteOptions): Promise<Version> {
    const { precondition } = options;
    if (precondition === undefined) {
      return bytes.length > MULTIPART_FROM
        ? await uploadInParts(this.#connection, address, bytes, options.signal)
        : await this.#put(address, bytes, options.signal, {});
    }
    // A condition on the last step of an upload in parts is not known to all services: always in one piece.
    if (precondition === "absent")
      return await this.#put(address, bytes, options.signal, { IfNoneMatch: "*" });
    if (precondition.etag === undefined) {
      throw new MoraineError("InvalidArgument", "S3 replaces only what an ETag names", { source: address });
    }
    return await this.#replace(address, bytes, precondition.etag, options.signal);
  }

  async #replace(
    address: string,
    bytes: Uint8Array,
    etag: string,
    signal: AbortSignal | undefined,
  ): Promise<Version> {
    const tag = opaqueTag(etag);
    if (this.#unquoted) return await this.#put(address, bytes, signal, { IfMatch: tag });
    try {
      const version = await this.#put(address, bytes, signal, { IfMatch: `"${tag}"` });
      this.#unquoted = false;
      return version;
    } catch (error) {
      if (!isMoraineError(error, "PreconditionFailed") || this.#unquoted === false) throw error;
      const { ETag } = await this.#head(address, signal);
      if (ETag === undefined || opaqueTag(ETag) !== tag) throw error;
    }
    // The object is as expected: the service compares ETags without quotes.
    const version = await this.#put(address, bytes, signal, { IfMatch: tag });
    this.#unquoted = true;
    return version;
  }

  async #put(
    address: string,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
    condition: { readonly IfMatch?: string; readonly IfNoneMatch?: string },
  ): Promise<Version> {
    const { bucket, key } = parseS3Address(address);
    const conditional = condition.IfMatch !== undefined || condition.IfNoneMatch !== undefined;
    const id = crypto.randomUUID();
    const put = async (attempt: S3Attempt): Promise<Version> => {
      const { client, sdk, abortSignal, before } = attempt;
      try {
        const command = new sdk.PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: bytes,
          ContentLength: bytes.length,
          ...(conditional && { Metadata: { [WRITE_ID]: id } }),
          ...condition,
          ...this.#payer(),
        });
        const { ETag } = await client.send(command, { abortSignal });
        attempt.transferred(bytes.length);
        return { ...(ETag && { etag: ETag }), size: bytes.length };
      } catch (error) {
        const status = serviceAnswer(error)?.status;
        if (!conditional || (status !== 409 && status !== 412 && !(status === 404 && condition.IfMatch)))
          throw error;
        // An attempt whose answer was lost may have written what now is in the way.
        const own =
          before > 0
            ? await findOwnWrite(attempt, { Bucket: bucket, Key: key, ...this.#payer() }, id)
            : undefined;
        if (own !== undefined) return own;
        throw new MoraineError("PreconditionFailed", "somebody else wrote first", { source: address });
      }
    };
    return await this.#connection.send({ address, bucket, bytes: bytes.length, signal, run: put });
  }

  async #head(
    address: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly ETag?: string | undefined }> {
    const { bucket, key } = parseS3Address(address);
    return await this.#connection.send({
      address,
      bucket,
      bytes: 0,
      signal,
      run: ({ client, sdk, abortSignal }) =>
        client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key, ...this.#payer() }), {
          abortSignal,
        }),
    });
  }

  #payer(): { RequestPayer?: "requester" } {
    return this.#connection.options.requesterPays ? { RequestPayer: "requester" } : {};
  }
}
