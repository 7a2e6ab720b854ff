import { describe, expect, test } from "vitest";
import { type JsonObject, type JsonValue, parseJson, stringifyJson } from "../../src/binary/json.ts";
import {
  arrayMetadataToJson,
  groupMetadataToJson,
  parseArrayMetadata,
  parseGroupMetadata,
} from "../../src/zarr/metadata-v3.ts";

const little = { name: "bytes", configuration: { endian: "little" } };
const DOCUMENT: JsonObject = {
  zarr_format: 3,
  node_type: "array",
  shape: [4, 6],
  data_type: "float32",
  chunk_grid: { name: "regular", configuration: { chunk_shape: [2, 3] } },
  chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
  fill_value: 0,
  codecs: [little],
  attributes: {},
};
const parse = (changes: { readonly [key: string]: JsonValue } = {}) =>
  parseArrayMetadata({ ...DOCUMENT, ...changes });

test("an array is written as zarr-python writes it", () => {
  // zarr-python 3.4.1: create_array("x", shape=(4,), chunks=(2,), dtype="f4", fill_value=nan, dimension_names=["x"])
  const text =
    '{"shape":[4],"data_type":"float32","chunk_grid":{"name":"regular","configuration":{"chunk_shape":[2]}},' +
    '"chunk_key_encoding":{"name":"default","configuration":{"separator":"/"}},"fill_value":"NaN",' +
    '"codecs":[{"name":"bytes","configuration":{"endian":"little"}},' +
    '{"name":"zstd","configuration":{"level":0,"checksum":false}}],"attributes":{"a":1.5},' +
    '"dimension_names":["x"],"zarr_format":3,"node_type":"array","storage_transformers":[]}';
  expect(stringifyJson(arrayMetadataToJson(parseArrayMetadata(parseJson(text))))).toBe(text);
});

test("short forms are read, and written long", () => {
  const metadata = parse({
    data_type: { name: "uint8" },
    chunk_key_encoding: "v2",
    codecs: [
      {
        name: "sharding_indexed",
        configuration: {
          chunk_shape: [1, 3],
          codecs: ["bytes", { name: "example.statistics", must_understand: false }],
          index_codecs: [little, "crc32c"],
        },
      },
      "numcodecs.fletcher32",
    ],
  });
  expect(arrayMetadataToJson(metadata)).toMatchObject({
    data_type: "uint8",
    chunk_key_encoding: { name: "v2", configuration: { separator: "." } },
    codecs: [
      {
        name: "sharding_indexed",
        configuration: {
          chunk_shape: [1, 3],
          codecs: [{ name: "bytes" }],
          index_codecs: [little, { name: "crc32c" }],
        },
      },
      { name: "numcodecs.fletcher32", configuration: {} },
    ],
  });
});

test("integers beyond 2^53 and bare NaN in attributes stay", () => {
  const text = '{"nan":NaN,"fill":-9223372036854775806,"__proto__":{"a":1}}';
  const { attributes } = parse({ attributes: parseJson(text) });
  expect(attributes["fill"]).toBe(-9223372036854775806n);
  expect(attributes["nan"]).toBeNaN();
  expect(Object.hasOwn(attributes, "__proto__")).toBe(true);
});

test("the names of dimensions may be null", () => {
  expect(parse({ dimension_names: ["y", null] }).dimensionNames).toEqual(["y", null]);
  expect(parse({ dimension_names: null }).dimensionNames).toBeUndefined();
});

test("what need not be understood is passed over", () => {
  const ignorable = { must_understand: false, anything: 1 };
  expect(parse({ example: ignorable }).shape).toEqual([4, 6]);
  expect(parse({ storage_transformers: [{ name: "example.cache", must_understand: false }] }).shape).toEqual([
    4, 6,
  ]);
  expect(parseGroupMetadata({ zarr_format: 3, node_type: "group", example: ignorable }).attributes).toEqual(
    {},
  );
});

