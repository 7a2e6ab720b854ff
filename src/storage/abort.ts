/**
 * Cancelling through an `AbortSignal`.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../errors.ts";

/** Throws `Aborted` once the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal);
}

/** The error of an aborted signal: its reason where that is one of ours, else `Aborted`. */
export function abortedError(signal: AbortSignal): MoraineError {
  const reason: unknown = signal.reason;
  return isMoraineError(reason)
    ? reason
    : new MoraineError("Aborted", "the operation was cancelled", { cause: reason });
}

/**
 * A controller that is aborted with an outer signal, or on its own. `unlink` ends the connection, so that a
 * signal that lives long does not gather listeners.
 */
export function linkedController(outer: AbortSignal | undefined): {
  readonly controller: AbortController;
  unlink(): void;
} {
  const controller = new AbortController();
  const abort = () => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  else outer?.addEventListener("abort", abort, { once: true });
  return { controller, unlink: () => outer?.removeEventListener("abort", abort) };
}

/** Waits, or throws `Aborted` when the signal is aborted before. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortedError(signal));
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    const stop = () => {
      clearTimeout(timer);
      if (signal) reject(abortedError(signal));
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
