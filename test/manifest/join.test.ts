import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JoinPart, type JoinPolicy, planJoin } from "../../src/manifest/join-plan.ts";
import { joinReferences } from "../../src/manifest/join-references.ts";
import { cuttingAxis, type ReferencedArray } from "../../src/manifest/split-chunks.ts";
import { canTrim } from "../../src/manifest/trim-chunks.ts";
import type { ChunkGrid } from "../../src/zarr/array-metadata.ts";
import { chunkExtent, gridShapeOf } from "../../src/zarr/chunk-grid.ts";
import {
  chunkChoices,
  concatenateElements,
  elementsOf,
  manifestOf,
  metadataOf,
  product,
  ravel,
  unravel,
} from "./element-model.ts";

function partOf(array: ReferencedArray, axis: number, virtual = true): JoinPart {
  const { metadata } = array;
  const chunkShape = metadata.chunkGrid.name === "regular" ? metadata.chunkGrid.chunkShape : [];
  return {
    shape: metadata.shape,
    chunkGrid: metadata.chunkGrid,
    virtual,
    cuttable: canTrim(array, axis) && cuttingAxis(chunkShape) >= axis,
    rowBytes: product(chunkShape.toSpliced(axis, 1)) * 2,
  };
}

function arrayOf(
  shape: readonly number[],
  chunkShape: readonly number[],
  plain: boolean,
  name = "a",
  choices: readonly number[] = [],
) {
  const metadata = metadataOf(shape, { name: "regular", chunkShape }, plain);
  return { metadata, manifest: manifestOf(metadata, name, choices) };
}

/** Joins rows in chunks of whole columns; gives the grid along the axis, and what is encoded anew. */
function joined(parts: [length: number, chunk: number][], plain: boolean, policy?: JoinPolicy) {
  const arrays = parts.map(([length, chunk], index) => arrayOf([length, 5], [chunk, 5], plain, `f${index}`));
  const plan = planJoin(
    arrays.map((array) => partOf(array, 0)),
    0,
    policy,
  );
  const { rewrite } = joinReferences(arrays, plan, 0);
  const { chunkGrid } = plan;
  const grid = chunkGrid.name === "regular" ? chunkGrid.chunkShape[0] : chunkGrid.chunkShapes[0];
  return { shape: plan.shape[0], grid, rewrite };
}

describe("joining chunk grids", () => {
  it("is regular where everything lines up, with a partial chunk at the end", () => {
    expect(
      joined(
        [
          [8, 4],
          [6, 4],
        ],
        false,
      ),
    ).toEqual({ shape: 14, grid: 4, rewrite: [] });
  });

  it("encodes the partial chunk in the middle anew, and keeps the rest", () => {
    expect(
      joined(
        [
          [5, 4],
          [4, 4],
          [4, 4],
        ],
        false,
      ),
    ).toEqual({
      shape: 13,
      grid: [
        [4, 1],
        [1, 1],
        [4, 2],
      ],
      rewrite: [1],
    });
  });

  it("is rectilinear for whole chunks of different lengths", () => {
    expect(
      joined(
        [
          [366, 366],
          [365, 365],
        ],
        false,
      ),
    ).toEqual({
      shape: 731,
      grid: [
        [366, 1],
        [365, 1],
      ],
      rewrite: [],
    });
  });

  it("encodes oversized compressed chunks anew, in a regular grid of what they hold", () => {
    expect(
      joined(
        [
          [5, 512],
          [5, 512],
        ],
        false,
      ),
    ).toEqual({ shape: 10, grid: 5, rewrite: [0, 1] });
  });

  it("shortens oversized chunks by bytes where they are not compressed", () => {
    expect(
      joined(
        [
          [5, 512],
          [5, 512],
        ],
        true,
      ),
    ).toEqual({ shape: 10, grid: 5, rewrite: [] });
  });

  it("cuts uncompressed chunks into a regular grid, unless the pieces were tiny", () => {
    const small = { grid: "auto", minimumPieceBytes: 10 } as const;
    expect(
      joined(
        [
          [366, 366],
          [365, 365],
        ],
        true,
        small,
      ),
    ).toEqual({ shape: 731, grid: 1, rewrite: [] });
    expect(
      joined(
        [
          [6, 6],
          [4, 4],
        ],
        true,
        small,
      ),
    ).toEqual({ shape: 10, grid: 2, rewrite: [] });
    expect(
      joined(
        [
          [366, 366],
          [365, 365],
        ],
        true,
      ),
    ).toEqual({
      shape: 731,
      grid: [
        [366, 1],
        [365, 1],
      ],
      rewrite: [],
    });
  });

  it("keeps to a regular grid when it must", () => {
    const regular = { grid: "regular", minimumPieceBytes: 4096 } as const;
    expect(
      joined(
        [
          [5, 4],
          [7, 4],
          [4, 4],
        ],
        false,
        regular,
      ),
    ).toEqual({ shape: 16, grid: 4, rewrite: [1, 2] });
  });

  it("encodes parts anew whose chunks have another shape elsewhere", () => {
    const arrays = [
      arrayOf([4, 6], [2, 6], false),
      arrayOf([4, 6], [2, 3], false),
      arrayOf([4, 6], [2, 6], false),
    ];
    const plan = planJoin(
      arrays.map((array) => partOf(array, 0)),
      0,
    );
    expect(plan.chunkGrid).toEqual({ name: "regular", chunkShape: [2, 6] });
    expect(joinReferences(arrays, plan, 0).rewrite).toEqual([2, 3]);
  });
});

