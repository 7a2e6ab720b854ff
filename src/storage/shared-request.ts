/**
 * Requests for blocks that several wait for.
 *
 * @module
 */

import { abortedError, onAbort } from "./abort.ts";

/** A request for blocks that several may wait for. It is cancelled when nobody waits any longer. */
export interface SharedRequest {
  readonly blocks: Promise<ReadonlyMap<number, Uint8Array>>;
  readonly controller: AbortController;
  waiting: number;
}

/** Waits for a shared request. The last one to leave before it is done cancels it. */
export async function joinRequest(
  request: SharedRequest,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, Uint8Array>> {
  request.waiting += 1;
  if (signal === undefined) return await request.blocks;
  return await new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => {
      request.waiting -= 1;
      reject(abortedError(signal));
      if (request.waiting === 0) request.controller.abort(signal.reason);
    });
    request.blocks.then(resolve, reject).finally(forget);
  });
}
