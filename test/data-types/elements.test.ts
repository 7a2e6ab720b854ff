import { expect, test } from "vitest";
import { parseDataType } from "../../src/data-types/data-type-json.ts";
import { decodeElements, elementsToJson } from "../../src/data-types/elements.ts";

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

test("elements are typed arrays of their own kind", () => {
  const longs = BigInt64Array.of(-9223372036854775806n, 3n);
  expect(decodeElements(bytesOf(longs), { name: "int64" })).toEqual(longs);
  expect(
    decodeElements(
      bytesOf(longs),
      parseDataType({ name: "numpy.datetime64", configuration: { unit: "s", scale_factor: 1 } }),
    ),
  ).toEqual(longs);
  expect(decodeElements(Uint8Array.of(1, 0), { name: "bool" })).toEqual(Uint8Array.of(1, 0));
  expect(decodeElements(Uint8Array.of(0x00, 0x3c, 0x01, 0x00), { name: "float16" })).toEqual(
    Float32Array.of(1, 2 ** -24),
  );
  expect(decodeElements(bytesOf(Float32Array.of(1, -2)), { name: "complex64" })).toEqual(
    Float32Array.of(1, -2),
  );
  expect(decodeElements(["a"], { name: "string" })).toEqual(["a"]);
});

test("bytes that lie anywhere in a buffer are read", () => {
  const shifted = new Uint8Array(17);
  shifted.set(bytesOf(Float64Array.of(1.5, -2)), 1);
  expect(decodeElements(shifted.subarray(1), { name: "float64" })).toEqual(Float64Array.of(1.5, -2));
});

test("bytes that are no whole elements are refused", () => {
  expect(() => decodeElements(new Uint8Array(7), { name: "int16" })).toThrow(
    expect.objectContaining({ code: "InvalidArgument" }),
  );
});

test("fixed texts end before the NULs behind them", () => {
  const text = bytesOf(Uint32Array.of(0x1f600, 0x61, 0, 0));
  expect(decodeElements(text, { name: "fixed_length_utf32", lengthBytes: 8 })).toEqual(["😀a", ""]);
  expect(
    decodeElements(Uint8Array.of(0x61, 0, 0xc3, 0xa9, 0xff, 0), {
      name: "null_terminated_bytes",
      lengthBytes: 2,
    }),
  ).toEqual(["a", "é", "ÿ"]);
  // Windows has other characters here than ISO 8859-1.
  expect(
    decodeElements(Uint8Array.of(0x80, 0x93, 0x9f, 0xff), { name: "null_terminated_bytes", lengthBytes: 1 }),
  ).toEqual(["\x80", "\x93", "\x9f", "ÿ"]);
  expect(() =>
    decodeElements(bytesOf(Uint32Array.of(0x110000)), { name: "fixed_length_utf32", lengthBytes: 4 }),
  ).toThrow(expect.objectContaining({ code: "CorruptChunk" }));
});

test("the JSON form keeps every integer", () => {
  expect(elementsToJson(bytesOf(BigUint64Array.of(1n, 18446744073709551614n)), { name: "uint64" })).toEqual([
    1,
    18446744073709551614n,
  ]);
  expect(elementsToJson(Uint8Array.of(1, 0), { name: "bool" })).toEqual([true, false]);
  expect(elementsToJson(bytesOf(Float64Array.of(1, -2)), { name: "complex128" })).toEqual([[1, -2]]);
  expect(elementsToJson(Uint8Array.of(1, 2), { name: "raw_bytes", lengthBytes: 2 })).toEqual(["AQI="]);
  const record = parseDataType({
    name: "struct",
    configuration: {
      fields: [
        { name: "n", data_type: "int16" },
        { name: "ok", data_type: "bool" },
      ],
    },
  });
  expect(elementsToJson(Uint8Array.of(0xfe, 0xff, 1), record)).toEqual([{ n: -2, ok: true }]);
});
