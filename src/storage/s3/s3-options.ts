/**
 * How S3 and the services that speak its protocol are reached.
 *
 * @module
 */

import { environment, environmentFlag } from "../environment.ts";
import type { GateLimits } from "../request-gate.ts";
import type { RetryOptions } from "../retry.ts";

/** A key, as the AWS SDK calls its parts. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When the key runs out; the callback is then asked for another. */
  readonly expiration?: Date | undefined;
}

/**
 * What is not given here comes from where the AWS SDK finds it: variables of the environment (`AWS_PROFILE`,
 * `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` …), `~/.aws`, the roles of containers and machines.
 */
export interface S3Options extends RetryOptions {
  /** Base address of another service than AWS: `https://minio.example.org:9000`. */
  readonly endpoint?: string | undefined;
  /** Region of the buckets; where it is wrong or missing, the service's answer tells the right one. */
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  /** Requests are not signed: public buckets. Also `AWS_SKIP_SIGNATURE` or `AWS_NO_SIGN_REQUEST`. */
  readonly anonymous?: boolean | undefined;
  /** The reader pays for requests and traffic. Also `AWS_REQUEST_PAYER=requester`. */
  readonly requesterPays?: boolean | undefined;
  /**
   * The bucket stands in the path instead of the host's name. Default: with an endpoint of one's own, unless
   * `AWS_VIRTUAL_HOSTED_STYLE_REQUEST` is set.
   */
  readonly pathStyle?: boolean | undefined;
  /** A key, or a callback that is asked again when the key runs out or is refused as expired. */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined;
  /** Milliseconds without a byte after which a request counts as stalled; default 30,000. */
  readonly stallTimeout?: number | undefined;
  /** What is under way in one bucket at most; default 64 requests and 128 MiB. */
  readonly limits?: Partial<GateLimits> | undefined;
}

/** The options with what the environment says where they say nothing. */
export function withEnvironment(options: S3Options): S3Options {
  const endpoint =
    options.endpoint ??
    (environmentFlag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
      ? undefined
      : (environment("AWS_ENDPOINT_URL_S3") ??
        environment("AWS_ENDPOINT_URL") ??
        environment("AWS_ENDPOINT")));
  const ownEndpoint =
    endpoint !== undefined && !/^https?:\/\/[^/]*\.amazonaws\.com(\.cn)?(\/|$)/i.test(endpoint);
  return {
    ...options,
    endpoint,
    region: options.region ?? environment("AWS_REGION") ?? environment("AWS_DEFAULT_REGION"),
    anonymous:
      options.anonymous ??
      (options.credentials === undefined &&
        (environmentFlag("AWS_SKIP_SIGNATURE") || environmentFlag("AWS_NO_SIGN_REQUEST"))),
    requesterPays: options.requesterPays ?? environment("AWS_REQUEST_PAYER")?.toLowerCase() === "requester",
    pathStyle: options.pathStyle ?? (ownEndpoint && !environmentFlag("AWS_VIRTUAL_HOSTED_STYLE_REQUEST")),
  };
}
