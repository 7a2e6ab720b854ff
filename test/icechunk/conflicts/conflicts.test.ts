import { describe, expect, it } from "vitest";
import {
  BASIC_CONFLICT_SOLVER,
  type Conflict,
  RebaseError,
  type RebasePolicy,
} from "../../../src/icechunk/conflicts/conflicts.ts";
import type { Repository } from "../../../src/icechunk/repository.ts";
import type { Session } from "../../../src/icechunk/session/session.ts";
import { byteArray, chunk, chunksOf, errorsOf, messages, newRepository } from "../repositories.ts";

type Change = (session: Session) => unknown;

/** A repository with groups /g and /g/h and arrays /a and /g/b, all chunks set. */
async function base(): Promise<Repository> {
  const repository = await newRepository();
  const session = await repository.writableSession();
  session.createGroup("/g/h");
  for (const path of ["/a", "/g/b"]) {
    session.createArray(path, byteArray([3]));
    for (const i of [0, 1, 2]) await session.setChunk(path, [i], chunk(i));
  }
  await session.commit("base");
  return repository;
}

/** Their change is committed, then ours rebased over it. */
async function rebase(
  theirs: Change,
  ours: Change,
  policy: RebasePolicy,
): Promise<[Repository, Session, Conflict[]]> {
  const repository = await base();
  const session = await repository.writableSession();
  await ours(session);
  const other = await repository.writableSession();
  await theirs(other);
  await other.commit("theirs");
  try {
    await session.rebase(policy);
    return [repository, session, []];
  } catch (error) {
    if (!(error instanceof RebaseError)) throw error;
    expect(error.code).toBe("Conflict");
    return [repository, session, [...error.conflicts]];
  }
}

const set =
  (path: string, i: number, value: number): Change =>
  (session) =>
    session.setChunk(path, [i], chunk(value));
const resize =
  (path: string, length: number): Change =>
  (session) =>
    session.updateArray(path, byteArray([length]));
const remove =
  (path: string): Change =>
  (session) =>
    session.delete(path);
const group =
  (path: string, value: number): Change =>
  (session) =>
    session.createGroup(path, { value });
const attributes =
  (path: string, value: number): Change =>
  (session) =>
    session.updateGroup(path, { value });

/** The table of Icechunk's ConflictDetector. */
const TABLE: [string, Change, Change, string[]][] = [
  ["a new node of the same name", group("/n", 1), group("/n", 2), ["NewNodeConflictsWithExistingNode /n"]],
  [
    "a new node below an array",
    (s) => s.createArray("/n", byteArray([1])),
    group("/n/m", 1),
    ["NewNodeConflictsWithExistingNode /n", "NewNodeInInvalidGroup /n"],
  ],
  ["a new node in a deleted group", remove("/g/h"), group("/g/h/n", 1), ["NewNodeInInvalidGroup /g/h"]],
  ["a deleted group with a new node", group("/g/h/n", 1), remove("/g/h"), ["NewNodeInInvalidGroup /g/h"]],
  ["the metadata of an array", resize("/a", 4), resize("/a", 5), ["ZarrMetadataDoubleUpdate /a"]],
  ["the metadata of a group", attributes("/g", 1), attributes("/g", 2), ["ZarrMetadataDoubleUpdate /g"]],
  ["metadata of a deleted array", remove("/a"), resize("/a", 5), ["ZarrMetadataUpdateOfDeletedArray /a"]],
  [
    "metadata of a deleted group",
    remove("/g/h"),
    attributes("/g/h", 5),
    ["ZarrMetadataUpdateOfDeletedGroup /g/h"],
  ],
  ["chunks of a deleted array", remove("/a"), set("/a", 1, 9), ["ChunksUpdatedInDeletedArray /a"]],
  ["chunks of a resized array", resize("/a", 2), set("/a", 1, 9), ["ChunksUpdatedInUpdatedArray /a"]],
  ["the same chunk", set("/a", 1, 8), set("/a", 1, 9), ["ChunkDoubleUpdate /a"]],
  ["a deleted array with new chunks", set("/a", 1, 8), remove("/a"), ["DeleteOfUpdatedArray /a"]],
  [
    "a deleted group with new attributes",
    attributes("/g/h", 1),
    remove("/g/h"),
    ["DeleteOfUpdatedGroup /g/h"],
  ],
];

