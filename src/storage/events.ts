/**
 * What a storage does, told while it happens: for progress, costs and tests.
 *
 * @module
 */

/** A request was answered, well or badly. */
export interface RequestEvent {
  readonly type: "request";
  readonly address: string;
  /** Bytes received or sent in the body. */
  readonly bytes: number;
}

/** An attempt failed and is followed by another. */
export interface RetryEvent {
  readonly type: "retry";
  readonly address: string;
  readonly reason: string;
  /** Attempts so far. */
  readonly attempts: number;
  /** Milliseconds until the next one. */
  readonly wait: number;
}

/** Blocks of an object were looked up in a cache. */
export interface CacheEvent {
  readonly type: "cache";
  readonly address: string;
  /** Blocks that were there, or that somebody else was already fetching. */
  readonly hits: number;
  /** Blocks that had to be fetched. */
  readonly misses: number;
}

export type StorageEvent = RequestEvent | RetryEvent | CacheEvent;
export type StorageListener = (event: StorageEvent) => void;

/** What went to and fro. */
export interface Traffic {
  /** Requests, merged ranges counted once, repeated ones each time. */
  requests: number;
  /** Bytes received and sent. */
  bytes: number;
  /** Attempts that failed and were followed by another. */
  retries: number;
  /** Blocks that a cache had. */
  cacheHits: number;
}

/** What was asked of a storage. */
export interface StorageStatistics extends Traffic {
  /** Calls that were made while no other was under way: how often something waited for an answer. */
  rounds: number;
}

export function noTraffic(): Traffic {
  return { requests: 0, bytes: 0, retries: 0, cacheHits: 0 };
}

/** Adds an event to the sums. */
export function countEvent(statistics: Traffic, event: StorageEvent): void {
  if (event.type === "request") {
    statistics.requests += 1;
    statistics.bytes += event.bytes;
  } else if (event.type === "retry") {
    statistics.retries += 1;
  } else {
    statistics.cacheHits += event.hits;
  }
}
