import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChangeSet } from "../../src/icechunk/changes/change-set.ts";
import { arrayContent } from "../../src/icechunk/changes/node-content.ts";
import { WorkingTree } from "../../src/icechunk/changes/working-tree.ts";
import { writeSnapshotFiles } from "../../src/icechunk/commit/commit.ts";
import { logsOf } from "../../src/icechunk/commit/commit-logs.ts";
import { type LostCommit, leaveReceipt } from "../../src/icechunk/lost-commits.ts";
import { updateRepo } from "../../src/icechunk/repo-update.ts";
import { Repository } from "../../src/icechunk/repository.ts";
import { RepositoryFiles } from "../../src/icechunk/repository-files.ts";
import { FileStorage } from "../../src/storage/file/file-storage.ts";
import { byteArray, chunk, chunksOf, errorsOf, messages } from "./repositories.ts";

describe("a commit that another program overwrote on a local folder", () => {
  const storage = new FileStorage();
  let folder: string;
  let address: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "moraine-lost-"));
    address = pathToFileURL(join(folder, "repository")).href;
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("is noticed by the next who opens the repository, named by the check, and put back", async () => {
    const repository = await Repository.create(storage, address);
    const first = await repository.writableSession();
    first.createArray("/a", byteArray([4]));
    await first.commit("array");
    const { parts } = await storage.read(`${address}/repo`, [{ offset: 0 }]);
    const ids: string[] = [];
    for (const i of [0, 1]) {
      const session = await repository.writableSession();
      await session.setChunk("/a", [i], chunk(i + 1, 700));
      ids.push(await session.commit(`ours ${i}`));
    }
    // What a writer without compare-and-swap does, who read before our commits and writes after them.
    await storage.write(`${address}/repo`, parts[0] ?? new Uint8Array(0));
    const noticed: LostCommit[] = [];
    const opened = await Repository.open(storage, address, {
      onLostCommits: (lost) => noticed.push(...lost),
    });
    expect(noticed.map(({ snapshotId, message, branch }) => [snapshotId, message, branch])).toEqual([
      [ids[0], "ours 0", "main"],
      [ids[1], "ours 1", "main"],
    ]);
    const { findings } = await opened.fsck();
    expect(findings.filter(({ code }) => code === "LostCommit")).toHaveLength(2);
    await opened.restoreLostCommit(ids[1] ?? "", "rescued");
    expect(await messages(opened, "rescued")).toEqual([
      "ours 1",
      "ours 0",
      "array",
      "Repository initialized",
    ]);
    expect(await chunksOf(await opened.readonlySession({ branch: "rescued" }))).toEqual({
      "a/c/0": chunk(1, 700).join(),
      "a/c/1": chunk(2, 700).join(),
    });
    expect(await messages(opened)).toEqual(["array", "Repository initialized"]);
    expect(await errorsOf(opened)).toEqual([]);
    await expect(opened.restoreLostCommit(ids[0] ?? "", "again")).rejects.toMatchObject({ code: "NotFound" });
  });

  it("keeps all its transaction logs through a garbage collection, and has them when it is put back", async () => {
    const repository = await Repository.create(storage, address);
    const files = new RepositoryFiles(address, storage);
    const tree = new WorkingTree(
      await files.snapshot(await repository.lookupBranch("main")),
      new ChangeSet(),
    );
    tree.create("/new", arrayContent(byteArray([5])));
    const changes = tree.changes.chunksOf(tree.array("/new"));
    for (let at = 0; at < 5; at++) changes.set(at, { kind: "inline", bytes: chunk(at) });
    const { parts } = await storage.read(`${address}/repo`, [{ offset: 0 }]);
    const { base, nodes } = tree;
    const plan = {
      base,
      changes: tree.changes,
      nodes,
      logs: logsOf(tree.changes, 2),
      message: "split",
      metadata: {},
    };
    const info = { ...(await writeSnapshotFiles(files, plan, {})), parentId: base.id };
    expect(info.prunedAncestorLogs).toHaveLength(3);
    const after = await updateRepo(files, ({ branches }) => ({
      info: { branches: new Map(branches).set("main", info.id) },
      newSnapshot: info,
      operation: { kind: "NewCommit", branch: "main", newSnapshotId: info.id },
    }));
    await leaveReceipt(files, info, "main", after);
    await storage.write(`${address}/repo`, parts[0] ?? new Uint8Array(0));
    const opened = await Repository.open(storage, address);
    await opened.garbageCollect({ olderThan: new Date(Date.now() + 1000) });
    await opened.restoreLostCommit(info.id, "rescued");
    const diff = await opened.diff({ branch: "main" }, { branch: "rescued" });
    expect(diff.updatedChunks.get("/new")).toEqual([[0], [1], [2], [3], [4]]);
    expect(await errorsOf(opened)).toEqual([]);
  });

  it("is told of until it is forgotten, and is garbage then", async () => {
    const repository = await Repository.create(storage, address);
    const { parts } = await storage.read(`${address}/repo`, [{ offset: 0 }]);
    const ids: string[] = [];
    for (const message of ["one", "two"])
      ids.push(await (await repository.writableSession()).commit(message, { allowEmpty: true }));
    await storage.write(`${address}/repo`, parts[0] ?? new Uint8Array(0));
    const opened = await Repository.open(storage, address);
    await opened.forgetLostCommit(ids[0] ?? "");
    expect((await opened.lostCommits()).map(({ snapshotId }) => snapshotId)).toEqual([ids[1]]);
    await expect(opened.forgetLostCommit(ids[0] ?? "")).rejects.toMatchObject({ code: "NotFound" });
    // What was built upon it holds its changes, and can still be put back.
    await opened.restoreLostCommit(ids[1] ?? "", "rescued");
    expect(await messages(opened, "rescued")).toEqual(["two", "Repository initialized"]);
    expect(await opened.lostCommits()).toEqual([]);
    const olderThan = new Date(Date.now() + 1000);
    expect((await opened.garbageCollect({ olderThan })).snapshots.count).toBe(1);
    expect(await errorsOf(opened)).toEqual([]);
  });

  it("stays until it is forgotten, whatever is collected, and leaves nothing behind when another collects it", async () => {
    const repository = await Repository.create(storage, address);
    const { parts } = await storage.read(`${address}/repo`, [{ offset: 0 }]);
    const session = await repository.writableSession();
    session.createArray("/a", byteArray([1]));
    await session.setChunk("/a", [0], chunk(1, 700));
    const lost = await session.commit("lost");
    await storage.write(`${address}/repo`, parts[0] ?? new Uint8Array(0));
    const opened = await Repository.open(storage, address);
    expect(await opened.lostCommits()).toHaveLength(1);
    const olderThan = new Date(Date.now() + 1000);
    expect(await opened.garbageCollect({ olderThan })).toMatchObject({ bytes: 0 });
    await opened.restoreLostCommit(lost, "rescued");
    expect(await chunksOf(await opened.readonlySession({ branch: "rescued" }))).toEqual({
      "a/c/0": chunk(1, 700).join(),
    });
    await storage.write(`${address}/repo`, parts[0] ?? new Uint8Array(0));
    const other = await (await opened.writableSession()).commit("lost, too", { allowEmpty: true });
    await storage.write(`${address}/repo`, parts[0] ?? new Uint8Array(0));
    await rm(join(folder, "repository", "snapshots", other));
    await opened.garbageCollect({ olderThan, dryRun: true });
    expect(await readdir(join(folder, "repository", "commits"))).toHaveLength(1);
    await opened.garbageCollect({ olderThan });
    expect(await readdir(join(folder, "repository", "commits"))).toEqual([]);
  });

  it("is told of whatever expired after it, and no more once it was put back and expired too", async () => {
    const repository = await Repository.create(storage, address);
    await (await repository.writableSession()).commit("first", { allowEmpty: true });
    const { parts } = await storage.read(`${address}/repo`, [{ offset: 0 }]);
    const lost = await (await repository.writableSession()).commit("ours", { allowEmpty: true });
    await storage.write(`${address}/repo`, parts[0] ?? new Uint8Array(0));
    const opened = await Repository.open(storage, address);
    await (await opened.writableSession()).commit("theirs", { allowEmpty: true });
    await opened.expireSnapshots({ olderThan: new Date(Date.now() + 60_000) });
    expect((await opened.lostCommits()).map(({ snapshotId }) => snapshotId)).toEqual([lost]);
    await opened.restoreLostCommit(lost, "rescued");
    await opened.deleteBranch("rescued");
    await opened.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
    expect(await opened.lostCommits()).toEqual([]);
    expect(await errorsOf(opened)).toEqual([]);
  });

  it("is none where a commit expired or was collected", async () => {
    const repository = await Repository.create(storage, address);
    for (const i of [0, 1, 2]) {
      const session = await repository.writableSession();
      session.createGroup(`/g${i}`);
      await session.commit(`commit ${i}`);
    }
    await repository.expireSnapshots({ olderThan: new Date(Date.now() + 60_000) });
    expect(await repository.lostCommits()).toEqual([]);
    const aside = await repository.writableSession();
    aside.createGroup("/aside");
    const id = await aside.commit("aside");
    await repository.resetBranch("main", "1CECHNKREP0F1RSTCMT0");
    await repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
    expect(await repository.lostCommits()).toEqual([]);
    await expect(repository.readonlySession({ snapshotId: id })).rejects.toMatchObject({ code: "NotFound" });
    expect(await errorsOf(repository)).toEqual([]);
  });
});
