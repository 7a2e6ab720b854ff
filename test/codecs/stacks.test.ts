import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../src/binary/json.ts";
import type { ChunkData, CodecSpecification } from "../../src/codecs/codec.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { loadZstd } from "../../src/codecs/wasm-zstd.ts";
import { type DataType, itemSize } from "../../src/data-types/data-type.ts";
import { defaultFillValue } from "../../src/data-types/fill-value.ts";

beforeAll(async () => void (await loadZstd()));

const codec = (name: string, configuration: JsonObject = {}): CodecSpecification => ({ name, configuration });

const integers = fc.constantFrom("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64");
const dataTypes: fc.Arbitrary<DataType> = fc.oneof(
  fc.record({ name: fc.constantFrom("bool", "float16", "float32", "float64", "complex64", "complex128") }),
  fc.record({ name: integers }),
  fc.record({ name: fc.constant("raw_bytes"), lengthBytes: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ name: fc.constant("fixed_length_utf32"), lengthBytes: fc.constantFrom(4, 12) }),
  fc.constant<DataType>({
    name: "struct",
    fields: [
      { name: "a", dataType: { name: "int16" } },
      { name: "b", dataType: { name: "raw_bytes", lengthBytes: 3 } },
      { name: "c", dataType: { name: "float64" } },
    ],
  }),
  fc.constant<DataType>({ name: "string" }),
  fc.constant<DataType>({ name: "variable_length_bytes" }),
);
const shapes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 4 });

const compressors: fc.Arbitrary<CodecSpecification> = fc.oneof(
  fc.integer({ min: 0, max: 9 }).map((level) => codec("gzip", { level })),
  fc.integer({ min: 0, max: 9 }).map((level) => codec("numcodecs.zlib", { level })),
  fc.record({ level: fc.integer({ min: -3, max: 9 }), checksum: fc.boolean() }).map((c) => codec("zstd", c)),
  fc
    .record({
      cname: fc.constantFrom("lz4", "lz4hc", "blosclz", "zlib", "zstd"),
      clevel: fc.integer({ min: 0, max: 9 }),
      shuffle: fc.constantFrom("noshuffle", "shuffle", "bitshuffle"),
      typesize: fc.constantFrom(1, 2, 3, 4, 8, 17),
      blocksize: fc.constantFrom(0, 64, 256),
    })
    .map((c) => codec("blosc", c)),
  fc.constantFrom(1, 9).map((level) => codec("numcodecs.bz2", { level })),
  fc.constantFrom(1, 5).map((acceleration) => codec("numcodecs.lz4", { acceleration })),
  fc.integer({ min: 1, max: 9 }).map((elementsize) => codec("numcodecs.shuffle", { elementsize })),
  fc
    .constantFrom("crc32c", "numcodecs.crc32", "numcodecs.adler32", "numcodecs.fletcher32")
    .map((name) => codec(name)),
);

/** A shape, and chunks that fill it. */
function cuts(shape: readonly number[]): fc.Arbitrary<number[]> {
  return fc.tuple(...shape.map((length) => fc.constantFrom(...divisors(length)))).map((list) => [...list]);
}

function divisors(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1).filter((divisor) => length % divisor === 0);
}

function elements(dataType: DataType, count: number): fc.Arbitrary<ChunkData> {
  const size = itemSize(dataType);
  // Few different bytes, so that there is something to compress; also whole chunks of the fill value.
  const byte = dataType.name === "bool" ? fc.constantFrom(0, 1) : fc.constantFrom(0, 0, 0, 1, 2, 0x7f, 0xff);
  const bytes = (length: number) =>
    fc.oneof(
      fc.constant(new Uint8Array(length)),
      fc.array(byte, { minLength: length, maxLength: length }).map((list) => Uint8Array.from(list)),
    );
  if (size !== undefined) return bytes(count * size);
  const bounds = { minLength: count, maxLength: count };
  return dataType.name === "string"
    ? fc.array(fc.string({ unit: "grapheme", maxLength: 4 }), bounds)
    : fc.array(fc.uint8Array({ maxLength: 4 }), bounds);
}

