/**
 * Small calls of the file system. What the machine has in memory they give in a few microseconds, and the way through
 * the thread pool takes ten times that; a network disk takes milliseconds, in which nothing else would go on. So they
 * are made directly as long as they turn out quick.
 *
 * @module
 */

/** A call that takes longer than this was not answered from memory. */
const SLOW_MS = 0.5;
/** The time beyond that in which calls held up everything else, before others are made through the thread pool. */
const PATIENCE_MS = 5;
/** How much of it each further call makes good; a single slow call, as of a busy disk, is soon forgotten. */
const FORGIVEN_MS = 0.05;

let held = 0;

/** Whether the next call is to be made directly: not after some that were slow. */
export function isQuick(): boolean {
  if (held <= PATIENCE_MS) return true;
  held -= FORGIVEN_MS;
  return false;
}

/** Tells how long a direct call took. */
export function tookSince(start: number): void {
  const over = performance.now() - start - SLOW_MS;
  // At most as much as a hundred calls make good.
  held = over > 0 ? Math.min(held + over, 2 * PATIENCE_MS) : Math.max(held - FORGIVEN_MS, 0);
}

/** Makes a call directly, or through the thread pool after some that were slow. */
export async function quickly<T>(direct: () => T, pooled: () => Promise<T>): Promise<T> {
  if (!isQuick()) return await pooled();
  const start = performance.now();
  try {
    return direct();
  } finally {
    tookSince(start);
  }
}
