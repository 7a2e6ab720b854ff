import { expect, test } from "vitest";
import type { JsonValue } from "../../src/binary/json.ts";
import { officialBarrier } from "../../src/dataset/official-clients.ts";
import { parseArrayMetadata } from "../../src/zarr/metadata-v3.ts";

const little = { name: "bytes", configuration: { endian: "little" } };
const shards = (chunkShape: number[], codecs: JsonValue[]): JsonValue => ({
  name: "sharding_indexed",
  configuration: { chunk_shape: chunkShape, codecs, index_codecs: [little, { name: "crc32c" }] },
});
const barrier = (codecs: JsonValue[]) =>
  officialBarrier(
    parseArrayMetadata({
      zarr_format: 3,
      node_type: "array",
      shape: [3, 4],
      data_type: "float32",
      chunk_grid: { name: "regular", configuration: { chunk_shape: [3, 4] } },
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
});

test("codecs of inner chunks that zarr-python has not are one, however deep", () => {
  const rounded = [{ name: "bitround", configuration: { keepbits: 3 } }, little];
  expect(barrier([shards([3, 2], rounded)])).toMatchObject({ code: "UnsupportedCodec" });
  expect(barrier([shards([3, 2], [shards([1, 1], rounded)])])).toMatchObject({ code: "UnsupportedCodec" });
});
