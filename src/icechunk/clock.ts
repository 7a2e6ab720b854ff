/**
 * Time as Icechunk stamps it: whole microseconds since 1970, later than what it must follow.
 *
 * @module
 */

let last = 0;

/** Microseconds now; never the same twice in a process, and later than `after`. */
export function microsecondsNow(after = 0): number {
  last = Math.max(Date.now() * 1000, last + 1, after + 1);
  return last;
}
