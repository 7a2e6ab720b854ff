/**
 * Small calls of the file system. What the machine has in memory they give in a few microseconds, and the way through
 * the thread pool takes ten times that; a network disk takes milliseconds, in which nothing else would go on. So they
 * are made directly as long as they turn out quick.
 *
 * @module
 */

/** A call that takes longer than this was not answered from memory. */
const SLOW_MS = 0.5;
/** How many calls go through the thread pool after a slow one. */
const WARY_CALLS = 128;

let wary = 0;

/** Makes a call directly, or through the thread pool after one that was slow. */
export async function quickly<T>(direct: () => T, pooled: () => Promise<T>): Promise<T> {
  if (wary > 0) {
    wary -= 1;
    return await pooled();
  }
  const start = performance.now();
  try {
    return direct();
  } finally {
    if (performance.now() - start > SLOW_MS) wary = WARY_CALLS;
  }
}
