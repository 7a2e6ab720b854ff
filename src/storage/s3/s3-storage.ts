/**
 * Objects in S3 and services that speak its protocol, under `s3://bucket/key`.
 *
 * @module
 */

import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../abort.ts";
import { readExactly, requireReadable } from "../byte-stream.ts";
import { expectRange, parseContentRange } from "../content-range.ts";
import type { StorageListener } from "../events.ts";
import { rangePolicyOf } from "../ranges.ts";
import { type FetchedRange, readRanges } from "../read-ranges.ts";
import { RetryLater } from "../retry.ts";
import { checkRange, resolveRange } from "../slice-ranges.ts";
import type {
  ByteRange,
  DeleteOptions,
  ListedObject,
  ReadOptions,
  ReadResult,
  Storage,
  StorageOptions,
  Version,
  WriteOptions,
} from "../storage.ts";
import { requireVersion } from "../version.ts";
import { parseS3Address } from "./s3-address.ts";
import { S3Connection } from "./s3-connection.ts";
import { deleteObjects } from "./s3-deletion.ts";
import { serviceAnswer } from "./s3-error.ts";
import { listNames, listObjects } from "./s3-listing.ts";
import type { S3Options } from "./s3-options.ts";
import { S3Uploader } from "./s3-upload.ts";

/** A whole object is asked for in a first request of this size, and the rest, if there is any, side by side. */
const FIRST = 8 * 1024 * 1024;
const WHOLE = `bytes=0-${FIRST - 1}`;
/** What it counts for in the limit of bytes at a time: most objects that are read whole are small. */
const UNKNOWN_SIZE = 1024 * 1024;

/**
 * @example
 * const storage = new S3Storage({ anonymous: true, region: "us-west-2" });
 * const { parts } = await storage.read("s3://bucket/file.nc", [{ offset: 0, length: 8 }]);
 */
export class S3Storage implements Storage {
  readonly #connection: S3Connection;
  readonly #uploader: S3Uploader;

  constructor(options: S3Options = {}, onEvent?: StorageListener) {
    this.#connection = new S3Connection(options, onEvent);
    this.#uploader = new S3Uploader(this.#connection);
  }

  async read(address: string, ranges: readonly ByteRange[], options: ReadOptions = {}): Promise<ReadResult> {
    throwIfAborted(options.signal);
    for (const range of ranges) checkRange(address, range);
    const [only] = ranges;
    if (ranges.length === 1 && only !== undefined && only.length === undefined) {
      if (only.offset === 0) return await this.#readWhole(address, options);
      if (only.offset < 0) return await this.#readLast(address, -only.offset, options);
    }
    const open = ranges.some((range) => range.length === undefined);
    const head = open ? await this.head(address, options) : undefined;
    if (head !== undefined) requireVersion(address, head, options.version);
    const resolved = ranges.map((range) =>
      head === undefined
        ? { offset: range.offset, length: range.length ?? 0 }
        : resolveRange(address, range, head.size, options),
    );
    const { parts, version } = await readRanges(
      address,
      resolved,
      rangePolicyOf(address),
      (offset, length, signal, target) => this.#fetch(address, offset, length, signal, target),
      { ...options, version: options.version ?? head },
    );
    if (version !== undefined) return { parts, version };
    const found = head ?? (await this.head(address, options));
    requireVersion(address, found, options.version);
    return { parts, version: found };
  }

