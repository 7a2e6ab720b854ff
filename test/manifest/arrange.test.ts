import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  mergeManifests,
  removeAxis,
  renameLocations,
  takeChunks,
} from "../../src/manifest/arrange-chunks.ts";
import { concatenateManifests } from "../../src/manifest/concatenate.ts";
import { concatenateArrays, stackArrays } from "../../src/manifest/concatenate-arrays.ts";
import { ManifestBuilder } from "../../src/manifest/manifest-builder.ts";
import { sliceArray } from "../../src/manifest/slice-array.ts";
import {
  chunkChoices,
  elementsOf,
  MISSING,
  manifestOf,
  metadataOf,
  product,
  ravel,
  shapes,
  unitArray,
  unravel,
} from "./element-model.ts";

function arrayOf(
  shape: readonly number[],
  chunkShape: readonly number[],
  plain: boolean,
  choices: readonly number[] = [],
) {
  const metadata = metadataOf(shape, { name: "regular", chunkShape }, plain);
  return { metadata, manifest: manifestOf(metadata, "a", choices) };
}

const code = (word: string) => expect.objectContaining({ code: word });

describe("taking chunks", () => {
  it("in any order, repeated or missing, is what the model takes", () => {
    fc.assert(
      fc.property(
        shapes,
        chunkChoices,
        fc.nat(2),
        fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 6 }),
        (shape, choices, at, wanted) => {
          const axis = at % shape.length;
          const indexes = wanted.map((index) => Math.min(index, (shape[axis] ?? 1) - 1));
          const array = unitArray(shape, "a", choices);
          const manifest = takeChunks(array.manifest, axis, indexes);
          const result = shape.with(axis, indexes.length);
          const metadata = metadataOf(result, { name: "regular", chunkShape: shape.map(() => 1) }, true);
          const elements = elementsOf(array);
          const expected = Array.from({ length: product(result) }, (_, position) => {
            const index = unravel(position, result);
            const from = indexes[index[axis] ?? 0] ?? -1;
            return from < 0 ? MISSING : elements[ravel(index.with(axis, from), shape)];
          });
          expect(elementsOf({ metadata, manifest })).toEqual(expected);
        },
      ),
    );
  });

  it("refuses a grid in which positions would be rounded", () => {
    const builder = new ManifestBuilder([1, 2 ** 51], "memory://a");
    builder.append(1, 0, 1);
    const manifest = builder.build();
    expect(() => takeChunks(manifest, 0, new Array<number>(8).fill(0))).toThrowError(code("LimitExceeded"));
    expect([...(takeChunks(manifest, 0, [-1, 0]).positions ?? [])]).toEqual([2 ** 51 + 1]);
  });

  it("takes as many as an axis of very many has", () => {
    const builder = new ManifestBuilder([300_000], "memory://a");
    for (let at = 0; at < 300_000; at++) builder.append(at, at, 1);
    const reversed = takeChunks(
      builder.build(),
      0,
      Array.from({ length: 300_000 }, (_, at) => 299_999 - at),
    );
    expect([reversed.count, reversed.positions]).toEqual([300_000, undefined]);
    expect([reversed.offsets[0], reversed.offsets[299_999]]).toEqual([299_999, 0]);
  });

  it("outside of the grid is an error", () => {
    expect(() => takeChunks(unitArray([3], "a").manifest, 0, [3])).toThrowError(code("OutOfBounds"));
    expect(() => takeChunks(unitArray([3], "a").manifest, 1, [0])).toThrowError(code("InvalidArgument"));
  });
});

describe("laying manifests over each other", () => {
  it("gives the chunks of the upper one where it has any", () => {
    fc.assert(
      fc.property(shapes, chunkChoices, chunkChoices, (shape, first, second) => {
        const [under, over] = [unitArray(shape, "under", first), unitArray(shape, "over", second)];
        const manifest = mergeManifests(under.manifest, over.manifest);
        const below = elementsOf(under);
        const expected = elementsOf(over).map((element, at) => (element === MISSING ? below[at] : element));
        expect(elementsOf({ metadata: under.metadata, manifest })).toEqual(expected);
      }),
    );
  });

  it("of other shapes is refused", () => {
    expect(() => mergeManifests(unitArray([2], "a").manifest, unitArray([3], "b").manifest)).toThrowError(
      code("Incompatible"),
    );
  });
});

