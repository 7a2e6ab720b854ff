import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { digestSource } from "../../src/dataset/digest.ts";
import { openSource } from "../../src/dataset/open.ts";
import "../../src/node.ts";

const demo = fileURLToPath(new URL("../data/demo", import.meta.url));
const expected: Record<string, Record<string, { shape: number[]; sha256: string }>> = JSON.parse(
  readFileSync(join(demo, "expected.json"), "utf8"),
);

it.each(Object.keys(expected))("%s has the digests of netCDF4-python's values", async (name) => {
  const source = await openSource(join(demo, name));
  const found: Record<string, { shape: unknown; sha256: unknown }> = {};
  for await (const { path, shape, value } of digestSource(source)) {
    found[path.slice(1)] = { shape, sha256: value && "bytes" in value ? value.bytes : value };
  }
  const wanted = Object.entries(expected[name] ?? {}).map(([path, { shape, sha256 }]) => [
    path,
    { shape, sha256 },
  ]);
  expect(found).toEqual(Object.fromEntries(wanted));
});

it("refuses arrays beyond the limit, and goes on with the others", async () => {
  const source = await openSource(join(demo, "sst-2020.nc"));
  const rows = [];
  for await (const { path, error } of digestSource(source, { limit: 1000 })) rows.push([path, error?.code]);
  expect(rows).toEqual([
    ["/time", undefined],
    ["/lat", undefined],
    ["/lon", undefined],
    ["/sst", "LimitExceeded"],
  ]);
});
