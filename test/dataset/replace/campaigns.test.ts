import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { encodeNpy } from "../../../src/cli/output/npy.ts";
import { digestSource } from "../../../src/dataset/digest.ts";
import { openSource } from "../../../src/dataset/open.ts";
import {
  blame,
  compact,
  createArray,
  createGroup,
  get,
  index,
  isMoraineError,
  materialize,
  open,
  Repository,
  replace,
  rewrite,
  slice,
  ZarrStore,
} from "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";

const demo = fileURLToPath(new URL("../../data/demo/sst-2020.nc", import.meta.url));
let count = 0;
let target = "";

/** A repository of references to a NetCDF file whose chunks are never small enough to be held inline. */
beforeEach(async () => {
  target = `memory://campaign-${++count}/`;
  await Repository.create(target, { config: { inlineChunkThresholdBytes: 0 } });
  await index([demo], target, { load: [] });
});

async function digests(address: string, ref?: string): Promise<Record<string, unknown>> {
  const source = await openSource(address, { ref });
  const rows: Record<string, unknown> = {};
  for await (const row of digestSource(source)) rows[row.path] = row.value;
  await source.close();
  return rows;
}

async function kinds(path: string): Promise<string[]> {
  return (await blame(await Repository.open(target), path)).map(({ kind }) => kind);
}

async function readSst(ref?: string): Promise<Int16Array> {
  const { data } = await get(await (await open(target, { ref })).array("sst"));
  if (!(data instanceof Int16Array)) throw new Error("other values than expected");
  return data.slice();
}

/** The snapshots of main, newest first. */
async function history(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of (await Repository.open(target)).ancestry()) ids.push(id);
  return ids;
}

describe("materialising", () => {
  it("makes every chunk native in commits within the budget, and changes no value", async () => {
    const before = await digests(demo);
    const [first] = await history();
    const summary = await materialize(target, { budget: 1000 });
    expect(summary.commits.length).toBeGreaterThan(2);
    expect(await digests(target)).toEqual(before);
    expect(new Set(await kinds("/sst"))).toEqual(new Set(["native"]));
    expect(await digests(target, first)).toEqual(before);
  });

  it("takes only the part that is asked for, and passes over what is native already", async () => {
    const summary = await materialize(target, { path: "/sst", where: "time=2020-01-02..2020-01-03" });
    expect(summary.chunks).toBe(8);
    expect(await kinds("/sst")).toEqual(
      ["virtual", "native", "native", "virtual"].flatMap((kind) => [kind, kind, kind, kind]),
    );
    expect(await materialize(target, { path: "/sst", where: "time=1" })).toEqual({
      commits: [],
      chunks: 0,
      bytes: 0,
    });
  });

  it("refuses a part that no array has", async () => {
    for (const where of ["tmie=0", "time=2031", "time=9:12"]) {
      await expect(materialize(target, { where })).rejects.toMatchObject({ code: "InvalidArgument" });
    }
  });

  it("leaves alone what others replace meanwhile", async () => {
    let others: Promise<unknown> | undefined;
    const write = async (): Promise<void> => {
      const session = await (await Repository.open(target)).writableSession("main");
      await session.array("sst").set([3, slice(0, 10), slice(0, 15)], 7);
      try {
        await session.commit("others", { rebase: true });
      } catch (error) {
        // The campaign was first with this chunk: then the others do as every loser does, and begin anew.
        if (!isMoraineError(error, "Conflict")) throw error;
        await write();
      }
    };
    await materialize(target, {
      path: "/sst",
      budget: 500,
      onProgress() {
        others ??= write();
      },
    });
    await others;
    const values = await readSst();
    expect([...values.subarray(3 * 600, 3 * 600 + 15)]).toEqual(new Array(15).fill(7));
  });
});

describe("rewriting", () => {
  it("stores an array in other chunks and shards in one commit, with the same values", async () => {
    const before = await digests(target);
    const summary = await rewrite(target, {
      path: "/sst",
      recompress: "gzip",
      chunks: { time: 1, lat: 5 },
      shards: { time: 2, lat: 20, lon: 30 },
    });
    expect(summary.commits).toHaveLength(1);
    const { metadata } = await (await open(target)).array("sst");
    expect(metadata.chunkGrid).toEqual({ name: "regular", chunkShape: [2, 20, 30] });
    expect(metadata.codecs[0]?.configuration?.["chunk_shape"]).toEqual([1, 5, 15]);
    expect(await digests(target)).toEqual(before);
    expect((await rewrite(target, { path: "/lat", recompress: "none" })).commits).toHaveLength(0);
  });

  it("refuses compressors that it does not know", async () => {
    await expect(rewrite(target, { path: "/sst", recompress: "best" })).rejects.toMatchObject({
      code: "InvalidArgument",
    });
  });
});

