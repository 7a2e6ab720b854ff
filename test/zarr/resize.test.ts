import { describe, expect, test } from "vitest";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { createArray, createGroup, type NewArray } from "../../src/zarr/create.ts";
import { openNode } from "../../src/zarr/hierarchy.ts";
import { open, root } from "../../src/zarr/location.ts";
import type { ZarrArray } from "../../src/zarr/node.ts";
import { get } from "../../src/zarr/read/get.ts";
import { slice } from "../../src/zarr/selection.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import { consolidateMetadata } from "../../src/zarr/store-documents.ts";
import { walkNodes } from "../../src/zarr/tree.ts";
import { CountingStorage } from "./counting-storage.ts";

const FILL = 99;

async function made(options: Partial<NewArray> = {}): Promise<{ store: ZarrStore; array: ZarrArray }> {
  const store = new ZarrStore(new MemoryStorage(), "memory://store/");
  const array = await createArray(store, "a", {
    shape: [5, 4],
    dataType: "int16",
    chunkShape: [2, 3],
    fillValue: FILL,
    ...options,
  });
  await array.set(null, { data: Array.from({ length: 20 }, (_, at) => at), shape: [5, 4] });
  return { store, array };
}

async function keys(store: ZarrStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list("a/c")) found.push(key.slice(4));
  return found.sort();
}

describe("other shapes", () => {
  test("what is cut off is gone for good", async () => {
    const { store, array } = await made();
    await array.resize([3, 2]);
    expect(array.shape).toEqual([3, 2]);
    expect(await keys(store)).toEqual(["0/0", "1/0"]);
    const reopened = await open(root(store).resolve("a"), { kind: "array" });
    expect(reopened.shape).toEqual([3, 2]);
    await reopened.resize([5, 4]);
    expect([...(await get(reopened)).data]).toEqual(
      Array.from({ length: 20 }, (_, at) => (at < 12 && at % 4 < 2 ? at : FILL)),
    );
  });

  test("chunks beyond a shorter end are the fill value when the array is longer again, also in shards", async () => {
    const { array } = await made({ chunkShape: [2, 2], shardShape: [4, 4] });
    await array.resize([3, 4]);
    await array.resize([8, 5]);
    const { data } = await get(array);
    expect([...data]).toEqual(
      Array.from({ length: 40 }, (_, at) => {
        const [row, column] = [Math.floor(at / 5), at % 5];
        return row < 3 && column < 4 ? row * 4 + column : FILL;
      }),
    );
  });

  test("lists of chunk lengths grow by a chunk", async () => {
    const { array } = await made({ chunkShape: [[2, 3], 3] });
    await array.append({ data: [7, 7, 7, 7, 8, 8, 8, 8], shape: [2, 4] });
    expect(array.shape).toEqual([7, 4]);
    expect([...(await get(array, [slice(4, 7), 0])).data]).toEqual([16, 7, 8]);
  });

  test("lists of lengths of shards grow by whole inner chunks", async () => {
    const store = new ZarrStore(new MemoryStorage(), "memory://store/");
    const codecs: NewArray["codecs"] = [
      {
        name: "sharding_indexed",
        configuration: {
          chunk_shape: [2],
          codecs: [{ name: "bytes" }],
          index_codecs: [{ name: "bytes", configuration: { endian: "little" } }],
        },
      },
    ];
    const array = await createArray(store, "a", {
      shape: [7],
      dataType: "uint8",
      chunkShape: [[4, 2, 2]],
      fillValue: FILL,
      codecs,
    });
    await array.set(null, [0, 1, 2, 3, 4, 5, 6]);
    await array.resize([9]);
    await array.append([9]);
    const reopened = await open(root(store).resolve("a"), { kind: "array" });
    expect([...(await get(reopened)).data]).toEqual([0, 1, 2, 3, 4, 5, 6, FILL, FILL, 9]);
  });

  test("text that begins with a byte order mark stays the fill value", async () => {
    const store = new ZarrStore(new MemoryStorage(), "memory://store/");
    const array = await createArray(store, "a", {
      shape: [2],
      dataType: "string",
      chunkShape: [2],
      fillValue: "\ufeffnone",
    });
    await array.set(null, "none");
    await array.resize([4]);
    const reopened = await open(root(store).resolve("a"), { kind: "array" });
    expect((await get(reopened)).data).toEqual(["none", "none", "\ufeffnone", "\ufeffnone"]);
  });

  test("shapes that are none are refused", async () => {
    const { array } = await made();
    for (const shape of [[5], [5, -1], [5, 1.5], [5, 4, 1]]) {
      await expect(array.resize(shape)).rejects.toMatchObject({ code: "InvalidArgument" });
    }
    expect(array.shape).toEqual([5, 4]);
  });
});

