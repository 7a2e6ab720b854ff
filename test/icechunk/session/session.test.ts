import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import * as zarrita from "zarrita";
import { type ErrorCode, isMoraineError } from "../../../src/errors.ts";
import { Repository } from "../../../src/icechunk/repository.ts";
import type { ChunkManifest } from "../../../src/manifest/chunk-manifest.ts";
import { FileStorage } from "../../../src/storage/file/file-storage.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import type { Version, WriteOptions } from "../../../src/storage/storage.ts";
import { get } from "../../../src/zarr/read/get.ts";
import { slice } from "../../../src/zarr/selection.ts";
import { set } from "../../../src/zarr/write/set.ts";
import { FaultyStorage } from "../faulty-storage.ts";
import {
  ADDRESS,
  byteArray,
  chunk,
  chunksOf,
  contents,
  errorsOf,
  messages,
  newRepository,
} from "../repositories.ts";

/** Writes chunk objects as slowly as it is told when they come. */
class SlowStorage extends MemoryStorage {
  milliseconds = 0;

  override async write(address: string, bytes: Uint8Array, options?: WriteOptions): Promise<Version> {
    const { milliseconds } = this;
    if (address.includes("/chunks/")) await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return await super.write(address, bytes, options);
  }
}

/** The code of the error that a task ends with. */
async function codeOf(task: () => unknown): Promise<ErrorCode | "none" | "other"> {
  try {
    await task();
    return "none";
  } catch (error) {
    return isMoraineError(error) ? error.code : "other";
  }
}

function virtual(gridShape: number[], positions: number[], location = "memory://data/a"): ChunkManifest {
  return {
    gridShape,
    count: positions.length,
    positions: Float64Array.from(positions),
    locations: [location],
    versions: [undefined],
    offsets: Float64Array.from(positions, (position) => 4 * position),
    lengths: new Float64Array(positions.length).fill(4),
    inline: new Map(),
  };
}

const CONTAINERS = { virtualChunkContainers: [{ urlPrefix: "memory://data/" }] };

