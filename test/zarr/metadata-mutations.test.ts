import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isJsonArray, isJsonObject, type JsonValue } from "../../src/binary/json.ts";
import { isMoraineError } from "../../src/errors.ts";
import { consolidatedOfV2, consolidatedOfV3 } from "../../src/zarr/consolidated.ts";
import { parseArrayMetadataV2 } from "../../src/zarr/metadata-v2.ts";
import {
  arrayMetadataToJson,
  arrayMetadataToShow,
  parseArrayMetadata,
  parseGroupMetadata,
} from "../../src/zarr/metadata-v3.ts";

const little = { name: "bytes", configuration: { endian: "little" } };
const DOCUMENTS: JsonValue[] = [
  {
    zarr_format: 3,
    node_type: "array",
    shape: [4, 6],
    data_type: {
      name: "struct",
      configuration: {
        fields: [
          { name: "x", data_type: "float32" },
          { name: "s", data_type: "r16" },
        ],
      },
    },
    chunk_grid: { name: "rectilinear", configuration: { kind: "inline", chunk_shapes: [[[2, 2]], [3, 3]] } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: { x: "NaN", s: [0, 1] },
    codecs: [
      { name: "transpose", configuration: { order: [1, 0] } },
      {
        name: "sharding_indexed",
        configuration: {
          chunk_shape: [3, 1],
          codecs: [
            little,
            {
              name: "blosc",
              configuration: { cname: "lz4", clevel: 5, shuffle: "shuffle", typesize: 6, blocksize: 0 },
            },
          ],
          index_codecs: [little, "crc32c"],
          index_location: "end",
        },
      },
      { name: "zstd", configuration: { level: 1, checksum: true } },
    ],
    attributes: { a: 1 },
    dimension_names: ["y", null],
    storage_transformers: [],
  },
  {
    zarr_format: 3,
    node_type: "array",
    shape: [4],
    data_type: "int32",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [2] } },
    chunk_key_encoding: "v2",
    fill_value: 7,
    codecs: [
      { name: "scale_offset", configuration: { offset: 1, scale: 2 } },
      {
        name: "cast_value",
        configuration: {
          data_type: "int16",
          rounding: "nearest-even",
          out_of_range: "clamp",
          scalar_map: { encode: [[7, 0]], decode: [] },
        },
      },
      { name: "numcodecs.delta", configuration: { dtype: "<i2", astype: "<i4" } },
      {
        name: "numcodecs.fixedscaleoffset",
        configuration: { dtype: "<i4", astype: "<i2", scale: 2, offset: 1 },
      },
      little,
      { name: "numcodecs.shuffle", configuration: { elementsize: 2 } },
      { name: "numcodecs.lzma", configuration: { format: 3, filters: [{ id: 33 }] } },
    ],
  },
  {
    zarr_format: 2,
    shape: [4, 6],
    chunks: [2, 3],
    dtype: [
      ["x", ">f4"],
      ["v", "<i2", [2]],
      ["p", [["q", "|S3"]]],
    ],
    fill_value: "AAAAAAAAAAAAAAA=",
    order: "F",
    filters: [
      { id: "shuffle", elementsize: 4 },
      { id: "crc32", location: "end" },
    ],
    compressor: { id: "blosc", cname: "zstd", clevel: 1, shuffle: -1, blocksize: 0 },
    dimension_separator: "/",
  },
  {
    zarr_format: 2,
    shape: [4],
    chunks: [2],
    dtype: "|O",
    fill_value: null,
    order: "C",
    filters: [
      { id: "categorize", labels: ["a"], dtype: "|O", astype: "<u2" },
      { id: "zlib", level: 1 },
    ],
    compressor: null,
  },
];

/** What stands in documents elsewhere, and what should stand nowhere. */
const strange: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue[]>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    -0,
    NaN,
    Infinity,
    2 ** 31,
    2 ** 53,
    1e300,
    2n ** 64n,
    -(2n ** 70n),
  ),
  fc.constantFrom(
    "",
    "NaN",
    "F",
    "bytes",
    "|O",
    "<U99999999999",
    "<V2147483648",
    "r99999999999999999999",
    "float64",
    "<M8[9999999999s]",
    "__proto__",
    "0x00",
  ),
  fc.constantFrom<JsonValue[]>(
    [],
    [[]],
    [0],
    [1, [2, [3]]],
    {},
    { name: "bytes" },
    { name: "x", must_understand: false },
    { id: "delta" },
  ),
  fc.jsonValue({ maxDepth: 2 }).map((value): JsonValue => JSON.parse(JSON.stringify(value))),
);

/** Every place in a document. */
function places(value: JsonValue): (string | number)[][] {
  const inner = isJsonArray(value)
    ? value.flatMap((item, index) => places(item).map((path) => [index, ...path]))
    : isJsonObject(value)
      ? Object.entries(value).flatMap(([key, item]) => places(item).map((path) => [key, ...path]))
      : [];
  return [[], ...inner];
}

function replaced(
  value: JsonValue,
  [step, ...rest]: readonly (string | number)[],
  by: JsonValue | undefined,
): JsonValue {
  if (step === undefined) return by ?? null;
  if (isJsonArray(value)) {
    return value.flatMap((item, index) =>
      index !== step ? [item] : rest.length === 0 && by === undefined ? [] : [replaced(item, rest, by)],
    );
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, item]): [string, JsonValue][] =>
    key !== step
      ? [[key, item]]
      : rest.length === 0 && by === undefined
        ? []
        : [[key, replaced(item, rest, by)]],
  );
  return Object.fromEntries(entries);
}

function parse(document: JsonValue, isOld: boolean): void {
  if (isOld) arrayMetadataToShow(parseArrayMetadataV2(document));
  else parseArrayMetadata(arrayMetadataToJson(parseArrayMetadata(document)));
}

test("the documents themselves are right", () => {
  for (const document of DOCUMENTS) parse(document, isJsonObject(document) && document["zarr_format"] === 2);
});

test("whatever a document is changed to, it is parsed or refused with a code", () => {
  const changes = fc.constantFrom(...DOCUMENTS).chain((document) =>
    fc.record({
      document: fc.constant(document),
      paths: fc.array(fc.constantFrom(...places(document)), { minLength: 1, maxLength: 2 }),
      values: fc.array(fc.option(strange, { nil: undefined }), { minLength: 2, maxLength: 2 }),
    }),
  );
  let parsed = 0;
  fc.assert(
    fc.property(changes, ({ document, paths, values }) => {
      const changed = paths.reduce((value, path, index) => replaced(value, path, values[index]), document);
      const isOld = isJsonObject(document) && document["zarr_format"] === 2;
      for (const work of [
        () => parse(changed, isOld),
        () => void parseGroupMetadata(changed),
        () => void consolidatedOfV3(changed),
        () => void consolidatedOfV2(changed),
      ]) {
        try {
          work();
          parsed += 1;
        } catch (error) {
          expect(isMoraineError(error), String(error)).toBe(true);
        }
      }
    }),
    { numRuns: 3000 },
  );
  expect(parsed).toBeGreaterThan(100);
});
