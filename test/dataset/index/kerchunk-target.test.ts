import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openSource } from "../../../src/dataset/open.ts";
import { createArray, index, open, Repository, set, slice, ZarrStore } from "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";
import { digestsOf } from "../contents.ts";

const file = (name: string) => fileURLToPath(new URL(`../../data/${name}`, import.meta.url));
const address = (name: string) => new URL(`../../data/${name}`, import.meta.url).href;
let targets = 0;
const newTarget = (ending: string) => `memory://kerchunk-target/${++targets}.${ending}`;

async function documentOf(address: string): Promise<{ text: string; refs: Record<string, unknown> }> {
  const { parts } = await new StorageRouter().read(address, [{ offset: 0 }]);
  const text = new TextDecoder().decode(parts[0]);
  return { text, refs: JSON.parse(text).refs };
}

const files = [
  "demo/sst-2020.nc",
  "demo/sst-classic.nc",
  "netcdf3/cdf5-types.nc",
  "netcdf3/cdf1-attributes.nc",
];

describe.each(["json", "parquet"])("Kerchunk %s", (ending) => {
  it.each(files)("of %s holds the same data as the file", async (name) => {
    const target = newTarget(ending);
    await index(file(name), target);
    const source = await openSource(target);
    expect(source.format).toBe(`kerchunk-${ending}`);
    expect(await digestsOf(target)).toEqual(await digestsOf(file(name)));
  });

  it("becomes a repository that holds the same", async () => {
    const references = newTarget(ending);
    await index(file("demo/sst-2020.nc"), references);
    const repository = newTarget("icechunk");
    const { chunks } = await index(references, repository);
    expect(chunks.native).toBe(0);
    expect(await digestsOf(repository)).toEqual(await digestsOf(file("demo/sst-2020.nc")));
    expect((await (await open(repository)).array("sst")).attributes["_FillValue"]).toBe(-32768);
  });

  it("holds groups, chunks stored anew and chunks of different lengths", async () => {
    const archive = [0, 1, 2].map((number) => file(`combine/partial-${number}.nc`));
    const repository = newTarget("icechunk");
    await index(archive, repository, { concat: "time" });
    const references = newTarget(ending);
    await index(archive, references, { concat: "time" });
    expect(await digestsOf(references)).toEqual(await digestsOf(repository));
  });
});

describe("sets of references as sources", () => {
  it("are joined like the files that they stand for", async () => {
    const archive = [0, 1, 2].map((number) => file(`combine/daily-${number}.nc`));
    const sets: string[] = [];
    for (const [number, name] of archive.entries()) {
      const target = newTarget(number === 1 ? "parquet" : "json");
      await index(name, target);
      sets.push(target);
    }
    const [ofFiles, ofSets] = [newTarget("icechunk"), newTarget("icechunk")];
    await index(archive, ofFiles, { concat: "time" });
    const { chunks } = await index(sets, ofSets, { concat: "time" });
    expect(chunks.virtual).toBe(7);
    expect(await digestsOf(ofSets)).toEqual(await digestsOf(ofFiles));
  });
});

it("sets that hold chunks themselves name no place in memory where they are joined with others", async () => {
  const storage = new StorageRouter();
  const zarray = {
    zarr_format: 2,
    shape: [2],
    chunks: [2],
    dtype: "|u1",
    fill_value: 9,
    order: "C",
    filters: null,
  };
  const sets = await Promise.all(
    ["ab", [address("combine/daily-0.nc"), 0, 2]].map(async (chunk) => {
      const refs = {
        ".zgroup": '{"zarr_format":2}',
        "a/.zarray": { ...zarray, compressor: null },
        "a/.zattrs": { _ARRAY_DIMENSIONS: ["x"] },
        "a/0": chunk,
      };
      const set = newTarget("json");
      await storage.write(set, new TextEncoder().encode(JSON.stringify(refs)));
      return set;
    }),
  );
  const target = newTarget("icechunk");
  const { chunks } = await index(sets, target, { concat: "x" });
  expect(chunks).toMatchObject({ virtual: 1, inline: 1 });
  const { virtualChunkContainers } = await (await Repository.open(target)).config();
  expect(virtualChunkContainers?.map(({ urlPrefix }) => urlPrefix)).toEqual([address("combine/")]);
});

