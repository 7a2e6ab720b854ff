import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pathToAddress } from "../../src/storage/address.ts";
import { FileStorage } from "../../src/storage/file/file-storage.ts";
import { StorageRouter } from "../../src/storage/router.ts";
import type { SharedChange } from "../../src/storage/storage.ts";
import { createArray, type NewArray } from "../../src/zarr/create.ts";
import { open, root } from "../../src/zarr/location.ts";
import { get } from "../../src/zarr/read/get.ts";
import { slice } from "../../src/zarr/selection.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import { S3Server } from "../storage/s3-server.ts";
import { CountingStorage } from "./counting-storage.ts";

/** 4 shards of 16 inner chunks. */
const GRID: NewArray = {
  shape: [32, 32],
  dataType: "int32",
  chunkShape: [4, 4],
  shardShape: [16, 16],
  fillValue: -1,
};
const numbers = (count: number): Int32Array => Int32Array.from({ length: count }, (_, at) => at);

async function sharded(filled = true) {
  const storage = new CountingStorage();
  const store = new ZarrStore(storage, "memory://store/");
  const array = await createArray(store, "a", GRID);
  if (filled) await array.set(null, { data: numbers(1024), shape: [32, 32] });
  storage.reset();
  return { storage, store, array };
}

describe("reading shards", () => {
  test("a shard that the selection covers is read in one request", async () => {
    const { storage, array } = await sharded();
    await get(array, [slice(0, 16), slice(0, 16)]);
    expect(storage.reads).toHaveLength(1);
    expect(storage.reads[0]?.ranges).toEqual([{ offset: 0 }]);
  });

  test("of others the index and ranges are read, the index once for all reads", async () => {
    const { storage, array } = await sharded();
    await get(array, [slice(0, 4), slice(0, 4)]);
    expect(storage.reads.map(({ ranges }) => ranges.length)).toEqual([1, 1]);
    expect(storage.reads[0]?.ranges[0]?.offset).toBeLessThan(0);
    await get(array, [slice(4, 8), slice(4, 8)]);
    expect(storage.reads).toHaveLength(3);
  });

  test("what others write after the index was read is seen", async () => {
    const { store, array } = await sharded();
    expect((await get(array, [5, 5])).data[0]).toBe(5 * 32 + 5);
    const other = await open(root(store).resolve("a"), { kind: "array" });
    await other.set([slice(0, 8), slice(0, 8)], 7);
    expect((await get(array, [5, 5])).data[0]).toBe(7);
    expect((await get(array, [9, 9])).data[0]).toBe(9 * 32 + 9);
  });

  test("shards of more inner chunks than an index in memory has are refused, not tried", async () => {
    const store = new ZarrStore(new CountingStorage(), "memory://store/");
    for (const length of [2 ** 30, 2 ** 52]) {
      const array = await createArray(store, `${length}`, {
        shape: [length],
        dataType: "uint8",
        chunkShape: [1],
        shardShape: [length],
      });
      await expect(array.set([5], 1)).rejects.toMatchObject({ code: "LimitExceeded" });
      await store.set(`${length}/c/0`, new Uint8Array(100));
      await expect(get(array, [5])).rejects.toMatchObject({ code: "LimitExceeded" });
    }
  });

  test("a shard that became all fill value after its index was read is that, not missing", async () => {
    const { store, array } = await sharded();
    await get(array, [slice(0, 20), slice(0, 4)]);
    await array.set([slice(0, 16), slice(0, 16)], -1);
    expect((await get(array, [5, 2])).data[0]).toBe(-1);
    expect((await get(array, [17, 2])).data[0]).toBe(17 * 32 + 2);
    const other = await open(root(store).resolve("a"), { kind: "array" });
    await other.set(null, -1);
    expect((await get(array, [slice(16, 18), 2])).data).toEqual(Int32Array.of(-1, -1));
  });
});

