import { describe, expect, it } from "vitest";
import { ChangeSet } from "../../../src/icechunk/changes/change-set.ts";
import { arrayContent } from "../../../src/icechunk/changes/node-content.ts";
import { WorkingTree } from "../../../src/icechunk/changes/working-tree.ts";
import { writeSnapshotFiles } from "../../../src/icechunk/commit/commit.ts";
import { logsOf } from "../../../src/icechunk/commit/commit-logs.ts";
import type { TransactionLog } from "../../../src/icechunk/format/transaction-log.ts";
import { updateRepo } from "../../../src/icechunk/repo-update.ts";
import type { Repository } from "../../../src/icechunk/repository.ts";
import { RepositoryFiles } from "../../../src/icechunk/repository-files.ts";
import { byteArray, chunk, errorsOf, newRepository } from "../repositories.ts";

/** A repository with an array `/old`, and changes over it that make `/new` and `/more`. */
async function changed(): Promise<{ repository: Repository; files: RepositoryFiles; tree: WorkingTree }> {
  const repository = await newRepository();
  const session = await repository.writableSession();
  session.createArray("/old", byteArray([9, 2]));
  await session.commit("old");
  const files = new RepositoryFiles(repository.address, repository.storage);
  const tree = new WorkingTree(await files.snapshot(await repository.lookupBranch("main")), new ChangeSet());
  tree.create("/new", arrayContent(byteArray([5, 2])));
  tree.create("/more", arrayContent(byteArray([3])));
  for (const [path, count] of [
    ["/old", 4],
    ["/new", 10],
    ["/more", 3],
  ] as const) {
    const changes = tree.changes.chunksOf(tree.array(path));
    for (let at = 0; at < count; at++) changes.set(at, { kind: "inline", bytes: chunk(at) });
  }
  return { repository, files, tree };
}

const countOf = (log: TransactionLog): number =>
  [...log.updatedChunks.values()].reduce((sum, { count }) => sum + count, 0);

describe("the logs of a commit", () => {
  it("are one where it says no more chunks than a log may", async () => {
    const { tree } = await changed();
    const { own, further } = logsOf(tree.changes, 17);
    expect([...further]).toEqual([]);
    expect(own).toEqual(tree.changes.toTransactionLog());
  });

  it("are several of bounded size beyond that, of which the commit's own tells all that others could conflict with", async () => {
    const { tree } = await changed();
    const { own, further } = logsOf(tree.changes, 4);
    const logs = [...further];
    expect(logs.map(countOf)).toEqual([4, 4, 2, 3]);
    const named = (path: string): number | undefined => own.updatedChunks.get(tree.array(path).id)?.count;
    expect(["/old", "/new", "/more"].map(named)).toEqual([4, 1, 1]);
    expect(own.newArrays.size).toBe(2);
    for (const { updatedChunks, ...nodes } of logs) {
      expect(updatedChunks.has(tree.array("/old").id)).toBe(false);
      expect(Object.values(nodes).map((part) => ("size" in part ? part.size : part.length))).toEqual(
        Array(7).fill(0),
      );
    }
    const told = logs.flatMap(({ updatedChunks }) => {
      const chunks = updatedChunks.get(tree.array("/new").id);
      return chunks ? [...chunks.coordinates] : [];
    });
    expect(told).toEqual(Array.from({ length: 10 }, (_, i) => [i >> 1, i & 1]).flat());
  });

  it("are read together by diff, rebase and the check, and kept by the garbage collection", async () => {
    const { repository, files, tree } = await changed();
    const before = tree.base.id;
    const other = await repository.writableSession();
    other.createArray("/mine", byteArray([2]));
    await other.setChunk("/old", [8, 1], chunk(1));
    const late = await repository.writableSession();
    await late.setChunk("/old", [0, 1], chunk(1));
    const info = await writeSnapshotFiles(
      files,
      {
        base: tree.base,
        changes: tree.changes,
        nodes: tree.nodes,
        logs: logsOf(tree.changes, 4),
        message: "split",
        metadata: {},
      },
      {},
    );
    expect(info.prunedAncestorLogs).toHaveLength(4);
    const newSnapshot = { ...info, parentId: before };
    await updateRepo(files, ({ branches }) => ({
      info: { branches: new Map(branches).set("main", info.id) },
      newSnapshot,
      operation: { kind: "NewCommit", branch: "main", newSnapshotId: info.id },
    }));
    expect(await errorsOf(repository)).toEqual([]);
    await repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
    const diff = await repository.diff({ snapshotId: before }, { branch: "main" });
    expect([...diff.updatedChunks].map(([path, chunks]) => [path, chunks.length])).toEqual([
      ["/more", 3],
      ["/new", 10],
      ["/old", 4],
    ]);
    await expect(late.commit("late", { rebase: true })).rejects.toMatchObject({
      conflicts: [{ kind: "ChunkDoubleUpdate", path: "/old", chunks: [[0, 1]] }],
    });
    await other.commit("other", { rebase: true });
    expect((await repository.readonlySession({ branch: "main" })).paths()).toEqual([
      "/",
      "/mine",
      "/more",
      "/new",
      "/old",
    ]);
    const amending = await repository.writableSession();
    await amending.setChunk("/new", [0, 0], chunk(9));
    await amending.amend("amended");
    expect(
      (await repository.diff({ snapshotId: before }, { branch: "main" })).updatedChunks.get("/new"),
    ).toHaveLength(10);
    expect(await errorsOf(repository)).toEqual([]);
  });
});
