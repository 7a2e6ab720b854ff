import { describe, expect, it } from "vitest";
import { Repository } from "../../src/icechunk/repository.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { ADDRESS, byteArray, chunk, errorsOf, messages, newRepository } from "./repositories.ts";

const ROOT = "1CECHNKREP0F1RSTCMT0";

async function commits(repository: Repository, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const session = await repository.writableSession();
    session.createGroup(`/g${i}`);
    ids.push(await session.commit(`commit ${i}`, { allowEmpty: true }));
  }
  return ids;
}

async function operations(repository: Repository): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { operation } of repository.operations()) kinds.push(operation.kind);
  return kinds;
}

describe("branches and tags", () => {
  it("are made, moved and deleted", async () => {
    const repository = await newRepository();
    const [first = "", second = ""] = await commits(repository, 2);
    await repository.createBranch("a/b", first);
    expect(Object.fromEntries(await repository.listBranches())).toEqual({ "a/b": first, main: second });
    await expect(repository.createBranch("a/b", first)).rejects.toMatchObject({ code: "AlreadyExists" });
    await expect(repository.createBranch("c", "0000000000000000000G")).rejects.toMatchObject({
      code: "NotFound",
    });
    await expect(repository.createBranch("", first)).rejects.toMatchObject({ code: "InvalidArgument" });
    await expect(repository.resetBranch("a/b", ROOT, { from: second })).rejects.toMatchObject({
      code: "Conflict",
    });
    await repository.resetBranch("a/b", ROOT, { from: first });
    expect(await messages(repository, "a/b")).toEqual(["Repository initialized"]);
    await expect(repository.deleteBranch("main")).rejects.toMatchObject({ code: "InvalidArgument" });
    await repository.deleteBranch("a/b");
    await expect(repository.lookupBranch("a/b")).rejects.toMatchObject({ code: "NotFound" });
    expect(await operations(repository)).toEqual([
      "BranchDeleted",
      "BranchReset",
      "BranchCreated",
      "NewCommit",
      "NewCommit",
      "RepoInitialized",
    ]);
  });

  it("name a tag once and for ever", async () => {
    const repository = await newRepository();
    await repository.createTag("v1", ROOT);
    await expect(repository.createTag("v1", ROOT)).rejects.toMatchObject({ code: "AlreadyExists" });
    await repository.deleteTag("v1");
    await expect(repository.createTag("v1", ROOT)).rejects.toMatchObject({ code: "AlreadyExists" });
    await expect(repository.lookupTag("v1")).rejects.toMatchObject({ code: "NotFound" });
  });

  it("are found by name: branches before tags before snapshots", async () => {
    const repository = await newRepository();
    const [id = ""] = await commits(repository, 1);
    await repository.createTag("x", ROOT);
    expect(await repository.refNamed("x")).toEqual({ tag: "x" });
    await repository.createBranch("x", id);
    expect(await repository.refNamed("x")).toEqual({ branch: "x" });
    expect(await repository.refNamed(id.toLowerCase())).toEqual({ snapshotId: id });
    await expect(repository.refNamed("y")).rejects.toMatchObject({ code: "NotFound" });
  });

  it("cannot be committed to when they moved or are gone", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createGroup("/late");
    await commits(repository, 1);
    await expect(session.commit("late")).rejects.toMatchObject({ code: "Conflict" });
    await repository.createBranch("b", ROOT);
    const other = await repository.writableSession("b");
    other.createGroup("/late");
    await repository.deleteBranch("b");
    await expect(other.commit("late", { rebase: true })).rejects.toMatchObject({ code: "NotFound" });
    // The session lost nothing by that.
    expect(other.paths()).toEqual(["/", "/late"]);
  });
});

