/**
 * The one family of errors. Every error that reaches a caller is a {@link MoraineError} with a `code`,
 * and tells where: the source (address), the path inside it, and the byte offset, where they are known.
 *
 * @module
 */

/** Every code that an error can carry, with when it is used. */
export type ErrorCode =
  /** Nothing lies at the address, or there is no such group or array. */
  | "NotFound"
  /** The bytes are of no format that moraine reads. */
  | "UnknownFormat"
  /** The file ends before something that it says it holds. */
  | "TruncatedFile"
  /** The bytes contradict their format: a bad signature, checksum, length, cycle or enumeration. */
  | "CorruptFile"
  /** Stored chunk bytes do not decode to what their metadata promises. */
  | "CorruptChunk"
  /** A checksum stored beside the bytes does not match them. */
  | "ChecksumMismatch"
  /** Metadata (JSON or binary) breaks a rule of its specification. */
  | "InvalidMetadata"
  /** A data type that no decoder here knows. */
  | "UnsupportedDataType"
  /** An HDF5 filter that no decoder here knows. */
  | "UnsupportedFilter"
  /** A Zarr codec that no decoder here knows. */
  | "UnsupportedCodec"
  /** A storage layout or structure that is legal but not readable here. */
  | "UnsupportedLayout"
  /** A version of a format that is newer or older than what is supported here. */
  | "UnsupportedVersion"
  /** Legal, but beyond a limit that is kept so that untrusted input cannot exhaust time or memory. */
  | "LimitExceeded"
  /** A number that cannot be represented exactly (beyond 2^53 - 1 where a double must hold it). */
  | "NumberTooLarge"
  /** The caller's argument is not usable: a bad selection, option or address. */
  | "InvalidArgument"
  /** A selection points outside the array. */
  | "OutOfBounds"
  /** The source has another version (ETag, size or time) than when it was scanned. */
  | "SourceChanged"
  /** The location of a virtual reference is not authorized. */
  | "Unauthorized"
  /** The storage refused access (401, 403, EACCES). */
  | "AccessDenied"
  /** The storage failed, after retries where retrying makes sense. */
  | "StorageFailed"
  /** A write's precondition did not hold: somebody else wrote first. */
  | "PreconditionFailed"
  /** The target or session cannot be written. */
  | "ReadOnly"
  /** Something with this name is already there. */
  | "AlreadyExists"
  /** Two sets of changes cannot both stand. */
  | "Conflict"
  /** Files or arrays that cannot be joined into one without changing values. */
  | "Incompatible"
  /** The operation was cancelled through its signal. */
  | "Aborted";

/** Every code once: the record cannot lack one. */
const CODES: Readonly<Record<ErrorCode, true>> = {
  NotFound: true,
  UnknownFormat: true,
  TruncatedFile: true,
  CorruptFile: true,
  CorruptChunk: true,
  ChecksumMismatch: true,
  InvalidMetadata: true,
  UnsupportedDataType: true,
  UnsupportedFilter: true,
  UnsupportedCodec: true,
  UnsupportedLayout: true,
  UnsupportedVersion: true,
  LimitExceeded: true,
  NumberTooLarge: true,
  InvalidArgument: true,
  OutOfBounds: true,
  SourceChanged: true,
  Unauthorized: true,
  AccessDenied: true,
  StorageFailed: true,
  PreconditionFailed: true,
  ReadOnly: true,
  AlreadyExists: true,
  Conflict: true,
  Incompatible: true,
  Aborted: true,
};

/** Whether a text is a code of an error. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(CODES, text);
}

/** Where something went wrong, as far as it is known. */
export interface ErrorPlace {
  /** Address of the file, object or store. */
  readonly source?: string | undefined;
  /** Path of the group, array or structure inside it. */
  readonly path?: string | undefined;
  /** Byte offset in the source. */
  readonly offset?: number | undefined;
  readonly cause?: unknown;
}

/** Parameters of an address by which whoever has it may read: signatures, tokens, keys. */
const SECRET_PARAMETERS =
  /([?&](?:x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|signature|sig|(?:access_?|auth_?)?token|awsaccesskeyid|googleaccessid|api_?key|password)=)[^&#\s"']+/gi;
const USER_INFORMATION = /\b([a-z][a-z0-9+.-]*:\/\/)[^/?#\s"'@]*:[^/?#\s"'@]*@/gi;

/** A text without the credentials that addresses in it may carry. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRET_PARAMETERS, "$1***").replace(USER_INFORMATION, "$1***@");
}

/**
 * An error with a code. Its message and source never carry credentials: addresses are shown without them.
 *
 * @example
 * try { await open("missing.nc") } catch (error) {
 *   if (isMoraineError(error, "NotFound")) console.log(error.source)
 * }
 */
export class MoraineError extends Error {
  override readonly name = "MoraineError";
  readonly code: ErrorCode;
  readonly source: string | undefined;
  readonly path: string | undefined;
  readonly offset: number | undefined;

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}) {
    super(withoutSecrets(message), place.cause === undefined ? undefined : { cause: place.cause });
    this.code = code;
    this.source = place.source === undefined ? undefined : withoutSecrets(place.source);
    this.path = place.path;
    this.offset = place.offset;
  }

  /** The same error with what was not known where it was thrown: fills only what is missing. */
  at(place: ErrorPlace): MoraineError {
    return new MoraineError(this.code, this.message, {
      source: this.source ?? place.source,
      path: this.path ?? place.path,
      offset: this.offset ?? place.offset,
      cause: this.cause,
    });
  }

  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      ...(this.source !== undefined && { source: this.source }),
      ...(this.path !== undefined && { path: this.path }),
      ...(this.offset !== undefined && { offset: this.offset }),
    };
  }
}

/** Whether a value is a {@link MoraineError}, of one of the given codes if any are given. */
export function isMoraineError(value: unknown, ...codes: ErrorCode[]): value is MoraineError {
  return value instanceof MoraineError && (codes.length === 0 || codes.includes(value.code));
}
