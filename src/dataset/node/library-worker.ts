/**
 * The other end of `library-thread.ts`: the thread in which the HDF5 library decodes chunks.
 *
 * @module
 */

import { parentPort } from "node:worker_threads";
import { isMoraineError } from "../../errors.ts";
import { setPluginLoader } from "../../readers/hdf5/decoding/filter-plugins.ts";
import { decodeHere } from "../../readers/hdf5/decoding/h5wasm-decoder.ts";
import { readPlugin } from "./filter-plugins.ts";
import type { LibraryAnswer, LibraryJob } from "./library-thread.ts";

setPluginLoader(readPlugin);

parentPort?.on("message", ({ stored, decodedLength, filters, filterMask }: LibraryJob) => {
  decodeHere(stored, decodedLength, filters, filterMask).then(
    (bytes) => answer({ bytes }),
    (error: unknown) =>
      answer(
        isMoraineError(error)
          ? { code: error.code, message: error.message }
          : { code: "CorruptChunk", message: error instanceof Error ? error.message : String(error) },
      ),
  );
});

function answer(message: LibraryAnswer): void {
  const moved =
    "bytes" in message && message.bytes.buffer instanceof ArrayBuffer ? [message.bytes.buffer] : [];
  parentPort?.postMessage(message, moved);
}