describe("the operations log", () => {
  it("goes on in the copies of former repo files", async () => {
    const repository = await newRepository({ config: { updatesPerRepoFile: 3 } });
    await commits(repository, 10);
    await repository.createTag("v1", ROOT);
    expect(await operations(repository)).toEqual([
      "TagCreated",
      ...Array(10).fill("NewCommit"),
      "RepoInitialized",
    ]);
    await repository.saveConfig({ updatesPerRepoFile: 5 });
    await commits(repository, 4);
    const times: number[] = [];
    for await (const { updatedAt } of repository.operations()) times.push(updatedAt);
    expect(times).toHaveLength(17);
    expect(times).toEqual([...new Set(times)].sort((a, b) => b - a));
    expect(await errorsOf(repository)).toEqual([]);
  });
});

describe("a repository", () => {
  it("is made once in an empty folder", async () => {
    const storage = new MemoryStorage();
    await newRepository({}, storage);
    await expect(newRepository({}, storage)).rejects.toMatchObject({ code: "AlreadyExists" });
    const other = new MemoryStorage();
    await other.write(`${ADDRESS}/something`, chunk(1));
    await expect(newRepository({}, other)).rejects.toMatchObject({ code: "AlreadyExists" });
    await expect(Repository.openOrCreate(other, ADDRESS)).rejects.toMatchObject({ code: "AlreadyExists" });
    await expect(Repository.open(other, ADDRESS)).rejects.toMatchObject({ code: "NotFound" });
    expect(await Repository.exists(other, ADDRESS)).toBe(false);
    expect(await (await Repository.openOrCreate(storage, ADDRESS)).specVersion()).toBe(2);
  });

  it("keeps settings, metadata, flags and its status", async () => {
    const storage = new MemoryStorage();
    const repository = await newRepository({ config: { inlineChunkThresholdBytes: 7 } }, storage);
    await repository.saveConfig({ virtualChunkContainers: [{ urlPrefix: "s3://a/", name: "a" }] });
    await repository.saveConfig({ virtualChunkContainers: [{ urlPrefix: "s3://b/" }] });
    await repository.setMetadata({ title: "ä", n: 2 ** 40, list: [1, null, { x: -1.5 }] });
    await repository.setFeatureFlag("create_tag", false);
    await repository.setFeatureFlag("move_node", false);
    const opened = await Repository.open(storage, ADDRESS);
    const config = await opened.config();
    expect(config.inlineChunkThresholdBytes).toBe(7);
    expect(config.virtualChunkContainers?.map(({ urlPrefix, name }) => [urlPrefix, name])).toEqual([
      ["s3://a/", "a"],
      ["s3://b/", undefined],
    ]);
    expect(await opened.metadata()).toEqual({ title: "ä", n: 2 ** 40, list: [1, null, { x: -1.5 }] });
    await expect(opened.createTag("t", ROOT)).rejects.toMatchObject({ code: "ReadOnly" });
    await expect(opened.rearrangeSession()).rejects.toMatchObject({ code: "ReadOnly" });
    await opened.setFeatureFlag("create_tag", undefined);
    await opened.createTag("t", ROOT);
    await expect(opened.setFeatureFlag("fly", true)).rejects.toMatchObject({ code: "InvalidArgument" });
    const session = await opened.writableSession();
    session.createGroup("/");
    await opened.setStatus("read-only", { reason: "moving" });
    await expect(session.commit("too late")).rejects.toMatchObject({ code: "ReadOnly" });
    await expect(opened.writableSession()).rejects.toMatchObject({ code: "ReadOnly" });
    expect(await opened.status()).toMatchObject({ availability: "read-only", reason: "moving" });
    await opened.setStatus("online");
    await session.commit("in time");
    expect(await errorsOf(opened)).toEqual([]);
  });
});