describe("a rebase", () => {
  for (const [what, theirs, ours, expected] of TABLE) {
    it(`finds a conflict: ${what}`, async () => {
      const [, , conflicts] = await rebase(theirs, ours, {});
      const found = conflicts.map(
        (conflict) => `${conflict.kind} ${"path" in conflict ? conflict.path : ""}`,
      );
      expect(found.sort()).toEqual(expected.sort());
    });
  }

  const fine: [string, Change, Change][] = [
    ["other chunks of an array", set("/a", 0, 8), set("/a", 1, 9)],
    ["a resize over chunks", set("/a", 0, 8), resize("/a", 2)],
    ["other nodes", group("/n", 1), group("/m", 1)],
    [
      "an array deleted and made anew",
      group("/n", 1),
      (s) => {
        s.delete("/a");
        s.createArray("/a", byteArray([1]));
      },
    ],
    ["what both deleted", remove("/a"), remove("/a")],
  ];
  for (const [what, theirs, ours] of fine) {
    it(`goes over ${what}`, async () => {
      const [repository, session, conflicts] = await rebase(theirs, ours, {});
      expect(conflicts).toEqual([]);
      await session.commit("ours");
      expect(await messages(repository)).toEqual(["ours", "theirs", "base", "Repository initialized"]);
      expect(await errorsOf(repository)).toEqual([]);
    });
  }

  it("keeps our chunks or theirs, as it is told", async () => {
    for (const [onChunkConflict, value] of [
      ["ours", 9],
      ["theirs", 8],
    ] as const) {
      const ours: Change = async (session) => {
        await session.setChunk("/a", [1], chunk(9));
        await session.setChunk("/a", [2], chunk(9));
      };
      const [repository, session, conflicts] = await rebase(set("/a", 1, 8), ours, { onChunkConflict });
      expect(conflicts).toEqual([]);
      await session.commit("ours");
      const found = await chunksOf(await repository.readonlySession());
      expect([found["a/c/0"], found["a/c/1"], found["a/c/2"]]).toEqual([
        chunk(0).join(),
        chunk(value).join(),
        chunk(9).join(),
      ]);
    }
  });

  it("refuses a decision that is none before anything is lost by it", async () => {
    const repository = await base();
    const session = await repository.writableSession();
    await session.setChunk("/a", [1], chunk(9));
    // What a program without types may say.
    const policy: RebasePolicy = JSON.parse('{ "onChunkConflict": "useOurs" }');
    const refused = { code: "InvalidArgument", message: expect.stringContaining("useOurs") };
    await expect(session.rebase(policy)).rejects.toMatchObject(refused);
    await expect(session.commit("ours", { rebase: policy })).rejects.toMatchObject(refused);
    expect(await messages(repository)).toEqual(["base", "Repository initialized"]);
  });

  it("settles nothing where one conflict cannot be settled", async () => {
    const theirs: Change = async (session) => {
      await session.setChunk("/a", [1], chunk(8));
      session.updateArray("/g/b", byteArray([4]));
    };
    const ours: Change = async (session) => {
      await session.setChunk("/a", [1], chunk(9));
      await session.setChunk("/g/b", [1], chunk(9));
    };
    const [, session, conflicts] = await rebase(theirs, ours, {
      ...BASIC_CONFLICT_SOLVER,
      onChunkConflict: "theirs",
    });
    expect(conflicts.map(({ kind }) => kind).sort()).toEqual([
      "ChunkDoubleUpdate",
      "ChunksUpdatedInUpdatedArray",
    ]);
    expect([...session.status().updatedChunks.keys()]).toEqual(["/a", "/g/b"]);
  });

  it("deletes what others changed only where it is told to", async () => {
    const [repository, session, conflicts] = await rebase(
      set("/a", 1, 8),
      remove("/a"),
      BASIC_CONFLICT_SOLVER,
    );
    expect(conflicts).toEqual([]);
    await session.commit("deleted");
    expect((await repository.readonlySession()).node("/a")).toBeUndefined();
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("stands at the last snapshot that it could follow", async () => {
    const repository = await base();
    const session = await repository.writableSession();
    await session.setChunk("/a", [2], chunk(9));
    const ids: string[] = [];
    for (const i of [0, 1, 2]) {
      const other = await repository.writableSession();
      await other.setChunk("/a", [i], chunk(20 + i));
      ids.push(await other.commit(`theirs ${i}`));
    }
    await expect(session.rebase()).rejects.toMatchObject({ snapshotId: ids[2] });
    expect(session.snapshotId).toBe(ids[1]);
    expect((await chunksOf(session))["a/c/1"]).toBe(chunk(21).join());
  });

  it("never goes over moved nodes", async () => {
    const repository = await base();
    const session = await repository.writableSession();
    await session.setChunk("/a", [0], chunk(9));
    const mover = await repository.rearrangeSession();
    mover.move("/g/b", "/b");
    await mover.commit("moved");
    await expect(session.rebase(BASIC_CONFLICT_SOLVER)).rejects.toMatchObject({
      conflicts: [{ kind: "MoveOperationCannotBeRebased" }],
    });
  });

  it("sees the conflicts of snapshots that expired meanwhile", async () => {
    for (const i of [1, 2]) {
      const repository = await base();
      const session = await repository.writableSession();
      await session.setChunk("/a", [i], chunk(9));
      for (const value of [1, 2]) {
        const other = await repository.writableSession();
        await other.setChunk("/a", [value === 1 ? 1 : 0], chunk(value));
        await other.commit(`theirs ${value}`);
      }
      await repository.expireSnapshots({ olderThan: new Date(Date.now() + 60_000) });
      await repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
      expect(await messages(repository)).toEqual(["theirs 2", "Repository initialized"]);
      if (i === 1) await expect(session.rebase()).rejects.toBeInstanceOf(RebaseError);
      else await session.commit("ours", { rebase: true });
    }
  });
});

it("sessions that commit at the same time lose nothing", async () => {
  const repository = await newRepository();
  const first = await repository.writableSession();
  first.createArray("/a", byteArray([40]));
  await first.commit("array");
  await Promise.all(
    Array.from({ length: 8 }, async (_, worker) => {
      for (let i = 0; i < 5; i++) {
        const session = await repository.writableSession();
        await session.setChunk("/a", [5 * worker + i], chunk(5 * worker + i));
        await session.commit(`${worker}/${i}`, { rebase: true });
      }
    }),
  );
  expect(await messages(repository)).toHaveLength(42);
  const found = await chunksOf(await repository.readonlySession());
  for (let i = 0; i < 40; i++) expect(found[`a/c/${i}`]).toBe(chunk(i).join());
  expect(await errorsOf(repository)).toEqual([]);
});

it("tells the loser which chunks both changed, and what can be done", async () => {
  const repository = await base();
  const session = await repository.writableSession();
  const other = await repository.writableSession();
  for (const i of [0, 2]) {
    await set("/a", i, 8)(session);
    await set("/a", i, 9)(other);
  }
  const id = await other.commit("theirs");
  const lost = session.commit("ours", { rebase: true });
  await expect(lost).rejects.toThrow(
    `cannot rebase over ${id}: chunks [0], [2] of /a were changed by both; ` +
      'rebase with onChunkConflict "ours" or "theirs", or begin anew',
  );
  await session.commit("ours after all", { rebase: { onChunkConflict: "theirs" }, allowEmpty: true });
  expect((await chunksOf(await repository.readonlySession()))["a/c/0"]).toBe(chunk(9).join());
});
