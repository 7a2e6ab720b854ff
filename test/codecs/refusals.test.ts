import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../src/binary/json.ts";
import { parseCodecList } from "../../src/codecs/codec-list.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { parseDataType } from "../../src/data-types/data-type-json.ts";
import { defaultFillValue } from "../../src/data-types/fill-value.ts";

const little = { name: "bytes", configuration: { endian: "little" } };

function build(codecs: JsonValue, dataType: JsonValue = "float32", shape: readonly number[] = [4, 6]) {
  const type = parseDataType(dataType);
  return createPipeline(parseCodecList(codecs), { shape, dataType: type, fillValue: defaultFillValue(type) });
}

const shard = (configuration: { [key: string]: JsonValue }) => [
  {
    name: "sharding_indexed",
    configuration: { chunk_shape: [2, 3], codecs: [little], index_codecs: [little], ...configuration },
  },
];

const INVALID: [string, JsonValue, JsonValue?][] = [
  ["no list", {}],
  ["an empty list", []],
  ["a number", [little, 5]],
  ["an object without a name", [{ configuration: {} }]],
  ["an unknown key beside the name", [{ ...little, level: 1 }]],
  ["must_understand that is no boolean", [{ ...little, must_understand: "false" }]],
  ["nothing that makes bytes", [{ name: "transpose", configuration: { order: [1, 0] } }]],
  ["bytes twice", [little, little]],
  ["a compressor before bytes", ["crc32c", little]],
  ["transpose after bytes", [little, { name: "transpose", configuration: { order: [1, 0] } }]],
  ["bytes without an order", ["bytes"]],
  ["bytes in no known order", [{ name: "bytes", configuration: { endian: "middle" } }]],
  ["an unknown key in a configuration", [{ name: "bytes", configuration: { endian: "little", size: 4 } }]],
  ["an axis that is named twice", [{ name: "transpose", configuration: { order: [0, 0] } }, little]],
  ["transpose by letter", [{ name: "transpose", configuration: { order: "F" } }, little]],
  ["gzip beyond level 9", [little, { name: "gzip", configuration: { level: 10 } }]],
  ["zstd of a level that is no integer", [little, { name: "zstd", configuration: { level: 1.5 } }]],
  ["blosc with an unknown compressor", [little, { name: "blosc", configuration: { cname: "brotli" } }]],
  ["blosc with a numbered shuffle", [little, { name: "blosc", configuration: { shuffle: 1 } }]],
  ["delta without a dtype", [{ name: "numcodecs.delta" }, little]],
  [
    "delta with a dtype of another size",
    [{ name: "numcodecs.delta", configuration: { dtype: "<i2" } }, little],
  ],
  ["delta of big-endian numbers", [{ name: "numcodecs.delta", configuration: { dtype: ">f4" } }, little]],
  ["packed bits of floats", [{ name: "numcodecs.packbits" }, "bytes"]],
  ["more bits than there are", [{ name: "numcodecs.bitround", configuration: { keepbits: 24 } }, little]],
  ["a scale of 0", [{ name: "scale_offset", configuration: { scale: 0 } }, little]],
  ["a scale that is no float32", [{ name: "scale_offset", configuration: { scale: "big" } }, little]],
  ["scaling texts", [{ name: "scale_offset" }, "vlen-utf8"], "string"],
  [
    "wrapping floats around",
    [{ name: "cast_value", configuration: { data_type: "float16", out_of_range: "wrap" } }, little],
  ],
  ["texts as bytes", [little], "string"],
  ["numbers as texts", ["vlen-utf8"]],
  ["shards without inner chunks", shard({ chunk_shape: [] })],
  ["inner chunks of another rank", shard({ chunk_shape: [2] })],
  ["inner chunks of length 0", shard({ chunk_shape: [2, 0] })],
  ["inner chunks that do not fill a shard", shard({ chunk_shape: [3, 3] })],
  ["a shard without inner codecs", shard({ codecs: [] })],
  ["an index without codecs", shard({ index_codecs: [] })],
  ["an index of no fixed size", shard({ index_codecs: [little, "gzip"] })],
  ["an index in the middle", shard({ index_location: "middle" })],
];

