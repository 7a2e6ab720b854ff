/**
 * `s3://bucket/key`: keys stand there as they are, without escapes.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { refuseClimbing } from "../authorized-prefixes.ts";

export interface S3Location {
  readonly bucket: string;
  readonly key: string;
}

/** Errors: `InvalidArgument` without a bucket, and for keys that climb, which some services would follow. */
export function parseS3Address(address: string): S3Location {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/is.exec(address);
  if (!match)
    throw new MoraineError("InvalidArgument", "an S3 address is s3://bucket/key", { source: address });
  refuseClimbing(address);
  return { bucket: match[1] ?? "", key: match[2] ?? "" };
}

export function s3Address(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}
