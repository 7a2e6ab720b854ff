/**
 * Decoding on other threads: what a platform that has them offers. Chunks go there in batches, for a message between
 * threads takes as long as some KiB to decode.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import type { Pipeline } from "./pipeline.ts";

/** A place in a batch's encoded bytes. */
export interface BatchedChunk {
  readonly offset: number;
  readonly length: number;
  /** See `DecodeOptions.filterMask`. */
  readonly filterMask: number;
}

/** Chunks that one pipeline decodes. Both buffers are handed over: nobody else looks at them until they come back. */
export interface DecodingBatch {
  readonly pipeline: Pipeline;
  readonly encoded: ArrayBuffer;
  readonly chunks: readonly BatchedChunk[];
  /** Memory for the decoded chunks, one after another. */
  readonly target: ArrayBuffer;
  /** Bytes of a decoded chunk. */
  readonly decodedSize: number;
}

/** The buffers of a batch, now with the decoded chunks; or what went wrong with which chunk. */
export type DecodedBatch =
  | { readonly encoded: ArrayBuffer; readonly target: ArrayBuffer }
  | { readonly chunk: number; readonly code: ErrorCode; readonly message: string };

/** Some threads that decode. */
export interface DecodingThreads {
  /** Starts them, if they are not running. They take batches a little later. */
  start(): void;
  /** Whether one of them takes batches. */
  readonly areRunning: boolean;
  /** Decoded bytes that each of them still has to bring, on average. */
  readonly load: number;
  /** Whether a thread would decode a batch of so many bytes soon. Hands over what has been decoded meanwhile. */
  hasRoom(bytes: number): boolean;
  /** Has a batch decoded. `done` is called once, from `hasRoom` or when nothing else goes on. */
  run(batch: DecodingBatch, done: (decoded: DecodedBatch) => void): void;
}

/** What is in use; undefined where there are none, and everything is decoded here. */
export const decoding: { threads: DecodingThreads | undefined } = { threads: undefined };

/** Puts a platform's threads in place. Called by `node.ts`. */
export function useDecodingThreads(threads: DecodingThreads): void {
  decoding.threads = threads;
}
