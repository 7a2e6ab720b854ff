import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  castNumbers,
  type NumberName,
  type NumberType,
  numberTypeOf,
  packDoubles,
  viewDoubles,
} from "../../src/data-types/numbers.ts";

function type(name: NumberName): NumberType {
  const found = numberTypeOf({ name });
  if (!found) throw new Error(name);
  return found;
}

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const corrupt = expect.objectContaining({ code: "CorruptChunk" });

describe("casts are those of C", () => {
  test("integers wrap around", () => {
    const longs = bytesOf(BigInt64Array.of(-1n, 4294967297n, -9223372036854775808n));
    expect(castNumbers(longs, type("int64"), type("int32"))).toEqual(bytesOf(Int32Array.of(-1, 1, 0)));
    expect(castNumbers(longs, type("int64"), type("uint8"))).toEqual(Uint8Array.of(255, 1, 0));
    expect(castNumbers(Uint8Array.of(200), type("uint8"), type("int8"))).toEqual(Uint8Array.of(200));
    expect(castNumbers(bytesOf(Int8Array.of(-3)), type("int8"), type("uint64"))).toEqual(
      bytesOf(BigUint64Array.of(18446744073709551613n)),
    );
  });

  test("fractions are cut off", () => {
    const floats = bytesOf(Float64Array.of(1.9, -1.9, -0.5));
    expect(castNumbers(floats, type("float64"), type("int16"))).toEqual(bytesOf(Int16Array.of(1, -1, 0)));
    expect(castNumbers(floats.subarray(16), type("float64"), type("uint64"))).toEqual(new Uint8Array(8));
  });

  test("what C leaves open is an error", () => {
    for (const value of [NaN, Infinity, 32768, -32769]) {
      expect(() => packDoubles([value], type("int16"))).toThrow(corrupt);
    }
    expect(() => packDoubles([-1], type("uint64"))).toThrow(corrupt);
    expect(() => packDoubles([2 ** 63], type("int64"))).toThrow(corrupt);
    expect(packDoubles([2 ** 63], type("uint64"))).toEqual(bytesOf(BigUint64Array.of(2n ** 63n)));
  });

  test("64-bit integers are rounded once on their way to narrower floats", () => {
    // Rounded to a double first, this would be halfway between two floats, and go to the wrong one.
    const value = 2n ** 60n + 2n ** 36n + 1n;
    const expected = bytesOf(Float32Array.of(2 ** 60 + 2 ** 37));
    expect(castNumbers(bytesOf(BigInt64Array.of(value)), type("int64"), type("float32"))).toEqual(expected);
  });
});

test("what was cast to a wider type comes back", () => {
  const wider: [NumberName, NumberName][] = [
    ["int8", "int16"],
    ["uint16", "int64"],
    ["int32", "float64"],
    ["uint32", "uint64"],
    ["int16", "float32"],
    ["float32", "float64"],
    ["uint8", "float16"],
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...wider),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      ([from, to], bytes) => {
        // NaNs lose their payloads.
        if (Array.from(viewDoubles(bytes, type(from))).some(Number.isNaN)) return;
        const there = castNumbers(bytes, type(from), type(to));
        expect(castNumbers(there, type(to), type(from))).toEqual(bytes);
      },
    ),
    { numRuns: 500 },
  );
});
