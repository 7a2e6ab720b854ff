import { expect, it } from "vitest";
import type { JsonObject } from "../../src/binary/json.ts";
import { ManifestBuilder } from "../../src/manifest/manifest-builder.ts";
import { manifestOfJson, manifestToJson } from "../../src/manifest/references-document.ts";

const same = (address: string): string => address;

function example() {
  const builder = new ManifestBuilder([2, 3], "file:///a.nc", { etag: '"x"', size: 900, lastModified: 5.5 });
  const other = builder.addLocation("s3://bucket/b.nc");
  builder.addLocation("file:///c.nc", { size: 7, notAfter: 1000.5 });
  builder.append(5, 2 ** 40, 10, 0, other);
  builder.append(0, 100, 20);
  builder.appendInline(2, new Uint8Array([1, 2, 3]));
  return builder.build();
}

it("keeps everything of a manifest", () => {
  const manifest = example();
  const document: JsonObject = JSON.parse(JSON.stringify(manifestToJson(manifest)));
  const back = manifestOfJson(document, [2, 3], same);
  expect(back).toEqual({ ...manifest, versions: [manifest.versions[0], {}, manifest.versions[2]] });
});

it.each([
  ["another grid", { grid_shape: [3, 2] }],
  ["a column that is too short", { offsets: [1, 2] }],
  ["numbers that are none", { lengths: [1, 2, -3] }],
  ["a position outside of the grid", { positions: [0, 2, 6] }],
  ["a location that is not there", { location_indexes: [0, 0, 3] }],
  ["a location without an address", { locations: [{}] }],
  ["inline bytes that are no base64", { inline: { "1": "***" } }],
  ["two entries of one chunk", { positions: [0, 2, 2] }],
])("refuses %s", (_, change) => {
  const document = { ...manifestToJson(example()), ...change };
  expect(() => manifestOfJson(document, [2, 3], same)).toThrow();
});
