import { describe, expect, it } from "vitest";
import { boxesMeet } from "../../../src/icechunk/changes/boxes.ts";
import type { ArrayNode } from "../../../src/icechunk/format/snapshot.ts";
import type { Repository } from "../../../src/icechunk/repository.ts";
import { RepositoryFiles } from "../../../src/icechunk/repository-files.ts";
import { byteArray, chunk, chunksOf, errorsOf, newRepository } from "../repositories.ts";

async function nodeOf(repository: Repository, path: string): Promise<ArrayNode> {
  const files = new RepositoryFiles(repository.address, repository.storage);
  const node = (await files.snapshot(await repository.lookupBranch("main"))).nodes.get(path);
  if (node?.kind !== "array") throw new Error("no array");
  return node;
}

const idsOf = ({ manifests }: ArrayNode): string[] => manifests.map(({ manifestId }) => manifestId);

async function setChunks(repository: Repository, chunks: readonly (readonly number[])[]): Promise<void> {
  const session = await repository.writableSession();
  for (const at of chunks) await session.setChunk("/a", at, chunk(at.reduce((sum, n) => 31 * sum + n, 7)));
  await session.commit("more");
}

describe("the manifests of an array", () => {
  it("stay as they are when something is appended", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([40, 10]));
    for (let i = 0; i < 200; i++) await session.setChunk("/a", [Math.floor(i / 10), i % 10], chunk(i));
    await session.commit("begin");
    const before = idsOf(await nodeOf(repository, "/a"));
    const grown = await repository.writableSession();
    grown.updateArray("/a", byteArray([41, 10]));
    await grown.setChunk("/a", [40, 3], chunk(1));
    await grown.commit("append");
    const after = idsOf(await nodeOf(repository, "/a"));
    expect(after).toHaveLength(2);
    expect(after).toEqual(expect.arrayContaining(before));
  });

  it("are few, and each is rewritten seldom, however many appends there are", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([400, 2]));
    await session.commit("begin");
    const seen = new Set<string>();
    const files = new RepositoryFiles(repository.address, repository.storage);
    let written = 0;
    let most = 0;
    for (let i = 0; i < 600; i++) {
      await setChunks(repository, [[Math.floor(i / 2), i % 2]]);
      const { manifests } = await nodeOf(repository, "/a");
      most = Math.max(most, manifests.length);
      const snapshot = await files.snapshot(await repository.lookupBranch("main"));
      for (const { id, referenceCount } of snapshot.manifestFiles.values()) {
        if (!seen.has(id)) written += referenceCount;
        seen.add(id);
      }
      for (const [n, a] of manifests.entries()) {
        for (const b of manifests.slice(n + 1)) expect(boxesMeet(a.extents, b.extents)).toBe(false);
      }
    }
    expect(most).toBeLessThanOrEqual(4);
    // Rewriting the whole manifest each time would be 180,300.
    expect(written).toBeLessThan(20_000);
    expect(Object.keys(await chunksOf(await repository.readonlySession()))).toHaveLength(600);
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("are rewritten where a change meets them, and what it does not meet stays", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([100, 100]));
    for (let i = 0; i < 400; i++) await session.setChunk("/a", [Math.floor(i / 20), i % 20], chunk(i));
    await session.commit("a corner");
    await setChunks(repository, [[90, 90]]);
    const [corner, far] = (await nodeOf(repository, "/a")).manifests;
    // Its box reaches from the corner to the far one, between which nothing is.
    await setChunks(repository, [
      [95, 95],
      [80, 80],
    ]);
    const both = await nodeOf(repository, "/a");
    expect(idsOf(both)).toContain(corner?.manifestId);
    expect(idsOf(both)).not.toContain(far?.manifestId);
    await setChunks(repository, [
      [0, 0],
      [99, 99],
    ]);
    expect((await nodeOf(repository, "/a")).manifests).toHaveLength(1);
    expect(Object.keys(await chunksOf(await repository.readonlySession()))).toHaveLength(404);
    expect(await errorsOf(repository)).toEqual([]);
  });
});
