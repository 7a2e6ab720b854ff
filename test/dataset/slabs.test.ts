import fc from "fast-check";
import { expect, it } from "vitest";
import { slabs } from "../../src/dataset/digest.ts";

const float64 = { name: "float64" } as const;

/** Positions of the elements of a box in the array's C order. */
function positions(box: readonly (readonly [number, number])[], shape: readonly number[]): number[] {
  let found = [0];
  box.forEach(([start, stop], axis) => {
    const next: number[] = [];
    for (const before of found) {
      for (let at = start; at < stop; at++) next.push(before * (shape[axis] ?? 1) + at);
    }
    found = next;
  });
  return found;
}

it("covers every element once, in C order, in boxes of bounded bytes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 400 }),
      (shape, chunk, limit) => {
        const chunkGrid = { name: "regular", chunkShape: shape.map(() => chunk) } as const;
        const boxes = [...slabs({ shape, chunkGrid, dataType: float64 }, limit)];
        const count = shape.reduce((product, length) => product * length, 1);
        const seen = boxes.flatMap((box) => positions(box, shape));
        expect(seen).toEqual(Array.from({ length: count }, (_, at) => at));
      },
    ),
  );
});

it("cuts between chunks where whole chunks fit", () => {
  const chunkGrid = { name: "regular", chunkShape: [3, 4] } as const;
  const boxes = [...slabs({ shape: [10, 4], chunkGrid, dataType: float64 }, 7 * 4 * 8)];
  expect(boxes.map(([rows]) => rows)).toEqual([
    [0, 6],
    [6, 10],
  ]);
});
