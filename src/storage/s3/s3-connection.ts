/**
 * Requests to S3: one client of the AWS SDK for each bucket, in the bucket's region.
 *
 * The SDK is loaded with the first request. Its own retries are switched off, so that one place decides what is
 * tried again and within which deadline.
 *
 * @module
 */

import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { StorageListener } from "../events.ts";
import { RequestGates } from "../request-gate.ts";
import { withRetries } from "../retry.ts";
import { STALL_TIMEOUT, withStallTimeout } from "../stall.ts";
import { isAnswer, isExpired, regionOf, s3Error } from "./s3-error.ts";
import { type S3Options, withEnvironment } from "./s3-options.ts";

export type Sdk = typeof import("@aws-sdk/client-s3");

/** What one attempt has at hand. */
export interface S3Attempt {
  readonly client: S3Client;
  readonly sdk: Sdk;
  readonly abortSignal: AbortSignal;
  /** To call whenever bytes come. */
  alive(): void;
  /** To call with the bytes that came or were sent. */
  transferred(bytes: number): void;
  /** Attempts that failed before this one, so that the service may have done what they asked for. */
  readonly before: number;
}

export interface S3Request<T> {
  readonly address: string;
  readonly bucket: string;
  /** Bytes that are expected to come or are sent, for the limit of bytes at a time. */
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  run(attempt: S3Attempt): Promise<T>;
}

export class S3Connection {
  /** With what the environment says. */
  readonly options: S3Options;
  readonly #onEvent: StorageListener | undefined;
  readonly #gates: RequestGates;
  readonly #clients = new Map<string, Promise<S3Client>>();
  /** Buckets whose service has answered anything. */
  readonly #answered = new Set<string>();
  #sdk: Promise<Sdk> | undefined;

  constructor(options: S3Options, onEvent: StorageListener | undefined) {
    this.options = withEnvironment(options);
    this.#onEvent = onEvent;
    this.#gates = new RequestGates(options.limits);
  }

  /** Sends a request, again where that can help. Errors: see `Storage`. */
  async send<T>(request: S3Request<T>): Promise<T> {
    const { address, bucket, signal } = request;
    const gate = this.#gates.of(bucket);
    return await withRetries(address, this.options, this.#onEvent, signal, (before) =>
      gate.run(request.bytes, signal, () => this.#inRegion(request, before)),
    );
  }

  /** One attempt; a second at once where the service says in which region the bucket lies, or the key ran out. */
  async #inRegion<T>(request: S3Request<T>, before: number): Promise<T> {
    try {
      return await this.#attempt(request, before);
    } catch (error) {
      const region = regionOf(error);
      if (region === undefined && !(isExpired(error) && this.options.credentials !== undefined)) {
        throw this.#errorOf(request, error);
      }
      this.#clients.set(request.bucket, this.#makeClient(region ?? this.options.region));
    }
    try {
      return await this.#attempt(request, before);
    } catch (error) {
      throw this.#errorOf(request, error);
    }
  }

  #errorOf<T>({ address, bucket }: S3Request<T>, error: unknown): Error {
    if (isAnswer(error)) this.#answered.add(bucket);
    return s3Error(address, error, this.#answered.has(bucket));
  }

  async #attempt<T>(request: S3Request<T>, before: number): Promise<T> {
    const { address, bucket, signal } = request;
    const sdk = await this.#load();
    let client = this.#clients.get(bucket);
    if (client === undefined) {
      client = this.#makeClient(this.options.region);
      this.#clients.set(bucket, client);
    }
    const ready = await client;
    const timeout = this.options.stallTimeout ?? STALL_TIMEOUT;
    let bytes = 0;
    try {
      const transferred = (count: number) => {
        bytes += count;
      };
      const result = await withStallTimeout(signal, timeout, (abortSignal, alive) =>
        request.run({ client: ready, sdk, abortSignal, alive, transferred, before }),
      );
      this.#answered.add(bucket);
      return result;
    } finally {
      this.#onEvent?.({ type: "request", address, bytes });
    }
  }

  #load(): Promise<Sdk> {
    this.#sdk ??= import("@aws-sdk/client-s3");
    return this.#sdk;
  }

  async #makeClient(region: string | undefined): Promise<S3Client> {
    const { S3Client } = await this.#load();
    const { endpoint, profile, anonymous, pathStyle, credentials } = this.options;
    const config: S3ClientConfig = {
      ...(profile !== undefined && { profile }),
      ...(endpoint !== undefined && { endpoint }),
      forcePathStyle: pathStyle ?? false,
      maxAttempts: 1,
      // Trailing checksums, the SDK's default, are not known to many services that speak S3.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      // More than the gate lets through, so that the SDK never waits for a socket; Node only, browsers ignore it.
      requestHandler: {
        connectionTimeout: 10_000,
        httpAgent: { keepAlive: true, maxSockets: 256 },
        httpsAgent: { keepAlive: true, maxSockets: 256 },
      },
      ...(anonymous && {
        credentials: { accessKeyId: "", secretAccessKey: "" },
        signer: { sign: async (unsigned: never) => unsigned },
      }),
      ...(!anonymous && credentials !== undefined && { credentials: sdkCredentials(credentials) }),
    };
    if (region !== undefined) return new S3Client({ ...config, region });
    // The region of a profile; without any the answer to the first request tells where the bucket lies.
    const found = await new S3Client(config).config.region().catch(() => "us-east-1");
    return new S3Client({ ...config, region: found });
  }
}

type SdkCredentials = NonNullable<S3ClientConfig["credentials"]>;

function sdkCredentials(credentials: NonNullable<S3Options["credentials"]>): SdkCredentials {
  const plain = ({
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiration,
  }: Exclude<typeof credentials, () => unknown>) => ({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(expiration !== undefined && { expiration }),
  });
  return typeof credentials === "function" ? async () => plain(await credentials()) : plain(credentials);
}
