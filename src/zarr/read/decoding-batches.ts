/**
 * Hands chunks to the threads that decode, some at a time, and takes what comes back.
 *
 * @module
 */

import { type BatchedChunk, type DecodedBatch, decoding } from "../../codecs/decoding-threads.ts";
import type { Pipeline } from "../../codecs/pipeline.ts";
import { MoraineError } from "../../errors.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { Flow } from "./flow.ts";

/** Decoded bytes that a batch has at the most, unless a single chunk has more. */
const BATCH_BYTES = 256 * 1024;
/** A process that decodes fewer bytes ends before threads would help. */
const START_BYTES = 2 * 1024 * 1024;

/** Bytes that were decoded while no threads were running. */
let decodedAlone = 0;

/** Who waits for the decoded chunks of some rows. */
export interface ChunkTaker {
  take(row: number, elements: Uint8Array): void;
  /** Says of an error where the chunk lies. */
  locate(error: unknown, row: number): unknown;
}

/** Chunks that are collected until there are enough of them. */
interface Batch {
  readonly pipeline: Pipeline;
  readonly encoded: ArrayBuffer;
  readonly decodedSize: number;
  readonly chunks: BatchedChunk[];
  readonly takers: ChunkTaker[];
  readonly rows: number[];
  used: number;
}

/** What one read has at the threads. */
export class DecodingBatches {
  readonly #buffers: BufferPool;
  readonly #flow: Flow;
  #batch: Batch | undefined;
  /** Chunks that are still to come, as far as is known. */
  #remaining = 0;

  constructor(buffers: BufferPool, flow: Flow) {
    this.#buffers = buffers;
    this.#flow = flow;
  }

  /** Starts the threads where so many bytes will be decoded: they begin while the first chunks are on their way. */
  expect(decodedBytes: number): void {
    if (decodedBytes > START_BYTES) decoding.threads?.start();
  }

  /** Tells that so many chunks will come, or that one has come when it is negative. */
  announce(count: number): void {
    this.#remaining += count;
  }

  /**
   * Copies a chunk into a batch. False where it should be decoded here: no thread has room, or none is running.
   *
   * @param decodedSize bytes of the decoded chunk
   * @param taker who is given it, with its row
   */
  add(
    pipeline: Pipeline,
    bytes: Uint8Array,
    filterMask: number,
    decodedSize: number,
    taker: ChunkTaker,
    row: number,
  ): boolean {
    const { threads } = decoding;
    if (threads === undefined || !pipeline.isCostly) return false;
    if (!threads.areRunning) {
      decodedAlone += decodedSize;
      if (decodedAlone > START_BYTES) threads.start();
      return false;
    }
    let batch = this.#batch;
    // The last chunks are decoded here while the threads bring theirs.
    const collected = batch ? batch.chunks.length * decodedSize : 0;
    if (this.#remaining * decodedSize <= threads.load + collected) {
      this.send();
      return false;
    }
    if (batch && (batch.pipeline !== pipeline || batch.used + bytes.length > batch.encoded.byteLength)) {
      this.send();
      batch = undefined;
    }
    if (batch === undefined) {
      const room = Math.max(bytes.length, BATCH_BYTES);
      if (!threads.hasRoom(room + Math.max(decodedSize, BATCH_BYTES))) return false;
      const encoded = this.#buffers.take(room);
      batch = { pipeline, encoded, decodedSize, chunks: [], takers: [], rows: [], used: 0 };
      this.#batch = batch;
    }
    new Uint8Array(batch.encoded).set(bytes, batch.used);
    batch.chunks.push({ offset: batch.used, length: bytes.length, filterMask });
    batch.takers.push(taker);
    batch.rows.push(row);
    batch.used += bytes.length;
    if ((batch.chunks.length + 1) * decodedSize > BATCH_BYTES) this.send();
    return true;
  }

  /** Sends what has been collected. */
  send(): void {
    const batch = this.#batch;
    const { threads } = decoding;
    if (batch === undefined || threads === undefined) return;
    this.#batch = undefined;
    const { pipeline, encoded, decodedSize, chunks } = batch;
    const target = this.#buffers.take(chunks.length * decodedSize);
    this.#flow.add(
      new Promise((resolve, reject) => {
        threads.run({ pipeline, encoded, chunks, target, decodedSize }, (decoded) => {
          try {
            this.#take(batch, decoded);
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      }),
    );
  }

  #take({ takers, rows, decodedSize }: Batch, decoded: DecodedBatch): void {
    if ("code" in decoded) {
      const error = new MoraineError(decoded.code, decoded.message);
      throw takers[decoded.chunk]?.locate(error, rows[decoded.chunk] ?? 0) ?? error;
    }
    takers.forEach((taker, chunk) => {
      const elements = new Uint8Array(decoded.target, chunk * decodedSize, decodedSize);
      taker.take(rows[chunk] ?? 0, elements);
    });
    this.#buffers.give(decoded.encoded);
    this.#buffers.give(decoded.target);
  }
}
