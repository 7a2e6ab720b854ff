/**
 * Time as Icechunk stamps it: whole microseconds since 1970, later than what it must follow.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";

/** Microseconds of a time. Errors: `InvalidArgument` for what is none: nothing would be earlier, or all. */
export function microsecondsOf(time: unknown): number {
  const milliseconds = time instanceof Date ? time.getTime() : Number.NaN;
  if (Number.isNaN(milliseconds)) throw new MoraineError("InvalidArgument", `${String(time)} is no time`);
  return milliseconds * 1000;
}

let last = 0;

/** Microseconds now; never the same twice in a process, and later than `after`. */
export function microsecondsNow(after = 0): number {
  last = Math.max(Date.now() * 1000, last + 1, after + 1);
  return last;
}
