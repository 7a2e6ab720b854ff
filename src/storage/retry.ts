/**
 * Trying again: transient faults with growing pauses, within a deadline.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { sleep, throwIfAborted } from "./abort.ts";
import type { StorageListener } from "./events.ts";

/** How long an attempt that failed is repeated. */
export interface RetryOptions {
  /** Attempts after the first; default 6. */
  readonly retries?: number | undefined;
  /** Milliseconds after which no further attempt is begun; default 120,000. */
  readonly deadline?: number | undefined;
}

/** Thrown by an attempt that failed in a way that may pass. */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  /** Whether the server asked for fewer requests. */
  readonly throttled: boolean;
  /** Milliseconds that the server asks to wait. */
  readonly after: number | undefined;
  /** Attempts after the first that are worth it; undefined where nothing speaks against any number. */
  readonly retries: number | undefined;

  constructor(
    message: string,
    options: {
      throttled?: boolean;
      after?: number | undefined;
      retries?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.throttled = options.throttled ?? false;
    this.after = options.after;
    this.retries = options.retries;
  }
}

/** First pause and longest pause. Milliseconds. */
const FIRST = 100;
const LONGEST = 10_000;

/**
 * Runs an attempt until it succeeds, fails for good, or the retries are used up; then the error
 * (`StorageFailed`) names the address, the attempts and the last cause.
 *
 * @param attempt is told how many attempts were made before
 */
export async function withRetries<T>(
  address: string,
  options: RetryOptions,
  onEvent: StorageListener | undefined,
  signal: AbortSignal | undefined,
  attempt: (before: number) => Promise<T>,
): Promise<T> {
  const retries = options.retries ?? 6;
  const started = Date.now();
  for (let attempts = 1; ; attempts++) {
    throwIfAborted(signal);
    try {
      return await attempt(attempts - 1);
    } catch (error) {
      if (!(error instanceof RetryLater)) throw error;
      throwIfAborted(signal);
      // Half fixed, half by chance, so that many clients do not come back at the same moment.
      const pause = Math.min(FIRST * 2 ** (attempts - 1), LONGEST);
      const wait = Math.max(error.after ?? 0, pause / 2 + (Math.random() * pause) / 2);
      const most = Math.min(retries, error.retries ?? retries);
      if (attempts > most || Date.now() + wait - started > (options.deadline ?? 120_000)) {
        throw new MoraineError(
          "StorageFailed",
          `${error.message} (${attempts} ${attempts === 1 ? "attempt" : "attempts"})`,
          { source: address, cause: error },
        );
      }
      onEvent?.({ type: "retry", address, reason: error.message, attempts, wait });
      await sleep(wait, signal);
    }
  }
}
