import { expect, test } from "vitest";
import { stringifyJson } from "../../../src/binary/json.ts";
import { arrayAt, expected, fileBytes, nodeAt, openFile, storage, valuesOf } from "./dataset-data.ts";

for (const [name, { arrays, dimensions, attributes, values }] of Object.entries(expected)) {
  for (const [path, wanted] of Object.entries(arrays)) {
    test(`${name}${path} has the values that h5py reads`, async () => {
      const array = arrayAt(await openFile(name), path);
      expect(await valuesOf(array.stored ?? array)).toEqual(wanted);
    });
  }

  for (const [path, names] of Object.entries(dimensions ?? {})) {
    test(`${name}${path} has the dimensions that netCDF-C gives it`, async () => {
      const node = nodeAt(await openFile(name), path);
      if (node?.kind !== "array") throw new Error(`no array ${path}`);
      expect(node.metadata.dimensionNames ?? []).toEqual(names);
      expect(node.hidden).toBeUndefined();
    });
  }

  for (const [path, wanted] of Object.entries(values ?? {})) {
    test(`${name}${path} has the values that netCDF-C gives it`, async () => {
      expect(await valuesOf(arrayAt(await openFile(name), path))).toEqual(wanted);
    });
  }

  for (const [path, wanted] of Object.entries(attributes ?? {})) {
    test(`${name}${path} has the attributes that netCDF4 gives it`, async () => {
      const node = nodeAt(await openFile(name), path);
      if (node === undefined || node.kind === "fault") throw new Error(`nothing at ${path}`);
      const found = node.kind === "group" ? node.attributes : node.metadata.attributes;
      for (const [key, value] of Object.entries(wanted)) {
        expect(JSON.parse(stringifyJson(found[key] ?? null)), key).toEqual(value);
      }
      // netCDF4 gives the fill value apart.
      const others = Object.keys(found).filter((key) => key !== "_FillValue" && !(key in wanted));
      expect(others).toEqual([]);
    });
  }
}

test("a null dataspace is an array without elements, and says so", async () => {
  const array = arrayAt(await openFile("numbers.h5"), "/nothing");
  expect(array.metadata.shape).toEqual([0]);
  expect(array.notes).toEqual([expect.stringContaining("null dataspace")]);
});

test("arrays that Zarr's codecs can read have references, the others a reason", async () => {
  const root = await openFile("filters.h5");
  const virtual: string[] = [];
  for (const [name, node] of root.children) {
    if (node.kind !== "array") throw new Error(name);
    expect(node.manifest === undefined, name).toBe(node.barrier !== undefined);
    if (node.manifest) virtual.push(name);
    else expect(node.barrier?.code, name).toMatch(/^Unsupported(Filter|DataType)$/);
  }
  expect(virtual).toEqual(
    expect.arrayContaining(["deflate", "fletcher32_first", "deflate_twice", "masked", "zstd"]),
  );
  expect(arrayAt(root, "/szip").barrier?.reason).toBe("filter szip has no Zarr codec");
  const masked = await arrayAt(root, "/masked").manifest?.();
  expect([...(masked?.filterMasks ?? [])]).toEqual([0, 1, 3]);
});

test("compact data stand in the manifest, external ones are referred to where they lie", async () => {
  const root = await openFile("layouts.h5");
  const compact = await arrayAt(root, "/compact").manifest?.();
  expect(compact?.inline.get(0)?.length).toBe(20);
  const outside = await arrayAt(root, "/outside").manifest?.();
  expect(outside?.gridShape).toEqual([2, 1]);
  expect(outside?.locations.map((location) => location.split("/").at(-1))).toEqual([
    "layouts.a.bin",
    "layouts.b.bin",
  ]);
  expect([...(outside?.offsets ?? [])]).toEqual([16, 0]);
});

test("a virtual dataset that follows its sources' chunks refers to them", async () => {
  const root = await openFile("virtual.h5");
  const aligned = arrayAt(root, "/aligned");
  const manifest = await aligned.manifest?.();
  expect(manifest?.gridShape).toEqual([6, 2]);
  expect(manifest?.count).toBe(12);
  expect(manifest?.locations).toEqual(
    expect.arrayContaining([0, 1, 2].map((k) => expect.stringContaining(`virtual.${k}.h5`))),
  );
  expect(aligned.metadata.codecs.map(({ name }) => name)).toEqual(["bytes", "numcodecs.zlib"]);
  expect(arrayAt(root, "/stacked").manifest).toBeDefined();
  expect(arrayAt(root, "/strided").barrier?.code).toBe("UnsupportedLayout");
});

test("a virtual dataset of a datatype that its sources are not surely converted to is refused", async () => {
  const root = await openFile("converted.h5");
  for (const name of ["odd_as_i8", "negative_as_u8", "S3_as_S2", "row_as_b", "row_as_b-a"]) {
    await expect(valuesOf(arrayAt(root, name)), name).rejects.toMatchObject({ code: "UnsupportedDataType" });
  }
});

