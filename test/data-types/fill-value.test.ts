import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../src/binary/json.ts";
import { itemSize } from "../../src/data-types/data-type.ts";
import { dataTypeToJson, parseDataType } from "../../src/data-types/data-type-json.ts";
import { fillValueToJson, parseFillValue } from "../../src/data-types/fill-value.ts";

const struct = {
  name: "struct",
  configuration: {
    fields: [
      { name: "x", data_type: "float32" },
      { name: "n", data_type: "int16" },
    ],
  },
};

describe("a fill value is its bits", () => {
  // As zarr-python 3.4 and NumPy have them; the payloads as core 3.1 says.
  test.each<[JsonValue, JsonValue, string]>([
    ["bool", true, "01"],
    ["int8", -128, "80"],
    ["int64", -9223372036854775806n, "0200000000000080"],
    ["uint64", 18446744073709551614n, "feffffffffffffff"],
    ["uint64", 9223372036854775808n, "0000000000000080"],
    ["float16", 2049, "0068"],
    ["float16", "0x7e8b", "8b7e"],
    ["float32", 0.1, "cdcccc3d"],
    ["float32", -0, "00000080"],
    ["float32", 16777217, "0000804b"],
    ["float32", "0x7f8c058b", "8b058c7f"],
    ["float32", "NaN", "0000c07f"],
    ["float64", "-Infinity", "000000000000f0ff"],
    ["float64", "0xfff0000000000001", "010000000000f0ff"],
    ["bfloat16", 1.5, "c03f"],
    ["complex64", ["0x7fc00001", "-Infinity"], "0100c07f000080ff"],
    [{ name: "fixed_length_utf32", configuration: { length_bytes: 8 } }, "é😀", "e900000000f60100"],
    [{ name: "null_terminated_bytes", configuration: { length_bytes: 3 } }, "YWI=", "616200"],
    [{ name: "raw_bytes", configuration: { length_bytes: 3 } }, "/wCA", "ff0080"],
    ["r24", [152, 138, 195], "988ac3"],
    [{ name: "numpy.datetime64", configuration: { unit: "ns", scale_factor: 1 } }, "NaT", "0000000000000080"],
    ["string", "żó", "c5bcc3b3"],
    ["bytes", [1, 2, 255], "0102ff"],
    [struct, { x: 1.5, n: -2 }, "0000c03ffeff"],
    [struct, "AADAP/7/", "0000c03ffeff"],
  ])("%s %s", (type, json, hex) => {
    const dataType = parseDataType(type);
    const element = parseFillValue(json, dataType);
    expect(Buffer.from(element).toString("hex")).toBe(hex);
    expect(parseFillValue(fillValueToJson(element, dataType), dataType)).toEqual(element);
  });
});

test.each<[JsonValue, JsonValue]>([
  ["bool", 0],
  ["int8", 128],
  ["uint8", -1],
  ["int32", 0.5],
  ["int32", "5"],
  ["int64", 9223372036854775808n],
  ["float32", "zero"],
  ["float32", "0x7fc0"],
  ["float32", true],
  ["complex64", 1],
  ["complex64", [1, 2, 3]],
  [{ name: "fixed_length_utf32", configuration: { length_bytes: 8 } }, "abc"],
  [{ name: "raw_bytes", configuration: { length_bytes: 3 } }, "AAAAAA=="],
  ["r32", [0, 0, 0]],
  ["bytes", [256]],
  ["string", 0],
  ["string", "\ud800"],
  [struct, { x: 1 }],
  [struct, { x: 1, n: 2, z: 3 }],
])("%s is not filled with %s", (type, json) => {
  expect(() => parseFillValue(json, parseDataType(type))).toThrow(
    expect.objectContaining({ code: "InvalidMetadata" }),
  );
});

test("any bits of a number come back from JSON", () => {
  const names = [
    "int8",
    "int64",
    "uint16",
    "uint64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.uint8Array({ minLength: 16, maxLength: 16 }), (name, bytes) => {
      const dataType = parseDataType(name);
      const element = bytes.slice(0, itemSize(dataType));
      expect(parseFillValue(fillValueToJson(element, dataType), dataType)).toEqual(element);
    }),
    { numRuns: 1000 },
  );
});

test("data types come back from JSON", () => {
  for (const json of [
    "float32",
    "string",
    struct,
    { name: "numpy.timedelta64", configuration: { unit: "us", scale_factor: 10 } },
  ]) {
    expect(dataTypeToJson(parseDataType(json))).toEqual(json);
  }
  expect(dataTypeToJson(parseDataType("r16"))).toEqual({
    name: "raw_bytes",
    configuration: { length_bytes: 2 },
  });
  expect(dataTypeToJson(parseDataType("complex_float32"))).toBe("complex64");
  expect(
    dataTypeToJson(
      parseDataType({
        name: "structured",
        configuration: {
          fields: [
            ["x", "float32"],
            ["n", "int16"],
          ],
        },
      }),
    ),
  ).toEqual(struct);
});