describe("the document", () => {
  it("is strict JSON, in Zarr v2, with xarray's conventions", async () => {
    const target = newTarget("json");
    await index(file("netcdf3/cdf1-attributes.nc"), target);
    const { text, refs } = await documentOf(target);
    expect(text).not.toMatch(/\bNaN\b(?!\\?")|Infinity(?!\\?")/);
    const array = JSON.parse(String(refs["fill_f8/.zarray"]));
    expect(array).toMatchObject({ zarr_format: 2, dtype: ">f8", fill_value: "NaN", compressor: null });
    expect(JSON.parse(String(refs["fill_f8/.zattrs"]))).toMatchObject({ _ARRAY_DIMENSIONS: ["x"] });
    expect(JSON.parse(String(refs["fill_i2/.zarray"])).fill_value).toBe(-99);
    expect(refs["fill_i2/0"]).toEqual([address("netcdf3/cdf1-attributes.nc"), expect.any(Number), 8]);
  });

  it("gives no fill value that readers would take for missing values", async () => {
    const target = newTarget("json");
    await index(file("netcdf3/cdf1-types.nc"), target);
    const { refs } = await documentOf(target);
    expect(JSON.parse(String(refs["fixed_i2/.zarray"])).fill_value).toBeNull();
  });

  it.each(["json", "parquet"])(
    "holds missing chunks in %s where their fill value marks nothing",
    async (ending) => {
      const target = newTarget(ending);
      const { chunks } = await index(file("hdf5-dataset/virtual.sparse.h5"), target);
      expect(chunks).toMatchObject({ virtual: 1, missing: 3 });
      const { storage } = await openSource(target);
      const document = ending === "json" ? target : `${target}/.zmetadata`;
      const { parts } = await storage.read(document, [{ offset: 0 }]);
      const json = JSON.parse(new TextDecoder().decode(parts[0]));
      const zarray = ending === "json" ? JSON.parse(json.refs["d/.zarray"]) : json.metadata["d/.zarray"];
      expect(zarray.fill_value).toBeNull();
      if (ending === "json")
        expect(Object.keys(json.refs).filter((key) => /^d\/\d/.test(key))).toHaveLength(4);
      expect(await digestsOf(target)).toEqual(await digestsOf(file("hdf5-dataset/virtual.sparse.h5")));
    },
  );

  it("says in Zarr v3 that large chunks are missing, which Parquet cannot", async () => {
    const source = newTarget("zarr");
    const array = await createArray(new ZarrStore(new StorageRouter(), `${source}/`), "v", {
      shape: [40_000],
      chunkShape: [20_000],
      dataType: "int32",
      fillValue: -5,
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
      dimensionNames: ["x"],
    });
    await set(array, [slice(0, 20_000)], new Int32Array(20_000).fill(1));
    const target = newTarget("json");
    await index(source, target);
    expect(JSON.parse(String((await documentOf(target)).refs["v/zarr.json"])).fill_value).toBe(-5);
    await expect(index(source, newTarget("parquet"))).rejects.toMatchObject({ code: "Incompatible" });
  });

  it("beside the files has plain paths, which fsspec opens", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kerchunk-"));
    try {
      const target = join(folder, "sst.json");
      await index(file("demo/sst-classic.nc"), target);
      const { refs } = JSON.parse(await readFile(target, "utf8"));
      expect(refs["lat/0"]).toEqual([file("demo/sst-classic.nc"), expect.any(Number), 80]);
      expect(await digestsOf(target)).toEqual(await digestsOf(file("demo/sst-classic.nc")));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("has scalars under the key 0", async () => {
    const target = newTarget("json");
    await index(file("netcdf3/cdf1-types.nc"), target);
    const { refs } = await documentOf(target);
    expect(refs["scalar_i4/0"]).toEqual([address("netcdf3/cdf1-types.nc"), expect.any(Number), 4]);
  });

  it("says of its keys what they are, whatever those of the source were", async () => {
    const zarray = {
      zarr_format: 2,
      shape: [4, 4],
      chunks: [2, 2],
      dtype: "|u1",
      fill_value: 9,
      order: "C",
      filters: null,
      compressor: null,
      dimension_separator: "/",
    };
    const source = newTarget("json");
    const refs = { ".zgroup": '{"zarr_format":2}', "a/.zarray": zarray, "a/0/1": "abcd" };
    const storage = new StorageRouter();
    await storage.write(source, new TextEncoder().encode(JSON.stringify(refs)));
    const target = newTarget("json");
    await index(source, target);
    const written = (await documentOf(target)).refs;
    expect(JSON.parse(String(written["a/.zarray"])).dimension_separator).toBe(".");
    expect(Object.keys(written)).toContain("a/0.1");
  });

  it("in Parquet is never in Zarr v3, in which fsspec finds no chunks", async () => {
    const archive = [0, 1, 2].map((number) => file(`combine/partial-${number}.nc`));
    const target = newTarget("parquet");
    await expect(index(archive, target, { concat: "time", grid: "auto" })).rejects.toMatchObject({
      code: "Incompatible",
      path: "/v",
    });
    const { decoded } = await index(archive, target, { concat: "time" });
    expect(decoded.map(({ path, reason }) => `${path} ${reason}`).join()).toContain("/v 3 of 4 chunks");
  });

  it("is in Zarr v3 where v2 cannot say it", async () => {
    const target = newTarget("json");
    await index(
      [0, 1, 2].map((number) => file(`combine/partial-${number}.nc`)),
      target,
      { concat: "time" },
    );
    const { refs } = await documentOf(target);
    expect(JSON.parse(String(refs["v/zarr.json"])).chunk_grid.name).toBe("rectilinear");
    expect(refs["v/c/0/0/0"]).toBeDefined();
    expect(refs[".zgroup"]).toBeUndefined();
  });
});
