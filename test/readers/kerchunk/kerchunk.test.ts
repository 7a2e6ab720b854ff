import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeElements } from "../../../src/data-types/elements.ts";
import { get, open } from "../../../src/node.ts";
import { kerchunkJson } from "../../../src/readers/kerchunk/kerchunk-json.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";

const FOLDER = new URL("../../data/kerchunk/", import.meta.url);
type Expected = Record<string, Record<string, { shape: number[]; dtype: string; values: number[] }>>;
/** What zarr-python reads through fsspec (scripts/make-kerchunk-data.py). */
const expected: Expected = JSON.parse(readFileSync(new URL("expected.json", FOLDER), "utf8"));

async function openDocument(refs: object, address = "memory://references/doc.json") {
  const storage = new MemoryStorage();
  await storage.write(address, new TextEncoder().encode(JSON.stringify(refs)));
  return { storage, group: await kerchunkJson.open(address, storage) };
}

const GROUP = '{"zarr_format": 2}';
const zarray = (more: object = {}) => ({
  zarr_format: 2,
  shape: [4],
  chunks: [2],
  dtype: "<i2",
  fill_value: null,
  order: "C",
  filters: null,
  compressor: null,
  ...more,
});

describe.each(Object.keys(expected))("%s", (name) => {
  it("reads as zarr-python reads it through fsspec", async () => {
    const root = await open(fileURLToPath(new URL(name, FOLDER)));
    for (const [path, { shape, dtype, values }] of Object.entries(expected[name] ?? {})) {
      const array = await root.array(path);
      expect(array.shape, path).toEqual(shape);
      expect(array.dataType.name, path).toBe(dtype);
      const { data } = await get(array);
      expect(Array.from(data as ArrayLike<number>), path).toEqual(values);
    }
  });
});

describe("Kerchunk JSON", () => {
  it("has xarray's conventions of Zarr v2 in the places of v3", async () => {
    const root = await open(fileURLToPath(new URL("version-0.json", FOLDER)));
    expect(root.format).toBe("kerchunk-json");
    expect(root.attributes["title"]).toBe("by hand");
    const array = await root.array("a");
    expect(array.dimensionNames).toEqual(["y", "x"]);
    expect(array.attributes).toEqual({ units: "m", _FillValue: -1 });
    expect(decodeElements(array.fillValue, array.dataType)[0]).toBe(-1);
    expect((await root.array("w")).attributes["_FillValue"]).toBe("AAAAAAAA+H8=");
  });

  it("asks for the size of whole objects when a manifest is wanted", async () => {
    const { storage, group } = await openDocument({
      ".zgroup": GROUP,
      "w/.zarray": zarray({ chunks: [4] }),
      "w/0": ["whole.bin"],
    });
    await storage.write("memory://references/whole.bin", new Uint8Array(8));
    const array = group.children.get("w");
    if (array?.kind !== "array") throw new Error("no array");
    expect((await array.manifest?.())?.lengths).toEqual(Float64Array.of(8));
  });

  it("gives a fault for one array, not for all", async () => {
    const { group } = await openDocument({
      ".zgroup": GROUP,
      "good/.zarray": zarray(),
      "odd/.zarray": zarray({ dtype: "<q9" }),
      "wild/.zarray": zarray(),
      "wild/0": ["raw.bin", -1, 2],
    });
    const kinds = [...group.children].map(([name, { kind }]) => `${name} ${kind}`);
    expect(kinds.sort()).toEqual(["good array", "odd fault", "wild fault"]);
  });

  it("takes null for a missing chunk, and passes over keys that are no chunks", async () => {
    const { group } = await openDocument({
      version: 1,
      refs: {
        ".zgroup": GROUP,
        "a/.zarray": zarray(),
        "a/0": null,
        "a/1": ["x", 0, 4],
        "a/7": ["x", 0, 4],
        "a/x": "?",
      },
    });
    const array = group.children.get("a");
    const manifest = array?.kind === "array" ? await array.manifest?.() : undefined;
    expect(manifest?.positions).toEqual(Float64Array.of(1));
  });

  it("of another machine does not lead to files of this one", async () => {
    const { group } = await openDocument(
      { ".zgroup": GROUP, "a/.zarray": zarray(), "a/0": ["file:///etc/passwd", 0, 4] },
      "https://example.org/doc.json",
    );
    const array = group.children.get("a");
    expect(array?.kind === "fault" && array.error.code).toBe("Unauthorized");
  });

  it.each([
    ["a version that is not known", { version: 9, refs: {} }, "UnsupportedVersion"],
    ["templates that are none", { version: 1, templates: [], refs: {} }, "InvalidMetadata"],
  ])("refuses %s", async (_, document, code) => {
    await expect(openDocument(document)).rejects.toMatchObject({ code });
  });

  it("is told by its first bytes", () => {
    const matches = (text: string) => kerchunkJson.matches(new TextEncoder().encode(text));
    expect(matches('{"version": 1, "refs": {')).toBe(true);
    expect(matches('{".zgroup": "{')).toBe(true);
    expect(matches('{"a/zarr.json": {')).toBe(true);
    expect(matches('{"zarr_format": 3, "node_type": "group"}')).toBe(false);
    expect(matches('{"metadata": {".zgroup": {}}, "zarr_consolidated_format": 1}')).toBe(false);
    expect(matches("CDF\u0001")).toBe(false);
  });
});
