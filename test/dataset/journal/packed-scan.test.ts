import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { AlikeMetadata } from "../../../src/dataset/journal/alike-metadata.ts";
import { packedSource } from "../../../src/dataset/journal/packed-scan.ts";
import { scanSource } from "../../../src/dataset/journal/scan-source.ts";
import type { ScannedFile } from "../../../src/dataset/journal/scanned-file.ts";
import { addressOf } from "../../../src/dataset/open.ts";
import { walkSource } from "../../../src/dataset/source.ts";
import "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";

const folder = fileURLToPath(new URL("../../data/combine", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".nc"));
const storage = new StorageRouter();

async function scan(name: string): Promise<ScannedFile> {
  const found = await scanSource(addressOf(`${folder}/${name}`), { storage });
  if (found.kind !== "scanned") throw new Error("not one file");
  return found.file;
}

/** The manifests of a source by path, columns as plain lists. */
async function manifestsOf(file: ScannedFile): Promise<Map<string, unknown>> {
  const manifests = new Map<string, unknown>();
  for await (const { path, node } of walkSource(packedSource(file, { storage }))) {
    if (node.kind === "array") manifests.set(path, plain(await node.manifest?.()));
  }
  return manifests;
}

const plain = (manifest: object | undefined): unknown =>
  manifest &&
  Object.fromEntries(
    Object.entries(manifest).map(([key, value]) => [
      key,
      value instanceof Float64Array || value instanceof Uint32Array ? [...value] : value,
    ]),
  );

describe("a scanned file that is held beside very many others", () => {
  it.each(files)("has the manifests and metadata that were found in %s", async (name) => {
    const found = await scan(name);
    const held = new AlikeMetadata().within(found);
    expect(held).toEqual(found);
    const expected = found.nodes.flatMap((node) =>
      node.kind === "array" && !node.isStored ? [[node.path, plain(node.manifest)]] : [],
    );
    expect([...(await manifestsOf(held))].sort()).toEqual(
      expected.filter(([, manifest]) => manifest !== undefined).sort(),
    );
  });

  it("has what is the same in its arrays once", async () => {
    const { nodes } = new AlikeMetadata().within(await scan("daily-0.nc"));
    const manifests = nodes.flatMap((node) =>
      node.kind === "array" && node.manifest ? [node.manifest] : [],
    );
    expect(manifests.length).toBeGreaterThan(2);
    for (const manifest of manifests) {
      expect(manifest.locations).toBe(manifests[0]?.locations);
      expect(manifest.versions).toBe(manifests[0]?.versions);
      expect(manifest.inline).toBe(manifests[0]?.inline);
    }
  });
});
