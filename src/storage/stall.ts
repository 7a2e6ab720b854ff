/**
 * A request that stops bringing anything is given up.
 *
 * @module
 */

import { abortedError, linkedController } from "./abort.ts";
import { RetryLater } from "./retry.ts";

/** Milliseconds without a byte after which a request counts as stalled. */
export const STALL_TIMEOUT = 30_000;

/**
 * Runs one request.
 *
 * @param task is given a signal that ends the request, and a function to call whenever something came
 * Errors: `RetryLater` when nothing came for `timeout` milliseconds, `Aborted`, those of the task.
 */
export async function withStallTimeout<T>(
  outer: AbortSignal | undefined,
  timeout: number,
  task: (signal: AbortSignal, alive: () => void) => Promise<T>,
): Promise<T> {
  const { controller, unlink } = linkedController(outer);
  const stall = () => controller.abort(new RetryLater(`nothing came for ${timeout} ms`));
  let timer = setTimeout(stall, timeout);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(stall, timeout);
  };
  try {
    return await task(controller.signal, alive);
  } catch (error) {
    if (outer?.aborted) throw abortedError(outer);
    // What the task throws when its signal ends it says less than why.
    if (controller.signal.aborted && controller.signal.reason instanceof RetryLater) {
      throw controller.signal.reason;
    }
    throw error;
  } finally {
    clearTimeout(timer);
    unlink();
  }
}