describe("a session", () => {
  it("shows its changes at once, others only after the commit", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/g/a", byteArray([3]));
    await session.setChunk("/g/a", [1], chunk(7));
    await session.setChunk("/g/a", [2], chunk(8, 600));
    expect(await chunksOf(session)).toEqual({ "g/a/c/1": chunk(7).join(), "g/a/c/2": chunk(8, 600).join() });
    expect((await repository.readonlySession()).paths()).toEqual([]);
    await session.commit("first");
    const read = await repository.readonlySession();
    expect(read.paths()).toEqual(["/", "/g", "/g/a"]);
    expect(await chunksOf(read)).toEqual(await chunksOf(session));
    expect(await messages(repository)).toEqual(["first", "Repository initialized"]);
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("takes no changes after its commit, nor where it only reads", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createGroup("/");
    await session.commit("group");
    expect(session.readOnly).toBe(true);
    expect(await codeOf(() => session.createGroup("/b"))).toBe("ReadOnly");
    const read = await repository.readonlySession();
    expect(await codeOf(() => read.createGroup("/b"))).toBe("ReadOnly");
    expect(await codeOf(() => read.commit("nothing"))).toBe("ReadOnly");
  });

  it("refuses a commit without changes unless it is asked for", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    expect(await codeOf(() => session.commit("nothing"))).toBe("InvalidArgument");
    await session.commit("nothing", { allowEmpty: true, metadata: { n: 1, list: [null, 2.5, "ä"] } });
    for await (const { metadata, message } of repository.ancestry()) {
      if (message === "nothing") expect(metadata).toEqual({ n: 1, list: [null, 2.5, "ä"] });
    }
  });

  it("makes the groups above a node, and refuses names and places that cannot be", async () => {
    const session = await (await newRepository()).writableSession();
    session.createArray("a/b/c", byteArray([1]));
    expect(session.paths()).toEqual(["/", "/a", "/a/b", "/a/b/c"]);
    expect(await codeOf(() => session.createGroup("/a/b/c/d"))).toBe("InvalidArgument");
    expect(await codeOf(() => session.createArray("/a/b", byteArray([1])))).toBe("AlreadyExists");
    expect(await codeOf(() => session.createGroup("/a//b"))).toBe("InvalidArgument");
    expect(await codeOf(() => session.createGroup("/a/../b"))).toBe("InvalidArgument");
    expect(await codeOf(() => session.createGroup("/zarr.json"))).toBe("InvalidArgument");
    session.createGroup("/a", {});
    expect(await codeOf(() => session.createGroup("/a", { other: true }))).toBe("AlreadyExists");
  });

  it("forgets what it changed", async () => {
    const repository = await newRepository();
    const first = await repository.writableSession();
    first.createArray("/a", byteArray([2]));
    await first.setChunk("/a", [0], chunk(1));
    await first.commit("one");
    const session = await repository.writableSession();
    const before = await contents(session);
    await session.setChunk("/a", [0], chunk(2));
    await session.deleteChunks("/a", [[0]]);
    session.createGroup("/b");
    session.delete("/a");
    session.discardChanges();
    expect(await contents(session)).toEqual(before);
    expect(session.hasUncommittedChanges).toBe(false);
  });

  it("drops chunks outside of a smaller shape for good", async () => {
    const repository = await newRepository();
    const first = await repository.writableSession();
    first.createArray("/a", byteArray([4, 2]));
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 2; j++) await first.setChunk("/a", [i, j], chunk(10 * i + j));
    await first.commit("full");
    const session = await repository.writableSession();
    session.updateArray("/a", byteArray([2, 2]));
    session.updateArray("/a", byteArray([4, 2]));
    await session.setChunk("/a", [3, 1], chunk(99));
    const expected = {
      "a/c/0/0": "0,0,0,0",
      "a/c/0/1": "1,1,1,1",
      "a/c/1/0": "10,10,10,10",
      "a/c/1/1": "11,11,11,11",
      "a/c/3/1": "99,99,99,99",
    };
    expect(await chunksOf(session)).toEqual(expected);
    await session.commit("shrunk and grown");
    expect(await chunksOf(await repository.readonlySession())).toEqual(expected);
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("finds chunks in several manifests, also after a resize", async () => {
    const splitSizes = [
      [
        "any_array",
        [
          { condition: { Axis: 0 }, num_chunks: 2 },
          { condition: { Axis: 1 }, num_chunks: 2 },
        ],
      ],
    ];
    const repository = await newRepository({ config: { splitSizes } });
    const first = await repository.writableSession();
    first.createArray("/a", byteArray([5, 5]));
    for (let i = 0; i < 25; i++) await first.setChunk("/a", [Math.floor(i / 5), i % 5], chunk(i));
    await first.commit("chunks");
    const expected = (shape: [number, number]) => {
      const keys: Record<string, string> = {};
      for (let i = 0; i < Math.min(shape[0], 5); i++) {
        for (let j = 0; j < Math.min(shape[1], 5); j++) keys[`a/c/${i}/${j}`] = chunk(5 * i + j).join();
      }
      return keys;
    };
    const session = await repository.writableSession();
    expect(await chunksOf(session)).toEqual(expected([5, 5]));
    for (const shape of [
      [7, 9],
      [7, 3],
      [4, 3],
    ] as [number, number][]) {
      session.updateArray("/a", byteArray(shape));
      expect(await chunksOf(session)).toEqual(expected(shape));
    }
    await session.commit("resized");
    expect(await chunksOf(await repository.readonlySession())).toEqual(expected([4, 3]));
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("packs small native chunks into one object, large ones into their own", async () => {
    const storage = new MemoryStorage();
    const repository = await newRepository({}, storage);
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([40]));
    for (let i = 0; i < 39; i++) await session.setChunk("/a", [i], chunk(i, 1000));
    await session.setChunk("/a", [39], chunk(39, 2_000_000));
    await session.commit("chunks");
    const objects: (number | undefined)[] = [];
    for await (const { size } of storage.list(`${ADDRESS}/chunks/`)) objects.push(size);
    expect(objects.sort()).toEqual([2_000_000, 39_000]);
    const read = (await repository.readonlySession()).store;
    expect(await read.get("a/c/17")).toEqual(chunk(17, 1000));
    expect(await read.getRange("a/c/17", { offset: 990, length: 100 })).toEqual(chunk(17, 10));
    expect(await read.getRange("a/c/38", { suffixLength: 3 })).toEqual(chunk(38, 3));
    expect((await read.get("a/c/39"))?.length).toBe(2_000_000);
  });

  it("keeps chunks that could not be stored, and stores them with the commit", async () => {
    const storage = new MemoryStorage();
    const repository = await newRepository({}, storage);
    const first = await repository.writableSession();
    first.createArray("/a", byteArray([4]));
    await first.commit("array");
    for (const at of [0, 1]) {
      const faulty = new FaultyStorage(storage, at, "before", false);
      const session = await (await Repository.open(faulty, ADDRESS)).writableSession();
      let failures = 0;
      for (const i of [0, 1, 2]) {
        await session.setChunk("/a", [i], chunk(10 + i, 1_100_000)).catch(() => {
          failures += 1;
        });
      }
      await session.setChunk("/a", [3], chunk(13 + at, 800));
      expect((await session.store.get("a/c/3"))?.[0]).toBe(13 + at);
      const id = await session.commit("chunks").catch(() => session.commit("chunks"));
      expect(faulty.failed).toBe(true);
      expect(failures).toBeLessThan(2);
      const { store } = await repository.readonlySession({ snapshotId: id });
      expect((await store.get("a/c/3"))?.[0]).toBe(13 + at);
      expect(await errorsOf(repository)).toEqual([]);
    }
  });

  it("is a store for zarrita, with its changes in it", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/g/a", byteArray([2, 2], { units: "m" }));
    await session.setChunk(
      "/g/a",
      [1, 0],
      Uint8Array.from({ length: 16 }, (_, i) => i),
    );
    const array = await zarrita.open(zarrita.root(session.store).resolve("/g/a"), { kind: "array" });
    expect(array.attrs).toEqual({ units: "m" });
    const { data } = await zarrita.get(array, [4, zarrita.slice(0, 5)]);
    expect([...(data as Uint8Array)]).toEqual([0, 1, 2, 3, 0]);
    const root = await zarrita.open(session.store, { kind: "group" });
    await zarrita.create(root.resolve("new"), { shape: [3], chunkShape: [2], dtype: "int16" });
    expect(session.paths()).toEqual(["/", "/g", "/g/a", "/new"]);
    expect(session.store.listDir("g")).toEqual(["zarr.json", "a"]);
    expect(session.store.listDir("g/a")).toEqual(["zarr.json", "c"]);
  });

  it("writes and reads values through an array", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([3, 3]));
    await session.array("/a").set(
      [null, 5],
      Uint8Array.from({ length: 12 }, (_, i) => i + 1),
    );
    await session.commit("a column");
    const array = (await repository.readonlySession()).array("/a");
    const { data } = await get(array, [null, 5]);
    expect(Array.from(data as Uint8Array)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(await codeOf(() => array.set([0, 0], 1))).toBe("ReadOnly");
  });

  it("reads virtual chunks only where that is authorized", async () => {
    const storage = new MemoryStorage();
    await storage.write(
      "memory://data/a",
      Uint8Array.from({ length: 16 }, (_, i) => i),
    );
    const repository = await newRepository({ config: CONTAINERS }, storage);
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([4]));
    await session.setReferences("/a", virtual([4], [0, 2]));
    expect(await codeOf(() => session.store.get("a/c/0"))).toBe("Unauthorized");
    await session.commit("virtual");
    for (const authorize of ["all", ["memory://data/"]] as const) {
      const allowed = await Repository.open(storage, ADDRESS, { authorize });
      const { store } = await allowed.readonlySession();
      expect(await store.get("a/c/2")).toEqual(Uint8Array.of(8, 9, 10, 11));
      expect(await store.get("a/c/1")).toBeUndefined();
    }
    const other = await Repository.open(storage, ADDRESS, { authorize: ["memory://dat/"] });
    expect(await codeOf(async () => (await other.readonlySession()).store.get("a/c/0"))).toBe("Unauthorized");
  });

  it("takes no reference that nobody could read", async () => {
    const session = await (await newRepository({ config: CONTAINERS })).writableSession();
    session.createArray("/a", byteArray([4]));
    expect(await codeOf(() => session.setReferences("/a", virtual([4], [0], "memory://elsewhere/a")))).toBe(
      "InvalidArgument",
    );
    expect(await codeOf(() => session.setReferences("/a", virtual([4], [0], "memory://data/../a")))).toBe(
      "InvalidArgument",
    );
    expect(await codeOf(() => session.setReferences("/a", virtual([5], [0])))).toBe("OutOfBounds");
    expect(await codeOf(() => session.setReferences("/a", virtual([4], [1, 0])))).toBe("InvalidArgument");
    expect(
      await codeOf(() =>
        session.setReferences("/a", { ...virtual([4], [0]), filterMasks: Uint32Array.of(1) }),
      ),
    ).toBe("UnsupportedFilter");
    expect(await codeOf(() => session.setChunk("/a", [4], chunk(1)))).toBe("OutOfBounds");
    expect(await codeOf(() => session.setChunk("/a", [0], new Uint8Array(0)))).toBe("InvalidArgument");
    expect(session.status().updatedChunks.size).toBe(0);
  });

  it("gives an error, never data, where the source of a virtual chunk has changed", async () => {
    const storage = new MemoryStorage();
    const version = await storage.write("memory://data/a", new Uint8Array(16));
    const repository = await newRepository({ config: CONTAINERS, authorize: "all" }, storage);
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([4]));
    await session.setReferences("/a", { ...virtual([4], [0]), versions: [version] });
    await session.commit("virtual");
    const { store } = await repository.readonlySession();
    expect(await store.get("a/c/0")).toEqual(new Uint8Array(4));
    await storage.write("memory://data/a", new Uint8Array(16).fill(1));
    expect(await codeOf(() => store.get("a/c/0"))).toBe("SourceChanged");
  });

  it("takes no change that its commit would leave out", async () => {
    const storage = new SlowStorage();
    const repository = await newRepository({}, storage);
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([4]));
    await session.setChunk("/a", [0], chunk(1));
    const array = session.array("/a");
    const readOnly = { code: "ReadOnly" };
    const committing = session.commit("first");
    await expect(session.commit("second")).rejects.toMatchObject(readOnly);
    await expect(session.setChunk("/a", [1], chunk(2))).rejects.toMatchObject(readOnly);
    expect(() => session.createGroup("/g")).toThrow(expect.objectContaining(readOnly));
    await expect(session.shift("/a", [1])).rejects.toMatchObject(readOnly);
    expect((await get(session.array("/a"), [slice(0, 4)])).data).toEqual(chunk(1));
    await committing;
    await expect(set(array, [slice(8, 12)], chunk(3))).rejects.toMatchObject(readOnly);
    expect(await messages(repository)).toEqual(["first", "Repository initialized"]);
    // What was begun before the commit is in it, though the last of these wait until others are stored.
    const next = await repository.writableSession();
    next.createArray("/b", byteArray([8]));
    storage.milliseconds = 20;
    const begun = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => next.setChunk("/b", [i], chunk(i, 2 * 1024 * 1024)));
    await next.commit("second");
    await Promise.all(begun);
    const keys = Object.keys(await chunksOf(await repository.readonlySession()));
    expect(keys.filter((key) => key.startsWith("b/"))).toHaveLength(8);
  });

  it("takes nothing for another chunk, nor other arrays for bytes", async () => {
    const repository = await newRepository({ config: CONTAINERS });
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([3, 4]));
    const refused = { code: "InvalidArgument" };
    for (const place of [[], [1], [0, 1, 2], [0.5, 0], [Number.NaN, 0]]) {
      await expect(session.setChunk("/a", place, chunk(1)), `${place}`).rejects.toMatchObject(refused);
      await expect(session.deleteChunks("/a", [place]), `${place}`).rejects.toMatchObject(refused);
    }
    // A row before, this is a chunk.
    await expect(session.setChunk("/a", [1, -1], chunk(1))).rejects.toMatchObject({ code: "OutOfBounds" });
    await session.deleteChunks("/a", [[1, -1]]);
    for (const place of [[0, -1], [0.5, 0], [0]]) {
      const setting = session.setReferences("/a", virtual([1, 1], [0]), { at: place });
      await expect(setting, `${place}`).rejects.toMatchObject({ code: "OutOfBounds" });
    }
    await expect(session.setReferences("/a", virtual([3, 4], [0, 12]))).rejects.toMatchObject(refused);
    await expect(session.setReferences("/a", virtual([3, 4], [0, 1.5]))).rejects.toMatchObject(refused);
    // What a program without types may give.
    for (const bytes of [new Float32Array(4), "text", [1, 2, 3], new ArrayBuffer(8), null]) {
      const given = Object.assign(JSON.parse("{}"), { bytes });
      await expect(session.setChunk("/a", [0, 0], given.bytes)).rejects.toMatchObject(refused);
      await expect(
        session.setReferences("/a", { ...virtual([3, 4], [0]), inline: new Map([[0, given.bytes]]) }),
      ).rejects.toMatchObject(refused);
    }
    expect(await chunksOf(session)).toEqual({});
  });

  it("notices that a file of a named container has changed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "moraine-named-"));
    try {
      const data = join(folder, "data", "a");
      await mkdir(join(folder, "data"));
      await writeFile(data, new Uint8Array(16));
      const storage = new FileStorage();
      const version = await storage.head(pathToFileURL(data).href);
      const container = { urlPrefix: `${pathToFileURL(join(folder, "data")).href}/`, name: "data" };
      const repository = await Repository.create(storage, pathToFileURL(join(folder, "repository")).href, {
        config: { virtualChunkContainers: [container] },
        authorize: "all",
      });
      const session = await repository.writableSession();
      session.createArray("/a", byteArray([4]));
      const manifest = { ...virtual([4], [0]), locations: ["vcc://data/a"], versions: [version] };
      await session.setReferences("/a", manifest);
      await session.commit("virtual");
      const { store } = await repository.readonlySession();
      expect(await store.get("a/c/0")).toEqual(new Uint8Array(4));
      await writeFile(data, new Uint8Array(16).fill(1));
      const later = new Date(Date.now() + 5000);
      await utimes(data, later, later);
      expect(await codeOf(() => store.get("a/c/0"))).toBe("SourceChanged");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("puts references at a place in the grid, and gives them back", async () => {
    const session = await (await newRepository({ config: CONTAINERS })).writableSession();
    session.createArray("/a", byteArray([5, 2]));
    await session.setReferences("/a", virtual([2, 2], [0, 1, 2, 3]), { at: [3, 0] });
    await session.setChunk("/a", [0, 1], chunk(1));
    const { positions, locations, inline, offsets } = await session.manifest("/a");
    expect([...(positions ?? [])]).toEqual([1, 6, 7, 8, 9]);
    expect(locations).toEqual(["memory://data/a"]);
    expect([...offsets]).toEqual([0, 0, 4, 8, 12]);
    expect(inline.get(0)).toEqual(chunk(1));
  });

  it("moves chunks within the grid without touching their bytes", async () => {
    const repository = await newRepository();
    const first = await repository.writableSession();
    first.createArray("/a", byteArray([4]));
    for (const i of [0, 1, 3]) await first.setChunk("/a", [i], chunk(i + 1));
    await first.commit("chunks");
    const session = await repository.writableSession();
    await session.shift("/a", [1]);
    expect(await chunksOf(session)).toEqual({ "a/c/1": "1,1,1,1", "a/c/2": "2,2,2,2" });
    await session.reindex("/a", ([i = 0]) => [3 - i]);
    // What nothing was moved to keeps what it had.
    expect(await chunksOf(session)).toEqual({ "a/c/1": "2,2,2,2", "a/c/2": "1,1,1,1" });
    expect(await codeOf(() => session.reindex("/a", () => [9]))).toBe("OutOfBounds");
    expect(await codeOf(() => session.reindex("/a", () => [0]))).toBe("InvalidArgument");
    await session.commit("moved");
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("moves nodes with all below them, and nothing else in such a session", async () => {
    const repository = await newRepository();
    const first = await repository.writableSession();
    first.createArray("/g/h/a", byteArray([2]));
    await first.setChunk("/g/h/a", [1], chunk(5));
    first.createGroup("/other");
    const before = await first.commit("nodes");
    const session = await repository.rearrangeSession();
    expect(await codeOf(() => session.move("/g", "/g/h/g"))).toBe("InvalidArgument");
    expect(await codeOf(() => session.move("/g", "/other"))).toBe("AlreadyExists");
    expect(await codeOf(() => session.move("/none", "/n"))).toBe("NotFound");
    expect(await codeOf(() => session.move("/g", "/nowhere/g"))).toBe("NotFound");
    session.move("/g/h", "/other/k");
    session.move("/other", "/o");
    session.move("/o", "/other");
    expect(session.paths()).toEqual(["/", "/g", "/other", "/other/k", "/other/k/a"]);
    const id = await session.commit("moved");
    const read = await repository.readonlySession();
    expect(await chunksOf(read)).toEqual({ "other/k/a/c/1": "5,5,5,5" });
    const diff = await repository.diff({ snapshotId: before }, { snapshotId: id });
    expect(diff.moved).toEqual([
      { from: "/g/h", to: "/other/k" },
      { from: "/g/h/a", to: "/other/k/a" },
    ]);
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("amends the newest commit and leaves no trace of it in the history", async () => {
    const repository = await newRepository();
    const first = await repository.writableSession();
    expect(await codeOf(() => first.amend("the first snapshot"))).toBe("InvalidArgument");
    first.createArray("/a", byteArray([2]));
    await first.setChunk("/a", [0], chunk(1));
    await first.commit("one");
    const session = await repository.writableSession();
    await session.setChunk("/a", [1], chunk(2));
    session.createGroup("/b");
    await session.amend("one, corrected");
    expect(await messages(repository)).toEqual(["one, corrected", "Repository initialized"]);
    const diff = await repository.diff({ snapshotId: "1CECHNKREP0F1RSTCMT0" });
    expect(diff.newArrays).toEqual(["/a"]);
    expect(diff.newGroups).toEqual(["/", "/b"]);
    expect([...diff.updatedChunks]).toEqual([["/a", [[0], [1]]]]);
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("flushes to a snapshot that no branch has", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createGroup("/a");
    const id = await session.flush("aside");
    expect(await messages(repository)).toEqual(["Repository initialized"]);
    expect((await repository.readonlySession({ snapshotId: id })).paths()).toEqual(["/", "/a"]);
    await repository.createBranch("aside", id);
    expect(await messages(repository, "aside")).toEqual(["aside", "Repository initialized"]);
  });
});

describe("forked sessions", () => {
  it("bring their changes back as plain data", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([6]));
    await session.setChunk("/a", [0], chunk(1));
    const fork = await session.fork();
    const workers = await Promise.all([1, 2].map(() => repository.forkedSession(fork.snapshotId)));
    for (const [worker, own] of workers.entries()) {
      expect(await chunksOf(own)).toEqual({ "a/c/0": "1,1,1,1" });
      await own.setChunk("/a", [2 + worker], chunk(20 + worker, 700));
      await own.setChunk("/a", [5], chunk(50 + worker));
    }
    const changes = await Promise.all(workers.map((worker) => worker.changes()));
    session.merge(...changes.map((change) => structuredClone(change)));
    await session.setChunk("/a", [1], chunk(9));
    await session.commit("together");
    expect(await chunksOf(await repository.readonlySession())).toEqual({
      "a/c/0": "1,1,1,1",
      "a/c/1": "9,9,9,9",
      "a/c/2": chunk(20, 700).join(),
      "a/c/3": chunk(21, 700).join(),
      "a/c/5": "51,51,51,51",
    });
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("cannot be merged where they contradict each other", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([4]));
    await session.commit("array");
    const parent = await repository.writableSession();
    const make = async (edit: (fork: typeof parent) => unknown) => {
      const fork = await repository.forkedSession(parent.snapshotId);
      await edit(fork);
      return fork.changes();
    };
    const resized = await make((fork) => fork.updateArray("/a", byteArray([2])));
    const outside = await make((fork) => fork.setChunk("/a", [3], chunk(1)));
    const deleted = await make((fork) => fork.delete("/a"));
    const made = await make((fork) => fork.createGroup("/n", { by: 1 }));
    const madeToo = await make((fork) => fork.createGroup("/n", { by: 2 }));
    for (const [first, second] of [
      [resized, outside],
      [outside, deleted],
      [made, madeToo],
    ] as const) {
      parent.discardChanges();
      parent.merge(first);
      const before = await contents(parent);
      expect(await codeOf(() => parent.merge(second))).toBe("Conflict");
      expect(await contents(parent)).toEqual(before);
    }
  });
});
