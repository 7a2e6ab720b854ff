/** A model of arrays and selections: NumPy's rules, written as plainly as possible. */

import * as fc from "fast-check";
import { coordinates, type Selection, slice } from "../../src/zarr/selection.ts";

/** What is selected along an axis: the elements in order, and whether the axis is dropped. */
interface Part {
  readonly indexes: readonly number[];
  readonly isDropped: boolean;
  readonly selection: number | null | ReturnType<typeof slice> | number[] | boolean[];
}

export interface ModelSelection {
  readonly selection: Selection;
  /** Shape of the result. */
  readonly shape: readonly number[];
  /** For each element of the result its C-order position in the array. */
  readonly positions: readonly number[];
}

function arbitraryPart(length: number): fc.Arbitrary<Part> {
  const all = Array.from({ length }, (_, index) => index);
  const bound = fc.option(fc.integer({ min: -length - 2, max: length + 2 }));
  const parts: fc.Arbitrary<Part>[] = [
    fc.constant({ indexes: all, isDropped: false, selection: null }),
    fc
      .record({
        start: bound,
        stop: bound,
        step: fc.option(fc.integer({ min: -4, max: 4 }).filter((n) => n !== 0)),
      })
      .map(({ start, stop, step }) => ({
        indexes: pythonSlice(length, start, stop, step ?? 1),
        isDropped: false,
        selection: slice(start, stop, step),
      })),
    fc
      .array(fc.boolean(), { minLength: Math.max(length, 1), maxLength: Math.max(length, 1) })
      .map((mask) => ({
        indexes: length === 0 ? [] : all.filter((index) => mask[index]),
        isDropped: false,
        selection: length === 0 ? null : mask,
      })),
  ];
  if (length > 0) {
    const index = fc.integer({ min: -length, max: length - 1 });
    const resolve = (at: number): number => (at < 0 ? at + length : at);
    parts.push(
      index.map((at) => ({ indexes: [resolve(at)], isDropped: true, selection: at })),
      fc.array(index, { maxLength: 6 }).map((list) => ({
        indexes: list.map(resolve),
        isDropped: false,
        selection: list,
      })),
    );
  }
  return fc.oneof(...parts);
}

/** `range(length)[start:stop:step]`, by walking. */
function pythonSlice(length: number, start: number | null, stop: number | null, step: number): number[] {
  const clip = (bound: number): number => (bound < 0 ? bound + length : bound);
  const indexes: number[] = [];
  if (step > 0) {
    const first = Math.max(0, start === null ? 0 : clip(start));
    const end = Math.min(length, stop === null ? length : clip(stop));
    for (let index = first; index < end; index += step) indexes.push(index);
  } else {
    const first = Math.min(length - 1, start === null ? length - 1 : clip(start));
    const end = Math.max(-1, stop === null ? -1 : clip(stop));
    for (let index = first; index > end; index += step) indexes.push(index);
  }
  return indexes;
}

/** Any selection of an array of a shape. */
export function arbitrarySelection(shape: readonly number[]): fc.Arbitrary<ModelSelection> {
  const orthogonal = fc.tuple(...shape.map(arbitraryPart)).map((parts): ModelSelection => {
    let positions = [0];
    parts.forEach(({ indexes }, axis) => {
      positions = positions.flatMap((position) =>
        indexes.map((index) => position * (shape[axis] ?? 1) + index),
      );
    });
    return {
      selection: parts.map((part) => part.selection),
      shape: parts.filter((part) => !part.isDropped).map((part) => part.indexes.length),
      positions,
    };
  });
  if (shape.length === 0 || shape.includes(0)) return orthogonal;
  const points = fc
    .array(fc.tuple(...shape.map((length) => fc.integer({ min: -length, max: length - 1 }))), {
      maxLength: 8,
    })
    .map(
      (list): ModelSelection => ({
        selection: coordinates(...shape.map((_, axis) => list.map((point) => point[axis] ?? 0))),
        shape: [list.length],
        positions: list.map((point) =>
          point.reduce((position, index, axis) => {
            const length = shape[axis] ?? 1;
            return position * length + (index < 0 ? index + length : index);
          }, 0),
        ),
      }),
    );
  return fc.oneof({ arbitrary: orthogonal, weight: 4 }, { arbitrary: points, weight: 1 });
}

/** Shapes with chunks, and inner chunks where they are shards. */
export interface ModelGrid {
  readonly shape: number[];
  readonly chunkShape: (number | number[])[];
  readonly shardShape: number[] | undefined;
}

export const arbitraryGrid: fc.Arbitrary<ModelGrid> = fc
  .array(
    fc.record({
      length: fc.integer({ min: 0, max: 11 }),
      chunk: fc.integer({ min: 1, max: 6 }),
      inner: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 3 },
  )
  .chain((axes) =>
    fc.constantFrom("chunks", "chunks", "shards", "shards", "lists").map((kind) => ({
      shape: axes.map(({ length }) => length),
      chunkShape: axes.map(({ length, chunk, inner }) =>
        kind === "lists" ? listOfChunks(length, chunk, inner) : kind === "shards" ? inner : chunk,
      ),
      shardShape: kind === "shards" ? axes.map(({ chunk, inner }) => inner * chunk) : undefined,
    })),
  );

/** Chunks of alternating lengths that reach the end of an axis. */
function listOfChunks(length: number, first: number, second: number): number[] {
  const chunks: number[] = [first];
  let total = first;
  while (total < length) {
    const next = chunks.length % 2 === 0 ? first : second;
    chunks.push(next);
    total += next;
  }
  return chunks;
}
