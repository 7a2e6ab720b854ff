/**
 * The other end of `decoding-threads.ts`: a thread that decodes batches of chunks.
 *
 * @module
 */

import { MessagePort, workerData } from "node:worker_threads";
import { isMoraineError } from "../../errors.ts";
import { native, useNativeCodecs } from "../native.ts";
import { createPipeline, type Pipeline } from "../pipeline.ts";
import type { DecodingAnswer, DecodingRequest } from "./decoding-threads.ts";
import { releaseMemory } from "./release-memory.ts";
import { nodeWasmZstd } from "./wasm-zstd.ts";
import { nodeDeflate, nodeZstd } from "./zlib.ts";

/** Pipelines that are kept: those of the arrays that are read now, for each shape of chunk. */
const KEEP = 32;

useNativeCodecs({ deflate: nodeDeflate, zstd: nodeZstd ?? nodeWasmZstd, release: releaseMemory });
const pipelines = new Map<number, Pipeline>();
let last: Promise<void> = Promise.resolve();

const port: unknown = workerData;
if (!(port instanceof MessagePort)) throw new TypeError("this file is run by decoding-threads.ts");
port.on("message", (request: DecodingRequest) => {
  last = last.then(() => decode(request, port));
});
const ready: DecodingAnswer = "ready";
port.postMessage(ready);

async function decode(request: DecodingRequest, port: MessagePort): Promise<void> {
  const { encoded, target, decodedSize } = request;
  let chunk = 0;
  try {
    const pipeline = await pipelineOf(request);
    for (const { offset, length, filterMask } of request.chunks) {
      const place = new Uint8Array(target, chunk * decodedSize, decodedSize);
      const elements = pipeline.decode(new Uint8Array(encoded, offset, length), {
        filterMask,
        target: place,
      });
      if (!(elements instanceof Uint8Array) || elements.length !== decodedSize) {
        throw new RangeError(`${elements.length} instead of ${decodedSize} bytes were decoded`);
      }
      if (elements.buffer !== target) {
        place.set(elements);
        if (elements.buffer !== encoded) native.release(elements);
      }
      chunk += 1;
    }
    const answer: DecodingAnswer = { encoded, target };
    port.postMessage(answer, [encoded, target]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const answer: DecodingAnswer = {
      chunk,
      code: isMoraineError(error) ? error.code : "CorruptChunk",
      message,
    };
    port.postMessage(answer);
  }
}

async function pipelineOf({ key, codecs, representation }: DecodingRequest): Promise<Pipeline> {
  const known = pipelines.get(key);
  if (known) return known;
  const pipeline = createPipeline(codecs, representation);
  await pipeline.ready("decode");
  if (pipelines.size >= KEEP) pipelines.clear();
  pipelines.set(key, pipeline);
  return pipeline;
}
