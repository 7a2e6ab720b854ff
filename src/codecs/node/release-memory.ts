/**
 * Gives memory back at once that only the garbage collector would find later: decoders that allocate what they decode
 * leave some MiB behind with every chunk.
 *
 * @module
 */

import { MessageChannel } from "node:worker_threads";

/** Less is not worth the call. Bytes. */
const LEAST_BYTES = 64 * 1024;

const { port1: nowhere, port2 } = new MessageChannel();
port2.close();
nowhere.unref();

/** Frees the memory of an array that nobody will look at again; one that shares it with others is left alone. */
export function releaseMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LEAST_BYTES || buffer.byteLength > 2 * byteLength) return;
  if (!(buffer instanceof ArrayBuffer)) return;
  try {
    // What is transferred to a port that leads nowhere is freed there. (`ArrayBuffer.prototype.transfer` is not in Node 20.)
    nowhere.postMessage(undefined, [buffer]);
  } catch {
    // Memory that cannot be transferred: a module's, or a pool's.
  }
}
