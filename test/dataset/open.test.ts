import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { get, index, open, ZipStorage } from "../../src/node.ts";
import { StorageRouter } from "../../src/storage/router.ts";

const demo = fileURLToPath(new URL("../data/demo", import.meta.url));
const netcdf4 = join(demo, "sst-2020.nc");
const classic = join(demo, "sst-classic.nc");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-open-"));
  await index(netcdf4, join(folder, "sst.zarr"));
  await index(netcdf4, join(folder, "sst.icechunk"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function firstOf(address: string, path = "sst"): Promise<number> {
  const group = await open(address);
  const { data } = await get(await group.array(path), [0, 0, 0]);
  return Number(data[0]);
}

describe("a source is recognised by its bytes, whatever its name", () => {
  it.each([
    ["hdf5", netcdf4],
    ["netcdf3", classic],
  ])("%s", async (format, path) => {
    const renamed = join(folder, `${format}.bin`);
    await promisify(execFile)("cp", [path, renamed]);
    expect((await open(renamed)).format).toBe(format);
  });

  it("a Zarr store, with and without a slash", async () => {
    expect((await open(join(folder, "sst.zarr"))).format).toBe("zarr");
    expect(await firstOf(`${join(folder, "sst.zarr")}/`)).toBe(362);
  });

  it("an array of a Zarr store by its own folder", async () => {
    const group = await open(join(folder, "sst.zarr/sst"));
    expect((await group.array("/")).shape).toEqual([4, 20, 30]);
    const paths = [];
    for await (const { path, kind } of group.walk()) paths.push([path, kind]);
    expect(paths).toEqual([["/", "array"]]);
  });

  it("a zip archive of a Zarr store", async () => {
    const storage = new StorageRouter();
    const archive = `file://${join(folder, "sst.zip")}`;
    const zip = await ZipStorage.open(storage, archive, { create: true });
    const from = `file://${join(folder, "sst.zarr")}/`;
    for await (const { address } of storage.list(from)) {
      const { parts } = await storage.read(address, [{ offset: 0 }]);
      await zip.write(zip.root + address.slice(from.length), parts[0] ?? new Uint8Array(0));
    }
    await zip.flush();
    expect(await firstOf(archive)).toBe(362);
  });

  it("a zip archive of the folder of a Zarr store", async () => {
    const storage = new StorageRouter();
    const archive = `file://${join(folder, "folder.zip")}`;
    const zip = await ZipStorage.open(storage, archive, { create: true });
    const from = `file://${join(folder, "sst.zarr")}/`;
    // As `zip -r` makes it, which has entries for folders too, and as Macs do, which add one of their own.
    await zip.write(`${zip.root}sst.zarr/`, new Uint8Array(0));
    await zip.write(`${zip.root}__MACOSX/._sst.zarr`, Uint8Array.of(0));
    for await (const { address } of storage.list(from)) {
      const { parts } = await storage.read(address, [{ offset: 0 }]);
      await zip.write(`${zip.root}sst.zarr/${address.slice(from.length)}`, parts[0] ?? new Uint8Array(0));
    }
    await zip.flush();
    expect(await firstOf(archive)).toBe(362);
    await zip.write(`${zip.root}other/zarr.json`, Uint8Array.of(0));
    await zip.flush();
    await expect(open(archive)).rejects.toMatchObject({ code: "UnknownFormat" });
  });

  it("an Icechunk repository", async () => {
    expect((await open(join(folder, "sst.icechunk"))).format).toBe("icechunk");
    expect(await firstOf(join(folder, "sst.icechunk"))).toBe(362);
  });

  it("HDF5 behind a user block that is longer than the first read", async () => {
    const { parts } = await new StorageRouter().read(`file://${netcdf4}`, [{ offset: 0 }]);
    const block = 2 ** 20;
    const bytes = new Uint8Array(block + (parts[0]?.length ?? 0));
    bytes.set(parts[0] ?? new Uint8Array(0), block);
    await writeFile(join(folder, "user-block.dat"), bytes);
    expect((await open(join(folder, "user-block.dat"))).format).toBe("hdf5");
  });
});

describe("what cannot be opened is a typed error with its address", () => {
  it.each([
    ["NotFound", "nowhere.nc"],
    ["NotFound", "nowhere/"],
    ["UnknownFormat", "text.txt"],
    ["TruncatedFile", "empty"],
    ["UnknownFormat", ""],
  ])("%s for %j", async (code, name) => {
    await writeFile(join(folder, "text.txt"), "neither");
    await writeFile(join(folder, "empty"), "");
    await expect(open(join(folder, name))).rejects.toMatchObject({
      code,
      source: expect.stringContaining("file:///"),
    });
  });

  it("a truncated file of each format", async () => {
    for (const path of [netcdf4, classic]) {
      const { parts } = await new StorageRouter().read(`file://${path}`, [{ offset: 0, length: 60 }]);
      const cut = join(folder, "cut");
      await writeFile(cut, parts[0] ?? new Uint8Array(0));
      await expect(open(cut)).rejects.toMatchObject({ code: "TruncatedFile" });
    }
  });
});