describe("appending", () => {
  test("values go behind the others, in part into the same chunks", async () => {
    const { array } = await made();
    expect(await array.append([20, 21, 22, 23, 24, 25, 26, 27])).toEqual([7, 4]);
    expect([...(await get(array)).data]).toEqual(Array.from({ length: 28 }, (_, at) => at));
    await array.append({ data: [1, 2, 3, 4, 5, 6, 7], shape: [7, 1] }, 1);
    expect([...(await get(array, [null, 4])).data]).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test("of several at the same time each goes behind the one before", async () => {
    const { store, array } = await made();
    const row = (value: number): number[] => new Array<number>(4).fill(value);
    await Promise.all([array.append(row(20)), array.append([...row(21), ...row(22)]), array.append(row(23))]);
    expect(array.shape).toEqual([9, 4]);
    const reopened = await open(root(store).resolve("a"), { kind: "array" });
    const { data } = await get(reopened, [slice(5, 9), 0]);
    expect([...data]).toEqual([20, 21, 22, 23]);
  });

  test("what somebody else has appended meanwhile is not written over", async () => {
    const { store, array } = await made();
    const other = await open(root(store).resolve("a"), { kind: "array" });
    await other.append([1, 1, 1, 1]);
    await expect(array.append([2, 2, 2, 2])).rejects.toMatchObject({ code: "Conflict", path: "/a" });
    await expect(array.resize([9, 4])).rejects.toMatchObject({ code: "Conflict", path: "/a" });
    const reopened = await open(root(store).resolve("a"), { kind: "array" });
    expect([...(await get(reopened, [5])).data]).toEqual([1, 1, 1, 1]);
    await reopened.append([3, 3, 3, 3]);
    await reopened.append([4, 4, 4, 4]);
    expect([...(await get(reopened, [null, 0])).data]).toEqual([0, 4, 8, 12, 16, 1, 3, 4]);
  });

  test("an array whose list of chunk lengths grows step by step is still its own", async () => {
    const { array } = await made({ chunkShape: [[2, 3], 4] });
    for (const length of [8, 11, 14]) await array.resize([length, 4]);
    await array.append([1, 2, 3, 4]);
    expect([...(await get(array, [[4, 14], null])).data]).toEqual([16, 17, 18, 19, 1, 2, 3, 4]);
  });

  test("values that do not fit are refused, and nothing changes", async () => {
    const { array } = await made();
    await expect(array.append([1, 2, 3])).rejects.toMatchObject({ code: "InvalidArgument" });
    await expect(array.append({ data: [1, 2, 3], shape: [1, 3] })).rejects.toMatchObject({
      code: "InvalidArgument",
    });
    await expect(array.append([1, 2, 3, 40000])).rejects.toMatchObject({ code: "InvalidArgument" });
    await expect(array.append([1], 2)).rejects.toMatchObject({ code: "InvalidArgument" });
    expect(array.shape).toEqual([5, 4]);
  });

  test("an append that fails leaves the array as long as it was", async () => {
    const storage = new CountingStorage();
    const store = new ZarrStore(storage, "memory://store/");
    const array = await createArray(store, "a", { shape: [2], dataType: "uint8", chunkShape: [2] });
    await array.set(null, [1, 2]);
    storage.beforeWrite = async (address) => {
      if (address.endsWith("c/1")) throw new Error("the disk is full");
    };
    await expect(array.append([3, 4])).rejects.toThrow("the disk is full");
    expect(array.shape).toEqual([2]);
    expect((await open(root(store).resolve("a"), { kind: "array" })).shape).toEqual([2]);
  });
});

describe("consolidated metadata", () => {
  test("tells of nodes that came and changed later", async () => {
    const store = new ZarrStore(new MemoryStorage(), "memory://store/");
    await createGroup(store, "");
    const array = await createArray(store, "g/a", { shape: [2], dataType: "uint8", chunkShape: [2] });
    await consolidateMetadata(store);
    await array.resize([7]);
    await createArray(store, "g/b", { shape: [], dataType: "uint8" });
    const group = await openNode(store);
    if (group.kind !== "group") throw new Error("no group");
    expect(group.isConsolidated).toBe(true);
    const inner = await group.child("g");
    if (inner?.kind !== "group") throw new Error("no group");
    const members = await inner.children();
    expect([...members.keys()]).toEqual(["a", "b"]);
    const child = members.get("a");
    expect(child?.kind === "array" && child.metadata.shape).toEqual([7]);
  });

  test("forgets what was below a node that another one replaces", async () => {
    const store = new ZarrStore(new MemoryStorage(), "memory://store/");
    await createArray(store, "g/deep/a", { shape: [2], dataType: "uint8" });
    await createArray(store, "g2/a", { shape: [2], dataType: "uint8" });
    await consolidateMetadata(store);
    await createArray(store, "g", { shape: [3], dataType: "uint8", overwrite: true });
    const root = await openNode(store);
    if (root.kind !== "group") throw new Error("no group");
    expect((await root.child("g"))?.kind).toBe("array");
    const paths: string[] = [];
    for await (const { path } of walkNodes(root)) paths.push(path);
    expect(paths.sort()).toEqual(["g", "g2", "g2/a"]);
    const document = new TextDecoder().decode(await store.get("zarr.json"));
    expect(document).not.toContain("deep");
  });

  test("a node that is there already is not written over, unless that is asked for", async () => {
    const { store } = await made();
    const again = { shape: [1], dataType: "uint8" };
    await expect(createArray(store, "a", again)).rejects.toMatchObject({ code: "AlreadyExists", path: "/a" });
    await createArray(store, "a", { ...again, overwrite: true });
    expect(await keys(store)).toEqual([]);
    await expect(createArray(store, "a/b", again)).rejects.toMatchObject({ code: "InvalidArgument" });
    await expect(createGroup(store, "x/../y")).rejects.toMatchObject({ code: "InvalidArgument" });
  });

  test("in a store of Zarr v2 nothing is made: a document of v3 would hide what it holds", async () => {
    const store = new ZarrStore(new MemoryStorage(), "memory://store/");
    await store.set(".zgroup", new TextEncoder().encode('{"zarr_format":2}'));
    const refused = { code: "UnsupportedVersion" };
    await expect(createArray(store, "a", { shape: [], dataType: "uint8" })).rejects.toMatchObject(refused);
    await expect(createGroup(store, "g")).rejects.toMatchObject(refused);
    await expect(createGroup(store)).rejects.toMatchObject(refused);
    expect((await openNode(store)).zarrFormat).toBe(2);
    // As a store that was given documents of v3 beside those of v2.
    await createGroup(store, "", { overwrite: true });
    await store.set(".zgroup", new TextEncoder().encode('{"zarr_format":2}'));
    await createArray(store, "a", { shape: [], dataType: "uint8" });
  });

  test("attributes that are no JSON are refused, and nothing is made", async () => {
    const store = new ZarrStore(new MemoryStorage(), "memory://store/");
    const endless: unknown[] = [];
    endless.push(endless);
    for (const value of [
      new Date(0),
      () => 1,
      new Map(),
      new Float32Array(2),
      [undefined],
      Symbol("a"),
      endless,
    ]) {
      const attributes = { value };
      const made = Reflect.apply(createGroup, undefined, [store, "g", { attributes }]);
      await expect(made).rejects.toMatchObject({ code: "InvalidArgument" });
      const array = { shape: [], dataType: "uint8", attributes };
      const created = Reflect.apply(createArray, undefined, [store, "a", array]);
      await expect(created).rejects.toMatchObject({ code: "InvalidArgument" });
    }
    expect(await store.get("zarr.json")).toBeUndefined();
    const group = await createGroup(store, "g", { attributes: { big: 2n ** 70n, none: null, list: [{}] } });
    expect(group.attributes).toEqual({ big: 2n ** 70n, none: null, list: [{}] });
  });
});
