import { copyFile, mkdtemp, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { concatenateArrays, get, index, open, Repository, sliceArray } from "../../src/node.ts";
import { archiveFile } from "./combine/archive.ts";

it("references of files, joined and sliced as values, become an array of a repository", async () => {
  const files = await Promise.all(["daily-0.nc", "daily-1.nc"].map((name) => open(archiveFile(name))));
  const both = concatenateArrays(await Promise.all(files.map((file) => file.references("v"))), 0);
  expect(both.rewrite).toEqual([]);
  // Chunks are 2 x 2 x 3: steps 2 to 6 are whole ones.
  const part = sliceArray(both, [
    { start: 2, stop: 6 },
    { start: 0, stop: 2 },
    { start: 0, stop: 3 },
  ]);
  const repository = await Repository.create("memory://references/part.icechunk");
  await repository.saveConfig({
    virtualChunkContainers: [{ urlPrefix: new URL("../data/combine/", import.meta.url).href }],
  });
  const session = await repository.writableSession("main");
  session.createArray("/v", part.metadata);
  await session.setReferences("/v", part.manifest);
  await session.commit("a part");
  const array = await (await open("memory://references/part.icechunk")).array("v");
  // v is 100 * time + 10 * lat + lon
  expect((await get(array, [null, 1, 2])).data).toEqual(Float32Array.of(212, 312, 412, 512));
});

it("arrays that no reference can give say why", async () => {
  const file = await open(archiveFile("daily-0.nc"));
  await expect(file.references("nothing")).rejects.toMatchObject({ code: "NotFound", path: "/nothing" });
});

it.each(["icechunk", "zarr"] as const)(
  "references of a repository, kept in %s, still refuse a file that has changed",
  async (format) => {
    const folder = await mkdtemp(join(tmpdir(), "moraine-references-"));
    try {
      const path = join(folder, "daily.nc");
      await copyFile(new URL("../data/combine/daily-0.nc", import.meta.url), path);
      const [repository, target] = [join(folder, "first.icechunk"), join(folder, `second.${format}`)];
      await index(path, repository, { load: [] });
      await index(repository, target, { load: [], format, ...(format === "zarr" && { virtual: true }) });
      const read = async () =>
        (await get(await (await open(target, { authorize: [pathToFileURL(folder).href] })).array("v"))).data;
      expect((await read()).length).toBeGreaterThan(0);
      await utimes(path, new Date(), new Date(Date.now() + 86_400_000));
      await expect(read()).rejects.toMatchObject({ code: "SourceChanged" });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
