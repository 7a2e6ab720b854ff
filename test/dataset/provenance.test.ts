import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { changedChunks } from "../../src/dataset/changed-chunks.ts";
import { inspectSource } from "../../src/dataset/inspect.ts";
import { openSource } from "../../src/dataset/open.ts";
import { index, materialize, Repository, slice } from "../../src/node.ts";

const demo = fileURLToPath(new URL("../data/demo/sst-2020.nc", import.meta.url));
let repositories = 0;

/** 16 chunks: two days materialised, one chunk of the third deleted, one of the fourth set by hand. */
async function campaign() {
  const target = `memory://provenance-${++repositories}/`;
  await Repository.create(target, { config: { inlineChunkThresholdBytes: 0 } });
  const indexed = (await index([demo], target, { load: [] })).snapshot ?? "";
  const {
    commits: [first = "", second = ""],
  } = await materialize(target, { path: "/sst", where: "time=0:2", budget: 600 });
  const repository = await Repository.open(target);
  const session = await repository.writableSession("main");
  await session.deleteChunks("/sst", [[2, 0, 0]]);
  await session.array("sst").set([3, slice(0, 10), slice(0, 15)], 7);
  const last = await session.commit("by hand");
  return { target, repository, indexed, first, second, last };
}

it("tells of each array how much lies where, and since which commit", async () => {
  const { target, indexed, last } = await campaign();
  const source = await openSource(target);
  const { arrays } = await inspectSource(source, { path: "/sst" });
  await source.close();
  const [sst] = arrays;
  expect(arrays).toHaveLength(1);
  expect(sst?.chunks).toEqual({ virtual: 6, native: 9, inline: 0, missing: 1, decoded: 0 });
  const stored = sst?.storedBytes ?? 0;
  expect(sst?.shares).toMatchObject([
    { kind: "native", chunks: 9, since: { id: last, message: "by hand" } },
    { kind: "virtual", chunks: 6, source: expect.stringContaining("sst-2020.nc"), since: { id: indexed } },
  ]);
  expect(sst?.shares[0]?.objects).toBeGreaterThan(1);
  expect(sst?.shares.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(stored);
});

it("tells what became of the chunks that changed between two snapshots, and who wrote them", async () => {
  const { repository, indexed, first, second, last } = await campaign();
  const changed = [];
  for await (const chunks of changedChunks(repository, { snapshotId: indexed })) changed.push(chunks);
  expect(changed).toMatchObject([
    {
      path: "/sst",
      count: 10,
      before: {
        chunks: { virtual: 10, native: 0, inline: 0, missing: 0 },
        shares: [{ kind: "virtual", chunks: 10 }],
      },
      after: {
        chunks: { virtual: 0, native: 9, inline: 0, missing: 1 },
        shares: [{ kind: "native", chunks: 9 }],
      },
    },
  ]);
  const commits = changed[0]?.commits.map(({ entry }) => entry.id) ?? [];
  expect(commits[0]).toBe(last);
  expect(commits).toEqual(expect.arrayContaining([first, second]));
  expect(changed[0]?.commits.reduce((sum, { chunks }) => sum + chunks, 0)).toBe(10);
});

it("still tells it where the commits were expired, and of arrays that were moved", async () => {
  const { target, repository, last } = await campaign();
  const moves = await repository.rearrangeSession("main");
  moves.move("/sst", "/temperature");
  await moves.commit("another name");
  await repository.expireSnapshots({ olderThan: new Date(Date.now() + 60_000) });
  const source = await openSource(target);
  const { arrays } = await inspectSource(source, { path: "/temperature" });
  const ids = arrays[0]?.shares.map(({ since }) => since?.id);
  // Of expired commits the one after them tells.
  expect(new Set(ids).size).toBe(1);
  expect(ids).not.toContain(undefined);
  expect(ids).not.toContain(last);
});
