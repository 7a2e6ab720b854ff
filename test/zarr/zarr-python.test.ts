import { describe, expect, test } from "vitest";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { createArrayOf } from "../../src/zarr/create.ts";
import { openNode } from "../../src/zarr/hierarchy.ts";
import { open, root } from "../../src/zarr/location.ts";
import { readRaw } from "../../src/zarr/read/read.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import { writeRaw } from "../../src/zarr/write/write.ts";
import { comparable, expectedArrays, expectedGroups, storeOf } from "./zarr-python-data.ts";

describe("what zarr-python wrote", () => {
  test.each(expectedArrays)("$name: all values", async ({ store, path, shape, value }) => {
    const array = await open(root(await storeOf(store)).resolve(path), { kind: "array" });
    expect(array.shape).toEqual(shape);
    const { data } = await readRaw(array, null);
    expect(comparable(data, array.dataType, value)).toEqual(value);
  });

  test.each(expectedArrays.filter(({ selections }) => selections.length > 0))(
    "$name: selections",
    async ({ store, path, selections }) => {
      const array = await open(root(await storeOf(store)).resolve(path), { kind: "array" });
      for (const { text, selection, shape, value } of selections) {
        const result = await readRaw(array, selection);
        expect(result.shape, text).toEqual(shape);
        expect(comparable(result.data, array.dataType, value), text).toEqual(value);
      }
    },
  );

  test.each(expectedGroups)("group $name", async ({ store, path, attributes, members, consolidated }) => {
    const group = await openNode(await storeOf(store), path);
    if (group.kind !== "group") throw new Error(`${path} is no group`);
    expect(group.attributes).toEqual(attributes);
    expect(group.isConsolidated).toBe(consolidated);
    const kinds = [...(await group.children())].map(([name, { kind }]) => [name, kind]);
    expect(Object.fromEntries(kinds)).toEqual(members);
  });
});

describe("what is written here", () => {
  const rewritten = expectedArrays.filter(({ store }) => store === "layouts");

  test.each(rewritten)("$name: has the same chunks as zarr-python writes", async ({ store, path, value }) => {
    const original = await storeOf(store);
    const source = await open(root(original).resolve(path), { kind: "array" });
    const copy = new ZarrStore(new MemoryStorage(), "memory://copy/");
    const array = await createArrayOf(copy, path, source.metadata);
    await writeRaw(array, null, (await readRaw(source, null)).data);
    const [keys, originalKeys] = await Promise.all([keysOf(copy, path), keysOf(original, path)]);
    expect(keys).toEqual(originalKeys);
    const { data } = await readRaw(await open(root(copy).resolve(path), { kind: "array" }), null);
    expect(comparable(data, array.dataType, value)).toEqual(value);
  });

  test("metadata documents mean the same as zarr-python's", async () => {
    const original = await storeOf("layouts");
    for (const { path } of rewritten) {
      const copy = new ZarrStore(new MemoryStorage(), "memory://copy/");
      const source = await open(root(original).resolve(path), { kind: "array" });
      await createArrayOf(copy, path, source.metadata);
      const read = async (store: ZarrStore): Promise<unknown> =>
        JSON.parse(new TextDecoder().decode(await store.get(`${path}/zarr.json`)));
      expect(await read(copy), path).toEqual(await read(original));
    }
  });
});

async function keysOf(store: ZarrStore, path: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(path)) keys.push(key);
  return keys.sort();
}
