/**
 * Trying again: transient faults with growing pauses, within a deadline.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";

export interface RetryOptions {
  /** Attempts after the first; default 6. */
  readonly retries?: number | undefined;
  /** Milliseconds after which no further attempt is begun; default 120,000. */
  readonly deadline?: number | undefined;
  /** Told of every attempt that failed and is followed by another. */
  readonly onRetry?: ((reason: string) => void) | undefined;
}

/** Thrown by an attempt that failed in a way that may pass. */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  /** Milliseconds that the server asks to wait. */
  readonly after: number | undefined;

  constructor(message: string, after?: number) {
    super(message);
    this.after = after;
  }
}

/** First pause and longest pause. Milliseconds. */
const FIRST = 100;
const LONGEST = 10_000;

/**
 * Runs an attempt until it succeeds, fails for good, or the retries are used up; then the error names the
 * address, the attempts and the last cause.
 */
export async function withRetries<T>(
  address: string,
  options: RetryOptions,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const retries = options.retries ?? 6;
  const started = Date.now();
  for (let tried = 1; ; tried++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RetryLater)) throw error;
      if (retries === 0) throw error;
      // Half fixed, half by chance, so that many clients do not come back at the same moment.
      const pause = Math.min(FIRST * 2 ** (tried - 1), LONGEST);
      const wait = error.after ?? pause / 2 + (Math.random() * pause) / 2;
      if (tried > retries || Date.now() + wait - started > (options.deadline ?? 120_000)) {
        throw new MoraineError("StorageFailed", `${error.message} (${tried} attempts)`, {
          source: address,
          cause: error,
        });
      }
      options.onRetry?.(error.message);
      await sleep(wait, signal);
    }
  }
}

/** Waits, or throws the signal's reason when it is aborted before. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
