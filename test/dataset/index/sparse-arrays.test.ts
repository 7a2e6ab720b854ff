import { expect, test } from "vitest";
import { createArray, get, index, open, slice, ZarrStore } from "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";

test("an array of which little was written is stored anew without being looked through", async () => {
  const storage = new StorageRouter();
  const length = 2 ** 40;
  const array = await createArray(new ZarrStore(storage, "memory://sparse/a.zarr/"), "huge", {
    shape: [length, 3],
    dataType: "int32",
    chunkShape: [1000, 2],
    dimensionNames: ["t", "x"],
    fillValue: -1,
  });
  await array.set([slice(998, 1002), null], 7);
  await array.set([length - 1, 2], 8);
  const target = "memory://sparse/b.zarr";
  const { chunks } = await index("memory://sparse/a.zarr", target, {
    storage,
    chunks: { t: 7, x: 3 },
    recompress: "zstd",
  });
  // The two chunks of seven that hold elements 998 to 1001, and the last one.
  expect(chunks.native).toBe(3);
  const huge = await (await open(target, { storage })).array("huge");
  expect([...(await get(huge, [slice(996, 1004), 1])).data]).toEqual([-1, -1, 7, 7, 7, 7, -1, -1]);
  expect([...(await get(huge, [length - 1, null])).data]).toEqual([-1, -1, 8]);
});
