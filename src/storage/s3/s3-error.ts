/**
 * What the AWS SDK throws, as errors of ours. Only the code of the service is told, never its message, which may
 * repeat what was sent.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { networkError } from "../network-error.ts";
import { RetryLater } from "../retry.ts";

/** Codes that pass, whatever status comes with them. */
const PASSING = new Set([
  "RequestTimeout",
  "RequestTimeTooSkewed",
  "InternalError",
  "OperationAborted",
  "ConditionalRequestConflict",
]);
const THROTTLED = new Set([
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "TooManyRequests",
  "ServiceUnavailable",
]);
const EXPIRED = new Set(["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"]);

/** The parts of an SDK error that matter. */
export interface ServiceAnswer {
  readonly status: number | undefined;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the service answered, undefined where it did not (no connection, no credentials). */
export function serviceAnswer(error: unknown): ServiceAnswer | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  const status = property(error.$metadata, "httpStatusCode");
  const response = "$response" in error ? error.$response : undefined;
  const headers = property(response, "headers");
  const strings: Record<string, string> = {};
  if (typeof headers === "object" && headers !== null) {
    for (const [name, value] of Object.entries(headers)) strings[name.toLowerCase()] = String(value);
  }
  return {
    status: typeof status === "number" ? status : undefined,
    code: error.name,
    headers: strings,
  };
}

/** Whether the credentials ran out, so that others may do. */
export function isExpired(error: unknown): boolean {
  return EXPIRED.has(serviceAnswer(error)?.code ?? "");
}

/** The region where the bucket lies, if the service says so. */
export function regionOf(error: unknown): string | undefined {
  const answer = serviceAnswer(error);
  if (answer === undefined) return undefined;
  const { status, code, headers } = answer;
  const elsewhere =
    status === 301 ||
    status === 307 ||
    code === "PermanentRedirect" ||
    code === "AuthorizationHeaderMalformed" ||
    (status === 400 && headers["x-amz-bucket-region"] !== undefined);
  if (!elsewhere) return undefined;
  const told = headers["x-amz-bucket-region"] ?? property(error, "Region");
  return typeof told === "string" && /^[a-z0-9-]+$/.test(told) ? told : undefined;
}

/** Whether an error is an answer of the service. */
export function isAnswer(error: unknown): boolean {
  return serviceAnswer(error)?.status !== undefined;
}

/**
 * The error of a request.
 *
 * @param hasAnswered whether the service has answered before
 */
export function s3Error(address: string, error: unknown, hasAnswered: boolean): MoraineError | RetryLater {
  if (isMoraineError(error) || error instanceof RetryLater) return error;
  const place = { source: address };
  const answer = serviceAnswer(error);
  if (answer?.status === undefined) {
    if (error instanceof Error && error.name === "CredentialsProviderError") {
      return new MoraineError(
        "AccessDenied",
        "no credentials were found for S3; a public bucket is read with AWS_SKIP_SIGNATURE=true or the option anonymous",
        place,
      );
    }
    return networkError(address, error, hasAnswered);
  }
  const { status, code, headers } = answer;
  const said = `the service answered ${status} (${code})`;
  const after = /^\d+$/.test(headers["retry-after"] ?? "")
    ? Number(headers["retry-after"]) * 1000
    : undefined;
  if (THROTTLED.has(code) || status === 429 || status === 503)
    return new RetryLater(said, { throttled: true, after });
  if (status === 412) return new MoraineError("PreconditionFailed", "somebody else wrote first", place);
  if (PASSING.has(code) || status >= 500) {
    return status === 501 ? new MoraineError("StorageFailed", said, place) : new RetryLater(said, { after });
  }
  if (status === 404) {
    const what = code === "NoSuchBucket" ? "there is no such bucket" : "nothing lies there";
    return new MoraineError("NotFound", what, place);
  }
  if (status === 401 || status === 403 || EXPIRED.has(code))
    return new MoraineError("AccessDenied", said, place);
  return new MoraineError("StorageFailed", said, place);
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
