/**
 * Writing: values into a selection of an array.
 *
 * @module
 */

import type { ChunkData } from "../../codecs/codec.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { DurabilityOptions } from "../../storage/storage.ts";
import type { ArrayParts } from "../node.ts";
import { axisChunksOf } from "../read/axis-chunks.ts";
import { planRead } from "../read/plan.ts";
import { type ResolvedSelection, resolveSelection, type Selection } from "../selection.ts";
import { ChunkChanges, type WrittenElements } from "./chunk-changes.ts";
import { ChunkEncoder } from "./chunk-encoder.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { type ArrayValues, packValues } from "./values.ts";

/** Writes values into a selection, see `ZarrArray.set`. */
export async function setValues(
  array: ArrayParts,
  selection: Selection,
  values: ArrayValues,
  options?: DurabilityOptions,
): Promise<void> {
  const { dataType, shape, dimensionNames } = array.metadata;
  const resolved = resolveSelection(selection, shape, dimensionNames);
  const packed = packValues(values, dataType);
  if (packed.shape && withoutOnes(packed.shape) !== withoutOnes(resolved.shape)) {
    throw new MoraineError(
      "InvalidArgument",
      `values of shape ${packed.shape.join(" x ")} do not fit a selection of ${resolved.shape.join(" x ")}`,
      { source: array.source, path: array.path },
    );
  }
  await writeElements(array, resolved, packed, options);
}

/**
 * Writes elements as they are in memory, the counterpart of `readRaw`: little-endian bytes, or one value each for
 * types of variable length, as many as the selection has.
 *
 * Errors: as `ZarrArray.set`.
 */
export async function writeRaw(
  array: ArrayParts,
  selection: Selection,
  data: ChunkData,
  options?: DurabilityOptions,
): Promise<void> {
  const { shape, dimensionNames } = array.metadata;
  const resolved = resolveSelection(selection, shape, dimensionNames);
  await writeElements(array, resolved, { elements: data, repeat: false }, options);
}

/** Lengths of the axes of more than one element: the others can be left away. */
function withoutOnes(shape: readonly number[]): string {
  return shape.filter((length) => length !== 1).join();
}

/** Writes packed elements into a selection. */
export async function writeElements(
  array: ArrayParts,
  selection: ResolvedSelection,
  values: WrittenElements,
  options?: DurabilityOptions,
): Promise<void> {
  const { sink, metadata } = array;
  const place = { source: array.source, path: array.path };
  if (sink === undefined) throw new MoraineError("ReadOnly", "this array is only read", place);
  const count = selection.shape.reduce((product, length) => product * length, 1);
  const { elements, repeat } = values;
  const given =
    elements instanceof Uint8Array ? elements.length / (itemSize(metadata.dataType) || 1) : elements.length;
  if (!repeat && given !== count) {
    throw new MoraineError("InvalidArgument", `${given} values for ${count} elements`, place);
  }
  if (count === 0) return;
  try {
    const encoder = await ChunkEncoder.create(metadata);
    const plan = planRead(selection, {
      axes: axisChunksOf(metadata.chunkGrid),
      levels: encoder.sharding
        ? [{ kind: "shard", pieceShape: encoder.sharding.chunkShape, sharding: encoder.sharding }]
        : [],
      codecs: metadata.codecs,
    });
    const changes = new ChunkChanges(plan, encoder, values);
    await new ChunkWriter(array, sink, plan, changes, options).run();
  } catch (error) {
    throw isMoraineError(error) ? error.at(place) : error;
  }
}