describe("whatever the parts", () => {
  const part = fc.record({
    length: fc.nat(9),
    chunk: fc.constantFrom(1, 2, 3, 4, 6, 12),
    virtual: fc.boolean(),
    other: fc.constantFrom(3, 3, 3, 2),
    choices: chunkChoices,
  });

  it("every element is the one of its part, or is encoded anew", () => {
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.nat(1),
        fc.boolean(),
        fc.constantFrom<JoinPolicy>(
          { grid: "auto", minimumPieceBytes: 1 },
          { grid: "auto", minimumPieceBytes: 4096 },
          { grid: "regular", minimumPieceBytes: 4096 },
        ),
        (parts, axis, plain, policy) => {
          const along = (length: number, other: number) => (axis === 0 ? [length, other] : [other, length]);
          const arrays = parts.map(({ length, chunk, other, choices }, index) =>
            arrayOf(along(length, 3), along(chunk, other), plain, `f${index}`, choices),
          );
          const plan = planJoin(
            arrays.map((array, index) => partOf(array, axis, parts[index]?.virtual)),
            axis,
            policy,
          );
          const { manifest, rewrite } = joinReferences(
            arrays.map((array, index) => (parts[index]?.virtual ? array : undefined)),
            plan,
            axis,
          );
          const metadata = metadataOf(plan.shape, plan.chunkGrid, plain);
          expect(manifest.gridShape).toEqual(gridShapeOf(metadata));
          const elements = elementsOf({ metadata, manifest });
          const expected = concatenateElements(
            arrays.map((array) => ({ shape: array.metadata.shape, elements: elementsOf(array) })),
            axis,
          );
          const anew = elementsIn(rewrite, plan.shape, plan.chunkGrid);
          elements.forEach((element, position) => {
            if (anew.has(position)) expect(element).toBe("missing");
            else expect(element, `element ${position}`).toBe(expected[position]);
          });
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function elementsIn(
  positions: readonly number[],
  shape: readonly number[],
  chunkGrid: ChunkGrid,
): Set<number> {
  const gridShape = gridShapeOf({ shape, chunkGrid });
  const elements = new Set<number>();
  for (const position of positions) {
    const extent = chunkExtent({ shape, chunkGrid }, unravel(position, gridShape));
    for (let inside = 0; inside < product(extent.inside); inside++) {
      const index = unravel(inside, extent.inside).map((at, axis) => at + (extent.start[axis] ?? 0));
      elements.add(ravel(index, shape));
    }
  }
  return elements;
}
