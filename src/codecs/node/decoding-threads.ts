/**
 * Decodes batches of chunks on worker threads, fewer than the machine runs at a time: the thread that asks decodes too.
 * They are started by the first large read, and kept.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { ChunkRepresentation, CodecSpecification } from "../codec.ts";
import type { BatchedChunk, DecodedBatch, DecodingBatch, DecodingThreads } from "../decoding-threads.ts";
import type { Pipeline } from "../pipeline.ts";

/** What a thread is asked for. */
export interface DecodingRequest {
  readonly codecs: readonly CodecSpecification[];
  readonly representation: ChunkRepresentation;
  /** Number of the pipeline that they make. */
  readonly key: number;
  readonly encoded: ArrayBuffer;
  readonly chunks: readonly BatchedChunk[];
  readonly target: ArrayBuffer;
  readonly decodedSize: number;
}

/** What it says: that it has begun to listen, then one answer to each request. */
export type DecodingAnswer = "ready" | DecodedBatch;

/**
 * Each holds 15 to 20 MiB: its heap, the memory of its decoders, and the chunks that it works on. With more of them a read
 * would take more than the 64 MiB that it may take beyond its result.
 */
const MOST_THREADS = 1;
/** Batches at a thread: one that it works on, and the next. Each further read may bring one more. */
const QUEUE = 2;
/** Bytes, encoded and decoded, that may be at all threads: a read stays within its bound with them. */
const MOST_BYTES = 12 * 1024 * 1024;
/** Of the threads: nothing that lives long is made there. MiB. */
const LIMITS = { maxYoungGenerationSizeMb: 4, stackSizeMb: 1 } as const;

const numbers = new WeakMap<Pipeline, number>();
let nextNumber = 0;

function numberOf(pipeline: Pipeline): number {
  const known = numbers.get(pipeline) ?? nextNumber++;
  numbers.set(pipeline, known);
  return known;
}

interface Waiting {
  readonly bytes: number;
  readonly decodedBytes: number;
  done(decoded: DecodedBatch): void;
}

class Thread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #waiting: Waiting[] = [];
  isReady = false;
  isGone = false;

  constructor(file: URL) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(file, {
      workerData: port2,
      transferList: [port2],
      resourceLimits: LIMITS,
    });
    this.#worker.unref();
    port1.on("message", (answer: DecodingAnswer) => this.#take(answer));
    port1.unref();
    this.#worker.on("error", (error) => this.#fail(error.message));
    this.#worker.on("exit", () => this.#fail("it ended"));
  }

  get queued(): number {
    return this.#waiting.length;
  }

  get isFree(): boolean {
    return this.isReady && this.#waiting.length < QUEUE;
  }

  get bytes(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get decodedBytes(): number {
    return this.#waiting.reduce((sum, { decodedBytes }) => sum + decodedBytes, 0);
  }

  run({ pipeline, encoded, chunks, target, decodedSize }: DecodingBatch, done: Waiting["done"]): void {
    const { specifications: codecs } = pipeline;
    // By itself: a message takes all of the memory along that an array is a view of.
    const fillValue = pipeline.representation.fillValue?.slice();
    const representation = { ...pipeline.representation, fillValue };
    const key = numberOf(pipeline);
    const request: DecodingRequest = { codecs, representation, key, encoded, chunks, target, decodedSize };
    const bytes = encoded.byteLength + target.byteLength;
    this.#waiting.push({ bytes, decodedBytes: chunks.length * decodedSize, done });
    this.#port.ref();
    this.#port.postMessage(request, [encoded, target]);
  }

  /** Takes the answers that have come. */
  poll(): void {
    if (this.#waiting.length === 0 && this.isReady) return;
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      this.#take(next.message);
    }
  }

  #take(answer: DecodingAnswer): void {
    if (answer === "ready") {
      this.isReady = true;
      return;
    }
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#port.unref();
    waiting?.done(answer);
  }

  #fail(reason: string): void {
    this.isGone = true;
    this.#port.close();
    const message = `the thread that decodes failed: ${reason}`;
    for (const { done } of this.#waiting.splice(0)) done({ chunk: 0, code: "LimitExceeded", message });
  }
}

/** Worker threads that run `decoding-worker.ts`. */
export class WorkerThreads implements DecodingThreads {
  readonly #file: URL;
  readonly #count: number;
  #threads: Thread[] = [];

  /** @param file compiled, of `decoding-worker.ts` */
  constructor(file: URL, count: number) {
    this.#file = file;
    this.#count = count;
  }

  start(): void {
    // One that never began will not do so another time: the file that it runs may be missing from a bundle.
    if (this.#threads.some((thread) => thread.isGone && !thread.isReady)) return;
    this.#threads = this.#threads.filter((thread) => !thread.isGone);
    while (this.#threads.length < this.#count) this.#threads.push(new Thread(this.#file));
  }

  get areRunning(): boolean {
    // Whoever asks may not let anything else happen for long: the first message of a thread is fetched.
    for (const thread of this.#threads) if (!thread.isReady && !thread.isGone) thread.poll();
    return this.#threads.some((thread) => thread.isReady && !thread.isGone);
  }

  get load(): number {
    const running = this.#threads.filter((thread) => !thread.isGone);
    return running.reduce((sum, { decodedBytes }) => sum + decodedBytes, 0) / Math.max(running.length, 1);
  }

  hasRoom(bytes: number): boolean {
    let queued = bytes;
    let isFree = false;
    for (const thread of this.#threads) {
      if (thread.isGone) continue;
      thread.poll();
      queued += thread.bytes;
      isFree ||= thread.isFree;
    }
    return isFree && queued <= MOST_BYTES;
  }

  run(batch: DecodingBatch, done: (decoded: DecodedBatch) => void): void {
    // Whether one is free or not: since there was room another read may have taken it, and this batch waits behind.
    const running = this.#threads.filter((thread) => thread.isReady && !thread.isGone);
    const [first] = running.sort((a, b) => a.queued - b.queued);
    if (first) first.run(batch, done);
    else done({ chunk: 0, code: "LimitExceeded", message: "no thread is there that decodes" });
  }
}

/** The threads of this process. */
export const decodingThreads: DecodingThreads = new WorkerThreads(
  new URL("./decoding-worker.js", import.meta.url),
  Math.min(availableParallelism() - 1, MOST_THREADS),
);
