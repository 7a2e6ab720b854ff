import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { blame } from "../../src/dataset/blame.ts";
import { digestSource } from "../../src/dataset/digest.ts";
import { materialize } from "../../src/dataset/materialize.ts";
import { openSource } from "../../src/dataset/open.ts";
import { replace } from "../../src/dataset/replace.ts";
import { parseWhere } from "../../src/dataset/where.ts";
import { get, index, open, Repository } from "../../src/node.ts";

const netcdf4 = fileURLToPath(new URL("../data/demo/sst-2020.nc", import.meta.url));
let folder = "";
let target = "";
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-campaign-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  target = join(folder, `sst-${count++}.icechunk`);
  await index(netcdf4, target);
});

async function digests(address: string): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for await (const { path, value } of digestSource(await openSource(address))) found.set(path, value);
  return new Map([...found].sort());
}

async function kinds(path: string): Promise<string[]> {
  const session = await (await Repository.open(target)).readonlySession();
  const manifest = await session.manifest(path);
  return Array.from({ length: manifest.count }, (_, entry) => {
    if (manifest.inline.has(entry)) return "inline";
    const location = manifest.locations[manifest.locationIndexes?.[entry] ?? 0] ?? "";
    return session.isNative(location) ? "native" : "virtual";
  });
}

describe("materialize", () => {
  it("copies the chunks of a period, chosen by the values of the time coordinate", async () => {
    const repository = await Repository.open(target);
    const summary = await materialize(repository, {
      path: "/sst",
      where: parseWhere("time=2020-01-02..2020-01-03"),
    });
    expect(summary).toMatchObject({ chunks: 8, remaining: 0 });
    const now = await kinds("/sst");
    expect(now.slice(0, 4)).toEqual(["virtual", "virtual", "virtual", "virtual"]);
    expect(now.slice(4, 12)).not.toContain("virtual");
    expect(now.slice(12)).toEqual(["virtual", "virtual", "virtual", "virtual"]);
    expect(await digests(target)).toEqual(await digests(netcdf4));
  });

  it("goes on where it stopped, within a budget for each commit", async () => {
    const repository = await Repository.open(target);
    const first = await materialize(repository, { path: "/sst", budget: 600, commits: 2 });
    expect(first.commits).toHaveLength(2);
    expect(first.chunks + first.remaining).toBe(16);
    const rest = await materialize(repository, { path: "/sst", budget: 1e6 });
    expect(rest).toMatchObject({ chunks: first.remaining, remaining: 0 });
    expect(await kinds("/sst")).not.toContain("virtual");
    expect(await digests(target)).toEqual(await digests(netcdf4));
  });

  it("rewrites arrays with other chunks, shards and compression", async () => {
    const repository = await Repository.open(target);
    const form = { chunks: { lat: 5, lon: 10 }, shards: { time: 4, lat: 20, lon: 30 }, recompress: "zstd:1" };
    expect(await materialize(repository, { path: "/sst", ...form })).toMatchObject({
      chunks: 1,
      remaining: 0,
    });
    const sst = await (await open(target)).array("sst");
    expect(sst.chunkGrid).toEqual({ name: "regular", chunkShape: [4, 20, 30] });
    expect(await digests(target)).toEqual(await digests(netcdf4));
    expect(await materialize(repository, { path: "/sst", ...form })).toMatchObject({ commits: [] });
  });
});

describe("replace", () => {
  it("finds the place by coordinates, and blame tells the commits", async () => {
    const repository = await Repository.open(target);
    const session = await repository.writableSession("main");
    const corrected = join(folder, "corrected.icechunk");
    // New data: days 2 and 3 of the archive, all of them the same value.
    const part = await Repository.create(corrected);
    const write = await part.writableSession("main");
    for (const name of ["time", "lat", "lon", "sst"]) {
      const { metadata } = session.array(name);
      const [length = 1, ...others] = metadata.shape;
      const isCut = name === "time" || name === "sst";
      write.createArray(`/${name}`, { ...metadata, shape: [isCut ? length - 2 : length, ...others] });
    }
    const { data: time } = await get(session.array("time"));
    await write.array("time").set(null, Float64Array.from(time, Number).subarray(1, 3));
    for (const name of ["lat", "lon"]) {
      const { data } = await get(session.array(name));
      await write.array(name).set(null, Float32Array.from(data, Number));
    }
    await write.array("sst").set(null, 77);
    await write.commit("new data");
    const before = await get(session.array("sst"));

    const summary = await replace(repository, corrected);
    expect(summary.replaced).toEqual([{ path: "/sst", start: [1, 0, 0], shape: [2, 20, 30] }]);
    const after = await get(await (await open(target)).array("sst"));
    const expected = Array.from(before.data, Number);
    expected.fill(77, 600, 1800);
    expect(Array.from(after.data, Number)).toEqual(expected);

    const blames = await blame(repository, "/sst");
    expect(blames.map(({ snapshot, chunks, virtual }) => [snapshot, chunks, virtual])).toEqual([
      [summary.snapshot, 8, 0],
      [session.snapshotId, 8, 8],
    ]);
    expect(blames[1]?.sources).toEqual([`file://${netcdf4}`]);
    const [onlyFirst] = await blame(repository, "/sst", { where: parseWhere("time=0") });
    expect(onlyFirst).toMatchObject({ snapshot: session.snapshotId, chunks: 4 });
  });

  it("refuses data of another packing or place, and changes nothing", async () => {
    const repository = await Repository.open(target);
    const tip = await repository.lookupBranch("main");
    const classic = netcdf4.replace("sst-2020", "sst-classic");
    await expect(replace(repository, classic)).rejects.toMatchObject({ code: "Incompatible" });
    expect(await repository.lookupBranch("main")).toBe(tip);
  });
});

describe("conditions", () => {
  it("are positions or values", () => {
    expect([...parseWhere("time=2020-01..2020-12, lat=0:10,lon=3,level=5:")]).toEqual([
      ["time", { kind: "values", from: "2020-01", to: "2020-12" }],
      ["lat", { kind: "positions", start: 0, stop: 10 }],
      ["lon", { kind: "positions", start: 3, stop: 4 }],
      ["level", { kind: "positions", start: 5, stop: undefined }],
    ]);
    expect(() => parseWhere("time")).toThrow(/is no condition/);
    expect(() => parseWhere("time=a:b")).toThrow(/is no condition/);
  });

  it("by value take whole periods, and coordinates in either order", async () => {
    const repository = await Repository.open(target);
    for (const [where, chunks] of [
      ["time=2020..2020", 16],
      ["time=2020-01-04T00..2020-01-04T23", 4],
      ["lat=-10..10,time=0", 4],
      ["lat=2..3,time=0", 2],
      ["time=1999..2001", 0],
    ] as const) {
      const found = await blame(repository, "/sst", { where: parseWhere(where) });
      expect([where, found.reduce((sum, { chunks: n }) => sum + n, 0)]).toEqual([where, chunks]);
    }
  });
});
