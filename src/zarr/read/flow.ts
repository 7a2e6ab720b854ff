/**
 * Bounds what one read has under way: requests, and bytes that are fetched but not yet in the result.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { onAbort } from "../../storage/abort.ts";
import { Decoding } from "./decoding-window.ts";

/** What may be under way. */
export interface FlowLimits {
  /** Requests at a time. */
  readonly requests: number;
  /** Stored bytes at a time. One request that is larger than this goes alone. */
  readonly bytes: number;
}

/** Object stores answer many requests side by side, and 30 ms each add up. */
export const FAR_LIMITS: FlowLimits = { requests: 64, bytes: 16 * 1024 * 1024 };
/** More from this machine at a time brings nothing but cold memory. */
export const NEAR_LIMITS: FlowLimits = { requests: 8, bytes: 5 * 1024 * 1024 };

/**
 * Runs tasks within the bounds. The first failure stops the others: their signal aborts, no further task
 * starts, and {@link finish} rejects once all have ended.
 */
export class Flow {
  /** What is being decoded of all that came. */
  readonly decoding: Decoding = new Decoding();
  readonly #controller = new AbortController();
  readonly #forget: () => void;
  readonly #running = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #requests = 0;
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#forget = onAbort(signal, () => {
      this.#fail(new MoraineError("Aborted", "the read was cancelled", { cause: signal?.reason }));
    });
  }

  /** For everything that the tasks do. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Starts a task once there is room for it; resolves when it has started. Throws once another failed.
   *
   * @param bytes stored bytes that it fetches
   * @param limits of what may be under way with this one
   */
  async start(bytes: number, task: () => Promise<void>, limits: FlowLimits = FAR_LIMITS): Promise<void> {
    while (this.#requests > 0 && (this.#requests >= limits.requests || this.#bytes + bytes > limits.bytes)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.throwIfFailed();
    this.#requests += 1;
    this.#bytes += bytes;
    const running = task()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#running.delete(running);
        this.#requests -= 1;
        this.#bytes -= bytes;
        for (const resume of this.#waiting.splice(0)) resume();
      });
    this.#running.add(running);
  }

  /** Takes something that is under way as one more task; its bytes are bounded elsewhere. */
  add(work: Promise<void>): void {
    const running = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /**
   * Runs what starts the tasks, and waits for them.
   *
   * @param rest starts what only the end of all tasks tells to be the last
   */
  async finish(work: () => Promise<void>, rest?: () => void): Promise<void> {
    try {
      await work().catch((error: unknown) => this.#fail(error));
      while (this.#running.size > 0) await Promise.all(this.#running);
      if (this.#failure === undefined) rest?.();
      while (this.#running.size > 0) await Promise.all(this.#running);
    } finally {
      this.#forget();
    }
    this.throwIfFailed();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#controller.abort(error);
  }
}

/** Bounds the bytes of promises that are under way. The first failure is what {@link add} or {@link finish} throws. */
export class Window {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a promise that holds so many bytes; resolves when there is room for another. */
  async add(work: Promise<void>, bytes: number): Promise<void> {
    this.#bytes += bytes;
    const running = work
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running.delete(running);
        this.#bytes -= bytes;
      });
    this.#running.add(running);
    while (this.#bytes > this.#limit && this.#running.size > 0) await Promise.race(this.#running);
    this.#throwIfFailed();
  }

  /** Resolves when all have ended. */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