describe("a list of codecs is refused with", () => {
  test.each(INVALID)("%s", (_, codecs, dataType) => {
    expect(() => build(codecs, dataType)).toThrow(expect.objectContaining({ code: "InvalidMetadata" }));
  });

  test("a codec that is not known", () => {
    const unknown = expect.objectContaining({ code: "UnsupportedCodec" });
    expect(() => build([little, "example.unknown"])).toThrow(unknown);
    expect(() => build([little, { name: "example.unknown", must_understand: true }])).toThrow(unknown);
    expect(() => build(shard({ codecs: [little, "example.unknown"] }))).toThrow(unknown);
  });
});

test("a codec that need not be understood is left out", () => {
  const data = new Uint8Array(96).fill(1);
  const plain = build([little]).encode(data);
  expect(build([little, { name: "example.statistics", must_understand: false }]).encode(data)).toEqual(plain);
});

test("elements that are no chunk are refused", () => {
  const wrong = expect.objectContaining({ code: "InvalidArgument" });
  expect(() => build([little]).encode(new Uint8Array(95))).toThrow(wrong);
  expect(() => build([little]).encode(["a"])).toThrow(wrong);
  expect(() => build(["vlen-utf8"], "string").encode(["a"])).toThrow(wrong);
  expect(() => build(shard({})).encode(new Uint8Array(95))).toThrow(wrong);
});

test("numbers that a codec cannot keep are refused, not changed", () => {
  const numbers = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);
  const encode = (name: string, configuration: { [key: string]: JsonValue }, ...values: number[]) =>
    build([{ name, configuration }, little], "int32", [values.length]).encode(numbers(...values));
  const wrong = expect.objectContaining({ code: "InvalidArgument" });
  expect(() => encode("numcodecs.delta", { dtype: "<i4", astype: "<i2" }, 1, 40000, 2)).toThrow(wrong);
  expect(() => encode("numcodecs.astype", { encode_dtype: "<u1", decode_dtype: "<i4" }, 1, 256)).toThrow(
    wrong,
  );
  expect(() =>
    encode("numcodecs.fixedscaleoffset", { dtype: "<i4", astype: "|i1", scale: 10, offset: 0 }, 13),
  ).toThrow(wrong);
  expect(() => encode("scale_offset", { scale: 2 }, 2 ** 30)).toThrow(wrong);
  expect(() => encode("cast_value", { data_type: "uint8" }, 256)).toThrow(wrong);
});

test("booleans are 0 or 1", () => {
  const record = {
    name: "struct",
    configuration: {
      fields: [
        { name: "n", data_type: "uint8" },
        { name: "ok", data_type: "bool" },
      ],
    },
  };
  const wrong = expect.objectContaining({ code: "CorruptChunk" });
  expect(() => build(["bytes"], "bool", [2]).decode(Uint8Array.of(1, 2))).toThrow(wrong);
  expect(() => build(["bytes"], record, [2]).decode(Uint8Array.of(9, 1, 9, 3))).toThrow(wrong);
  expect(build(["bytes"], record, [2]).decode(Uint8Array.of(9, 1, 9, 0))).toEqual(Uint8Array.of(9, 1, 9, 0));
});

test("small bytes that decode to very many are refused before they are held", () => {
  const zeros = build([little, "gzip"], "uint8", [50_000_000]).encode(new Uint8Array(50_000_000));
  expect(zeros.length).toBeLessThan(100_000);
  expect(() => build([little, "gzip"], "uint8", [10]).decode(zeros)).toThrow(
    expect.objectContaining({ code: "CorruptChunk" }),
  );
});
