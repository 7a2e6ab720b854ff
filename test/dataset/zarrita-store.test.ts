import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import * as zarr from "zarrita";
import { get, open, slice, store } from "../../src/node.ts";

const path = (name: string): string => fileURLToPath(new URL(`../data/demo/${name}`, import.meta.url));

describe("files as stores of zarrita", () => {
  test.each(["sst-2020.nc", "sst-classic.nc"])(
    "zarrita reads every array of %s as it is read here",
    async (name) => {
      const file = await open(path(name));
      const group = await zarr.open(await store(path(name)), { kind: "group" });
      expect(group.attrs).toEqual(file.attributes);
      let arrays = 0;
      for await (const { path: inside, kind } of file.walk()) {
        if (kind !== "array") continue;
        const ours = await get(await file.array(inside));
        const array = await zarr.open(group.resolve(inside), { kind: "array" });
        const theirs: unknown = await zarr.get(array);
        const { data, shape } = Object(theirs) as { data?: ArrayLike<unknown>; shape?: number[] };
        expect(shape ?? [], inside).toEqual(ours.shape);
        expect(data ? Array.from(data) : [theirs], inside).toEqual(Array.from<unknown>(ours.data));
        arrays += 1;
      }
      expect(arrays).toBeGreaterThan(2);
      await file.close();
    },
  );

  test("parts, and the names of dimensions", async () => {
    const group = await zarr.open(await store(path("sst-2020.nc")), { kind: "group" });
    const sst = await zarr.open(group.resolve("sst"), { kind: "array" });
    const file = await open(path("sst-2020.nc"));
    const ours = await file.array("sst");
    expect(sst.dimensionNames).toEqual(ours.dimensionNames);
    const { data } = (await zarr.get(sst, [0, zarr.slice(1, 3), null])) as { data: ArrayLike<number> };
    expect(Array.from(data)).toEqual(Array.from<unknown>((await get(ours, [0, slice(1, 3), null])).data));
    await file.close();
  });
});
