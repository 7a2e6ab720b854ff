import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/binary/json.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { parseDataType } from "../../src/data-types/data-type-json.ts";
import { defaultFillValue } from "../../src/data-types/fill-value.ts";

/** zarr-extensions "cast_value", whose rules these are. */
function codec(from: string, configuration: JsonObject, count: number) {
  const dataType = parseDataType(from);
  return createPipeline(
    [
      { name: "cast_value", configuration },
      { name: "bytes", configuration: { endian: "little" } },
    ],
    { shape: [count], dataType, fillValue: defaultFillValue(dataType) },
  );
}

function castFloats(configuration: JsonObject, ...values: number[]): Int16Array {
  const encoded = codec("float64", { data_type: "int16", ...configuration }, values.length).encode(
    new Uint8Array(Float64Array.from(values).buffer),
  );
  return new Int16Array(encoded.slice().buffer);
}

describe("fractions are rounded", () => {
  const values = [2.5, 3.5, -2.5, -3.5, 2.4, -2.6];
  test.each([
    ["nearest-even", [2, 4, -2, -4, 2, -3]],
    ["towards-zero", [2, 3, -2, -3, 2, -2]],
    ["towards-positive", [3, 4, -2, -3, 3, -2]],
    ["towards-negative", [2, 3, -3, -4, 2, -3]],
    ["nearest-away", [3, 4, -3, -4, 2, -3]],
  ])("%s", (rounding, expected) => {
    expect([...castFloats({ rounding }, ...values)]).toEqual(expected);
  });
});

describe("numbers out of range", () => {
  test("are errors by default", () => {
    for (const value of [32768, -32769, Infinity, NaN]) {
      expect(() => castFloats({}, value)).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
    }
  });

  test("become the nearest", () => {
    expect([...castFloats({ out_of_range: "clamp" }, 40000, -40000, Infinity, -Infinity)]).toEqual([
      32767, -32768, 32767, -32768,
    ]);
    expect(() => castFloats({ out_of_range: "clamp" }, NaN)).toThrow();
  });

  test("wrap around", () => {
    expect([...castFloats({ out_of_range: "wrap" }, 32768, -32769, 65536)]).toEqual([-32768, 32767, 0]);
    expect(() => castFloats({ out_of_range: "wrap" }, Infinity)).toThrow();
  });
});

test("some numbers become others whatever the rules", () => {
  const pipeline = codec(
    "float64",
    {
      data_type: "uint8",
      scalar_map: {
        encode: [
          ["NaN", 255],
          ["Infinity", 254],
        ],
        decode: [[255, "NaN"]],
      },
    },
    3,
  );
  const encoded = pipeline.encode(new Uint8Array(Float64Array.of(NaN, 7, Infinity).buffer));
  expect([...encoded]).toEqual([255, 7, 254]);
  const decoded = pipeline.decode(encoded);
  expect(decoded).toEqual(new Uint8Array(Float64Array.of(NaN, 7, 254).buffer));
});

test("64-bit integers stay exact", () => {
  const numbers = BigInt64Array.of(9007199254740993n, -1n, 9223372036854775807n);
  const pipeline = codec("int64", { data_type: "uint64", out_of_range: "wrap" }, 3);
  const data = new Uint8Array(numbers.buffer);
  expect(pipeline.decode(pipeline.encode(data))).toEqual(data);
  const narrow = codec("int64", { data_type: "float64" }, 3);
  expect(() => narrow.decode(narrow.encode(data))).toThrow();
});

test("stored numbers that the array's type does not hold are corrupt", () => {
  const pipeline = codec("int8", { data_type: "int16" }, 1);
  expect(() => pipeline.decode(Uint8Array.of(0, 1))).toThrow(
    expect.objectContaining({ code: "CorruptChunk" }),
  );
});