describe("what a program without types may say", () => {
  /** Past the compiler. */
  const said = (text: string) => JSON.parse(text);
  const refused = { code: "InvalidArgument" };

  it("is no setting that official clients could not read", async () => {
    const repository = await newRepository();
    for (const settings of [
      '{ "inlineChunkThresholdBytes": 65536 }',
      '{ "inlineChunkThresholdBytes": 1.5 }',
      '{ "compressionLevel": 300 }',
      '{ "updatesPerRepoFile": 0 }',
      '{ "inline": 1 }',
      '{ "splitSizes": [["AnyArray", [{ "condition": "Any", "num_chunks": 3 }]]] }',
      '{ "splitSizes": [["any_array", [{ "condition": { "axis": 0 }, "num_chunks": 3 }]]] }',
      '{ "splitSizes": [[{ "path_matches": "a" }, []]] }',
      '{ "virtualChunkContainers": [{ "urlPrefix": "s3://a" }] }',
      '{ "virtualChunkContainers": [{ "urlPrefix": "s3://a/", "name": "x/y" }] }',
      '{ "virtualChunkContainers": [{ "urlPrefix": "s3://a/", "store": { "s4": {} } }] }',
    ]) {
      await expect(repository.saveConfig(said(settings)), settings).rejects.toMatchObject(refused);
    }
    expect(await repository.savedConfig()).toEqual({});
    const splitSizes = said(
      '[[{ "and": ["any_array", { "name_matches": { "regex": "a" } }] }, [{ "condition": { "Axis": 0 }, "num_chunks": 3 }]]]',
    );
    await repository.saveConfig({ splitSizes, compressionLevel: 22, inlineChunkThresholdBytes: 65535 });
    await repository.saveConfig(said('{ "updatesPerRepoFile": null }'));
    expect((await repository.config()).splitSizes).toEqual(splitSizes);
  });

  it("is not taken for the branch main, a state or a time", async () => {
    const repository = await newRepository();
    for (const ref of ['"dev"', '{ "snapshot": "1CECHNKREP0F1RSTCMT0" }', '{ "asOf": "2020-01-01" }']) {
      await expect(repository.readonlySession(said(ref)), ref).rejects.toMatchObject(refused);
    }
    await expect(repository.setStatus(said('"readonly"'))).rejects.toMatchObject(refused);
    await expect(repository.garbageCollect({ olderThan: said('"2999-01-01"') })).rejects.toMatchObject(
      refused,
    );
    await expect(repository.expireSnapshots({ olderThan: new Date("soon") })).rejects.toMatchObject(refused);
    const session = await repository.writableSession();
    session.createGroup("/");
    const metadata = { made: said("{}") };
    for (const value of [new Date(), undefined, Number.NaN, () => 1]) {
      metadata.made = value;
      await expect(session.commit("metadata", { metadata })).rejects.toMatchObject(refused);
    }
    expect(await messages(repository)).toEqual(["Repository initialized"]);
  });
});

describe("upkeep", () => {
  it("expires old snapshots, and keeps what the differences need", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([4]));
    await session.setChunk("/a", [0], chunk(1));
    await session.commit("array");
    const ids = await commits(repository, 4);
    await repository.createTag("kept", ids[1] ?? "");
    await repository.createBranch("old", ids[0] ?? "");
    const before = await repository.diff({ snapshotId: ROOT });
    const later = new Date(Date.now() + 60_000);
    const first = await repository.expireSnapshots({ olderThan: later });
    expect(first.released).toHaveLength(2);
    expect(await messages(repository)).toEqual(["commit 3", "Repository initialized"]);
    expect(await messages(repository, "old")).toEqual(["commit 0", "Repository initialized"]);
    expect(await repository.diff({ snapshotId: ROOT })).toEqual(before);
    const second = await repository.expireSnapshots({
      olderThan: later,
      deleteExpiredBranches: true,
      deleteExpiredTags: true,
    });
    expect(second).toMatchObject({ deletedBranches: ["old"], deletedTags: ["kept"] });
    const { snapshots, transactionLogs } = await repository.garbageCollect({ olderThan: later });
    expect(snapshots.count).toBe(4);
    expect(transactionLogs.count).toBe(0);
    expect(await repository.diff({ snapshotId: ROOT })).toEqual(before);
    expect(await errorsOf(repository)).toEqual([]);
    expect((await repository.expireSnapshots({ olderThan: later })).released).toEqual([]);
  });

  it("collects only what is old and unreachable, and tells it first", async () => {
    const repository = await newRepository();
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([4]));
    await session.setChunk("/a", [0], chunk(1, 700));
    await session.commit("kept");
    const lost = await repository.writableSession();
    await lost.setChunk("/a", [1], chunk(2, 800));
    await lost.commit("lost");
    await repository.resetBranch("main", await repository.resolve({ snapshotId: session.snapshotId }));
    const running = await repository.writableSession();
    await running.setChunk("/a", [2], chunk(3, 900));
    expect((await repository.garbageCollect({ olderThan: new Date(0) })).bytes).toBe(0);
    const later = new Date(Date.now() + 60_000);
    const dry = await repository.garbageCollect({ olderThan: later, dryRun: true });
    expect(dry).toMatchObject({
      snapshots: { count: 1 },
      manifests: { count: 1 },
      transactionLogs: { count: 1 },
    });
    expect(dry.chunks).toEqual({ count: 1, bytes: 800 });
    await repository.readonlySession({ snapshotId: lost.snapshotId });
    expect(await repository.garbageCollect({ olderThan: later })).toEqual(dry);
    await expect(repository.readonlySession({ snapshotId: lost.snapshotId })).rejects.toMatchObject({
      code: "NotFound",
    });
    const { chunks, files } = await repository.storageStatistics();
    expect(chunks.native).toEqual({ count: 1, bytes: 700 });
    expect(files.chunks).toEqual({ count: 1, bytes: 700 });
    await running.commit("running");
    expect(await errorsOf(repository)).toEqual([]);
  });
});

