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

const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when the signal is aborted; the result ends that. However many wait for a signal, it gets one
 * listener: Node warns of a leak from the eleventh on.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  let set = callbacks.get(signal);
  if (set === undefined) {
    const waiting = new Set<() => void>();
    set = waiting;
    callbacks.set(signal, waiting);
    signal.addEventListener("abort", () => waiting.forEach((call) => void call()), { once: true });
  }
  set.add(callback);
  return () => void set.delete(callback);
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
  return { controller, unlink: onAbort(outer, () => controller.abort(outer?.reason)) };
}

/** Waits, or throws `Aborted` when the signal is aborted before. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      forget();
      resolve();
    }, milliseconds);
    const forget = onAbort(signal, () => {
      clearTimeout(timer);
      if (signal) reject(abortedError(signal));
    });
  });
}
