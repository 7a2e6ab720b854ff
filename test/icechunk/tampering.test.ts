import { describe, expect, it } from "vitest";
import { isMoraineError } from "../../src/errors.ts";
import { Repository } from "../../src/icechunk/repository.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { ADDRESS, byteArray, chunk, contents, newRepository } from "./repositories.ts";

async function repositoryWithEverything(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  const repository = await newRepository(
    { config: { virtualChunkContainers: [{ urlPrefix: "memory://data/", name: "data" }] } },
    storage,
  );
  await storage.write("memory://data/a", new Uint8Array(64).fill(3));
  const session = await repository.writableSession();
  session.createGroup("/", { title: "ä" });
  session.createArray("/g/a", byteArray([3, 4]));
  await session.setChunk("/g/a", [0, 0], chunk(1, 900));
  await session.setChunk("/g/a", [1, 0], chunk(2));
  await session.setReferences(
    "/g/a",
    {
      gridShape: [1, 2],
      count: 2,
      locations: ["memory://data/a"],
      versions: [undefined],
      offsets: Float64Array.of(0, 16),
      lengths: Float64Array.of(16, 16),
      inline: new Map(),
    },
    { at: [2, 2] },
  );
  await session.commit("everything", { metadata: { by: "test" } });
  await repository.createTag("v1", await repository.lookupBranch("main"));
  return storage;
}

/** Everything that a reader can ask for. */
async function readAll(storage: MemoryStorage): Promise<unknown> {
  const repository = await Repository.open(storage, ADDRESS, { authorize: "all" });
  const session = await repository.readonlySession();
  const found = {
    contents: await contents(session),
    history: [] as unknown[],
    operations: [] as unknown[],
    diff: {},
  };
  for await (const entry of repository.ancestry()) found.history.push(entry);
  for await (const entry of repository.operations()) found.operations.push(entry);
  found.diff = await repository.diff({ snapshotId: "1CECHNKREP0F1RSTCMT0" });
  return found;
}

/** Damages of a file. */
function* damages(bytes: Uint8Array): Generator<[string, Uint8Array]> {
  // Every byte of small files would take minutes: all of the headers, and a part of the rest.
  for (let at = 0; at < bytes.length; at += at < 64 ? 1 : 7) {
    for (const bit of [0, 3, 7]) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      yield [`bit ${bit} of byte ${at}`, flipped];
    }
  }
  for (const length of [0, 1, 38, 39, 40, Math.floor(bytes.length / 2), bytes.length - 1]) {
    yield [`cut to ${length} bytes`, bytes.slice(0, length)];
  }
  yield ["zeros at its end", Uint8Array.of(...bytes, ...new Uint8Array(64))];
}

describe("a damaged file", () => {
  for (const kind of ["repo", "snapshots/", "manifests/", "transactions/", "overwritten/"]) {
    it(`of kind ${kind} gives typed errors, and never other values`, async () => {
      const storage = await repositoryWithEverything();
      const whole = JSON.stringify(await readAll(storage));
      const addresses: string[] = [];
      for await (const { address } of storage.list(`${ADDRESS}/`)) {
        if (address.startsWith(`${ADDRESS}/${kind}`)) addresses.push(address);
      }
      expect(addresses.length).toBeGreaterThan(0);
      let refused = 0;
      for (const address of addresses) {
        const bytes = (await storage.read(address, [{ offset: 0 }])).parts[0] ?? new Uint8Array(0);
        for (const [what, damaged] of damages(bytes)) {
          await storage.write(address, damaged);
          try {
            expect([what, JSON.stringify(await readAll(storage))]).toEqual([what, whole]);
          } catch (error) {
            if (!isMoraineError(error)) throw error;
            refused += 1;
          }
          // The checker tells of it, and fails on nothing.
          if (what.startsWith("cut")) {
            const { findings } = (await (
              await Repository.open(storage, ADDRESS).catch(() => undefined)
            )?.fsck()) ?? { findings: [{ severity: "error" }] };
            if (kind !== "overwritten/")
              expect([what, findings.some(({ severity }) => severity === "error")]).toEqual([what, true]);
          }
        }
        await storage.write(address, bytes);
      }
      if (kind !== "overwritten/") expect(refused).toBeGreaterThan(50);
    });
  }

  for (const kind of ["snapshots", "manifests", "transactions"]) {
    it(`of ${kind} that lies under another's name is an error, and never taken for the other`, async () => {
      const storage = new MemoryStorage();
      const repository = await newRepository({}, storage);
      const first = await repository.writableSession();
      first.createArray("/a", byteArray([1]));
      await first.commit("array");
      const names: string[] = [];
      for (const value of [1, 2]) {
        const before = await namesIn(storage, kind);
        const session = await repository.writableSession();
        await session.setChunk("/a", [0], chunk(value));
        await session.commit("a chunk");
        names.push(...(await namesIn(storage, kind)).filter((name) => !before.includes(name)));
      }
      const [older = "", newer = ""] = names;
      await storage.write(older, (await storage.read(newer, [{ offset: 0 }])).parts[0] ?? new Uint8Array(0));
      const opened = await Repository.open(storage, ADDRESS);
      const { findings } = await opened.fsck();
      const wrong = findings.filter(({ severity }) => severity === "error");
      expect(wrong.map(({ source, code }) => [source, code])).toContainEqual([older, "CorruptFile"]);
    });
  }
});

async function namesIn(storage: MemoryStorage, kind: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { address } of storage.list(`${ADDRESS}/${kind}/`)) names.push(address);
  return names;
}
