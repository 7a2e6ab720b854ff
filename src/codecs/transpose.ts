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
function permute(
  data: ChunkData,
  shape: readonly number[],
  order: readonly number[],
  size: number | undefined,
): ChunkData {
  if (order.every((axis, index) => axis === index) || data.length === 0) return data;
  const loops = loopsOf(shape, order);
  if (!(data instanceof Uint8Array)) return permuteValues(data, loops);
  const width = size ?? 1;
  const out = new Uint8Array(data.length);
  const { byteOffset } = data;
  if (width === 2 && byteOffset % 2 === 0) {
    copyWords(new Uint16Array(data.buffer, byteOffset, data.length >> 1), new Uint16Array(out.buffer), loops);
  } else if (width === 4 && byteOffset % 4 === 0) {
    copyWords(new Uint32Array(data.buffer, byteOffset, data.length >> 2), new Uint32Array(out.buffer), loops);
  } else if (width === 8 && byteOffset % 4 === 0) {
    copyPairs(new Uint32Array(data.buffer, byteOffset, data.length >> 2), new Uint32Array(out.buffer), loops);
  } else {
    copyElements(data, out, loops, width);
  }
  return out;
}

/** Lengths of the output's axes, outermost first, and the steps in the input along them, in elements. */
interface Loops {
  readonly lengths: readonly number[];
  readonly steps: readonly number[];
}

/** Axes that are neighbours in both are one. */
function loopsOf(shape: readonly number[], order: readonly number[]): Loops {
  const strides = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, length) => product * length, 1),
  );
  const lengths: number[] = [];
  const steps: number[] = [];
  for (const axis of order) {
    const length = shape[axis] ?? 1;
    const step = strides[axis] ?? 1;
    if (length === 1) continue;
    const last = lengths.length - 1;
    if (last >= 0 && steps[last] === length * step) {
      lengths[last] = (lengths[last] ?? 1) * length;
      steps[last] = step;
    } else {
      lengths.push(length);
      steps.push(step);
    }
  }
  return { lengths, steps };
}

/** The input is read along its rows in tiles, so that what is fetched from memory is used while it is near. */
const TILE = 16;

type Words = Uint16Array | Uint32Array;

/** Calls `plane` for all positions of the axes but the last two: where they begin in the input and the output. */
function eachPlane({ lengths, steps }: Loops, plane: (from: number, to: number) => void): void {
  const outer = Math.max(lengths.length - 2, 0);
  const planeSize = lengths.slice(outer).reduce((product, length) => product * length, 1);
  const planes = lengths.slice(0, outer).reduce((product, length) => product * length, 1);
  const position = new Array<number>(outer).fill(0);
  let from = 0;
  for (let index = 0; index < planes; index++) {
    plane(from, index * planeSize);
    for (let axis = outer - 1; axis >= 0; axis--) {
      const next = (position[axis] ?? 0) + 1;
      from += steps[axis] ?? 0;
      if (next < (lengths[axis] ?? 1)) {
        position[axis] = next;
        break;
      }
      from -= next * (steps[axis] ?? 0);
      position[axis] = 0;
    }
  }
}

/** Lengths and steps of the last two axes. */
function innerLoops({ lengths, steps }: Loops): readonly [number, number, number, number] {
  const last = lengths.length - 1;
  return [lengths[last - 1] ?? 1, steps[last - 1] ?? 0, lengths[last] ?? 1, steps[last] ?? 1];
}

function copyWords(from: Words, to: Words, loops: Loops): void {
  const [rows, rowStep, columns, columnStep] = innerLoops(loops);
  eachPlane(loops, (start, target) => {
    for (let tile = 0; tile < columns; tile += TILE) {
      const end = Math.min(tile + TILE, columns);
      for (let row = 0; row < rows; row++) {
        let source = start + row * rowStep + tile * columnStep;
        const base = target + row * columns;
        for (let column = tile; column < end; column++, source += columnStep)
          to[base + column] = from[source] ?? 0;
      }
    }
  });
}

/** Elements of two words: as doubles they could lose the payloads of NaNs. */
function copyPairs(from: Uint32Array, to: Uint32Array, loops: Loops): void {
  const [rows, rowStep, columns, columnStep] = innerLoops(loops);
  eachPlane(loops, (start, target) => {
    for (let tile = 0; tile < columns; tile += TILE) {
      const end = Math.min(tile + TILE, columns);
      for (let row = 0; row < rows; row++) {
        let source = 2 * (start + row * rowStep + tile * columnStep);
        const base = target + row * columns;
        for (let column = tile; column < end; column++, source += 2 * columnStep) {
          to[2 * (base + column)] = from[source] ?? 0;
          to[2 * (base + column) + 1] = from[source + 1] ?? 0;
        }
      }
    }
  });
}

function copyElements(from: Uint8Array, to: Uint8Array, loops: Loops, width: number): void {
  const [rows, rowStep, columns, columnStep] = innerLoops(loops);
  eachPlane(loops, (start, target) => {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const source = (start + row * rowStep + column * columnStep) * width;
        const at = (target + row * columns + column) * width;
        for (let byte = 0; byte < width; byte++) to[at + byte] = from[source + byte] ?? 0;
      }
    }
  });
}

function permuteValues(values: readonly string[] | readonly Uint8Array[], loops: Loops): ChunkData {
  const [rows, rowStep, columns, columnStep] = innerLoops(loops);
  const sources: number[] = [];
  eachPlane(loops, (start) => {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++)
        sources.push(start + row * rowStep + column * columnStep);
    }
  });
  const isTexts = (list: readonly (string | Uint8Array)[]): list is readonly string[] =>
    typeof list[0] === "string";
  return isTexts(values)
    ? sources.map((index) => values[index] ?? "")
    : sources.map((index) => values[index] ?? new Uint8Array(0));
}
