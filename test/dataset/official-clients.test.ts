import { expect, test } from "vitest";
import type { JsonValue } from "../../src/binary/json.ts";
import { officialBarrier } from "../../src/dataset/official-clients.ts";
import { parseArrayMetadata } from "../../src/zarr/metadata-v3.ts";

const little = { name: "bytes", configuration: { endian: "little" } };
const shards = (chunkShape: number[], codecs: JsonValue[]): JsonValue => ({
  name: "sharding_indexed",
  configuration: { chunk_shape: chunkShape, codecs, index_codecs: [little, { name: "crc32c" }] },
});
const whole: JsonValue = { name: "regular", configuration: { chunk_shape: [3, 4] } };
const barrier = (codecs: JsonValue[], grid: JsonValue = whole) =>
  officialBarrier(
    parseArrayMetadata({
      zarr_format: 3,
      node_type: "array",
      shape: [3, 4],
      data_type: "float32",
      chunk_grid: grid,
      chunk_key_encoding: { name: "default" },
      fill_value: 0,
      codecs,
    }),
  );

// What zarr-python 3.4.2 opens and what it refuses.
test("shards that zarr-python reads are no barrier", () => {
  expect(barrier([shards([3, 2], [little, { name: "zstd", configuration: { level: 1 } }])])).toBeUndefined();
  const square = { name: "transpose", configuration: { order: [1, 0] } };
  expect(barrier([square, shards([1, 1], [little])])).toBeUndefined();
});

test("inner chunks that divide the shard only once it is transposed are one", () => {
  const transposed = { name: "transpose", configuration: { order: [1, 0] } };
  expect(barrier([transposed, shards([2, 3], [little])])).toMatchObject({ code: "UnsupportedCodec" });
  const uneven: JsonValue = {
    name: "rectilinear",
    configuration: { kind: "inline", chunk_shapes: [3, [2, 2]] },
  };
  expect(barrier([transposed, shards([2, 1], [little])], uneven)).toMatchObject({ code: "UnsupportedCodec" });
  expect(barrier([transposed, shards([1, 1], [little])], uneven)).toBeUndefined();
});

test("a shuffle in shards is one where bytes are no whole number of its elements", () => {
  const shuffle = (elementsize: number) => ({ name: "numcodecs.shuffle", configuration: { elementsize } });
  const checked = (elementsize: number) => shards([1, 2], [little, { name: "crc32c" }, shuffle(elementsize)]);
  expect(barrier([checked(8)])).toMatchObject({ code: "UnsupportedCodec" });
  expect(barrier([checked(4)])).toBeUndefined();
});

test("codecs of inner chunks that zarr-python has not are one, however deep", () => {
  const rounded = [{ name: "bitround", configuration: { keepbits: 3 } }, little];
  expect(barrier([shards([3, 2], rounded)])).toMatchObject({ code: "UnsupportedCodec" });
  expect(barrier([shards([3, 2], [shards([1, 1], rounded)])])).toMatchObject({ code: "UnsupportedCodec" });
});
