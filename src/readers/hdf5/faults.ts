/**
 * Faults of single objects, kept apart from failures that concern everything.
 *
 * @module
 */

import { type ErrorCode, isMoraineError, type MoraineError } from "../../errors.ts";

/** What bytes can be blamed for; all else (the network, a signal, a defect here) is nobody's own fault. */
const FAULTS: readonly ErrorCode[] = [
  "TruncatedFile",
  "CorruptFile",
  "CorruptChunk",
  "ChecksumMismatch",
  "InvalidMetadata",
  "UnsupportedDataType",
  "UnsupportedFilter",
  "UnsupportedLayout",
  "UnsupportedVersion",
  "LimitExceeded",
  "NumberTooLarge",
];

/** Whether the bytes of one object are to blame. */
export function isFault(error: unknown): error is MoraineError {
  return isMoraineError(error, ...FAULTS);
}

/** An error as the fault of one object; throws any other. */
export function faultOf(error: unknown): MoraineError {
  if (isFault(error)) return error;
  throw error;
}

/** The results of tasks that run side by side; a fault stands in its place, other errors are thrown. */
export async function settle<T>(tasks: Iterable<Promise<T>>): Promise<(T | MoraineError)[]> {
  return await Promise.all(Array.from(tasks, (task) => task.catch(faultOf)));
}