describe("manifests", () => {
  async function manifestSizes(storage: MemoryStorage): Promise<number> {
    let count = 0;
    for await (const _ of storage.list(`${ADDRESS}/manifests/`)) count += 1;
    return count;
  }

  it("are shared by small arrays", async () => {
    const storage = new MemoryStorage();
    const repository = await newRepository({}, storage);
    const session = await repository.writableSession();
    for (let i = 0; i < 200; i++) {
      session.createArray(`/a${i}`, byteArray([2]));
      await session.setChunk(`/a${i}`, [1], chunk(i));
    }
    await session.commit("many");
    expect(await manifestSizes(storage)).toBe(1);
    const one = await repository.writableSession();
    await one.setChunk("/a7", [0], chunk(77));
    await one.commit("one of them");
    expect(await manifestSizes(storage)).toBe(2);
    expect(await (await repository.readonlySession()).store.get("a8/c/1")).toEqual(chunk(8));
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("are rewritten only where a long array is appended to", async () => {
    const storage = new MemoryStorage();
    const repository = await newRepository(
      { config: { virtualChunkContainers: [{ urlPrefix: "s3://b/" }] } },
      storage,
    );
    const length = 100_000;
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([length]));
    const manifest = (count: number) => ({
      gridShape: [count],
      count,
      locations: ["s3://b/x"],
      versions: [undefined],
      offsets: Float64Array.from({ length: count }, (_, i) => 4 * i),
      lengths: new Float64Array(count).fill(4),
      inline: new Map<number, Uint8Array>(),
    });
    await session.setReferences("/a", manifest(length));
    await session.commit("long");
    const before = new Set<string>();
    for await (const { address } of storage.list(`${ADDRESS}/manifests/`)) before.add(address);
    expect(before.size).toBe(Math.ceil(length / 16_384));
    const append = await repository.writableSession();
    append.updateArray("/a", byteArray([length + 1]));
    await append.setReferences("/a", manifest(1), { at: [length] });
    await append.commit("one more");
    let written = 0;
    for await (const { address, size } of storage.list(`${ADDRESS}/manifests/`)) {
      if (!before.has(address)) written += size ?? 0;
    }
    expect(written).toBeLessThan(150_000);
    const { count, offsets } = await (await repository.readonlySession()).manifest("/a");
    expect(count).toBe(length + 1);
    expect([offsets[length - 1], offsets[length]]).toEqual([4 * (length - 1), 0]);
    expect(await errorsOf(repository)).toEqual([]);
  });
});
