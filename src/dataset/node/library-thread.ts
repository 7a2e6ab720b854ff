/**
 * Has the HDF5 library decode chunks on a thread of its own, which can be stopped: with damaged bytes its plugins do
 * not always come to an end.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import PQueue from "p-queue";
import { type ErrorCode, MoraineError } from "../../errors.ts";
import type { LibraryDecoder } from "../../readers/hdf5/decoding/h5wasm-decoder.ts";
import type { Filter } from "../../readers/hdf5/filter-pipeline.ts";

/** What the thread is asked for. */
export interface LibraryJob {
  readonly stored: Uint8Array;
  readonly decodedLength: number;
  readonly filters: readonly Filter[];
  readonly filterMask: number;
}

/** What it answers. */
export type LibraryAnswer =
  | { readonly bytes: Uint8Array }
  | { readonly code: ErrorCode; readonly message: string };

/** A chunk takes milliseconds; a plugin has to be loaded before its first one. */
const PATIENCE = 2_000;
/** The first chunk of a thread waits for the library to be loaded and compiled. */
const LOADING = 10_000;
/** Bytes, encoded and decoded, that may take a millisecond more. */
const SLOWEST = 4096;

const queue = new PQueue({ concurrency: 1 });
let worker: Worker | undefined;
let loaded = false;

/** One chunk after another. Errors: those of the library; `CorruptChunk` where it does not come to an end. */
export const decodeInThread: LibraryDecoder = (stored, decodedLength, filters, filterMask) =>
  queue.add(() => ask({ stored, decodedLength, filters, filterMask }));

async function ask(job: LibraryJob): Promise<Uint8Array> {
  const current = worker ?? startWorker();
  const patience = (loaded ? PATIENCE : LOADING) + (job.stored.length + job.decodedLength) / SLOWEST;
  const answer = await new Promise<LibraryAnswer>((resolve) => {
    const end = (answer: LibraryAnswer): void => {
      clearTimeout(timer);
      current.off("message", end).off("error", fail).off("exit", leave);
      resolve(answer);
    };
    const stop = (message: string): void => end({ code: "CorruptChunk", message });
    const fail = (error: Error): void => stop(`the decoder failed: ${error.message}`);
    const leave = (): void => stop("the decoder failed");
    const timer = setTimeout(() => stop("the decoder did not come to an end"), patience);
    current.on("message", end).on("error", fail).on("exit", leave);
    current.ref();
    current.postMessage(job);
  });
  current.unref();
  loaded = "bytes" in answer;
  if ("bytes" in answer) return answer.bytes;
  // The library is not used again after a failure, and its memory is given back with the thread.
  worker = undefined;
  void current.terminate();
  throw new MoraineError(answer.code, answer.message);
}

function startWorker(): Worker {
  worker = new Worker(new URL("./library-worker.js", import.meta.url));
  return worker;
}
