import { describe, expect, test } from "vitest";
import { type JsonObject, type JsonValue, stringifyJson } from "../../src/binary/json.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { openNode, StoreGroup } from "../../src/zarr/hierarchy.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import { nodeBelow, walkNodes } from "../../src/zarr/tree.ts";

const array: JsonObject = {
  zarr_format: 3,
  node_type: "array",
  shape: [2],
  data_type: "int16",
  chunk_grid: { name: "regular", configuration: { chunk_shape: [2] } },
  chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
  fill_value: 0,
  codecs: [{ name: "bytes", configuration: { endian: "little" } }],
};
const group = (attributes: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  zarr_format: 3,
  node_type: "group",
  attributes,
  ...more,
});
const zarray = {
  zarr_format: 2,
  shape: [2],
  chunks: [2],
  dtype: ">i2",
  fill_value: 0,
  order: "C",
  filters: null,
  compressor: null,
};

async function storeOf(documents: { readonly [key: string]: JsonValue | Uint8Array }): Promise<ZarrStore> {
  const store = new ZarrStore(new MemoryStorage(), "memory://store/");
  for (const [key, value] of Object.entries(documents)) {
    await store.set(
      key,
      value instanceof Uint8Array ? value : new TextEncoder().encode(stringifyJson(value)),
    );
  }
  return store;
}

async function rootOf(documents: { readonly [key: string]: JsonValue | Uint8Array }): Promise<StoreGroup> {
  const node = await openNode(await storeOf(documents));
  if (!(node instanceof StoreGroup)) throw new Error("the root is no group");
  return node;
}

async function kinds(root: StoreGroup): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path, node } of walkNodes(root)) found[path] = node.kind;
  return found;
}

test("groups and arrays are found by listing, other things are not", async () => {
  const root = await rootOf({
    "zarr.json": group({ title: "żółw" }),
    "a b/zarr.json": array,
    "sub/zarr.json": group(),
    "sub/größe/zarr.json": array,
    "sub/größe/c/0": new Uint8Array(4),
    "not-a-node/file": new Uint8Array(1),
    "README.txt": new Uint8Array(1),
  });
  expect(root.attributes).toEqual({ title: "żółw" });
  expect(await kinds(root)).toEqual({ "a b": "array", sub: "group", "sub/größe": "array" });
  expect(await nodeBelow(root, "/sub/größe")).toMatchObject({ kind: "array", path: "sub/größe" });
  expect(await nodeBelow(root, "sub/none")).toBeUndefined();
  expect(await root.child("..")).toBeUndefined();
});

test("a node that cannot be read is a fault, and the rest is read", async () => {
  const root = await rootOf({
    "zarr.json": group(),
    "bad/zarr.json": { ...array, example: 1 },
    "good/zarr.json": array,
  });
  expect(await kinds(root)).toEqual({ bad: "fault", good: "array" });
  expect(await nodeBelow(root, "bad")).toMatchObject({ error: { code: "InvalidMetadata", path: "/bad" } });
});

test("nothing is no node", async () => {
  await expect(openNode(await storeOf({ file: new Uint8Array(1) }))).rejects.toMatchObject({
    code: "NotFound",
  });
});

describe("consolidated metadata", () => {
  const inline = (metadata: JsonObject) => ({
    consolidated_metadata: { kind: "inline", must_understand: false, metadata },
  });

  test("are all that is looked at", async () => {
    const root = await rootOf({
      "zarr.json": group({}, inline({ v: array, sub: group({}, inline({})), "sub/w": array })),
      "unlisted/zarr.json": array,
    });
    expect(root.isConsolidated).toBe(true);
    expect(await kinds(root)).toEqual({ sub: "group", "sub/w": "array", v: "array" });
  });

  test("of a group below the root", async () => {
    const root = await rootOf({
      "zarr.json": group(),
      "sub/zarr.json": group({}, inline({ w: array })),
    });
    expect(root.isConsolidated).toBe(false);
    expect(await kinds(root)).toEqual({ sub: "group", "sub/w": "array" });
  });

  test("null and unknown kinds stand for none", async () => {
    for (const none of [null, { kind: "elsewhere", must_understand: false }]) {
      const root = await rootOf({
        "zarr.json": group({}, { consolidated_metadata: none }),
        "v/zarr.json": array,
      });
      expect(await kinds(root)).toEqual({ v: "array" });
    }
    const broken = await storeOf({
      "zarr.json": group({}, { consolidated_metadata: { kind: "elsewhere" } }),
    });
    await expect(openNode(broken)).rejects.toMatchObject({ code: "InvalidMetadata" });
  });

  test("names that no node may have lead nowhere", async () => {
    const root = await rootOf({
      "zarr.json": group({}, inline({ "../v": array, "a//b": array, ".": array, w: array })),
    });
    expect(await kinds(root)).toEqual({ w: "array" });
  });
});

describe("Zarr v2", () => {
  test("is read where there is no v3", async () => {
    const root = await rootOf({
      ".zgroup": { zarr_format: 2 },
      ".zattrs": { title: "old" },
      "v/.zarray": zarray,
      "v/.zattrs": { units: "K" },
      "sub/.zgroup": { zarr_format: 2 },
    });
    expect([root.zarrFormat, root.attributes]).toEqual([2, { title: "old" }]);
    expect(await kinds(root)).toEqual({ sub: "group", v: "array" });
    const v = await nodeBelow(root, "v");
    expect(v?.kind === "array" && v.metadata.attributes).toEqual({ units: "K" });
  });

  test("with .zmetadata, from which groups between may be missing", async () => {
    const root = await rootOf({
      ".zgroup": { zarr_format: 2 },
      ".zmetadata": {
        zarr_consolidated_format: 1,
        metadata: {
          ".zgroup": { zarr_format: 2 },
          "sub/deep/v/.zarray": zarray,
          "sub/deep/v/.zattrs": { a: 1 },
        },
      },
      "unlisted/.zarray": zarray,
    });
    expect(root.isConsolidated).toBe(true);
    expect(await kinds(root)).toEqual({ sub: "group", "sub/deep": "group", "sub/deep/v": "array" });
  });

  test("with a .zmetadata of another format is refused", async () => {
    const store = await storeOf({
      ".zgroup": { zarr_format: 2 },
      ".zmetadata": { zarr_consolidated_format: 2, metadata: {} },
    });
    await expect(openNode(store)).rejects.toMatchObject({ code: "InvalidMetadata" });
  });
});
