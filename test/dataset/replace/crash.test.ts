import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import {
  compact,
  get,
  index,
  materialize,
  open,
  Repository,
  refresh,
  replace,
  rewrite,
  slice,
} from "../../../src/node.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { registerScheme, StorageRouter } from "../../../src/storage/router.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { type Fault, FaultyStorage } from "../../icechunk/faulty-storage.ts";

const ADDRESS = "crash://repository";
const FILE = "memory://crash/sst-2020.nc";
const COPY = "memory://crash/copy.nc";
const bytes = new Uint8Array(readFileSync(new URL("../../data/demo/sst-2020.nc", import.meta.url)));
const later = (): Date => new Date(Date.now() + 60_000);

let current: Storage = new MemoryStorage();
registerScheme("crash", () => current);

/** A copy of all objects. */
async function copy(from: Storage): Promise<MemoryStorage> {
  const to = new MemoryStorage();
  for await (const { address } of from.list(`${ADDRESS}/`)) {
    await to.write(address, (await from.read(address, [{ offset: 0 }])).parts[0] ?? new Uint8Array(0));
  }
  return to;
}

const options = { authorize: "all" } as const;
const opened = async () => await Repository.open(ADDRESS, options);

async function sst(ref?: string): Promise<string> {
  const source = await open(ADDRESS, { ref, authorize: ["crash://", "memory://"] });
  return Array.from((await get(await source.array("sst"))).data, Number).join();
}

async function firstSnapshot(): Promise<string> {
  let first = "";
  for await (const { id, parentId } of (await opened()).ancestry()) if (parentId) first = id;
  return first;
}

/** Virtual chunks, native ones in an object that is mostly overwritten, and garbage. */
async function base(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  current = storage;
  await Repository.create(ADDRESS, { config: { inlineChunkThresholdBytes: 0 } });
  await index(FILE, ADDRESS, { load: [] });
  await materialize(ADDRESS, { path: "/sst", where: "time=2:4", ...options });
  const session = await (await opened()).writableSession();
  await session.array("sst").set([3], 5);
  await session.commit("written");
  const aside = await (await opened()).writableSession();
  await aside.array("sst").set([2], 6);
  await aside.flush("aside");
  return storage;
}

const OPERATIONS: Record<string, () => Promise<unknown>> = {
  replace: () => replace(ADDRESS, FILE, { path: "/sst", where: "lat=-10..10,time=1:4", ...options }),
  materialize: () => materialize(ADDRESS, { budget: 700, ...options }),
  rewrite: () =>
    rewrite(ADDRESS, {
      path: "/sst",
      chunks: { time: 1, lat: 5 },
      shards: { time: 2 },
      recompress: "zstd",
      ...options,
    }),
  compact: () => compact(ADDRESS, { threshold: 0.99, budget: 700, ...options }),
  pin: () => refresh(ADDRESS, { pin: true, copies: [COPY], ...options }),
  refresh: () => refresh(ADDRESS, { ...options }),
  collect: async () => await (await opened()).garbageCollect({ olderThan: later() }),
  expire: async () => await (await opened()).expireSnapshots({ olderThan: later() }),
};

beforeAll(async () => {
  for (const address of [FILE, COPY]) await new StorageRouter().write(address, bytes);
});

describe("a campaign that is killed at any write", () => {
  it.each(Object.keys(OPERATIONS))(
    "leaves every value as it was before or after, and can be taken up again: %s",
    async (name) => {
      const operation = OPERATIONS[name] ?? (() => Promise.resolve());
      const before = await base();
      const [old, first] = [await sst(), await firstSnapshot()];
      const oldFirst = await sst(first);
      const isStale = name === "pin" || name === "refresh";
      if (isStale) await new StorageRouter().write(FILE, bytes);
      current = await copy(before);
      await operation();
      const made = await sst();
      let points = 0;
      for (const fault of ["before", "after"] as const satisfies Fault[]) {
        for (let at = 0; ; at++) {
          const storage = await copy(before);
          const faulty = new FaultyStorage(storage, at, fault);
          current = faulty;
          await operation().catch(() => undefined);
          if (!faulty.failed) break;
          points += 1;
          current = storage;
          if (!isStale) expect([old, made]).toContain(await sst());
          expect(
            (await (await opened()).fsck()).findings.filter(({ severity }) => severity === "error"),
          ).toEqual([]);
          await operation();
          expect(await sst()).toBe(made);
          if (name !== "expire" && !isStale) expect(await sst(first)).toBe(oldFirst);
          await (await opened()).garbageCollect({ olderThan: later() });
          expect(await sst()).toBe(made);
          expect((await (await opened()).fsck()).findings).toEqual([]);
        }
      }
      expect(points).toBeGreaterThan(1);
    },
  );
});

it("a session that is overtaken by a campaign keeps both where they touched other chunks", async () => {
  await base();
  const session = await (await opened()).writableSession();
  await session.array("sst").set([0, slice(0, 10), slice(0, 15)], 9);
  await materialize(ADDRESS, { path: "/sst", where: "time=1", ...options });
  await session.commit("beside it", { rebase: true });
  const { data } = await get(await (await open(ADDRESS, { authorize: ["memory://"] })).array("sst"));
  expect(Array.from(data, Number).slice(0, 15)).toEqual(new Array(15).fill(9));
});
