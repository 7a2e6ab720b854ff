import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonValue, parseJson, stringifyJson } from "../../src/binary/json.ts";
import { isMoraineError, MoraineError } from "../../src/errors.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function codeOf(parse: () => unknown): string | undefined {
  try {
    parse();
  } catch (error) {
    return error instanceof MoraineError ? error.code : String(error);
  }
  return undefined;
}

describe("parseJson", () => {
  it("keeps integers beyond 2^53 exact, as bigint", () => {
    const text = "[9007199254740991, 9007199254740992, -9223372036854775806, 18446744073709551614]";
    expect(parseJson(text)).toEqual([
      9007199254740991,
      9007199254740992n,
      -9223372036854775806n,
      18446744073709551614n,
    ]);
    expect(parseJson("[1000000000000000000e1, 1.00000000000000000001, 100000000000000000.5]")).toEqual([
      1e19, 1, 1e17,
    ]);
  });

  it("takes the bare numbers that Python's json.dumps writes", () => {
    expect(parseJson('{"a": NaN, "b": [Infinity, -Infinity], "c": "NaN"}')).toEqual({
      a: Number.NaN,
      b: [Infinity, -Infinity],
      c: "NaN",
    });
  });

  it("keeps the sign of zero", () => {
    expect(Object.is(parseJson("-0.0"), -0)).toBe(true);
    const [, zero] = parseJson("[NaN, -0.0]") as [number, number];
    expect(Object.is(zero, -0)).toBe(true);
  });

  it("takes the last of repeated keys, and makes __proto__ a key like any other", () => {
    for (const rest of ["", ', "n": NaN']) {
      const value = parseJson(`{"a": 1, "__proto__": {"polluted": true}, "a": 2${rest}}`);
      expect(Object.entries(value as object).slice(0, 2)).toEqual([
        ["a", 2],
        ["__proto__", { polluted: true }],
      ]);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
  });

  it("reads UTF-8 with a byte order mark, and refuses what is no UTF-8", () => {
    expect(parseJson(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toBe(1);
    expect(codeOf(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)))).toBe("InvalidMetadata");
  });

  it("refuses nesting that no metadata has, quickly", () => {
    expect(codeOf(() => parseJson("[".repeat(200_000)))).toBe("InvalidMetadata");
    expect(codeOf(() => parseJson(`${"[".repeat(201)}${"]".repeat(201)}`))).toBe("InvalidMetadata");
    expect(parseJson(`${"[".repeat(200)}${"]".repeat(200)}`)).toHaveLength(1);
    expect(codeOf(() => parseJson("9".repeat(1_000_000)))).toBe("InvalidMetadata");
  });

  it("tells where a mistake is", () => {
    for (const text of [
      '{"a": 1,}',
      "{'a': 1}",
      '{"a": 1} {}',
      "",
      "[1",
      '"\n"',
      '{"a" 1}',
      "nan",
      "01",
      "[NaN,]",
    ]) {
      let error: unknown;
      try {
        parseJson(text, "memory://x");
      } catch (thrown) {
        error = thrown;
      }
      expect(isMoraineError(error, "InvalidMetadata"), text).toBe(true);
      expect(error).toMatchObject({ source: "memory://x", offset: expect.any(Number) });
    }
  });

  it("agrees with JSON.parse on every document that needs no bigint, also after the slow path", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4, noUnicodeString: false }), (text) => {
        if (/\d{16}/.test(text)) return;
        expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
        // A bare NaN in front sends the rest through the parser that keeps integers exact.
        expect(parseJson(`[NaN, ${text}]`)).toEqual([Number.NaN, JSON.parse(text)]);
      }),
    );
  });

  it("ends in a value or an InvalidMetadata for any text", () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      '"',
      "\\",
      ",",
      ":",
      "NaN",
      "-",
      "1e9",
      "0",
      "true",
      " ",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const code = codeOf(() => parseJson(pieces.join("")));
        expect([undefined, "InvalidMetadata"]).toContain(code);
      }),
      { numRuns: 500 },
    );
  });
});

describe("stringifyJson", () => {
  it("writes strict JSON: numbers that JSON has not become strings, bigint integers", () => {
    const value = { nan: Number.NaN, far: [Infinity, -Infinity], n: 18446744073709551614n, zero: -0 };
    expect(stringifyJson(value)).toBe(
      '{"nan":"NaN","far":["Infinity","-Infinity"],"n":18446744073709551614,"zero":-0.0}',
    );
  });

  it("writes large real numbers as real numbers, so that they are not taken for integers", () => {
    expect(stringifyJson([1e20, 2 ** 53, 1e22, 5e-324])).toBe(
      "[100000000000000000000.0,9007199254740992.0,1e+22,5e-324]",
    );
  });

  it("writes the packing of values as real numbers, by whose type clients choose that of the values", () => {
    const attributes = { scale_factor: 1, add_offset: -0, valid_max: 1 };
    const dataType = { name: "numpy.datetime64", configuration: { unit: "s", scale_factor: 1 } };
    expect(stringifyJson({ attributes, dataType })).toBe(
      '{"attributes":{"scale_factor":1.0,"add_offset":-0.0,"valid_max":1},' +
        '"dataType":{"name":"numpy.datetime64","configuration":{"unit":"s","scale_factor":1}}}',
    );
    // A field of a fill value is of its own type, whatever it is called.
    expect(stringifyJson({ fill_value: { scale_factor: 1 }, list: [{ scale_factor: 1 }] })).toBe(
      '{"fill_value":{"scale_factor":1},"list":[{"scale_factor":1}]}',
    );
    expect(stringifyJson({ metadata: { "a/.zattrs": { scale_factor: 1 } } })).toBe(
      '{"metadata":{"a/.zattrs":{"scale_factor":1.0}}}',
    );
    expect(stringifyJson({ scale_factor: 2, add_offset: 0.5 }, 1)).toBe(
      '{\n "scale_factor": 2.0,\n "add_offset": 0.5\n}',
    );
  });

  it("indents like JSON.stringify, whichever way a value goes", () => {
    const plain = { a: [1, [], {}], b: { c: null, d: "é\n" } };
    expect(stringifyJson(plain, 2)).toBe(JSON.stringify(plain, null, 2));
    expect(stringifyJson({ ...plain, big: 2n ** 60n }, 2)).toBe(
      JSON.stringify({ ...plain, big: 0 }, null, 2).replace('"big": 0', `"big": ${2n ** 60n}`),
    );
  });

  it("is undone by parseJson", () => {
    const leaf = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
    );
    const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("value")),
        fc.dictionary(fc.string(), tie("value")),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (json, indent) => {
        expect(parseJson(stringifyJson(json, indent))).toEqual(json);
      }),
    );
  });
});
