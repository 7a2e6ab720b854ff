/**
 * Bounds what a storage has under way at one server: requests and their bytes, fewer when the server asks to
 * slow down.
 *
 * @module
 */

import { abortedError, onAbort } from "./abort.ts";
import { RetryLater } from "./retry.ts";

/** What may be under way at one server. */
export interface GateLimits {
  /** Requests at a time. */
  readonly requests: number;
  /** Bytes at a time that were asked for and have not come; one request may be larger and then goes alone. */
  readonly bytes: number;
}

/** Object stores answer many requests side by side; 64 of 1 MiB at 30 ms saturate most connections. */
const DEFAULT_LIMITS: GateLimits = { requests: 64, bytes: 128 * 1024 * 1024 };
interface Waiting {
  readonly bytes: number;
  start(): void;
}

/**
 * A queue, first come first served. A task that fails because the server wants fewer requests (`RetryLater`,
 * throttled) halves their number at a time; as many successes as there may be requests raise it by one again.
 */
export class RequestGate {
  readonly #limits: GateLimits;
  readonly #waiting: Waiting[] = [];
  #limit: number;
  #requests = 0;
  #bytes = 0;
  #successes = 0;
  #started = 0;
  /** The last request that had started when the limit was halved: those of one burst fail together. */
  #halvedAt = 0;
  #closedUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limits: GateLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
    this.#limit = limits.requests;
  }

  /** How many requests may be under way now. */
  get limit(): number {
    return this.#limit;
  }

  /** Runs a task when there is room for it. Errors: those of the task, `Aborted` while it waits. */
  async run<T>(bytes: number, signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    await this.#enter(bytes, signal);
    this.#started += 1;
    const number = this.#started;
    try {
      const result = await task();
      this.#succeeded();
      return result;
    } catch (error) {
      if (error instanceof RetryLater && error.throttled) this.#slowDown(number, error.after);
      throw error;
    } finally {
      this.#requests -= 1;
      this.#bytes -= bytes;
      this.#admit();
    }
  }

  /**
   * @param number of the request that was refused
   * @param pause milliseconds in which the server wants no request at all
   */
  #slowDown(number: number, pause: number | undefined): void {
    if (number > this.#halvedAt) {
      this.#halvedAt = this.#started;
      this.#limit = Math.max(1, Math.floor(Math.min(this.#limit, this.#requests) / 2));
      this.#successes = 0;
    }
    if (pause !== undefined) this.#closedUntil = Math.max(this.#closedUntil, Date.now() + pause);
  }

  #succeeded(): void {
    this.#successes += 1;
    if (this.#successes < this.#limit) return;
    this.#successes = 0;
    this.#limit = Math.min(this.#limit + 1, this.#limits.requests);
  }

  #enter(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        start: () => {
          forget();
          resolve();
        },
      };
      this.#waiting.push(waiting);
      const forget = onAbort(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        if (signal) reject(abortedError(signal));
        this.#admit();
      });
      this.#admit();
    });
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const alone = this.#requests === 0;
      const room = this.#requests < this.#limit && this.#bytes + next.bytes <= this.#limits.bytes;
      if (!alone && !room) return;
      const closed = this.#closedUntil - Date.now();
      if (closed > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#admit();
        }, closed);
        return;
      }
      this.#waiting.shift();
      this.#requests += 1;
      this.#bytes += next.bytes;
      next.start();
    }
  }
}

/** A gate for each server, made when it is first met. */
export class RequestGates {
  readonly #limits: GateLimits;
  readonly #gates = new Map<string, RequestGate>();

  constructor(limits: Partial<GateLimits> | undefined) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  of(server: string): RequestGate {
    let gate = this.#gates.get(server);
    if (gate === undefined) {
      gate = new RequestGate(this.#limits);
      this.#gates.set(server, gate);
    }
    return gate;
  }
}
