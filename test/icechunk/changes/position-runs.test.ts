import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PositionRuns } from "../../../src/icechunk/changes/position-runs.ts";

const GRID = [4, 3, 5];
const places = fc
  .uniqueArray(fc.nat(4 * 3 * 5 - 1))
  .map((list) => Float64Array.from(list).sort())
  .map((positions) => ({ count: positions.length, positions }));
const grid = fc.array(fc.nat(6), { minLength: 3, maxLength: 3 });

const coordinatesOf = (position: number): number[] => [
  Math.floor(position / 15),
  Math.floor(position / 5) % 3,
  position % 5,
];
const told = (runs: PositionRuns, shape: readonly number[], most = 1000): string[] =>
  [...runs.blocks(shape, most)].flatMap(({ rank, count, coordinates }) => {
    expect(count).toBeLessThanOrEqual(most);
    return Array.from({ length: count }, (_, i) => coordinates.slice(i * rank, (i + 1) * rank).join());
  });

describe("runs of places", () => {
  it("tell the coordinates of all places in order, in blocks of any size", () => {
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 70 }), (own, most) => {
        const runs = PositionRuns.of(own);
        expect(runs.count).toBe(own.count);
        expect(told(runs, GRID, most)).toEqual([...own.positions].map((at) => coordinatesOf(at).join()));
      }),
    );
  });

  it("have the places of both when they are united", () => {
    fc.assert(
      fc.property(places, places, (a, b) => {
        const both = new Set([...a.positions, ...b.positions]);
        expect(told(PositionRuns.of(a).union(PositionRuns.of(b)), GRID)).toEqual(
          [...both].sort((x, y) => x - y).map((at) => coordinatesOf(at).join()),
        );
      }),
    );
  });

  it("follow the chunks into a grid of another size", () => {
    fc.assert(
      fc.property(places, grid, (own, shape) => {
        const kept = [...own.positions]
          .map(coordinatesOf)
          .filter((chunk) => chunk.every((at, axis) => at < (shape[axis] ?? 0)));
        expect(told(PositionRuns.of(own).regrid(GRID, shape), shape)).toEqual(
          kept.map((chunk) => chunk.join()),
        );
      }),
    );
  });

  it("are of one chunk where the grid has no axes", () => {
    const runs = PositionRuns.of({ count: 1, positions: undefined });
    expect([...runs.blocks([], 10)]).toEqual([{ rank: 0, count: 1, coordinates: new Uint32Array(0) }]);
    expect(runs.regrid([], []).count).toBe(1);
  });
});
