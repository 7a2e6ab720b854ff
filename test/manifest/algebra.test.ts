import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatenateManifests, insertAxis } from "../../src/manifest/concatenate.ts";
import { ManifestBuilder } from "../../src/manifest/manifest-builder.ts";
import { filterEntries, selectChunks } from "../../src/manifest/select-chunks.ts";
import { splitChunks, subChunkShape } from "../../src/manifest/split-chunks.ts";
import { canTrim, trimLastChunks } from "../../src/manifest/trim-chunks.ts";
import { gridShapeOf } from "../../src/zarr/chunk-grid.ts";
import {
  chunkChoices,
  concatenateElements,
  elementsOf,
  manifestOf,
  metadataOf,
  product,
  ravel,
  shapes,
  unitArray,
  unravel,
} from "./element-model.ts";

describe("concatenation", () => {
  it("keeps apart what is known of the same file in several manifests", () => {
    const versions = [undefined, { notAfter: 1000 }, { notAfter: 2000 }, { size: 8, notAfter: 1000 }];
    const manifests = versions.map((version) => {
      const builder = new ManifestBuilder([1], "file:///a.nc", version);
      builder.append(0, 100, 8);
      return builder.build();
    });
    const joined = concatenateManifests(manifests, 0);
    expect(joined.versions).toEqual(versions);
    expect([...(joined.locationIndexes ?? [])]).toEqual([0, 1, 2, 3]);
  });

  it("puts the references of each part where the model puts its elements", () => {
    fc.assert(
      fc.property(
        shapes,
        fc.nat(2),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), chunkChoices), { minLength: 1, maxLength: 4 }),
        (shape, at, parts) => {
          const axis = at % shape.length;
          const arrays = parts.map(([length, choices], index) =>
            unitArray(
              shape.map((l, i) => (i === axis ? length : l)),
              `part${index}`,
              choices,
            ),
          );
          const manifest = concatenateManifests(
            arrays.map((array) => array.manifest),
            axis,
          );
          const metadata = metadataOf(
            manifest.gridShape,
            { name: "regular", chunkShape: shape.map(() => 1) },
            true,
          );
          const expected = concatenateElements(
            arrays.map((array) => ({ shape: array.metadata.shape, elements: elementsOf(array) })),
            axis,
          );
          expect(elementsOf({ metadata, manifest })).toEqual(expected);
          const positions = Array.from(manifest.positions ?? []);
          expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        },
      ),
    );
  });

  it("keeps filter masks, and each location once for each version", () => {
    const metadata = metadataOf([4], { name: "regular", chunkShape: [1] }, false);
    const parts = ["a", "b", "a"].map((name) => manifestOf(metadata, name, [0, 3], true));
    const manifest = concatenateManifests(parts, 0);
    expect(manifest.locations).toEqual(["memory://a", "memory://a-2", "memory://b", "memory://b-2"]);
    expect([...(manifest.filterMasks ?? [])]).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    expect([...(manifest.locationIndexes ?? [])]).toEqual([0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0]);
    expect(manifest.positions).toBeUndefined();
  });

  it("refuses grids that differ elsewhere", () => {
    const a = unitArray([2, 3], "a", []).manifest;
    const b = unitArray([2, 4], "b", []).manifest;
    expect(() => concatenateManifests([a, b], 0)).toThrowError(
      expect.objectContaining({ code: "Incompatible" }),
    );
    expect(concatenateManifests([a, b], 1).gridShape).toEqual([2, 7]);
    expect(() => concatenateManifests([a], 2)).toThrowError(
      expect.objectContaining({ code: "InvalidArgument" }),
    );
  });

  it("stacks along a new axis, anywhere", () => {
    const parts = ["a", "b"].map((name) => unitArray([2, 3], name, [0, 1, 4]).manifest);
    for (const axis of [0, 1, 2]) {
      const stacked = concatenateManifests(
        parts.map((part) => insertAxis(part, axis)),
        axis,
      );
      const metadata = metadataOf(stacked.gridShape, { name: "regular", chunkShape: [1, 1, 1] }, true);
      const elements = elementsOf({ metadata, manifest: stacked });
      parts.forEach((part, index) => {
        const own = elementsOf({ metadata: unitArray([2, 3], "", []).metadata, manifest: part });
        own.forEach((element, position) => {
          const at = unravel(position, [2, 3]).toSpliced(axis, 0, index);
          expect(elements[ravel(at, stacked.gridShape)]).toBe(element);
        });
      });
    }
    expect(insertAxis(new ManifestBuilder([], "memory://scalar").build(), 0).gridShape).toEqual([1]);
  });
});

