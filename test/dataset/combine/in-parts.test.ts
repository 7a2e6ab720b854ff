import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { CombineOptions } from "../../../src/dataset/combine/options.ts";
import { planCombined } from "../../../src/dataset/combine/plan-combined.ts";
import { openSource } from "../../../src/dataset/open.ts";
import type { ChunkManifest } from "../../../src/manifest/chunk-manifest.ts";
import { isInParts, wholeManifest } from "../../../src/manifest/manifest-parts.ts";
import { index } from "../../../src/node.ts";
import { contentsOf } from "../contents.ts";

const data = (name: string): string => fileURLToPath(new URL(`../../data/${name}`, import.meta.url));
const daily = ["daily-0.nc", "daily-1.nc", "daily-2.nc"].map((name) => data(`combine/${name}`));
const archives: readonly (readonly [string, readonly string[], CombineOptions])[] = [
  ["files along a dimension", daily, { concat: "time" }],
  ["files in another order", daily.toReversed(), { byCoords: true }],
  ["files side by side in a new dimension", daily, { concat: "run", load: [], compat: "override" }],
  [
    "records of the classic format",
    [data("combine/classic-0.nc"), data("combine/classic-1.nc")],
    { concat: "time" },
  ],
  [
    "chunks that do not line up",
    ["partial-0.nc", "partial-1.nc"].map((name) => data(`combine/${name}`)),
    { concat: "time" },
  ],
  [
    "chunks of other lengths",
    ["leap-0.nc", "leap-1.nc"].map((name) => data(`combine/${name}`)),
    { concat: "time" },
  ],
  [
    "oversized chunks",
    ["oversized-0.nc", "oversized-1.nc"].map((name) => data(`combine/${name}`)),
    { concat: "time" },
  ],
  [
    "arrays that some files lack",
    ["extra-0.nc", "extra-1.nc", "extra-2.nc"].map((name) => data(`combine/${name}`)),
    { concat: "time" },
  ],
  [
    "tiles",
    ["tile-00.nc", "tile-01.nc", "tile-10.nc", "tile-11.nc"].map((name) => data(`combine/${name}`)),
    { byCoords: true },
  ],
];

async function planned(files: readonly string[], options: CombineOptions) {
  const sources = await Promise.all(files.map((file) => openSource(file)));
  const { nodes } = await planCombined(sources, "", { ...options, materializeLimit: 2 ** 20, strict: true });
  return nodes.flatMap((node) => (node.kind === "array" ? [node] : []));
}

const plain = ({ locationIndexes, locations, ...manifest }: ChunkManifest) => ({
  ...manifest,
  versions: undefined,
  locations: Array.from({ length: manifest.count }, (_, entry) => locations[locationIndexes?.[entry] ?? 0]),
});

describe("references that are put together in parts", () => {
  it.each(archives)("are those that are held, of %s", async (_, files, options) => {
    const held = await planned(files, options);
    const parts = await planned(files, { ...options, heldChunks: 0 });
    expect(parts.map(({ path, metadata, rewrite }) => ({ path, metadata, rewrite }))).toEqual(
      held.map(({ path, metadata, rewrite }) => ({ path, metadata, rewrite })),
    );
    for (const [at, { references }] of parts.entries()) {
      const own = held[at]?.references;
      expect(references === undefined).toBe(own === undefined);
      if (references === undefined || own === undefined) continue;
      expect(isInParts(own)).toBe(false);
      const whole = await wholeManifest(references);
      expect(plain(whole)).toEqual(plain(await wholeManifest(own)));
      expect([references.count, new Set(references.locations)]).toEqual([own.count, new Set(own.locations)]);
    }
  });

  it.each(archives.slice(0, 4))("are not held, of %s", async (_, files, options) => {
    const parts = (await planned(files, { ...options, heldChunks: 0 })).map(({ references }) => references);
    expect(parts.some((references) => references && isInParts(references))).toBe(true);
  });

  it.each([".icechunk", ".json", ".zarr"])("are written into %s as those that are held", async (ending) => {
    const folder = await mkdtemp(join(tmpdir(), "moraine-parts-"));
    try {
      const [held, parts] = [join(folder, `held${ending}`), join(folder, `parts${ending}`)];
      const told = await index(daily, held, { concat: "time" });
      const own = await index(daily, parts, { concat: "time", heldChunks: 0 });
      expect(own.chunks).toEqual(told.chunks);
      expect([own.virtualBytes, own.writtenBytes]).toEqual([told.virtualBytes, told.writtenBytes]);
      const without = (text: unknown): string => JSON.stringify(text).replaceAll(parts, held);
      expect(without(await contentsOf(parts))).toEqual(without(await contentsOf(held)));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
