import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as zarr from "zarrita";
import {
  get,
  type IndexOptions,
  index,
  open,
  openLocation,
  root,
  slice,
  store,
  ZARRITA_ROOT,
  ZarritaStorage,
  ZarrStore,
  ZipStorage,
} from "../../src/node.ts";
import { pathToAddress } from "../../src/storage/address.ts";
import { FileStorage } from "../../src/storage/file/file-storage.ts";

const path = (name: string): string => fileURLToPath(new URL(`../data/demo/${name}`, import.meta.url));

describe("files as stores of zarrita", () => {
  test.each(["sst-2020.nc", "sst-classic.nc"])(
    "zarrita reads every array of %s as it is read here",
    async (name) => await sameInZarrita(path(name), path(name)),
  );

  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "moraine-zarrita-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each<[string, IndexOptions]>([
    ["a.zarr", {}],
    ["sharded.zarr", { chunks: { lat: 7, lon: 10 }, shards: { lat: 14, lon: 30 }, recompress: "zstd" }],
    ["referring.zarr", { virtual: true }],
    ["a.json", {}],
    ["a.parquet", {}],
    ["a.icechunk", {}],
  ])("zarrita reads every array of %s as it is in the file", async (name, options) => {
    const target = join(folder, name);
    await index(path("sst-2020.nc"), target, options);
    await sameInZarrita(target, path("sst-2020.nc"));
  });

  test("zarrita reads every array of a zip", async () => {
    await index(path("sst-2020.nc"), join(folder, "zipped.zarr"));
    const files = new FileStorage();
    const address = pathToAddress(join(folder, "zipped.zarr.zip"));
    const zip = await ZipStorage.open(files, address, { create: true });
    const inside = pathToAddress(`${join(folder, "zipped.zarr")}/`);
    for await (const { address: file } of files.list(inside)) {
      const { parts } = await files.read(file, [{ offset: 0 }]);
      await zip.write(zip.root + file.slice(inside.length), parts[0] ?? new Uint8Array(0));
    }
    await zip.flush();
    await sameInZarrita(join(folder, "zipped.zarr.zip"), path("sst-2020.nc"));
  });

  test("a store of zarrita is read here, in whatever way it gets its bytes", async () => {
    const target = join(folder, "theirs.zarr");
    await index(path("sst-2020.nc"), target);
    const inFolder: zarr.AsyncReadable = {
      get: async (key) => {
        const bytes = await readFile(join(target, key)).catch(() => undefined);
        return bytes && new Uint8Array(bytes);
      },
    };
    // And one whose bytes are ours: from a file to zarrita and back.
    for (const theirs of [inFolder, await store(path("sst-2020.nc"))]) {
      const location = root(new ZarrStore(new ZarritaStorage(theirs), ZARRITA_ROOT));
      const sst = await openLocation(location.resolve("sst"), { kind: "array" });
      const file = await open(path("sst-2020.nc"));
      expect((await get(sst)).data).toEqual((await get(await file.array("sst"))).data);
      const part = [slice(1, 3), slice(null, null, 7), -1];
      expect((await get(sst, part)).data).toEqual((await get(await file.array("sst"), part)).data);
      await file.close();
    }
  });

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

/** Compares what zarrita reads of one source with what is read here of another. */
async function sameInZarrita(source: string, original: string): Promise<void> {
  const file = await open(original);
  const group = await zarr.open(await store(source), { kind: "group" });
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
}