describe("slicing an array", () => {
  it("gives the elements of the box, or says that its chunks cannot be cut", () => {
    const axis = fc.record({
      length: fc.integer({ min: 1, max: 9 }),
      chunk: fc.constantFrom(1, 2, 3, 4, 12),
      cuts: fc.tuple(fc.nat(9), fc.nat(9)),
    });
    let given = 0;
    fc.assert(
      fc.property(
        fc.array(axis, { minLength: 1, maxLength: 3 }),
        chunkChoices,
        fc.boolean(),
        (axes, choices, plain) => {
          const shape = axes.map(({ length }) => length);
          const array = arrayOf(
            shape,
            axes.map(({ chunk }) => chunk),
            plain,
            choices,
          );
          const box = axes.map(({ length, cuts: [a, b] }) => {
            const [x, y] = [a % (length + 1), b % (length + 1)];
            return { start: Math.min(x, y), stop: Math.max(x, y) };
          });
          try {
            const part = sliceArray(array, box);
            const lengths = box.map(({ start, stop }) => stop - start);
            expect(part.metadata.shape).toEqual(lengths);
            const [whole, own] = [elementsOf(array), elementsOf(part)];
            own.forEach((element, position) => {
              const index = unravel(position, lengths).map((at, i) => at + (box[i]?.start ?? 0));
              expect(element).toBe(whole[ravel(index, shape)]);
            });
            given += 1;
          } catch (error) {
            expect(error).toMatchObject({ code: "Incompatible" });
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(given).toBeGreaterThan(50);
  });

  it.each([
    ["[1:3] of one chunk", [8], [4], [{ start: 1, stop: 3 }], [1002], [4]],
    [
      "[1:3] of rows",
      [8, 4],
      [4, 4],
      [
        { start: 1, stop: 3 },
        { start: 0, stop: 4 },
      ],
      [1008],
      [16],
    ],
    [
      "[1:3] of rows in two columns of chunks",
      [8, 6],
      [4, 3],
      [
        { start: 1, stop: 3 },
        { start: 0, stop: 6 },
      ],
      [1006, 1030],
      [12, 12],
    ],
  ])("cuts uncompressed chunks by bytes: %s", (_, shape, chunkShape, box, offsets, lengths) => {
    const metadata = metadataOf(shape, { name: "regular", chunkShape }, true);
    const size = product(chunkShape) * 2;
    const builder = new ManifestBuilder(
      shape.map((length, axis) => length / (chunkShape[axis] ?? 1)),
      "memory://a",
    );
    for (let chunk = 0; chunk < builder.cells; chunk++) builder.append(chunk, 1000 + chunk * size, size);
    const { manifest } = sliceArray({ metadata, manifest: builder.build() }, box);
    expect([...manifest.offsets]).toEqual(offsets);
    expect([...manifest.lengths]).toEqual(lengths);
  });

  it("refuses to cut chunks of other lengths than their shape: what is behind them is something else", () => {
    const { metadata } = arrayOf([8], [4], true);
    const builder = new ManifestBuilder([2], "memory://a");
    builder.append(0, 100, 4);
    builder.append(1, 104, 8);
    const array = { metadata, manifest: builder.build() };
    expect(() => sliceArray(array, [{ start: 1, stop: 3 }])).toThrowError(code("Incompatible"));
    expect([...sliceArray(array, [{ start: 5, stop: 7 }]).manifest.offsets]).toEqual([106]);
  });

  it("refuses to cut compressed chunks", () => {
    const rows = { start: 1, stop: 3 };
    expect(() => sliceArray(arrayOf([8], [4], false), [rows])).toThrowError(code("Incompatible"));
    expect(() => sliceArray(arrayOf([8], [4], false), [{ start: 0, stop: 9 }])).toThrowError(
      code("OutOfBounds"),
    );
  });
});

describe("arrays with their references", () => {
  it("are joined, and say which chunks no reference gives", () => {
    const parts = [arrayOf([5, 3], [4, 3], false), arrayOf([4, 3], [4, 3], false)];
    const { metadata, rewrite } = concatenateArrays(parts, 0);
    expect(metadata.shape).toEqual([9, 3]);
    expect(rewrite).toEqual([1]);
  });

  it("are stacked along a new axis", () => {
    const { metadata, manifest } = stackArrays(
      [arrayOf([4], [2], false), arrayOf([4], [2], false)],
      1,
      "run",
    );
    expect(metadata.shape).toEqual([4, 2]);
    expect(metadata.dimensionNames).toEqual([null, "run"]);
    expect(metadata.chunkGrid).toEqual({ name: "regular", chunkShape: [2, 1] });
    expect(manifest.gridShape).toEqual([2, 2]);
  });

  it.each([
    ["data types", { dataType: { name: "int32" } as const }],
    ["codecs", { codecs: [{ name: "bytes" }] }],
    ["fill values", { fillValue: Uint8Array.of(1, 0) }],
    ["shapes", { shape: [4, 2] }],
  ])("of other %s are refused", (_, other) => {
    const array = arrayOf([4, 3], [2, 3], false);
    const odd = { ...array, metadata: { ...array.metadata, ...other } };
    expect(() => concatenateArrays([array, odd], 0)).toThrowError(code("Incompatible"));
  });

  it("need something to be joined", () => {
    expect(() => concatenateArrays([], 0)).toThrowError(code("InvalidArgument"));
  });

  it("are led to other addresses, whose versions are not known", () => {
    const builder = new ManifestBuilder([1], "https://host/a.nc", { size: 10, etag: "x" });
    builder.append(0, 0, 10);
    const moved = renameLocations(builder.build(), (address) =>
      address.replace("https://host/", "s3://bucket/"),
    );
    expect(moved.locations).toEqual(["s3://bucket/a.nc"]);
    expect(moved.versions).toEqual([{ size: 10 }]);
  });

  it("lose an axis of one chunk", () => {
    const { manifest } = unitArray([2, 1, 3], "a");
    expect(removeAxis(manifest, 1).gridShape).toEqual([2, 3]);
    expect(() => removeAxis(manifest, 0)).toThrowError(code("InvalidArgument"));
    expect(concatenateManifests([removeAxis(manifest, 1), removeAxis(manifest, 1)], 0).gridShape).toEqual([
      4, 3,
    ]);
  });
});

describe("what VirtualiZarr's tests expect of its arrays", () => {
  const keys = (manifest: {
    gridShape: readonly number[];
    positions?: Float64Array | undefined;
    count: number;
  }) =>
    Array.from({ length: manifest.count }, (_, entry) =>
      unravel(manifest.positions?.[entry] ?? entry, manifest.gridShape).join("."),
    );

  it("broadcasting along an axis repeats its chunks", () => {
    const { manifest } = unitArray([1, 2], "a");
    const three = takeChunks(manifest, 0, [0, 0, 0]);
    expect(keys(three)).toEqual(["0.0", "0.1", "1.0", "1.1", "2.0", "2.1"]);
    expect([...three.offsets]).toEqual([0, 1, 2].flatMap(() => [...manifest.offsets]));
  });

  it("a scalar stacked is an array of its chunks", () => {
    const scalar = {
      metadata: metadataOf([], { name: "regular", chunkShape: [] }, true),
      manifest: new ManifestBuilder([], "memory://s").build(),
    };
    const { metadata, manifest } = stackArrays([scalar, scalar, scalar], 0, "x");
    expect([metadata.shape, manifest.gridShape]).toEqual([[3], [3]]);
  });

  it.each([
    ["(8,) in chunks of 2, [2:6]", 8, { start: 2, stop: 6 }, [2]],
    ["(5,) in chunks of 2, [2:5]", 5, { start: 2, stop: 5 }, [2]],
  ])("selecting by whole chunks: %s", (_, length, range, grid) => {
    const part = sliceArray(arrayOf([length], [2], false), [range]);
    expect(part.metadata.shape).toEqual([range.stop - range.start]);
    expect(part.manifest.gridShape).toEqual(grid);
  });

  it.each([[[0]], [[0, 0]], [[2, 0]], [[0, 2]]])("a grid of shape %s is joined with itself", (shape) => {
    const { manifest } = unitArray(shape, "a");
    expect(concatenateManifests([manifest, manifest], 0)).toMatchObject({
      count: 0,
      gridShape: shape.with(0, (shape[0] ?? 0) * 2),
    });
  });

  it("reindexing appends, prepends, inserts and reorders, with missing chunks between", () => {
    const { manifest } = unitArray([3], "a");
    const [first, second, third] = manifest.offsets;
    for (const [indexes, positions, offsets] of [
      [
        [0, 1, 2, -1],
        [0, 1, 2],
        [first, second, third],
      ],
      [
        [-1, 0, 1, 2],
        [1, 2, 3],
        [first, second, third],
      ],
      [
        [0, -1, 1, 2],
        [0, 2, 3],
        [first, second, third],
      ],
      [[2, 0, 1], undefined, [third, first, second]],
    ] as const) {
      const taken = takeChunks(manifest, 0, indexes);
      expect(taken.positions && [...taken.positions]).toEqual(positions);
      expect([...taken.offsets]).toEqual(offsets);
    }
  });

  it("bytes that a manifest holds move with their chunks", () => {
    const builder = new ManifestBuilder([2], "memory://a");
    builder.append(0, 5, 2);
    builder.appendInline(1, Uint8Array.of(1, 2));
    const manifest = builder.build();
    expect(takeChunks(manifest, 0, [1, 1, 0]).inline).toEqual(
      new Map([
        [0, Uint8Array.of(1, 2)],
        [1, Uint8Array.of(1, 2)],
      ]),
    );
    expect(concatenateManifests([manifest, manifest], 0).inline).toEqual(
      new Map([
        [1, Uint8Array.of(1, 2)],
        [3, Uint8Array.of(1, 2)],
      ]),
    );
  });
});
