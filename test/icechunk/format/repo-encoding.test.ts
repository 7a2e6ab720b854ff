import { afterEach, describe, expect, it } from "vitest";
import { native } from "../../../src/codecs/native.ts";
import { readRepo } from "../../../src/icechunk/format/repo.ts";
import { RepoEncoding, writeRepo } from "../../../src/icechunk/format/repo-encoding.ts";
import { Repository } from "../../../src/icechunk/repository.ts";
import { RepositoryFiles } from "../../../src/icechunk/repository-files.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { ADDRESS, newRepository } from "../repositories.ts";

const { zstd } = native;
afterEach(() => {
  native.zstd = zstd;
});

async function commits(repository: Repository, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const session = await repository.writableSession();
    const metadata = { number: i };
    await session.commit(`commit ${i}`, { allowEmpty: true, metadata });
  }
}

const repoFile = async (storage: MemoryStorage): Promise<Uint8Array> =>
  (await storage.read(`${ADDRESS}/repo`, [{ offset: 0 }])).parts[0] ?? new Uint8Array(0);

/** All that a file says, however its parts are arranged. */
async function said(file: Uint8Array): Promise<unknown> {
  const { snapshots, latestUpdates, ...rest } = await readRepo(file, "repo");
  return { ...rest, snapshots: [...snapshots], latestUpdates: [...latestUpdates] };
}

describe("the repo file", () => {
  it("says the same when it was added to as when it is written anew", async () => {
    const storage = new MemoryStorage();
    const repository = await newRepository({}, storage);
    await commits(repository, 40);
    const second = await Repository.open(storage, ADDRESS);
    const tip = await second.lookupBranch("main");
    await second.createBranch("other", tip);
    await second.createTag("v1", tip);
    await second.setMetadata({ title: "Übung" });
    await (await second.writableSession("other")).flush("aside", { allowEmpty: true });
    await second.expireSnapshots({ olderThan: new Date(Date.now() + 60_000) });
    await commits(await Repository.open(storage, ADDRESS), 3);
    const file = await repoFile(storage);
    expect(await said(await writeRepo(await readRepo(file, "repo"), 1))).toEqual(await said(file));
    const { snapshots } = await readRepo(file, "repo");
    expect([...snapshots.values()].some(({ prunedAncestorLogs }) => prunedAncestorLogs.length > 30)).toBe(
      true,
    );
  });

  it("is taken up from the storage with what is packed in it", async () => {
    const storage = new MemoryStorage();
    const repository = await newRepository({}, storage);
    await commits(repository, 600);
    const again = await Repository.open(storage, ADDRESS);
    const packed: number[] = [];
    native.zstd = {
      ...zstd,
      compress(bytes, level, checksum) {
        packed.push(bytes.length);
        return zstd.compress(bytes, level, checksum);
      },
    };
    await commits(again, 1);
    const { bytes } = await new RepositoryFiles(ADDRESS, storage).read("repo");
    const encoding = await RepoEncoding.stored(bytes, "repo");
    expect(encoding).toBeDefined();
    // The head has 48 bytes for each snapshot and operation; of the body only the newest part is packed again.
    const total = packed.reduce((sum, length) => sum + length, 0);
    expect(total).toBeLessThan(48 * 602 + 16 * 1024 + 4096);
  });

  it("does not grow by the operations that left it", async () => {
    const storage = new MemoryStorage();
    const repository = await newRepository({ config: { updatesPerRepoFile: 20 } }, storage);
    await repository.createTag("start", await repository.lookupBranch("main"));
    const sizes: number[] = [];
    for (let i = 0; i < 1500; i++) {
      await repository.setMetadata({ number: i });
      sizes.push((await repoFile(storage)).length);
    }
    expect(Math.max(...sizes)).toBeLessThan(40_000);
    let count = 0;
    for await (const _ of repository.operations()) count += 1;
    expect(count).toBe(1502);
  });

  it("reads no more than its head to find a branch", async () => {
    const storage = new MemoryStorage();
    await commits(await newRepository({}, storage), 300);
    const file = await repoFile(storage);
    let unpacked = 0;
    native.zstd = {
      ...zstd,
      decompress(bytes, maximum) {
        const content = zstd.decompress(bytes, maximum);
        unpacked += content.length;
        return content;
      },
      decompressInto(bytes, target) {
        const isDone = zstd.decompressInto?.(bytes, target) ?? false;
        if (isDone) unpacked += target.length;
        return isDone;
      },
    };
    const info = await readRepo(file, "repo");
    const tip = info.branches.get("main") ?? "";
    expect(info.snapshots.has(tip)).toBe(true);
    expect(info.snapshots.has("0000000000000000000G")).toBe(false);
    const head = unpacked;
    expect(info.snapshots.get(tip)?.message).toBe("commit 299");
    expect(unpacked).toBeGreaterThan(2 * head);
  });
});