function serializer(dataType: DataType): CodecSpecification[] {
  if (dataType.name === "string") return [codec("vlen-utf8")];
  if (dataType.name === "variable_length_bytes") return [codec("vlen-bytes")];
  return [codec("bytes", { endian: "big" })];
}

const cases = fc.tuple(dataTypes, shapes).chain(([dataType, shape]) => {
  const count = shape.reduce((product, length) => product * length, 1);
  const isInteger = /int/.test(dataType.name);
  const name = dataType.name.replace(/uint(\d+)/, "u$1").replace(/int(\d+)/, "i$1");
  const dtype = name.replace(/\d+/, (bits) => String(Number(bits) / 8));
  return fc.record({
    dataType: fc.constant(dataType),
    shape: fc.constant(shape),
    data: elements(dataType, count),
    order: fc.option(
      fc.shuffledSubarray(
        shape.map((_, axis) => axis),
        { minLength: shape.length },
      ),
    ),
    delta: fc.constantFrom(...(isInteger ? [undefined, codec("numcodecs.delta", { dtype })] : [undefined])),
    inner: fc.option(
      fc.tuple(cuts(shape), fc.constantFrom("start", "end"), fc.array(compressors, { maxLength: 2 })),
    ),
    filters: fc.array(compressors, { maxLength: 3 }),
  });
});

test("what any stack of codecs encodes decodes to the same", () => {
  fc.assert(
    fc.property(cases, ({ dataType, shape, data, order, delta, inner, filters }) => {
      const first = order && !inner ? [codec("transpose", { order })] : [];
      const numbers = delta && !inner ? [delta] : [];
      const core = serializer(dataType);
      const makesBytes = inner
        ? [
            codec("sharding_indexed", {
              chunk_shape: inner[0],
              codecs: [...core, ...inner[2]].map(({ name, configuration = {} }) => ({ name, configuration })),
              index_codecs: [{ name: "bytes", configuration: { endian: "little" } }, "crc32c"],
              index_location: inner[1],
            }),
          ]
        : core;
      const pipeline = createPipeline([...first, ...numbers, ...makesBytes, ...filters], {
        shape,
        dataType,
        fillValue: defaultFillValue(dataType),
      });
      const before = structuredClone(data);
      const encoded = pipeline.encode(data);
      expect(data).toEqual(before);
      if (pipeline.encodedSize !== undefined) expect(encoded).toHaveLength(pipeline.encodedSize);
      expect(pipeline.decode(encoded)).toEqual(data);
      // A buffer that may be changed gives the same.
      expect(pipeline.decode(encoded.slice(), { owned: true })).toEqual(data);
    }),
    { numRuns: 400 },
  );
});

test("filters that were left out of a chunk are passed over", () => {
  const pipeline = createPipeline(
    [
      codec("bytes", { endian: "little" }),
      codec("numcodecs.shuffle", { elementsize: 4 }),
      codec("numcodecs.zlib", { level: 1 }),
      codec("numcodecs.fletcher32"),
    ],
    { shape: [6], dataType: { name: "int32" }, fillValue: new Uint8Array(4) },
  );
  const data = new Uint8Array(Int32Array.from([1, -2, 3, 400, 5, -6]).buffer);
  const only = (...names: string[]) =>
    createPipeline([codec("bytes", { endian: "little" }), ...names.map((name) => codec(name))], {
      shape: [6],
      dataType: { name: "int32" },
      fillValue: new Uint8Array(4),
    }).encode(data);
  expect(pipeline.decode(data, { filterMask: 0b111 })).toEqual(data);
  expect(pipeline.decode(only("numcodecs.fletcher32"), { filterMask: 0b011 })).toEqual(data);
  expect(pipeline.decode(only("numcodecs.shuffle"), { filterMask: 0b110 })).toEqual(data);
  expect(() => pipeline.decode(pipeline.encode(data), { filterMask: 0b100 })).toThrow();
});
