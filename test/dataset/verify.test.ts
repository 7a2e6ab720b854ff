import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { verify } from "../../src/dataset/verify/verify.ts";
import { index, Repository } from "../../src/node.ts";

const demo = fileURLToPath(new URL("../data/demo", import.meta.url));
let target = "";
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-verify-"));
  target = join(folder, "two.icechunk");
  await index([join(demo, "sst-2020.nc"), join(demo, "sst-classic.nc")], target);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("finds every chunk equal to what libhdf5 and netcdfjs read", async () => {
  expect(await verify(target)).toMatchObject({ arrays: 8, equal: 27, different: [], notCompared: [] });
});

it("compares a sample of each array", async () => {
  expect(await verify(target, { sample: 2 })).toMatchObject({ arrays: 8, equal: 11, different: [] });
});

it("finds a reference that leads to another chunk", async () => {
  const repository = await Repository.open(target);
  await repository.createBranch("swapped", await repository.lookupBranch("main"));
  const session = await repository.writableSession("swapped");
  const manifest = await session.manifest("/sst-2020/sst");
  const [offsets, lengths] = [manifest.offsets.slice(), manifest.lengths.slice()];
  for (const column of [offsets, lengths]) {
    const [third = 0, fourth = 0] = column.subarray(2, 4);
    column.set([fourth, third], 2);
  }
  await session.setReferences("/sst-2020/sst", { ...manifest, offsets, lengths });
  await session.commit("two chunks swapped");
  const { different, equal } = await verify(target, { ref: "swapped" });
  expect(equal).toBe(25);
  expect(different.map(({ path, coordinates }) => [path, coordinates])).toEqual([
    ["/sst-2020/sst", [0, 1, 0]],
    ["/sst-2020/sst", [0, 1, 1]],
  ]);
});

it("compares files that are stacked along a new dimension", async () => {
  const stacked = join(folder, "stacked.icechunk");
  await index([join(demo, "sst-2020.nc")], stacked, { concat: "run", load: [] });
  const { equal, different, notCompared } = await verify(stacked);
  expect({ different, notCompared }).toEqual({ different: [], notCompared: [] });
  expect(equal).toBeGreaterThan(10);
});

it("compares parts of uncompressed chunks, and finds a reference that leads beside them", async () => {
  const split = join(folder, "split.icechunk");
  await index(join(demo, "sst-classic.nc"), split, { splitChunks: 256 });
  const whole = await verify(split);
  expect(whole).toMatchObject({ different: [], notCompared: [] });
  expect(whole.equal).toBeGreaterThan(10);
  const session = await (await Repository.open(split)).writableSession("main");
  const manifest = await session.manifest("/sst");
  const offsets = manifest.offsets.slice();
  offsets[1] = (offsets[1] ?? 0) + 2;
  await session.setReferences("/sst", { ...manifest, offsets });
  await session.commit("one element further");
  const { equal, different } = await verify(split);
  expect(equal).toBe(whole.equal - 1);
  expect(different.map(({ path, reason }) => `${path} ${reason.slice(0, 30)}`)).toEqual([
    "/sst no chunk of the original file ",
  ]);
});

it("finds metadata that decode to other values", async () => {
  const repository = await Repository.open(target);
  await repository.createBranch("orders", await repository.lookupBranch("main"));
  const session = await repository.writableSession("orders");
  const { metadata } = session.array("/sst-classic/sst");
  session.updateArray("/sst-classic/sst", {
    ...metadata,
    codecs: [{ name: "bytes", configuration: { endian: "little" } }],
  });
  await session.commit("the other byte order");
  const { different } = await verify(target, { ref: "orders" });
  expect(different.map(({ path, sourcePath }) => [path, sourcePath])).toEqual([
    ["/sst-classic/sst", "/sst"],
    ["/sst-classic/sst", "/sst"],
    ["/sst-classic/sst", "/sst"],
  ]);
});

const data = fileURLToPath(new URL("../data", import.meta.url));

it.each([
  ["variables under names of their own in the dataset view", "hdf5-dataset/dimensions.nc", 11],
  ["one variable under several links", "hdf5-dataset/links.h5", 5],
])("finds %s", async (_, file, chunks) => {
  const linked = join(folder, `${file.replace(/\W/g, "-")}.icechunk`);
  await index(join(data, file), linked);
  expect(await verify(linked)).toMatchObject({ equal: chunks, different: [] });
});

it("does not compare what another reader cannot read rightly", async () => {
  for (const [file, reason] of [
    ["hdf5-dataset/numbers.h5", "h5wasm gives big-endian enumerations as they lie"],
    ["netcdf3/cdf1-streaming.nc", "netcdfjs finds more values here than the file has bytes for"],
  ] as const) {
    const odd = join(folder, `${file.replace(/\W/g, "-")}.icechunk`);
    await index(join(data, file), odd);
    const { different, notCompared } = await verify(odd);
    expect(different).toEqual([]);
    expect(notCompared.map((one) => one.reason)).toContain(reason);
  }
});
