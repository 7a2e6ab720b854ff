import { expect, test } from "vitest";
import type { JsonValue } from "../../src/binary/json.ts";
import { inForm } from "../../src/dataset/storage-form.ts";
import { arrayMetadataToJson, parseArrayMetadata } from "../../src/zarr/metadata-v3.ts";

const little = { name: "bytes", configuration: { endian: "little" } };
const shards = (chunkShape: number[], codecs: JsonValue[]): JsonValue => ({
  name: "sharding_indexed",
  configuration: { chunk_shape: chunkShape, codecs, index_codecs: [little, { name: "crc32c" }] },
});
const array = (codecs: JsonValue[]) =>
  parseArrayMetadata({
    zarr_format: 3,
    node_type: "array",
    shape: [12, 12],
    data_type: "float32",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [6, 6] } },
    chunk_key_encoding: { name: "default" },
    fill_value: 0,
    codecs,
    dimension_names: ["y", "x"],
  });
const gzip = { name: "gzip", configuration: { level: 1 } };

test("an array that nothing of a form is for stays as it is", () => {
  const sharded = array([shards([3, 3], [little])]);
  expect(inForm(sharded, { chunks: { time: 2 }, shards: { time: 4 } })).toBe(sharded);
});

test("shards within shards give way to chunks of other lengths", () => {
  const nested = array([shards([6, 3], [shards([2, 3], [little, gzip])])]);
  const formed = inForm(nested, { chunks: { y: 5 }, shards: { x: 9 } });
  expect(formed.chunkGrid).toEqual({ name: "regular", chunkShape: [5, 9] });
  const again = parseArrayMetadata(arrayMetadataToJson(formed));
  expect(again.codecs).toMatchObject([
    { name: "sharding_indexed", configuration: { chunk_shape: [5, 3], codecs: [little, gzip] } },
  ]);
});
