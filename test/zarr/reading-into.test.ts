import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addressToPath, pathToAddress } from "../../src/storage/address.ts";
import { FileStorage } from "../../src/storage/file/file-storage.ts";
import type { ReadOptions, Version } from "../../src/storage/storage.ts";
import { createArray } from "../../src/zarr/create.ts";
import type { ZarrArray } from "../../src/zarr/node.ts";
import { layoutOf } from "../../src/zarr/read/chunk-layout.ts";
import { get } from "../../src/zarr/read/get.ts";
import { resolveSelection, type Selection, slice } from "../../src/zarr/selection.ts";
import { ZarrStore } from "../../src/zarr/store.ts";

/** Counts the bytes that are read to where they belong. */
class CountingFiles extends FileStorage {
  bytes = 0;

  override async readInto(
    address: string,
    offset: number,
    pieces: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<Version> {
    const version = await super.readInto(address, offset, pieces, options);
    this.bytes += pieces.reduce((sum, { length }) => sum + length, 0);
    return version;
  }
}

describe("chunks that are stored as they are", () => {
  const [rows, columns] = [600, 2500];
  const values = Float32Array.from({ length: rows * columns }, (_, at) => at);
  const storage = new CountingFiles();
  let folder = "";
  let array: ZarrArray;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "moraine-into-"));
    array = await createArray(new ZarrStore(storage, pathToAddress(`${folder}/`)), "", {
      shape: [rows, columns],
      dataType: "float32",
      chunkShape: [256, 1024],
      fillValue: 7,
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
    });
    await array.set(null, { data: values, shape: [rows, columns] });
    storage.bytes = 0;
  });
  afterEach(async () => {
    storage.close();
    await rm(folder, { recursive: true, force: true });
  });

  const chunkPath = (row: number, column: number) =>
    addressToPath(pathToAddress(join(folder, "c", String(row), String(column))));

  /** What a selection of ranges gives, by the model. */
  const expected = (
    y: [number, number],
    x: [number, number],
    fill?: (row: number, column: number) => boolean,
  ) =>
    Array.from({ length: (y[1] - y[0]) * (x[1] - x[0]) }, (_, at) => {
      const row = y[0] + Math.floor(at / (x[1] - x[0]));
      const column = x[0] + (at % (x[1] - x[0]));
      return fill?.(row, column) ? 7 : row * columns + column;
    });

  it.each([
    ["all of the array", null, [0, rows], [0, columns], 4 * 512 * 2048],
    ["a part", [slice(10, 590), slice(5, 2490)], [10, 590], [5, 2490], 4 * 256 * 1024],
    ["one column", [null, slice(1030, 1031)], [0, rows], [1030, 1031], 0],
  ] as const)("are read to their places: %s", async (_, selection, y, x, least) => {
    const { data } = await get(array, selection as Selection);
    expect(Array.from(data as Float32Array)).toEqual(expected([...y], [...x]));
    expect(storage.bytes).toBeGreaterThanOrEqual(least);
  });

  it("are planned in larger pieces where many are selected, side by side", () => {
    const rowsOf = (selection: Selection) =>
      layoutOf(array.metadata, resolveSelection(selection, array.shape)).levels[0]?.pieceShape[0];
    expect(rowsOf(null)).toBe(Math.floor(rows / 16));
    expect(rowsOf([slice(0, 50)])).toBe(16);
    expect(rowsOf([slice(0, rows, 2)])).toBe(16);
    expect(rowsOf([Array.from({ length: rows }, (_, row) => row)])).toBe(16);
  });

  it("are the fill value where they are missing", async () => {
    await rm(chunkPath(1, 1));
    const { data } = await get(array, null);
    const isMissing = (row: number, column: number) => row >> 8 === 1 && column >> 10 === 1;
    expect(Array.from(data as Float32Array)).toEqual(expected([0, rows], [0, columns], isMissing));
  });

  it("are refused with another size", async () => {
    await truncate(chunkPath(0, 1), 4 * 256 * 1024 - 4);
    await expect(get(array, null)).rejects.toMatchObject({
      code: expect.stringMatching(/Corrupt|Truncated/),
    });
    await truncate(chunkPath(0, 1), 4 * 256 * 1024 + 4);
    await expect(get(array, null)).rejects.toMatchObject({
      code: "CorruptChunk",
      source: pathToAddress(chunkPath(0, 1)),
    });
  });
});