describe("writing shards", () => {
  test("only the shards that are touched are read and written, each once", async () => {
    const { storage, array } = await sharded();
    await array.set([slice(10, 20), slice(2, 5)], 0);
    expect(storage.writes.sort()).toEqual(["memory://store/a/c/0/0", "memory://store/a/c/1/0"]);
    expect(storage.reads.map(({ address }) => address).sort()).toEqual(storage.writes);
    const { data } = await get(array);
    const expected = numbers(1024).map((value, at) => {
      const [row, column] = [Math.floor(at / 32), at % 32];
      return row >= 10 && row < 20 && column >= 2 && column < 5 ? 0 : value;
    });
    expect(data).toEqual(expected);
  });

  test("a shard that is covered is written without being read", async () => {
    const { storage, array } = await sharded();
    await array.set([slice(16, 32), null], 5);
    expect(storage.reads).toHaveLength(0);
    expect(storage.writes).toHaveLength(2);
  });

  test("nothing is written where nothing changes", async () => {
    const { storage, array } = await sharded();
    await array.set(
      [3, slice(0, 3)],
      numbers(3).map((at) => 96 + at),
    );
    expect(storage.reads).toHaveLength(1);
    expect(storage.writes).toHaveLength(0);
  });

  test("inner chunks of fill value are not stored, nor shards of nothing else", async () => {
    const { storage, store, array } = await sharded();
    const bytes = async (): Promise<number> => (await store.get("a/c/0/0"))?.length ?? 0;
    const before = await bytes();
    await array.set([slice(0, 4), slice(0, 4)], -1);
    expect(await bytes()).toBeLessThan(before);
    await array.set([slice(0, 15), slice(0, 16)], -1);
    await array.set([15, slice(0, 16)], -1);
    expect(await bytes()).toBe(0);
    storage.reset();
    await array.set([slice(0, 8), slice(0, 8)], -1);
    expect(storage.writes).toHaveLength(0);
    expect((await get(array, [slice(0, 2), slice(15, 17)])).data).toEqual(Int32Array.of(-1, 16, -1, 48));
  });

  test.each([
    ["cut off", (shard: Uint8Array) => shard.slice(0, shard.length - 9)],
    ["too short for an index", (shard: Uint8Array) => shard.slice(0, 20)],
    ["of something else", (shard: Uint8Array) => shard.map((byte, at) => byte ^ (at & 0xff))],
  ])("a shard that is %s is refused, and stays as it is", async (_, damage) => {
    const { store, array } = await sharded();
    const damaged = damage((await store.get("a/c/0/0")) ?? new Uint8Array(0));
    await store.set("a/c/0/0", damaged);
    await expect(array.set([0, 0], 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^(CorruptChunk|ChecksumMismatch)$/),
      path: "/a",
    });
    expect(await store.get("a/c/0/0")).toEqual(damaged);
    // All of it is something else.
    await array.set([slice(0, 16), slice(0, 16)], 3);
    expect((await get(array, [0, 0])).data[0]).toBe(3);
  });
});

