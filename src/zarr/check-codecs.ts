/**
 * Whether the codecs of an array can encode its chunks.
 *
 * @module
 */

import { createPipeline } from "../codecs/pipeline.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayMetadata } from "./array-metadata.ts";
import { axisChunkLengths } from "./chunk-grid.ts";

type CodedArray = Pick<ArrayMetadata, "chunkGrid" | "codecs" | "dataType" | "fillValue">;

/** A rectilinear axis has at the most this many lengths that are all checked against sharding. */
const MOST_CHECKED_LENGTHS = 4096;

/**
 * Builds the pipeline once, so that what cannot be decoded is refused before a chunk is fetched.
 *
 * Errors: `InvalidMetadata`, `UnsupportedCodec`; `LimitExceeded` for shards of very many lengths.
 */
export function checkCodecs({ chunkGrid, codecs, dataType, fillValue }: CodedArray): void {
  if (chunkGrid.name === "regular") {
    createPipeline(codecs, { shape: chunkGrid.chunkShape, dataType, fillValue });
    return;
  }
  const lengths = chunkGrid.chunkShapes.map(axisChunkLengths);
  const first = lengths.map(([length]) => length ?? 1);
  createPipeline(codecs, { shape: first, dataType, fillValue });
  // Other codecs take chunks of any length.
  if (!codecs.some((codec) => codec.name === "sharding_indexed")) return;
  lengths.forEach((ofAxis, axis) => {
    if (ofAxis.length > MOST_CHECKED_LENGTHS) {
      throw new MoraineError("LimitExceeded", `shards of more than ${MOST_CHECKED_LENGTHS} lengths`);
    }
    for (const length of ofAxis) {
      createPipeline(codecs, {
        shape: first.map((other, at) => (at === axis ? length : other)),
        dataType,
        fillValue,
      });
    }
  });
}