  async head(address: string, options: StorageOptions = {}): Promise<Version & { readonly size: number }> {
    throwIfAborted(options.signal);
    const { bucket, key } = parseS3Address(address);
    const answer = await this.#connection.send({
      address,
      bucket,
      bytes: 0,
      signal: options.signal,
      run: ({ client, sdk, abortSignal }) =>
        client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key, ...this.#payer() }), {
          abortSignal,
        }),
    });
    if (answer.ContentLength === undefined) {
      throw new MoraineError("StorageFailed", "the service does not tell the size of the object", {
        source: address,
      });
    }
    return { ...versionOf(answer, answer.ContentLength), size: answer.ContentLength };
  }

  async write(address: string, bytes: Uint8Array, options: WriteOptions = {}): Promise<Version> {
    throwIfAborted(options.signal);
    return await this.#uploader.write(address, bytes, options);
  }

  list(prefix: string, options: StorageOptions = {}): AsyncGenerator<ListedObject, void, undefined> {
    return listObjects(this.#connection, prefix, options);
  }

  names(folder: string, options: StorageOptions = {}): AsyncGenerator<string, void, undefined> {
    return listNames(this.#connection, folder, options);
  }

  async delete(addresses: readonly string[], options: DeleteOptions = {}): Promise<void> {
    throwIfAborted(options.signal);
    await deleteObjects(this.#connection, addresses, options);
  }

  async #readWhole(address: string, options: ReadOptions): Promise<ReadResult> {
    const first = await this.#fetch(address, 0, FIRST, options.signal);
    // An empty object has no range; what is missing is its version.
    const version = first.bytes.length === 0 ? await this.head(address, options) : first.version;
    requireVersion(address, version, options.version);
    const size = version.size ?? first.bytes.length;
    if (size <= first.bytes.length) return { parts: [first.bytes], version };
    requireReadable(address, size);
    const rest = await readRanges(
      address,
      [{ offset: FIRST, length: size - FIRST }],
      { ...rangePolicyOf(address), split: FIRST },
      (offset, length, signal, target) => this.#fetch(address, offset, length, signal, target),
      { signal: options.signal, version },
    );
    const whole = new Uint8Array(size);
    whole.set(first.bytes);
    whole.set(rest.parts[0] ?? new Uint8Array(0), FIRST);
    return { parts: [whole], version };
  }

  /** The last bytes: S3 knows ranges that count from the end. */
  async #readLast(address: string, length: number, options: ReadOptions): Promise<ReadResult> {
    const answer = await this.#get(
      address,
      `bytes=-${length}`,
      length,
      options.signal,
      undefined,
      (range) => {
        const size = range.size ?? length;
        const first = Math.max(size - length, 0);
        return expectRange(range, first, size - first);
      },
    );
    const version = answer.bytes.length === 0 ? await this.head(address, options) : answer.version;
    requireVersion(address, version, options.version);
    return { parts: [answer.bytes], version };
  }

  async #fetch(
    address: string,
    offset: number,
    length: number,
    signal: AbortSignal | undefined,
    target?: Uint8Array,
  ): Promise<FetchedRange> {
    const header = `bytes=${offset}-${offset + length - 1}`;
    return await this.#get(address, header, length, signal, target, (range) =>
      expectRange(range, offset, length),
    );
  }

  async #get(
    address: string,
    range: string,
    length: number,
    signal: AbortSignal | undefined,
    target: Uint8Array | undefined,
    expect: (range: ReturnType<typeof parseContentRange>) => number,
  ): Promise<FetchedRange> {
    const { bucket, key } = parseS3Address(address);
    const input = { Bucket: bucket, Key: key, Range: range, ...this.#payer() };
    return await this.#connection.send({
      address,
      bucket,
      bytes: range === WHOLE ? UNKNOWN_SIZE : length,
      signal,
      run: async ({ client, sdk, abortSignal, alive, transferred }) => {
        let answer: GetObjectCommandOutput;
        try {
          answer = await client.send(new sdk.GetObjectCommand(input), { abortSignal });
        } catch (error) {
          // The range begins at or after the end.
          if (serviceAnswer(error)?.status === 416) return { bytes: new Uint8Array(0), version: {} };
          throw error;
        }
        alive();
        if (answer.ContentRange === undefined) {
          throw new MoraineError("StorageFailed", "the service ignores ranges", { source: address });
        }
        const said = parseContentRange(address, answer.ContentRange);
        const expected = expect(said);
        const body = bodyOf(answer);
        const bytes = await readExactly(body, expected, alive, target?.subarray(0, expected));
        transferred(bytes.length);
        return { bytes, version: versionOf(answer, said.size) };
      },
    });
  }

  #payer(): { RequestPayer?: "requester" } {
    return this.#connection.options.requesterPays ? { RequestPayer: "requester" } : {};
  }
}

/** The pieces of a body: a stream of Node, or of the web. */
async function* bodyOf(answer: GetObjectCommandOutput): AsyncGenerator<Uint8Array, void, undefined> {
  const { Body } = answer;
  if (Body === undefined) throw new RetryLater("the answer has no body");
  if (isStream(Body)) {
    for await (const piece of Body) {
      if (piece instanceof Uint8Array) yield piece;
    }
    return;
  }
  yield await Body.transformToByteArray();
}

function isStream(body: object): body is AsyncIterable<unknown> {
  return Symbol.asyncIterator in body;
}

function versionOf(
  answer: { readonly ETag?: string | undefined; readonly LastModified?: Date | undefined },
  size: number | undefined,
): Version {
  return {
    ...(answer.ETag && { etag: answer.ETag }),
    ...(size !== undefined && { size }),
    ...(answer.LastModified !== undefined && { lastModified: answer.LastModified.getTime() }),
  };
}