describe("writing one shard from several places", () => {
  test("inside of a process nothing is lost, and nobody tries twice", async () => {
    const { storage, store, array } = await sharded(false);
    const other = await open(root(store).resolve("a"), { kind: "array" });
    const all = Array.from({ length: 64 }, (_, at) => at);
    await Promise.all(
      all.map((at) => {
        const [row, column] = [Math.floor(at / 8) * 4, (at % 8) * 4];
        return (at % 2 ? array : other).set([slice(row, row + 4), slice(column, column + 4)], at);
      }),
    );
    expect(storage.writes).toHaveLength(64);
    const { data } = await get(array, [slice(null, null, 4), slice(null, null, 4)]);
    expect([...data]).toEqual(all);
  });

  test("a write that somebody else overtakes is made again with what is there now", async () => {
    const { storage, store, array } = await sharded();
    let isFirst = true;
    storage.beforeWrite = async (address) => {
      if (!isFirst || !address.endsWith("c/0/0")) return;
      isFirst = false;
      // As another process would: with a store of its own.
      const stranger = new CountingStorage();
      const copy = new ZarrStore(stranger, "memory://store/");
      for await (const { key } of store.list())
        await copy.set(key, (await store.get(key)) ?? new Uint8Array(0));
      const theirs = await open(root(copy).resolve("a"), { kind: "array" });
      await theirs.set([slice(8, 12), slice(8, 12)], -7);
      await store.set("a/c/0/0", (await copy.get("a/c/0/0")) ?? new Uint8Array(0));
    };
    await array.set([0, 0], -5);
    expect((await get(array, [0, 0])).data[0]).toBe(-5);
    expect((await get(array, [9, 9])).data[0]).toBe(-7);
  });

  test("parts of a chunk that is no shard are not lost either", async () => {
    const storage = new CountingStorage();
    const store = new ZarrStore(storage, "memory://store/");
    const array = await createArray(store, "a", { shape: [4, 4], dataType: "int8" });
    const others = [-7, -8];
    let isBusy = false;
    // The first time there is no chunk yet, the second time there is.
    storage.beforeWrite = async (address) => {
      if (isBusy || !address.endsWith("c/0/0")) return;
      const value = others.shift();
      if (value === undefined) return;
      isBusy = true;
      const bytes = (await store.get("a/c/0/0")) ?? undefined;
      const stranger = new ZarrStore(new CountingStorage(), "memory://elsewhere/");
      const copy = await createArray(stranger, "a", { shape: [4, 4], dataType: "int8" });
      if (bytes) await stranger.set("a/c/0/0", bytes);
      await copy.set([3, others.length], value);
      await store.set("a/c/0/0", (await stranger.get("a/c/0/0")) ?? new Uint8Array(0));
      isBusy = false;
    };
    await array.set([0, 0], 1);
    expect([...(await get(array, [slice(0, null, 3), slice(0, 2)])).data]).toEqual([1, 0, -8, -7]);
  });

  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "moraine-shards-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("on disk writers that share nothing lose nothing, and leave nothing behind", async () => {
    const address = `${pathToAddress(join(folder, "store"))}/`;
    const writers = Array.from({ length: 4 }, () => new ZarrStore(new FileStorage(), address));
    const [first] = writers;
    if (first === undefined) throw new Error("no writer");
    await createArray(first, "a", GRID);
    await Promise.all(
      writers.map(async (store, writer) => {
        const array = await open(root(store).resolve("a"), { kind: "array" });
        for (let at = writer; at < 64; at += writers.length) {
          await array.set([Math.floor(at / 8) * 4, (at % 8) * 4], at);
        }
      }),
    );
    const array = await open(root(first).resolve("a"), { kind: "array" });
    const { data } = await get(array, [slice(null, null, 4), slice(null, null, 4)]);
    expect([...data]).toEqual(Array.from({ length: 64 }, (_, at) => at));
    expect((await readdir(join(folder, "store/a/c/0"))).sort()).toEqual(["0", "1"]);
  });

  test("on disk writers that come while a shard is written are served by one write", async () => {
    class CountingFiles extends FileStorage {
      static writes = 0;
      override async write(...words: Parameters<FileStorage["write"]>) {
        CountingFiles.writes += 1;
        return await super.write(...words);
      }
    }
    const address = `${pathToAddress(join(folder, "together"))}/`;
    const writers = Array.from({ length: 12 }, () => new ZarrStore(new CountingFiles(), address));
    const [first] = writers;
    if (first === undefined) throw new Error("no writer");
    await createArray(first, "a", GRID);
    const arrays = await Promise.all(
      writers.map((store) => open(root(store).resolve("a"), { kind: "array" })),
    );
    CountingFiles.writes = 0;
    // The last one covers no inner chunk, so that nobody can do it for it; the one before makes one fill value.
    await Promise.all(
      arrays.map((array, at) => {
        const [row, column] = [Math.floor(at / 4) * 4, (at % 4) * 4];
        const whole = [slice(row, row + 4), slice(column, column + 4)];
        return array.set(at === 11 ? [row, column] : whole, at === 10 ? -1 : at);
      }),
    );
    expect(CountingFiles.writes).toBeLessThan(12);
    const array = await open(root(first).resolve("a"), { kind: "array" });
    const { data } = await get(array, [slice(0, 12, 4), slice(0, 16, 4)]);
    expect([...data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, 11]);
    expect((await readdir(join(folder, "together/a/c/0"))).sort()).toEqual(["0"]);
  });

  test("on disk a change whose owner waits no longer is not made again over a later one", async () => {
    let handedIn: Uint8Array | undefined;
    let giveUp = (): void => undefined;
    const patience = new Promise<void>((resolve) => {
      giveUp = resolve;
    });
    class Waiting extends FileStorage {
      override async changeInTurn(_: string, change: SharedChange): Promise<void> {
        handedIn ??= await change.words();
        await patience;
        handedIn = undefined;
        await change.carryOut(async () => []);
      }
    }
    class Busy extends FileStorage {
      beforeWrite: (() => Promise<void>) | undefined;
      override async write(...words: Parameters<FileStorage["write"]>) {
        const { beforeWrite } = this;
        this.beforeWrite = undefined;
        await beforeWrite?.();
        return await super.write(...words);
      }
      override async changeInTurn(_: string, change: SharedChange): Promise<void> {
        await change.carryOut(async () => (handedIn ? [handedIn] : []));
      }
    }
    const address = `${pathToAddress(join(folder, "waiting"))}/`;
    const busy = new Busy();
    const ours = await createArray(new ZarrStore(busy, address), "a", GRID);
    const theirs = await open(root(new ZarrStore(new Waiting(), address)).resolve("a"), { kind: "array" });
    const waiting = theirs.set([slice(0, 4), slice(0, 4)], 1);
    while (handedIn === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    busy.beforeWrite = async () => {
      giveUp();
      await waiting;
      await theirs.set([slice(0, 4), slice(0, 4)], 2);
    };
    await ours.set([slice(4, 8), slice(4, 8)], 3);
    const { data } = await get(ours, [slice(3, 5), slice(3, 5)]);
    expect([...data]).toEqual([2, -1, -1, 3]);
  });

  test("on S3 writers that share nothing lose nothing", async () => {
    const server = new S3Server();
    await server.start();
    const credentials = { accessKeyId: "test", secretAccessKey: "secret" };
    const s3 = { endpoint: server.url, region: "us-east-1", credentials };
    const writers = Array.from(
      { length: 4 },
      () => new ZarrStore(new StorageRouter({ s3 }), "s3://bucket/store/"),
    );
    const [first] = writers;
    if (first === undefined) throw new Error("no writer");
    await createArray(first, "a", GRID);
    await createArray(first, "plain", { shape: [4, 4], dataType: "int16" });
    await Promise.all(
      writers.map(async (store, writer) => {
        const array = await open(root(store).resolve("a"), { kind: "array" });
        const plain = await open(root(store).resolve("plain"), { kind: "array" });
        for (let at = 0; at < 4; at++) {
          await array.set([slice(writer * 4, writer * 4 + 4), slice(at * 4, at * 4 + 4)], writer * 4 + at);
          await plain.set([writer, at], writer * 4 + at);
        }
      }),
    );
    const array = await open(root(first).resolve("a"), { kind: "array" });
    const { data } = await get(array, [slice(0, 16, 4), slice(0, 16, 4)]);
    expect([...data]).toEqual(Array.from({ length: 16 }, (_, at) => at));
    const plain = await open(root(first).resolve("plain"), { kind: "array" });
    expect([...(await get(plain)).data]).toEqual(Array.from({ length: 16 }, (_, at) => at));
    await server.stop();
  });
});