test("hard links give views of one group, soft and external ones lead on, lost ones are told", async () => {
  const root = await openFile("links.h5");
  const b = root.children.get("b");
  expect(b?.kind === "group" && b.first).toBe(root.children.get("a"));
  expect(nodeAt(root, "/a/up")).toBe(root);
  expect(nodeAt(root, "/outside")?.kind).toBe("group");
  const outside = arrayAt(root, "/outside/values");
  expect((await outside.manifest?.())?.locations).toEqual([expect.stringContaining("links.target.h5")]);
  const lost = root.children.get("lost");
  expect(lost?.kind === "fault" && lost.error.code).toBe("NotFound");
  const a = root.children.get("a");
  expect(a?.kind === "group" && a.notes).toEqual(['link "soft" leads nowhere']);
});

test("the views of a group have the same chunks", async () => {
  const root = await openFile("paths.h5");
  expect(arrayAt(root, "/b/x").chunks).toBe(arrayAt(root, "/a/x").chunks);
  expect(arrayAt(root, "/inner/y").manifest).toBe(arrayAt(root, "/a/inner/y").manifest);
});

test("dimensions without values are hidden, and a variable of their name takes their place", async () => {
  const root = await openFile("dimensions.nc");
  const bare = root.children.get("bare");
  expect(bare?.kind === "array" && bare.hidden).toBe(true);
  const x = arrayAt(root, "/x");
  expect([x.storedName, x.metadata.shape]).toEqual(["_nc4_non_coord_x", [3, 4]]);
  expect(root.children.get("_nc4_non_coord_x")).toMatchObject({ hidden: true, storedName: "x" });
});

test("labels of an enumeration are flags", async () => {
  const { attributes } = arrayAt(await openFile("numbers.h5"), "/colours").metadata;
  expect(attributes).toEqual({ flag_values: [3, 2, 1], flag_meanings: "BLUE LIGHT_GREEN RED" });
});

test("one odd array does not cost the file", async () => {
  const chunk = await arrayAt(await openFile("filters.h5"), "/deflate").manifest?.();
  const bytes = fileBytes("filters.h5");
  bytes.fill(0xff, chunk?.offsets[0], (chunk?.offsets[0] ?? 0) + 8);
  await storage.write("memory://hdf5-dataset/damaged.h5", bytes);
  const damaged = await openFile("damaged.h5");
  await expect(valuesOf(arrayAt(damaged, "/deflate"))).rejects.toMatchObject({ code: "CorruptChunk" });
  await expect(valuesOf(arrayAt(damaged, "/shuffle"))).resolves.toEqual(
    expected["filters.h5"]?.arrays["/shuffle"],
  );
});

test("a damaged chunk takes no more memory for decoding than such chunks need", async () => {
  const bytes = fileBytes("filters.h5");
  // The only frames of Blosc2 ("b2frame"): bytes 29 to 36 are the length of what is compressed, big-endian.
  const text = Buffer.from(bytes).toString("latin1");
  for (let at = text.indexOf("b2frame"); at >= 0; at = text.indexOf("b2frame", at + 1)) bytes[at + 30] = 0x40;
  await storage.write("memory://hdf5-dataset/greedy.h5", bytes);
  const greedy = await openFile("greedy.h5");
  const before = process.memoryUsage().rss;
  await expect(valuesOf(arrayAt(greedy, "/blosc2"))).rejects.toMatchObject({ code: "LimitExceeded" });
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  await expect(valuesOf(arrayAt(greedy, "/szip"))).resolves.toEqual(expected["filters.h5"]?.arrays["/szip"]);
});

test("an unlimited virtual dataset is as long in the dataset view as its sources make it", async () => {
  const array = arrayAt(await openFile("virtual.h5"), "/numbered");
  expect(array.metadata.shape).toEqual([14, 6]);
  expect(array.stored).toBeUndefined();
});

test("a group whose links cannot be read is a fault, not an empty group", async () => {
  const bytes = fileBytes("strings.h5");
  // The one local heap that holds the name "target" loses its signature.
  const name = Buffer.from(bytes).indexOf("target");
  const heap = Buffer.from(bytes).lastIndexOf("HEAP", name);
  bytes.fill(0, heap, heap + 4);
  await storage.write("memory://hdf5-dataset/damaged.h5", bytes);
  const root = await openFile("damaged.h5");
  expect(nodeAt(root, "/g")).toMatchObject({ kind: "fault", error: { code: "CorruptFile" } });
  await expect(valuesOf(arrayAt(root, "/utf8"))).resolves.toEqual(expected["strings.h5"]?.arrays["/utf8"]);
});

test("an attribute has its name, whatever that is to JavaScript", async () => {
  const { attributes } = arrayAt(await openFile("names.h5"), "/marked").metadata;
  expect(Object.entries(attributes)).toEqual([["__proto__", "an attribute"]]);
});

test("sequences within themselves are refused before they fill the memory", async () => {
  const array = arrayAt(await openFile("endless.h5"), "/nested");
  await expect(valuesOf(array)).rejects.toMatchObject({ code: "LimitExceeded" });
});
