import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestSource } from "../../../src/dataset/digest.ts";
import { openSource } from "../../../src/dataset/open.ts";
import { type Reference, references } from "../../../src/dataset/references.ts";
import { get, index, open, Repository } from "../../../src/node.ts";
import { parseArrayMetadata } from "../../../src/zarr/metadata-v3.ts";

const demo = fileURLToPath(new URL("../../data/demo", import.meta.url));
const netcdf4 = join(demo, "sst-2020.nc");
const classic = join(demo, "sst-classic.nc");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-index-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function bytesOf(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(path));
}

async function digests(address: string, prefix = ""): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for await (const { path, value } of digestSource(await openSource(address)))
    found.set(prefix + path, value);
  return found;
}

async function allReferences(address: string): Promise<Reference[]> {
  const found: Reference[] = [];
  for await (const reference of references(await openSource(address))) found.push(reference);
  return found;
}

describe("one source", () => {
  it("becomes the root of a repository that reads the same", async () => {
    const target = join(folder, "one.icechunk");
    const summary = await index(netcdf4, target, { message: "first" });
    expect(summary).toMatchObject({
      format: "icechunk",
      branch: "main",
      arrays: 4,
      groups: 1,
      chunks: { virtual: 19, native: 0, inline: 0, missing: 0 },
      decoded: [],
      leftOut: [],
    });
    expect(new Map([...(await digests(target))].sort())).toEqual(
      new Map([...(await digests(netcdf4))].sort()),
    );
  });

  it("has names of dimensions for every array, without which xarray refuses the whole group", async () => {
    const target = join(folder, "named.icechunk");
    await index(fileURLToPath(new URL("../../data/hdf5-dataset/numbers.h5", import.meta.url)), target);
    const repository = await open(target);
    // A null dataspace.
    expect((await repository.array("nothing")).dimensionNames).toEqual(["nothing_dim_0"]);
    await repository.close();
  });

  it("leaves a variable shorter than its unlimited dimension as it is where it may not be decoded", async () => {
    const source = fileURLToPath(new URL("../../data/hdf5-dataset/extended.h5", import.meta.url));
    const target = join(folder, "short.icechunk");
    const summary = await index(source, target, { materializeLimit: 4 });
    expect(summary.leftOut).toEqual([]);
    const repository = await open(target);
    expect((await repository.array("never_said")).dimensionNames).toEqual(["t_3"]);
    expect((await repository.array("row_by_row")).shape).toEqual([5]);
    expect(new Map([...(await digests(target))]).get("/said")).toEqual((await digests(source)).get("/said"));
    await repository.close();
  });

  it("gives a group that has several paths under each of them", async () => {
    const source = fileURLToPath(new URL("../../data/hdf5-dataset/paths.h5", import.meta.url));
    const target = join(folder, "paths.icechunk");
    await index(source, target);
    const found = await digests(target);
    for (const [path, value] of await digests(source)) expect(found.get(path), path).toEqual(value);
    expect(found.get("/b/inner/y")).toEqual(found.get("/a/inner/y"));
    const repository = await open(target);
    expect((await repository.array("b/x")).dimensionNames).toEqual(["phony_dim_4", "phony_dim_5"]);
    await repository.close();
  });

  it("becomes a Zarr store whose chunks are the source's own bytes", async () => {
    const target = join(folder, "one.zarr");
    const summary = await index(netcdf4, target);
    expect(summary.chunks).toEqual({ virtual: 0, native: 19, inline: 0, missing: 0 });
    expect(new Map([...(await digests(target))].sort())).toEqual(
      new Map([...(await digests(netcdf4))].sort()),
    );
    const file = await bytesOf(netcdf4);
    for (const { path, coordinates, offset = 0, length = 0 } of await allReferences(netcdf4)) {
      const chunk = await bytesOf(join(target, path, "c", ...coordinates.map(String)));
      expect(chunk).toEqual(file.subarray(offset, offset + length));
    }
  });

  it("becomes a virtual Zarr store, which other readers refuse", async () => {
    const target = join(folder, "virtual.zarr");
    const summary = await index(netcdf4, target, { virtual: true });
    expect(summary.chunks).toEqual({ virtual: 19, native: 0, inline: 0, missing: 0 });
    expect(await readdir(join(target, "sst"))).toEqual(["references.json", "zarr.json"]);
    expect(new Map([...(await digests(target))].sort())).toEqual(
      new Map([...(await digests(netcdf4))].sort()),
    );
    const byPath = (references: Reference[]) => references.sort((a, b) => (a.path < b.path ? -1 : 1));
    expect(byPath(await allReferences(target))).toEqual(byPath(await allReferences(netcdf4)));
    const document = JSON.parse(await readFile(join(target, "sst/zarr.json"), "utf8"));
    expect(() => parseArrayMetadata(document)).toThrow(/storage transformer/);
    await expect(
      (await open(target, { authorize: ["/nowhere/"] })).array("sst").then((array) => get(array)),
    ).rejects.toMatchObject({
      code: "Unauthorized",
    });
  });

  it("becomes a Zarr store of other chunks, shards and compression", async () => {
    const target = join(folder, "form.zarr");
    const form = { chunks: { lat: 5, lon: 10 }, shards: { time: 4, lat: 20, lon: 30 }, recompress: "gzip:1" };
    await index(netcdf4, target, form);
    expect(new Map([...(await digests(target))].sort())).toEqual(
      new Map([...(await digests(netcdf4))].sort()),
    );
    const { metadata } = await (await open(target)).array("sst");
    expect(metadata.chunkGrid).toEqual({ name: "regular", chunkShape: [4, 20, 30] });
    expect(metadata.codecs).toMatchObject([
      {
        name: "sharding_indexed",
        configuration: {
          chunk_shape: [1, 5, 10],
          codecs: [{ name: "bytes" }, { name: "numcodecs.shuffle" }, { name: "gzip" }],
        },
      },
    ]);
  });

  it("has its attributes, _FillValue as xarray keeps it, and its dimension names", async () => {
    const target = join(folder, "attributes.icechunk");
    await index(netcdf4, target);
    const [before, after] = await Promise.all([open(netcdf4), open(target)]);
    expect(after.attributes).toEqual(before.attributes);
    const sst = await after.array("sst");
    expect(sst.dimensionNames).toEqual(["time", "lat", "lon"]);
    expect(sst.attributes).toEqual((await before.array("sst")).attributes);
  });
});

