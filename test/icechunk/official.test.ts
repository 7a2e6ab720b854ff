import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { Repository } from "../../src/icechunk/repository.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { ADDRESS, byteArray, chunk, errorsOf, messages } from "./repositories.ts";

const DATA = fileURLToPath(new URL("../data/icechunk", import.meta.url));

/** Id, parent, microseconds, message, metadata. */
type HistoryRow = [id: string, parent: string | null, time: number, message: string, metadata: object];

interface Expected {
  readonly branches: Record<
    string,
    { id: string; history: HistoryRow[]; keys: Record<string, string>; locations: string }
  >;
  readonly tags: Record<string, string>;
  readonly diff: Record<string, unknown>;
}

/** A repository that the official client wrote (scripts/make-icechunk-data.py), in memory. */
async function load(version: string): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  const folder = join(DATA, version);
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = join(folder, name);
    if (statSync(file).isFile())
      await storage.write(`${ADDRESS}/${name}`, new Uint8Array(readFileSync(file)));
  }
  return storage;
}

function expectedOf(version: string): Expected {
  return JSON.parse(readFileSync(join(DATA, `${version}.json`), "utf8")) as Expected;
}

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

async function check(repository: Repository, expected: Expected): Promise<void> {
  expect(Object.fromEntries(await repository.listTags())).toEqual(expected.tags);
  for (const [branch, wanted] of Object.entries(expected.branches)) {
    expect(await repository.lookupBranch(branch)).toBe(wanted.id);
    const history: unknown[] = [];
    for await (const { id, parentId, flushedAt, message, metadata } of repository.ancestry({ branch })) {
      history.push([id, parentId ?? null, flushedAt, message, metadata]);
    }
    expect(history).toEqual(wanted.history);
    const session = await repository.readonlySession({ branch });
    const keys: Record<string, string> = {};
    for await (const key of session.store.list()) {
      if (key.startsWith("virtual/c/")) continue;
      const bytes = (await session.store.get(key)) ?? new Uint8Array(0);
      keys[key] = `${bytes.length}:${sha256(bytes).slice(0, 16)}`;
    }
    expect(keys).toEqual(wanted.keys);
    const { locations, count, offsets, versions } = await session.manifest("/virtual");
    expect(count).toBe(1100);
    expect(sha256([...new Set(locations)].sort().join("\n"))).toBe(wanted.locations);
    expect(offsets[1099]).toBe(109_900);
    expect(versions[1099]).toEqual({ notAfter: 86_400_000 * 20_000 });
    expect(versions[1098]).toEqual({ etag: '"etag-1098"' });
  }
  const { updatedChunks, moved, ...diff } = await repository.diff({ branch: "main" }, { branch: "other" });
  expect({ ...diff, updatedChunks: Object.fromEntries(updatedChunks) }).toEqual(expected.diff);
  expect(moved).toEqual([]);
  expect(await errorsOf(repository)).toEqual([]);
}

for (const version of ["v1", "v2"]) {
  describe(`a repository that the official client wrote, ${version}`, () => {
    let repository: Repository;
    beforeAll(async () => {
      repository = await Repository.open(await load(version), ADDRESS);
    });

    it("has the keys, bytes, refs, history and differences that it says", async () => {
      expect(await repository.specVersion()).toBe(version === "v1" ? 1 : 2);
      await check(repository, expectedOf(version));
    });

    it("has the configuration that was saved", async () => {
      const { inlineChunkThresholdBytes, virtualChunkContainers, splitSizes } = await repository.config();
      expect(inlineChunkThresholdBytes).toBe(12);
      expect(virtualChunkContainers?.map(({ urlPrefix }) => urlPrefix)).toEqual(["s3://archive/"]);
      expect(splitSizes).toEqual([
        [{ name_matches: { regex: "split" } }, [{ condition: { Axis: 0 }, num_chunks: 2 }]],
      ]);
    });

    it("opens at a tag and at a time", async () => {
      const expected = expectedOf(version).branches["main"];
      const tagged = await repository.readonlySession({ tag: "v 1" });
      expect(tagged.snapshotId).toBe(expected?.id);
      const [id, , time = 0] = expected?.history[1] ?? [];
      const earlier = await repository.readonlySession({ asOf: new Date(Math.ceil(time / 1000)) });
      expect(earlier.snapshotId).toBe(id);
      expect(earlier.node("/virtual")).toBeUndefined();
      await expect(repository.readonlySession({ asOf: new Date(0) })).rejects.toMatchObject({
        code: "NotFound",
      });
    });
  });
}

it("a repository of specification 1 is only read until it is migrated, and then the same", async () => {
  const storage = await load("v1");
  const repository = await Repository.open(storage, ADDRESS);
  await expect(repository.writableSession()).rejects.toMatchObject({ code: "UnsupportedVersion" });
  await expect(repository.createTag("x", "1CECHNKREP0F1RSTCMT0")).rejects.toMatchObject({
    code: "UnsupportedVersion",
  });
  expect(await repository.migrate({ dryRun: true })).toEqual({ branches: 2, tags: 1, snapshots: 4 });
  expect(await repository.specVersion()).toBe(1);
  await repository.migrate();
  await expect(repository.migrate()).rejects.toMatchObject({ code: "AlreadyExists" });
  const migrated = await Repository.open(storage, ADDRESS);
  expect(await migrated.specVersion()).toBe(2);
  await check(migrated, expectedOf("v1"));
  const operations: string[] = [];
  for await (const { operation } of migrated.operations()) operations.push(operation.kind);
  expect(operations[0]).toBe("RepoMigrated");
  expect(operations.at(-1)).toBe("RepoInitialized");
  await expect(migrated.createTag("deleted", "1CECHNKREP0F1RSTCMT0")).rejects.toMatchObject({
    code: "AlreadyExists",
  });
  for await (const { address } of storage.list(`${ADDRESS}/refs/`)) expect(address).toBe("nothing");
});

it("takes commits, amendments and upkeep onto what the official client wrote", async () => {
  const repository = await Repository.open(await load("v2"), ADDRESS);
  const before = await (await repository.readonlySession()).store.get("g/big/c/1/1");
  const session = await repository.writableSession();
  await session.setChunk("/split", [6, 0], chunk(9));
  session.createArray("/new", byteArray([2]));
  await session.commit("ours");
  const read = await repository.readonlySession();
  expect(await read.store.get("split/c/6/0")).toEqual(chunk(9));
  expect(await read.store.get("split/c/5/0")).toEqual(Uint8Array.of(10, 0, 11, 0));
  expect(await messages(repository)).toEqual([
    "ours",
    "virtual chunks",
    "write data",
    "Repository initialized",
  ]);
  await repository.expireSnapshots({ olderThan: new Date(Date.now() + 60_000) });
  await repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
  // The tag keeps its snapshot, and so its place in the history.
  expect(await messages(repository)).toEqual(["ours", "virtual chunks", "Repository initialized"]);
  expect(await (await repository.readonlySession()).store.get("g/big/c/1/1")).toEqual(before);
  expect(await errorsOf(repository)).toEqual([]);
});
