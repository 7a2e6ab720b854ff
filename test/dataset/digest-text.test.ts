import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { digestSource } from "../../src/dataset/digest.ts";
import { openSource } from "../../src/dataset/open.ts";
import { StorageRouter } from "../../src/storage/router.ts";
import { createArray } from "../../src/zarr/create.ts";
import { ZarrStore } from "../../src/zarr/store.ts";

test("a single string of a Zarr store is digested with the NULs at its end", async () => {
  const storage = new StorageRouter();
  const dataType = { name: "null_terminated_bytes", configuration: { length_bytes: 5 } };
  const address = "memory://digest/text.zarr";
  await createArray(new ZarrStore(storage, address), "", { shape: [], dataType, fillValue: "YWI=" });
  const source = await openSource(address, { storage });
  const rows = [];
  for await (const row of digestSource(source)) rows.push(row);
  // zarr-python: hashlib.sha256(array[...].tobytes()), an array of no axes and dtype S5.
  const bytes = createHash("sha256").update("ab\0\0\0").digest("hex");
  expect(rows).toMatchObject([{ path: "/", value: { bytes } }]);
});