describe("several sources", () => {
  it("become groups named after the files", async () => {
    const target = join(folder, "two.icechunk");
    await index([netcdf4, classic], target);
    const expected = new Map([
      ...(await digests(netcdf4, "/sst-2020")),
      ...(await digests(classic, "/sst-classic")),
    ]);
    expect(new Map([...(await digests(target))].sort())).toEqual(new Map([...expected].sort()));
  });

  it("give the same references in the same order every time", async () => {
    const [first, second] = [join(folder, "again-1.icechunk"), join(folder, "again-2.icechunk")];
    await index([netcdf4, classic], first);
    await index([netcdf4, classic], second);
    expect(await allReferences(second)).toEqual(await allReferences(first));
  });
});

describe("a repository that is there already", () => {
  it("gets a second commit, and names every place of its chunks", async () => {
    const target = join(folder, "grown.icechunk");
    await index([netcdf4, classic], target);
    const copy = join(folder, "sub", "third.nc");
    await mkdir(join(folder, "sub"), { recursive: true });
    await writeFile(copy, await bytesOf(classic));
    await expect(index(copy, target, { group: "/more/third" })).resolves.toMatchObject({ arrays: 4 });
    expect((await (await open(target)).array("more/third/sst")).shape).toEqual([3, 20, 30]);
    const repository = await Repository.open(target);
    const prefixes = (await repository.config()).virtualChunkContainers?.map(({ urlPrefix }) => urlPrefix);
    expect(prefixes?.sort()).toEqual([`file://${demo}/`, `file://${join(folder, "sub")}/`].sort());
    const messages = [];
    for await (const { message } of repository.ancestry({ branch: "main" })) messages.push(message);
    expect(messages).toHaveLength(3);
  });

  it("keeps what it has where an array would be written over", async () => {
    const target = join(folder, "kept.icechunk");
    const { snapshot } = await index(netcdf4, target);
    await expect(index(netcdf4, target, { chunks: { time: 2 } })).rejects.toMatchObject({
      code: "AlreadyExists",
    });
    await expect(index(classic, target, { concat: "time" })).rejects.toMatchObject({ code: "AlreadyExists" });
    const repository = await Repository.open(target);
    expect(await repository.lookupBranch("main")).toBe(snapshot);
  });

  it("tells that an index which was cut off after its commit is complete, as it would have told then", async () => {
    const target = join(folder, "complete.icechunk");
    const first = await index([netcdf4, classic], target, { group: "both" });
    const again = await index([netcdf4, classic], target, { group: "both" });
    const [note, ...notes] = again.notes;
    expect(note?.note).toContain("complete");
    expect({ ...again, notes, statistics: {} }).toEqual({ ...first, statistics: {} });
    const later = await index(netcdf4, target, { group: "other" });
    expect((await index([netcdf4, classic], target, { group: "both" })).snapshot).toBe(first.snapshot);
    expect(await (await Repository.open(target)).lookupBranch("main")).toBe(later.snapshot);
  });

  it("gets a branch where one is named", async () => {
    const target = join(folder, "branched.icechunk");
    await index(netcdf4, target, { branch: "trial" });
    const branches = await (await Repository.open(target)).listBranches();
    expect([...branches.keys()].sort()).toEqual(["main", "trial"]);
    expect([...(await digests(target))]).toEqual([]);
  });
});

describe("nothing is written", () => {
  it.each(["icechunk", "zarr"] as const)("where one of the sources is refused: %s", async (format) => {
    const broken = join(folder, "broken.nc");
    await writeFile(broken, (await bytesOf(netcdf4)).subarray(0, 600));
    const target = join(folder, `refused.${format}`);
    await expect(index([classic, broken], target)).rejects.toMatchObject({
      source: expect.stringContaining("broken.nc"),
    });
    expect(await readdir(folder)).not.toContain(`refused.${format}`);
  });

  it("into a Zarr store whose folder is not empty", async () => {
    const target = join(folder, "one.zarr");
    await index(netcdf4, target).catch(() => undefined);
    await expect(index(classic, target)).rejects.toMatchObject({ code: "AlreadyExists" });
  });

  it("when it is interrupted", async () => {
    const target = join(folder, "interrupted.icechunk");
    const stop = new AbortController();
    const run = index([netcdf4, classic], target, {
      signal: stop.signal,
      onProgress: ({ files }) => files === 2 && stop.abort(),
    });
    await expect(run).rejects.toThrow();
    const left = await readdir(target, { recursive: true }).catch(() => []);
    expect(left.filter((name) => !/^[a-z]+$/.test(name))).toEqual([]);
  });
});
