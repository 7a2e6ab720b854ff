import { describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "../../src/binary/json.ts";
import { codecToJson } from "../../src/codecs/codec-list.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { dataTypeToJson } from "../../src/data-types/data-type-json.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { createArray, createArrayOf } from "../../src/zarr/create.ts";
import { parseArrayMetadataV2, parseGroupMetadataV2 } from "../../src/zarr/metadata-v2.ts";
import { arrayMetadataToJson, arrayMetadataToShow, parseArrayMetadata } from "../../src/zarr/metadata-v3.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import { expectedOf, fromBase64, readRows } from "../codecs/encoded-chunks.ts";

describe("chunks that zarr-python wrote as v2 decode through codecs of v3", () => {
  test.each(readRows("v2").map((row) => ({ name: String(row["name"]), row })))("$name", async ({ row }) => {
    const metadata = parseArrayMetadataV2(row["document"] ?? null);
    const { shape, dataType, fillValue, codecs } = metadata;
    const pipeline = createPipeline(codecs, { shape, dataType, fillValue });
    await pipeline.ready();
    expect(pipeline.decode(fromBase64(row["chunk"]))).toEqual(expectedOf(row));
    // Written as v3 the same bytes mean the same.
    const again = parseArrayMetadata(arrayMetadataToShow(metadata));
    expect(again.codecs.map(({ name }) => name)).toEqual(codecs.map(({ name }) => name));
    expect(again.chunkKeyEncoding).toEqual({ name: "v2", separator: "." });
    const rebuilt = createPipeline(again.codecs, { shape, dataType: again.dataType, fillValue });
    expect(rebuilt.decode(fromBase64(row["chunk"]))).toEqual(expectedOf(row));
  });
});

const DOCUMENT: JsonObject = {
  zarr_format: 2,
  shape: [4, 6],
  chunks: [2, 3],
  dtype: "<f4",
  fill_value: 0,
  order: "C",
  filters: null,
  compressor: null,
};

const parse = (changes: { readonly [key: string]: JsonValue }, attributes?: JsonValue) =>
  parseArrayMetadataV2({ ...DOCUMENT, ...changes }, attributes);

test("records whose fields have different byte orders are read, and not written as v3", async () => {
  const metadata = parse({
    dtype: [
      ["a", "<i2"],
      ["b", ">i4"],
    ],
    fill_value: null,
  });
  const { codecs, dataType, fillValue } = metadata;
  const pipeline = createPipeline(codecs, { shape: [1], dataType, fillValue });
  expect(pipeline.decode(Uint8Array.of(1, 2, 3, 4, 5, 6))).toEqual(Uint8Array.of(1, 2, 6, 5, 4, 3));
  const refused = expect.objectContaining({ code: "UnsupportedCodec" });
  expect(() => arrayMetadataToJson(metadata)).toThrow(refused);
  const inner = codecs.map(codecToJson);
  const sharding = { name: "sharding_indexed", configuration: { chunk_shape: [1, 1], codecs: inner } };
  expect(() => arrayMetadataToJson({ ...metadata, codecs: [sharding] })).toThrow(refused);
  const store = new ZarrStore(new MemoryStorage(), "memory://store/");
  await expect(createArrayOf(store, "a", metadata)).rejects.toMatchObject({ code: "UnsupportedCodec" });
  await expect(
    createArray(store, "a", { shape: [2], dataType: dataTypeToJson(dataType), codecs }),
  ).rejects.toMatchObject({ code: "UnsupportedCodec" });
  expect(await store.get("a/zarr.json")).toBeUndefined();
});

test("codecs of the core are used where there are some", () => {
  const { codecs } = parse({
    order: "F",
    dtype: ">i2",
    filters: [{ id: "shuffle", elementsize: 2 }],
    compressor: { id: "blosc", cname: "lz4", clevel: 5, shuffle: -1, blocksize: 0 },
  });
  expect(codecs).toEqual([
    { name: "transpose", configuration: { order: [1, 0] } },
    { name: "bytes", configuration: { endian: "big" } },
    { name: "numcodecs.shuffle", configuration: { elementsize: 2 } },
    // Bytes that come out of a filter have no element size of their own.
    {
      name: "blosc",
      configuration: { cname: "lz4", clevel: 5, shuffle: "bitshuffle", typesize: 1, blocksize: 0 },
    },
  ]);
});

test("filters on numbers come before the bytes, in the byte order of the last of them", () => {
  const { codecs, dataType } = parse({
    dtype: ">f8",
    filters: [
      { id: "fixedscaleoffset", scale: 10, offset: 1, dtype: ">f8", astype: ">i4" },
      { id: "delta", dtype: ">i4" },
    ],
    compressor: { id: "zlib", level: 3 },
  });
  expect(dataType).toEqual({ name: "float64" });
  expect(codecs).toEqual([
    {
      name: "numcodecs.fixedscaleoffset",
      configuration: { scale: 10, offset: 1, dtype: "<f8", astype: "<i4" },
    },
    { name: "numcodecs.delta", configuration: { dtype: "<i4" } },
    { name: "bytes", configuration: { endian: "big" } },
    { name: "numcodecs.zlib", configuration: { level: 3 } },
  ]);
});

test("xarray's names of dimensions name the axes", () => {
  const attributes = { _ARRAY_DIMENSIONS: ["y", "x"], units: "K" };
  expect(parse({}, attributes)).toMatchObject({ dimensionNames: ["y", "x"], attributes });
  expect(parse({}, { _ARRAY_DIMENSIONS: ["y"] }).dimensionNames).toBeUndefined();
  expect(parse({}, { _ARRAY_DIMENSIONS: ["y", 1] }).dimensionNames).toBeUndefined();
});

describe("fill values", () => {
  const hex = (changes: { readonly [key: string]: JsonValue }) =>
    Buffer.from(parse(changes).fillValue).toString("hex");

  test.each<[string, JsonValue, string]>([
    ["<i8", -9223372036854775806n, "0200000000000080"],
    [">u8", 18446744073709551614n, "feffffffffffffff"],
    ["<f4", "NaN", "0000c07f"],
    ["<f4", Number.NaN, "0000c07f"],
    ["<f8", -0, "0000000000000080"],
    ["<c8", ["NaN", 1], "0000c07f0000803f"],
    ["<c8", 2, "0000004000000000"],
    ["|S3", "YWI=", "616200"],
    ["|S3", 0, "000000"],
    [">U2", "é", "e900000000000000"],
    ["|V2", "AQI=", "0102"],
    ["<M8[s]", "NaT", "0000000000000080"],
    ["|b1", 1, "01"],
    ["<f4", null, "00000000"],
  ])("%s %s", (dtype, fill, expected) => {
    expect(hex({ dtype, fill_value: fill })).toBe(expected);
  });

  test("of a record are its bytes as they are stored", () => {
    const dtype = [
      ["x", ">f4"],
      ["n", "<i2"],
      ["p", [["q", ">i2"]]],
    ];
    expect(hex({ dtype, fill_value: Buffer.from("3fc00000feff0102", "hex").toString("base64") })).toBe(
      "0000c03ffeff0201",
    );
    expect(hex({ dtype, fill_value: 0 })).toBe("0000000000000000");
  });
});

describe("refused", () => {
  test.each<[string, { readonly [key: string]: JsonValue }, string]>([
    ["another version", { zarr_format: 3 }, "UnsupportedVersion"],
    ["a shape that is no list", { shape: 4 }, "InvalidMetadata"],
    ["a negative length", { shape: [4, -6] }, "InvalidMetadata"],
    ["chunks of another rank", { chunks: [2] }, "InvalidMetadata"],
    ["chunks of length 0", { chunks: [0, 3] }, "InvalidMetadata"],
    ["a dtype without a byte order", { dtype: "f4" }, "InvalidMetadata"],
    ["a name of v3", { dtype: "float32" }, "InvalidMetadata"],
    ["a float of five bytes", { dtype: "<f5" }, "UnsupportedDataType"],
    [
      "a record with two fields of one name",
      {
        dtype: [
          ["x", "<f4"],
          ["x", "<f4"],
        ],
      },
      "InvalidMetadata",
    ],
    ["long arrays in records", { dtype: [["x", "<f4", [40, 40]]], fill_value: null }, "UnsupportedDataType"],
    ["arrays of no elements in records", { dtype: [["x", "<f4", [0]]], fill_value: null }, "InvalidMetadata"],
    ["objects without a codec", { dtype: "|O" }, "InvalidMetadata"],
    ["pickled objects", { dtype: "|O", filters: [{ id: "pickle", protocol: 5 }] }, "UnsupportedCodec"],
    ["an unknown order", { order: "X" }, "InvalidMetadata"],
    ["an unknown separator", { dimension_separator: "-" }, "InvalidMetadata"],
    ["an unknown compressor", { compressor: { id: "example" } }, "UnsupportedCodec"],
    ["a compressor that is a name", { compressor: "zlib" }, "InvalidMetadata"],
    ["an unknown filter", { filters: [{ id: "example" }] }, "UnsupportedCodec"],
    [
      "a filter of numbers behind one of bytes",
      { filters: [{ id: "shuffle" }, { id: "delta", dtype: "<f4" }] },
      "UnsupportedCodec",
    ],
    [
      "a filter that sees another byte order",
      { filters: [{ id: "delta", dtype: ">f4" }] },
      "UnsupportedCodec",
    ],
    ["a fill value out of range", { dtype: "|i1", fill_value: 300 }, "InvalidMetadata"],
  ])("%s", (_, changes, code) => {
    expect(() => parse(changes)).toThrow(expect.objectContaining({ code }));
  });

  test("a document without a compressor", () => {
    const { compressor: _, ...rest } = DOCUMENT;
    expect(() => parseArrayMetadataV2(rest)).toThrow(expect.objectContaining({ code: "InvalidMetadata" }));
  });
});

test("groups", () => {
  expect(parseGroupMetadataV2({ zarr_format: 2 }, { a: 1 })).toEqual({ attributes: { a: 1 } });
  expect(() => parseGroupMetadataV2({ zarr_format: 3 })).toThrow(
    expect.objectContaining({ code: "UnsupportedVersion" }),
  );
});
