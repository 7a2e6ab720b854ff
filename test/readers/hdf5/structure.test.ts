import { expect, test } from "vitest";
import type { ChunkManifest } from "../../../src/manifest/chunk-manifest.ts";
import type { Link } from "../../../src/readers/hdf5/link.ts";
import { expected, openBytes, structureFile, walkStructure } from "./structure-data.ts";

for (const [name, facts] of Object.entries(expected)) {
  test(`${name}: the links, attributes and chunks that the library finds`, async () => {
    const found = await walkStructure(await openBytes(structureFile(name)));
    expect([...found.links.keys()].sort()).toEqual(Object.keys(facts.links).sort());
    for (const [path, links] of Object.entries(facts.links)) {
      const mine = (found.links.get(path) ?? []).map(asRow);
      if (Array.isArray(links)) expect(mine, path).toEqual(links);
      else
        expect([mine.length, mine.slice(0, 5), mine.slice(-5)], path).toEqual([
          links.count,
          links.first,
          links.last,
        ]);
    }
    expect([...found.attributes.keys()].sort()).toEqual(Object.keys(facts.attributes).sort());
    for (const [path, names] of Object.entries(facts.attributes)) {
      expect([...(found.attributes.get(path) ?? [])].sort(), path).toEqual(names);
    }
    expect([...found.chunks.keys()].sort()).toEqual(Object.keys(facts.chunks).sort());
    for (const [path, { grid, rows }] of Object.entries(facts.chunks)) {
      const manifest = found.chunks.get(path);
      expect(manifest?.gridShape, path).toEqual(grid);
      expect(manifest && asRows(manifest), path).toEqual(rows);
    }
  });
}

function asRow({ name, target }: Link): string[] {
  switch (target.kind) {
    case "hard":
      return [name, "hard"];
    case "soft":
      return [name, "soft", target.path];
    case "external":
      return [name, "external", target.file, target.path];
    case "user-defined":
      return [name, "user-defined"];
  }
}

/** Position, offset, length and filter mask of each chunk. */
function asRows(manifest: ChunkManifest): number[][] {
  const rows: number[][] = [];
  for (let entry = 0; entry < manifest.count; entry++) {
    rows.push([
      manifest.positions?.[entry] ?? entry,
      manifest.offsets[entry] ?? -1,
      manifest.lengths[entry] ?? -1,
      manifest.filterMasks?.[entry] ?? 0,
    ]);
  }
  return rows;
}