describe("rectilinear grids", () => {
  const grid = (chunk_shapes: JsonValue) =>
    parse({ chunk_grid: { name: "rectilinear", configuration: { kind: "inline", chunk_shapes } } }).chunkGrid;

  test("of lengths, runs and plain numbers", () => {
    expect(grid([[1, 2, 2], [[3, 2]]])).toEqual({
      name: "rectilinear",
      chunkShapes: [
        [
          [1, 1],
          [2, 2],
        ],
        [[3, 2]],
      ],
    });
    expect(grid([4, [[2, 9]]])).toMatchObject({ chunkShapes: [4, [[2, 9]]] });
  });

  test.each<[string, JsonValue]>([
    ["too short", [[1, 2], 6]],
    ["of length 0", [[0, 4], 6]],
    ["a run of no chunks", [[[2, 0], 4], 6]],
    ["no chunks", [[], 6]],
    ["a run of three numbers", [[[2, 1, 1], 2], 6]],
    ["of another rank", [[4]]],
    ["of more elements than there are numbers", [[[9007199254740991, 2]], 6]],
  ])("are refused where they are %s", (_, shapes) => {
    expect(() => grid(shapes)).toThrow(expect.objectContaining({ code: "InvalidMetadata" }));
  });
});

describe("an array is refused with", () => {
  test.each<[string, { readonly [key: string]: JsonValue }, string]>([
    ["an unknown key", { example: 1 }, "InvalidMetadata"],
    ["an unknown key that must be understood", { example: { must_understand: true } }, "InvalidMetadata"],
    ["another version", { zarr_format: 4 }, "UnsupportedVersion"],
    ["a version that is text", { zarr_format: "3" }, "UnsupportedVersion"],
    ["another kind of node", { node_type: "table" }, "InvalidMetadata"],
    ["a length that is no integer", { shape: [4, 6.5] }, "InvalidMetadata"],
    ["an unknown data type", { data_type: "float33" }, "UnsupportedDataType"],
    [
      "a data type that need not be understood",
      { data_type: { name: "float32", must_understand: false } },
      "InvalidMetadata",
    ],
    [
      "a field of records that says more than its name and type",
      {
        data_type: {
          name: "struct",
          configuration: { fields: [{ name: "x", data_type: "float32", offset: 4 }] },
        },
        fill_value: { x: 0 },
      },
      "InvalidMetadata",
    ],
    ["no fill value", { fill_value: null }, "InvalidMetadata"],
    ["an unknown grid", { chunk_grid: { name: "hexagonal" } }, "UnsupportedLayout"],
    [
      "chunks of length 0",
      { chunk_grid: { name: "regular", configuration: { chunk_shape: [0, 3] } } },
      "InvalidMetadata",
    ],
    ["an unknown chunk key encoding", { chunk_key_encoding: "hashed" }, "InvalidMetadata"],
    [
      "an unknown separator",
      { chunk_key_encoding: { name: "default", configuration: { separator: "-" } } },
      "InvalidMetadata",
    ],
    ["too few names", { dimension_names: ["y"] }, "InvalidMetadata"],
    ["a name that is a number", { dimension_names: ["y", 1] }, "InvalidMetadata"],
    ["attributes that are a list", { attributes: [] }, "InvalidMetadata"],
    ["a storage transformer", { storage_transformers: ["example.transformer"] }, "UnsupportedLayout"],
    ["an unknown codec", { codecs: [little, "example.unknown"] }, "UnsupportedCodec"],
  ])("%s", (_, changes, code) => {
    expect(() => parse(changes)).toThrow(expect.objectContaining({ code }));
  });

  test("an edge of a rectilinear grid that inner chunks do not divide", () => {
    const configuration = { chunk_shape: [2, 3], codecs: [little], index_codecs: [little] };
    const shards = (first: JsonValue) =>
      parse({
        chunk_grid: { name: "rectilinear", configuration: { kind: "inline", chunk_shapes: [first, 6] } },
        codecs: [{ name: "sharding_indexed", configuration }],
      });
    expect(shards([2, 2]).shape).toEqual([4, 6]);
    expect(() => shards([2, 2, 1])).toThrow(expect.objectContaining({ code: "InvalidMetadata" }));
  });
});

test("a group", () => {
  const group = { attributes: { a: 1 }, zarr_format: 3, node_type: "group" };
  expect(groupMetadataToJson(parseGroupMetadata(group))).toEqual(group);
  expect(() => parseGroupMetadata({ ...group, example: 1 })).toThrow(
    expect.objectContaining({ code: "InvalidMetadata" }),
  );
  expect(() => parseGroupMetadata(DOCUMENT)).toThrow(expect.objectContaining({ code: "InvalidMetadata" }));
});