describe("replacing", () => {
  /** A store with other temperatures of two days for five latitudes from -22.5 on. */
  async function newData(name: string, { units = "degC", firstDay = 1 } = {}): Promise<string> {
    const address = `memory://new-${count}-${name}/`;
    const store = new ZarrStore(new StorageRouter(), address);
    await createGroup(store);
    const coordinates: Record<string, number[]> = {
      time: [firstDay, firstDay + 1],
      lat: [-22.5, -17.5, -12.5, -7.5, -2.5],
      lon: Array.from((await get(await (await open(demo)).array("lon"))).data, Number),
    };
    const unitsOf: Record<string, Record<string, string>> = {
      time: { units: "days since 2020-01-01", calendar: "standard" },
      lat: { units: "degrees_north" },
      lon: { units: "degrees_east" },
    };
    for (const [dimension, values] of Object.entries(coordinates)) {
      const array = await createArray(store, dimension, {
        shape: [values.length],
        dataType: "float64",
        dimensionNames: [dimension],
        attributes: unitsOf[dimension],
      });
      await array.set(null, Float64Array.from(values));
    }
    const before = await (await open(target)).array("sst");
    const sst = await createArray(store, "sst", {
      shape: [2, 5, 30],
      dataType: "int16",
      dimensionNames: ["time", "lat", "lon"],
      attributes: { ...before.attributes, units },
    });
    await sst.set(
      null,
      Int16Array.from({ length: 300 }, (_, i) => i),
    );
    return address;
  }

  it("puts data where its coordinates say, and keeps the rest of partly covered chunks", async () => {
    const expected = await readSst();
    const [first] = await history();
    for (let day = 0; day < 2; day++) {
      for (let row = 0; row < 5; row++) {
        for (let lon = 0; lon < 30; lon++) {
          expected[(day + 1) * 600 + (row + 5) * 30 + lon] = day * 150 + row * 30 + lon;
        }
      }
    }
    const old = await readSst();
    const { passedOver } = await replace(target, await newData("a"));
    expect(passedOver).toEqual([]);
    expect(await readSst()).toEqual(expected);
    expect(await readSst(first)).toEqual(old);
    const origins = await blame(await Repository.open(target), "/sst", { selection: { time: 1 } });
    expect(origins.map(({ kind }) => kind)).toEqual(["native", "native", "virtual", "virtual"]);
    expect(origins[0]?.snapshot?.id).toBe((await history())[0]);
    expect(origins[2]?.snapshot?.id).toBe(first);
  });

  it("takes only the part that is asked for", async () => {
    const old = await readSst();
    await replace(target, await newData("b"), { where: "time=2020-01-03" });
    const values = await readSst();
    expect(values.subarray(0, 1200)).toEqual(old.subarray(0, 1200));
    expect(values[1200 + 150]).toBe(150);
  });

  it("takes an array of NumPy for the part that is asked for, and for a coordinate", async () => {
    const store = new StorageRouter();
    const file = `memory://new-${count}/day.npy`;
    const values = Int16Array.from({ length: 600 }, (_, i) => i);
    await store.write(file, encodeNpy({ name: "int16" }, [1, 20, 30], new Uint8Array(values.buffer)));
    const expected = await readSst();
    expected.set(values, 2 * 600);
    await replace(target, file, { path: "/sst", where: "time=2020-01-03" });
    expect(await readSst()).toEqual(expected);
    // As it is read of a single day.
    const flat = `memory://new-${count}/flat.npy`;
    await store.write(flat, encodeNpy({ name: "int16" }, [20, 30], new Uint8Array(values.buffer)));
    expected.set(values, 600);
    await replace(target, flat, { path: "/sst", where: "time=1" });
    expect(await readSst()).toEqual(expected);
    await expect(replace(target, flat, { path: "/sst", where: "time=1:3" })).rejects.toMatchObject({
      code: "Incompatible",
    });
    const floats = `memory://new-${count}/floats.npy`;
    await store.write(
      floats,
      encodeNpy({ name: "float64" }, [4], new Uint8Array(Float64Array.of(9, 8, 7, 6).buffer)),
    );
    await replace(target, floats, { path: "/time" });
    expect([...(await get(await (await open(target)).array("time"))).data]).toEqual([9, 8, 7, 6]);
    await expect(replace(target, floats, { path: "/sst" })).rejects.toMatchObject({ code: "Incompatible" });
    await expect(replace(target, floats)).rejects.toMatchObject({ code: "InvalidArgument" });
  });

  it("refuses data that fits nowhere, and numbers that mean something else", async () => {
    const [first] = await history();
    await expect(replace(target, await newData("c", { firstDay: 3 }))).rejects.toMatchObject({
      code: "Incompatible",
    });
    await expect(replace(target, await newData("d", { units: "K" }))).rejects.toMatchObject({
      code: "Incompatible",
    });
    expect((await history())[0]).toBe(first);
  });
});

describe("compacting", () => {
  it("repacks objects that are mostly overwritten, after which the old ones can be collected", async () => {
    await materialize(target, { path: "/sst" });
    const repository = await Repository.open(target);
    const session = await repository.writableSession("main");
    await session.array("sst").set([slice(0, 3)], 1);
    await session.commit("three of four days");
    const before = await digests(target);
    const summary = await compact(target);
    expect(summary.repacked).toBe(1);
    expect(summary.chunks).toBeGreaterThan(0);
    expect(await digests(target)).toEqual(before);
    expect((await compact(target)).repacked).toBe(0);
    const later = new Date(Date.now() + 60_000);
    await repository.expireSnapshots({ olderThan: later });
    const { chunks } = await repository.garbageCollect({ olderThan: later });
    expect(chunks.count).toBeGreaterThan(0);
    expect(await digests(target)).toEqual(before);
  });
});