describe("selection", () => {
  it("of a box of chunks is the box of the model", () => {
    fc.assert(
      fc.property(
        shapes,
        chunkChoices,
        fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 3, maxLength: 3 }),
        (shape, choices, cuts) => {
          const array = unitArray(shape, "a", choices);
          const box = shape.map((length, axis) => {
            const [a = 0, b = 0] = cuts[axis]?.map((cut) => cut % (length + 1)) ?? [];
            return { start: Math.min(a, b), stop: Math.max(a, b) };
          });
          const selected = selectChunks(array.manifest, box);
          const lengths = box.map(({ start, stop }) => stop - start);
          const metadata = metadataOf(lengths, { name: "regular", chunkShape: shape.map(() => 1) }, true);
          const elements = elementsOf(array);
          const expected = Array.from({ length: product(lengths) }, (_, position) => {
            const index = unravel(position, lengths).map((at, axis) => at + (box[axis]?.start ?? 0));
            return elements[ravel(index, shape)];
          });
          expect(elementsOf({ metadata, manifest: selected })).toEqual(expected);
        },
      ),
    );
  });

  it("outside of the grid is an error", () => {
    const { manifest } = unitArray([3], "a", []);
    expect(() => selectChunks(manifest, [{ start: 1, stop: 4 }])).toThrowError(
      expect.objectContaining({ code: "OutOfBounds" }),
    );
  });

  it("by a test keeps the entries it names", () => {
    const { manifest, metadata } = unitArray([5], "a", [0, 2, 4]);
    const kept = filterEntries(manifest, (_, position) => position !== 1);
    const expected = elementsOf({ metadata, manifest });
    expect(elementsOf({ metadata, manifest: kept })).toEqual(expected.with(1, "missing"));
    expect(filterEntries(manifest, () => true)).toBe(manifest);
  });
});

describe("cutting uncompressed chunks", () => {
  it("into any exact shape leaves every element at its byte", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 2, 3, 4, 6)), {
          minLength: 1,
          maxLength: 3,
        }),
        chunkChoices,
        fc.integer({ min: 1, max: 60 }),
        (axes, choices, target) => {
          const metadata = metadataOf(
            axes.map(([length]) => length),
            { name: "regular", chunkShape: axes.map(([, chunk]) => chunk) },
            true,
          );
          const array = { metadata, manifest: manifestOf(metadata, "a", choices) };
          const wanted = subChunkShape(metadata, target) ?? [];
          const cut = splitChunks(array, wanted);
          expect(elementsOf(cut)).toEqual(elementsOf(array));
          expect(cut.manifest.gridShape).toEqual(gridShapeOf(cut.metadata));
          const bytes = product(wanted) * 2;
          expect(bytes <= target || wanted.every((length) => length === 1)).toBe(true);
        },
      ),
    );
  });

  it("gives the byte ranges that a person works out", () => {
    const metadata = metadataOf([8], { name: "regular", chunkShape: [4] }, true);
    const manifest = new ManifestBuilder([2], "memory://a");
    manifest.append(0, 1000, 8);
    manifest.append(1, 5000, 8);
    const cut = splitChunks({ metadata, manifest: manifest.build() }, [2]);
    expect([...cut.manifest.offsets]).toEqual([1000, 1004, 5000, 5004]);
    expect([...cut.manifest.lengths]).toEqual([4, 4, 4, 4]);
  });

  it.each([
    ["compressed chunks", false, [2, 4], [1, 4]],
    ["a cut behind an axis that stays long", true, [2, 4], [2, 2]],
    ["a length that does not divide", true, [4, 4], [3, 4]],
  ])("refuses %s", (_, plain, chunkShape, wanted) => {
    const metadata = metadataOf([8, 8], { name: "regular", chunkShape }, plain);
    const array = { metadata, manifest: manifestOf(metadata, "a", []) };
    expect(() => splitChunks(array, wanted)).toThrowError(expect.objectContaining({ code: "Incompatible" }));
  });

  it("does not trim a chunk that is shorter than its shape", () => {
    const metadata = metadataOf([5], { name: "regular", chunkShape: [4] }, true);
    const builder = new ManifestBuilder([2], "memory://a");
    builder.append(0, 0, 8);
    builder.append(1, 8, 1);
    expect(() => trimLastChunks({ metadata, manifest: builder.build() }, 0)).toThrowError(
      expect.objectContaining({ code: "Incompatible" }),
    );
  });

  it("trims chunks longer than the array where the bytes allow it", () => {
    const metadata = metadataOf([5, 3], { name: "regular", chunkShape: [512, 3] }, true);
    const array = { metadata, manifest: manifestOf(metadata, "a", []) };
    expect(canTrim(array, 0)).toBe(true);
    const trimmed = trimLastChunks(array, 0);
    expect(trimmed.metadata.chunkGrid).toEqual({ name: "regular", chunkShape: [5, 3] });
    expect([...trimmed.manifest.lengths]).toEqual([30]);
    expect(elementsOf(trimmed)).toEqual(elementsOf(array));
    const inner = metadataOf([3, 5], { name: "regular", chunkShape: [3, 512] }, true);
    const kept = { metadata: inner, manifest: manifestOf(inner, "a", []) };
    expect(canTrim(kept, 1)).toBe(false);
  });
});
