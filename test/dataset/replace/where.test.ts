import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { openSource } from "../../../src/dataset/open.ts";
import { boxOf, parseConditions } from "../../../src/dataset/replace/where.ts";
import { arrayAt } from "../../../src/dataset/source.ts";
import { createArray, createGroup, ZarrStore } from "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";

const demo = fileURLToPath(new URL("../../data/demo/sst-2020.nc", import.meta.url));

/** Four days from 2020-01-01, 20 latitudes from -47.5 to 47.5 in steps of 5, 30 longitudes. */
async function boxIn(text: string) {
  const source = await openSource(demo);
  const arrays = new Map(
    await Promise.all(
      ["/time", "/lat", "/lon", "/sst"].map(async (path) => [path, await arrayAt(source, path)] as const),
    ),
  );
  const find = (path: string) => {
    const array = arrays.get(path);
    if (!array) throw new Error(path);
    return array;
  };
  return await boxOf(find("/sst"), parseConditions(text), find);
}

it("takes positions as they are", async () => {
  expect(await boxIn("time=1:3,lon=5")).toEqual({ start: [1, 0, 5], stop: [3, 20, 6] });
  expect(await boxIn("time=2:")).toEqual({ start: [2, 0, 0], stop: [4, 20, 30] });
});

it("finds dates by what they stand for", async () => {
  expect(await boxIn("time=2020-01-02..2020-01-03")).toEqual({ start: [1, 0, 0], stop: [3, 20, 30] });
  expect(await boxIn("time=2020-01-03")).toEqual({ start: [2, 0, 0], stop: [3, 20, 30] });
  expect(await boxIn("time=2020-01..2021")).toEqual({ start: [0, 0, 0], stop: [4, 20, 30] });
  expect(await boxIn("time=2020-01-02T00:00..2020-01-02T23:59")).toEqual({
    start: [1, 0, 0],
    stop: [2, 20, 30],
  });
});

it("finds numbers between two others, both included", async () => {
  expect(await boxIn("lat=-10..12.5")).toEqual({ start: [0, 8, 0], stop: [4, 13, 30] });
  expect(await boxIn("lat=-10..12.5, lon=0..30, time=2020-01-02")).toEqual({
    start: [1, 8, 0],
    stop: [2, 13, 3],
  });
  expect(await boxIn("lat=7.5")).toEqual({ start: [0, 11, 0], stop: [4, 12, 30] });
});

it("is nothing where nothing meets the conditions, or a dimension is another array's", async () => {
  expect(await boxIn("time=2021")).toBeUndefined();
  expect(await boxIn("depth=0")).toBeUndefined();
});

it("refuses what is no condition, and dates along what is no time", async () => {
  expect(() => parseConditions("time")).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
  await expect(boxIn("lat=2020-01..2020-02")).rejects.toMatchObject({ code: "InvalidArgument" });
  for (const date of ["2020-02-30", "2020-13", "2020-00", "2020-01-01T24:00", "2020-01-03..2020-01-02"]) {
    await expect(boxIn(`time=${date}`)).rejects.toMatchObject({ code: "InvalidArgument" });
  }
  await expect(boxIn("lat=10..-10")).rejects.toThrow(/backwards/);
  expect(() => parseConditions("time=5:3")).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
  await expect(boxIn("time=soon")).rejects.toMatchObject({ code: "InvalidArgument" });
});

it("unpacks coordinates, takes those that descend, and knows the days of other calendars", async () => {
  const store = new ZarrStore(new StorageRouter(), "memory://where/");
  await createGroup(store);
  const make = async (name: string, values: Int16Array, attributes: Record<string, string | number>) => {
    const [shape, dataType] = [[values.length], "int16"] as const;
    const array = await createArray(store, name, { shape, dataType, dimensionNames: [name], attributes });
    await array.set(null, values);
    return array;
  };
  const arrays = new Map([
    ["/lat", await make("lat", Int16Array.of(180, 100, 20, -60), { scale_factor: 0.5, add_offset: -10 })],
    [
      "/time",
      await make("time", Int16Array.of(58, 59, 60), { units: "days since 2020-01-01", calendar: "360_day" }),
    ],
  ]);
  const field = await createArray(store, "field", {
    shape: [3, 4],
    dataType: "int8",
    dimensionNames: ["time", "lat"],
  });
  const box = async (text: string) =>
    await boxOf(field, parseConditions(text), (path) => arrays.get(path) ?? field);
  expect(await box("lat=0..40")).toEqual({ start: [0, 1], stop: [3, 3] });
  expect(await box("time=2020-02-30,lat=80..80")).toEqual({ start: [1, 0], stop: [2, 1] });
  expect(await box("time=2020-02")).toEqual({ start: [0, 0], stop: [2, 4] });
  await expect(box("time=2020-02-31")).rejects.toMatchObject({ code: "InvalidArgument" });
});
