import { describe, expect, it } from "vitest";
import { Repository } from "../../src/icechunk/repository.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { type Fault, FaultyStorage } from "./faulty-storage.ts";
import { ADDRESS, byteArray, chunk, contents, errorsOf, messages, newRepository } from "./repositories.ts";

/** A copy of all objects. */
async function copy(from: Storage): Promise<MemoryStorage> {
  const to = new MemoryStorage();
  for await (const { address } of from.list(`${ADDRESS}/`)) {
    await to.write(address, (await from.read(address, [{ offset: 0 }])).parts[0] ?? new Uint8Array(0));
  }
  return to;
}

/** A repository with two branches, a tag, an expired past and some garbage. */
async function base(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  const repository = await newRepository({}, storage);
  for (const step of [1, 2, 3]) {
    const session = await repository.writableSession();
    if (step === 1) session.createArray("/a", byteArray([8]));
    await session.setChunk("/a", [step], chunk(step));
    await session.setChunk("/a", [step + 1], chunk(step, 900));
    const id = await session.commit(`step ${step}`);
    if (step === 2) await repository.createTag("two", id);
  }
  const aside = await repository.writableSession();
  await aside.setChunk("/a", [7], chunk(7, 800));
  await aside.flush("aside");
  return storage;
}

/** What a reader sees of every branch. */
async function stateOf(storage: Storage): Promise<unknown> {
  const repository = await Repository.open(storage, ADDRESS);
  const branches: Record<string, unknown> = {};
  for (const [branch, id] of await repository.listBranches()) {
    branches[branch] = [
      id,
      await messages(repository, branch),
      await contents(await repository.readonlySession({ branch })),
    ];
  }
  return { branches, tags: [...(await repository.listTags())] };
}

/** Ids are random: states are compared without them. */
function withoutIds(state: unknown): string {
  return JSON.stringify(state).replace(/"[0-9A-HJKMNP-TV-Z]{20}"/g, '"id"');
}

const OPERATIONS: Record<string, (repository: Repository) => Promise<unknown>> = {
  async commit(repository) {
    const session = await repository.writableSession();
    await session.setChunk("/a", [0], chunk(100, 1_200_000));
    await session.setChunk("/a", [5], chunk(101, 1000));
    session.createArray("/g/b", byteArray([2]));
    await session.setChunk("/g/b", [1], chunk(102));
    await session.commit("new");
  },
  async amend(repository) {
    const session = await repository.writableSession();
    await session.setChunk("/a", [6], chunk(103, 1000));
    await session.amend("amended");
  },
  async move(repository) {
    const session = await repository.rearrangeSession();
    session.move("/a", "/b");
    await session.commit("moved");
  },
  branch: (repository) => repository.createBranch("new", "1CECHNKREP0F1RSTCMT0"),
  expire: (repository) => repository.expireSnapshots({ olderThan: new Date(Date.now() + 60_000) }),
  collect: (repository) => repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) }),
};

describe("a process that is killed at any write", () => {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    it(`leaves the repository as it was before or after: ${name}`, async () => {
      const before = await base();
      const done = await copy(before);
      await operation(await Repository.open(done, ADDRESS));
      const [old, made] = [await stateOf(before), await stateOf(done)].map(withoutIds);
      let points = 0;
      for (const fault of ["before", "after"] as const satisfies Fault[]) {
        for (let at = 0; ; at++) {
          const storage = await copy(before);
          const faulty = new FaultyStorage(storage, at, fault);
          const failed = await Repository.open(faulty, ADDRESS)
            .then(operation)
            .then(
              () => false,
              () => true,
            );
          if (!faulty.failed) break;
          expect(failed).toBe(true);
          points += 1;
          const state = withoutIds(await stateOf(storage));
          expect([old, made]).toContain(state);
          const repository = await Repository.open(storage, ADDRESS);
          expect(await errorsOf(repository)).toEqual([]);
          // Everything that was left behind can be collected, and nothing else is.
          await repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
          expect(withoutIds(await stateOf(storage))).toBe(state);
          expect((await repository.fsck()).findings).toEqual([]);
        }
      }
      expect(points).toBeGreaterThan(3);
    });
  }

  it("leaves no repository, or a whole one, where it was creating it", async () => {
    for (const fault of ["before", "after"] as const) {
      for (let at = 0; at < 3; at++) {
        const storage = new MemoryStorage();
        await expect(Repository.create(new FaultyStorage(storage, at, fault), ADDRESS)).rejects.toThrow();
        if (await Repository.exists(storage, ADDRESS)) {
          expect(await errorsOf(await Repository.open(storage, ADDRESS))).toEqual([]);
        }
      }
    }
  });
});

describe("a write whose answer is lost", () => {
  it("counts as made where it was made", async () => {
    const storage = await base();
    const total = new FaultyStorage(await copy(storage), Number.POSITIVE_INFINITY, "after");
    await OPERATIONS["branch"]?.(await Repository.open(total, ADDRESS));
    // The last write of every update is that of the repo file.
    const lossy = new FaultyStorage(storage, total.changes - 1, "after", false);
    const repository = await Repository.open(lossy, ADDRESS);
    await OPERATIONS["branch"]?.(repository);
    expect(lossy.failed).toBe(true);
    expect([...(await repository.listBranches()).keys()]).toEqual(["main", "new"]);
    const operations: string[] = [];
    for await (const { operation } of repository.operations()) operations.push(operation.kind);
    expect(operations.filter((kind) => kind === "BranchCreated")).toHaveLength(1);
  });

  it("is an error where it was not made", async () => {
    const storage = await base();
    const total = new FaultyStorage(await copy(storage), Number.POSITIVE_INFINITY, "after");
    await OPERATIONS["branch"]?.(await Repository.open(total, ADDRESS));
    const lossy = new FaultyStorage(storage, total.changes - 1, "before", false);
    await expect(OPERATIONS["branch"]?.(await Repository.open(lossy, ADDRESS))).rejects.toMatchObject({
      code: "StorageFailed",
    });
    expect([...(await (await Repository.open(storage, ADDRESS)).listBranches()).keys()]).toEqual(["main"]);
  });
});

it("garbage is collected by the state that is there, not by one that is remembered", async () => {
  const storage = new MemoryStorage();
  const config = { inlineChunkThresholdBytes: 0 };
  const repository = await Repository.create(storage, ADDRESS, { config });
  const later = () => new Date(Date.now() + 60_000);
  await repository.garbageCollect({ olderThan: later() });
  const other = await Repository.open(storage, ADDRESS);
  const session = await other.writableSession();
  session.createArray("/a", byteArray([1]));
  await session.setChunk("/a", [0], chunk(1));
  await session.commit("by somebody else");
  const { chunks, snapshots } = await repository.garbageCollect({ olderThan: later() });
  expect([chunks.count, snapshots.count]).toEqual([0, 0]);
  expect(await errorsOf(await Repository.open(storage, ADDRESS))).toEqual([]);
});
