/**
 * `transpose`: the axes in another order (Zarr v3 codec "transpose").
 *
 * @module
 */

import { isJsonArray } from "../binary/json.ts";
import { itemSize } from "../data-types/data-type.ts";
import type { ArrayToArrayCodec, ChunkData, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

export const makeTranspose: CodecMaker = (values, representation) => {
  const configuration = new Configuration("transpose", values, ["order"]);
  const given = configuration.value("order");
  const { shape, dataType } = representation;
  const order = isJsonArray(given) ? given.map(Number) : [];
  const valid =
    isJsonArray(given) &&
    given.every((axis) => typeof axis === "number") &&
    order.length === shape.length &&
    [...order].sort((a, b) => a - b).every((axis, index) => axis === index);
  if (!valid) throw configuration.error("order must name each axis once");
  const encodedShape = order.map((axis) => shape[axis] ?? 1);
  const inverse = order.map((_, axis) => order.indexOf(axis));
  const size = itemSize(dataType);
  const codec: ArrayToArrayCodec = {
    kind: "array-to-array",
    encoded: { ...representation, shape: encodedShape },
    encode: (data) => permute(data, shape, order, size),
    decode: (data) => permute(data, encodedShape, inverse, size),
  };
  return codec;
};

/** The elements with axis `order[i]` of the input as axis `i` of the output. */
export function permute(
  data: ChunkData,
  shape: readonly number[],
  order: readonly number[],
  size: number | undefined,
): ChunkData {
  if (order.every((axis, index) => axis === index)) return data;
  const sources = sourceIndexes(shape, order);
  if (!(data instanceof Uint8Array)) {
    return isStrings(data) ? gather(data, sources, "") : gather(data, sources, new Uint8Array(0));
  }
  const width = size ?? 1;
  const out = new Uint8Array(data.length);
  const aligned = data.byteOffset % 4 === 0;
  if (width === 1) copyWords(data, out, sources);
  else if (width === 2 && aligned) copyWords(words16(data), words16(out), sources);
  else if (width === 4 && aligned) copyWords(words32(data), words32(out), sources);
  else copyElements(data, out, sources, width);
  return out;
}

function isStrings(data: readonly string[] | readonly Uint8Array[]): data is readonly string[] {
  return typeof data[0] === "string";
}

function gather<T>(items: readonly T[], sources: Float64Array, none: T): T[] {
  return Array.from(sources, (index) => items[index] ?? none);
}

function words16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
}

function words32(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

type Words = Uint8Array | Uint16Array | Uint32Array;

function copyWords(from: Words, to: Words, sources: Float64Array): void {
  for (let i = 0; i < sources.length; i++) to[i] = from[sources[i] ?? 0] ?? 0;
}

function copyElements(from: Uint8Array, to: Uint8Array, sources: Float64Array, width: number): void {
  for (let i = 0; i < sources.length; i++) {
    const source = (sources[i] ?? 0) * width;
    const target = i * width;
    for (let byte = 0; byte < width; byte++) to[target + byte] = from[source + byte] ?? 0;
  }
}

/** For each element of the output, in C order, its index in the input. */
function sourceIndexes(shape: readonly number[], order: readonly number[]): Float64Array {
  const rank = shape.length;
  const strides = new Array<number>(rank).fill(1);
  for (let axis = rank - 2; axis >= 0; axis--)
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  const lengths = order.map((axis) => shape[axis] ?? 1);
  const steps = order.map((axis) => strides[axis] ?? 1);
  const indexes = new Float64Array(lengths.reduce((product, length) => product * length, 1));
  const position = new Array<number>(rank).fill(0);
  let source = 0;
  for (let i = 0; i < indexes.length; i++) {
    indexes[i] = source;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const next = (position[axis] ?? 0) + 1;
      source += steps[axis] ?? 0;
      if (next < (lengths[axis] ?? 1)) {
        position[axis] = next;
        break;
      }
      source -= next * (steps[axis] ?? 0);
      position[axis] = 0;
    }
  }
  return indexes;
}
