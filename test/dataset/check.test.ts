import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { check, index } from "../../src/node.ts";
import { StorageRouter } from "../../src/storage/router.ts";
import { archiveFile, newRepository } from "./combine/archive.ts";

const data = (name: string) => fileURLToPath(new URL(`../data/${name}`, import.meta.url));

it("files that are alike are one era, with what an index of them would hold", async () => {
  const files = [0, 1, 2].map((number) => archiveFile(`daily-${number}.nc`));
  const report = await check(files);
  expect(report).toMatchObject({
    files: 3,
    formats: { hdf5: 3 },
    failed: [],
    arrays: { virtual: 15, decoded: 0, unreadable: 0 },
    barriers: [],
    eras: [{ files: 3 }],
    drift: [],
    chunkShapes: [],
    unsortedFiles: 0,
    // v 2 a file, time, lat, lon and mask one each
    chunks: 18,
  });
  expect(report.cost.requests).toBeGreaterThanOrEqual(3);
  expect(report.cost.bytes).toBeGreaterThan(0);
});

it.each([
  ["little", [0, 1, 2].map((number) => archiveFile(`daily-${number}.nc`))],
  ["arrays that are stored decoded", [0, 1].map((number) => archiveFile(`summed-${number}.nc`))],
  ["many chunks", [data("demo/sst-2020.nc")]],
])("the size of an index is told to a factor of two: %s", async (_, files) => {
  const { indexBytes } = await check(files);
  const target = newRepository();
  await index(files, target, { concat: "time" });
  let bytes = 0;
  for await (const { size = 0 } of new StorageRouter().list(`${target}/`)) bytes += size;
  expect(indexBytes / bytes).toBeGreaterThan(0.5);
  expect(indexBytes / bytes).toBeLessThan(2);
});

it("eras are told apart, with what differs between them and the files", async () => {
  const report = await check(
    ["daily-0.nc", "codecs-1.nc", "daily-2.nc", "packed-0.nc", "packed-1.nc"].map(archiveFile),
  );
  expect(report.eras.map(({ files }) => files).sort()).toEqual([1, 1, 1, 2]);
  const words = report.drift.map(({ path, difference }) => `${path} ${difference}`).join("\n");
  expect(words).toMatch(/\/v its data type .* differ: "float32" in .*; "int16" in /);
  expect(words).toMatch(/\/v its packing .*scale_factor=0\.5.*scale_factor=0\.25/);
  expect(words).toMatch(/\/v its codecs /);
});

it("chunks of other shapes are told, with how many files have which", async () => {
  const report = await check(["leap-0.nc", "leap-1.nc"].map(archiveFile));
  expect(report.eras).toHaveLength(1);
  const shapes = new Map(
    report.chunkShapes.map(({ path, shapes: all }) => [path, all.map(({ shape, files }) => [shape, files])]),
  );
  expect(shapes.get("/v")).toEqual([
    [[6, 2, 3], 1],
    [[5, 2, 3], 1],
  ]);
});

it("what cannot be virtual is counted by its reason, and what cannot be opened is listed", async () => {
  const report = await check([
    data("hdf5-dataset/strings.h5"),
    data("demo/sst-classic.nc"),
    data("combine/expected.json"),
    data("nothing.nc"),
  ]);
  expect(report.files).toBe(4);
  expect(report.failed.map(({ code }) => code).sort()).toEqual(["NotFound", "UnknownFormat"]);
  const [barrier] = report.barriers;
  expect(barrier).toMatchObject({ code: expect.any(String), arrays: expect.any(Number) });
  expect(barrier?.examples[0]?.source).toContain("hdf5-dataset");
});
