import { describe, expect, it } from "vitest";
import { parseSharding } from "../../../src/codecs/sharding.ts";
import { Repository } from "../../../src/icechunk/repository.ts";
import type { Session } from "../../../src/icechunk/session/session.ts";
import { ManifestBuilder } from "../../../src/manifest/manifest-builder.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import type { ReadResult } from "../../../src/storage/storage.ts";
import { parseArrayMetadata } from "../../../src/zarr/metadata-v3.ts";
import { get } from "../../../src/zarr/read/get.ts";
import { slice } from "../../../src/zarr/selection.ts";
import { storedBytes } from "../../../src/zarr/stored-bytes.ts";
import { ShardEncoder } from "../../../src/zarr/write/shard-encoder.ts";
import { ADDRESS, byteArray, chunk, chunksOf, newRepository } from "../repositories.ts";

/** Objects that the chunks of an array lie in, in the order of the grid, each with its offsets. */
async function objectsOf(session: Session, path: string): Promise<number[][]> {
  const { locations, locationIndexes, offsets, count } = await session.manifest(path);
  const objects = locations.map((): number[] => []);
  for (let entry = 0; entry < count; entry++) {
    objects[locationIndexes?.[entry] ?? 0]?.push(offsets[entry] ?? -1);
  }
  return objects.filter((object) => object.length > 0);
}

describe("chunks of one session", () => {
  it("lie in one object in the order of the grid, in whatever order they were set and read meanwhile", async () => {
    const repository = await newRepository({ config: { inlineChunkThresholdBytes: 0 } });
    const session = await repository.writableSession("main");
    for (const path of ["/b", "/a"]) session.createArray(path, byteArray([3, 4]));
    const cells = Array.from({ length: 12 }, (_, i) => [(i * 7) % 12, i] as const);
    for (const [position] of cells) {
      for (const path of ["/b", "/a"]) {
        const at = [Math.floor(position / 4), position % 4];
        await session.setChunk(path, at, chunk(position + (path === "/a" ? 100 : 0), 16));
      }
    }
    await session.commit("set");
    const after = await repository.readonlySession();
    for (const path of ["/a", "/b"]) {
      const [offsets, ...others] = await objectsOf(after, path);
      expect(others).toEqual([]);
      expect(offsets).toEqual(Array.from({ length: 12 }, (_, i) => (offsets?.[0] ?? 0) + 16 * i));
    }
    const stored = await chunksOf(after);
    for (let i = 0; i < 12; i++) {
      const key = `c/${Math.floor(i / 4)}/${i % 4}`;
      expect(stored[`a/${key}`]).toBe(chunk(100 + i, 16).join());
      expect(stored[`b/${key}`]).toBe(chunk(i, 16).join());
    }
  });

  it("keep their places once somebody has asked for them before the commit", async () => {
    const repository = await newRepository({ config: { inlineChunkThresholdBytes: 0 } });
    const session = await repository.writableSession("main");
    session.createArray("/a", byteArray([6]));
    const model: string[] = [];
    for (const [step, at] of [5, 3, 4, 0, 3, 1, 2].entries()) {
      await session.setChunk("/a", [at], chunk(step + 1, 16));
      model[at] = chunk(step + 1, 16).join();
      const found = await chunksOf(session);
      for (const [position, bytes] of model.entries()) expect(found[`a/c/${position}`]).toBe(bytes);
      if (step === 3) await session.manifest("/a");
    }
    await session.commit("set");
    const found = await chunksOf(await repository.readonlySession());
    expect(Object.values(found)).toEqual(model);
  });

  it("are packed into objects of the size that is asked for; large ones have their own", async () => {
    const storage = new MemoryStorage();
    const config = { inlineChunkThresholdBytes: 0 };
    const repository = await Repository.create(storage, ADDRESS, { config, chunkObjectBytes: 160 });
    const session = await repository.writableSession("main");
    session.createArray("/a", byteArray([40]));
    for (let at = 0; at < 30; at++) await session.setChunk("/a", [at], chunk(at, 16));
    await session.setChunk("/a", [30], chunk(30, 20));
    await session.commit("set");
    const objects = await objectsOf(await repository.readonlySession(), "/a");
    expect(objects.map((offsets) => offsets.length).sort()).toEqual([1, 10, 10, 10]);
    for (const chunkObjectBytes of [Number.NaN, 0, -1]) {
      const odd = await Repository.open(storage, ADDRESS, { chunkObjectBytes });
      await expect(odd.writableSession("main")).rejects.toMatchObject({ code: "InvalidArgument" });
    }
  });
});

describe("an array of shards", () => {
  const metadata = parseArrayMetadata({
    zarr_format: 3,
    node_type: "array",
    shape: [8, 16],
    data_type: "uint8",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [8, 8] } },
    chunk_key_encoding: { name: "default" },
    fill_value: 0,
    codecs: [
      {
        name: "sharding_indexed",
        configuration: {
          chunk_shape: [4, 4],
          codecs: [{ name: "bytes" }, { name: "gzip", configuration: { level: 5 } }],
          index_codecs: [{ name: "bytes", configuration: { endian: "little" } }, { name: "crc32c" }],
          index_location: "end",
        },
      },
    ],
  });
  const encoder = new ShardEncoder(parseSharding(metadata.codecs[0]?.configuration ?? {}), [8, 8]);
  /** No gzip: whoever decodes it finds an error. */
  const undecodable = [1, 2, 3].map((value) => chunk(0xf0 + value, 40));

  async function partsOf(session: Session, at: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const array = session.array("/a");
    const places = await array.chunks.locate(Uint32Array.from(at), 1);
    const bytes = (await storedBytes(places, 1, array.storage)).get(0);
    return bytes ? encoder.split(bytes.slice()) : [];
  }

  it.each(["native", "virtual"])(
    "is changed without decoding what is not touched: %s shards",
    async (kind) => {
      const storage = new MemoryStorage();
      const config = {
        virtualChunkContainers: [{ urlPrefix: "memory://files/" }],
        inlineChunkThresholdBytes: 0,
      };
      const repository = await Repository.create(storage, ADDRESS, { config, authorize: "all" });
      const session = await repository.writableSession("main");
      session.createArray("/a", metadata);
      const shard = encoder.assemble([undefined, ...undecodable]) ?? new Uint8Array(0);
      if (kind === "native") {
        for (const column of [0, 1]) await session.setChunk("/a", [0, column], shard);
      } else {
        await storage.write("memory://files/shards", shard);
        const builder = new ManifestBuilder([1, 2], "memory://files/shards");
        for (const column of [0, 1]) builder.append(column, 0, shard.length);
        await session.setReferences("/a", builder.build());
      }
      const first = await session.commit(
        "shards whose inner chunks are no gzip, but the first, which is missing",
      );
      const writing = await repository.writableSession("main");
      await writing.array("/a").set([slice(1, 3), slice(0, 2)], 9);
      await writing.array("/a").set([slice(3, 4), slice(2, 4)], 8);
      await writing.commit("a part of the first inner chunk");
      const now = await repository.readonlySession();
      const [changed, ...others] = await partsOf(now, [0, 0]);
      expect(others).toEqual(undecodable);
      expect(changed).toBeDefined();
      const { data } = await get(now.array("/a"), [slice(0, 4), slice(0, 4)]);
      expect([...data]).toEqual([0, 0, 0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 0, 0, 8, 8]);
      await expect(get(now.array("/a"), [slice(4, 8), slice(0, 4)])).rejects.toMatchObject({
        code: "CorruptChunk",
      });
      // The other shard is the one that was there, and older snapshots have the old bytes.
      const diff = await repository.diff({ snapshotId: first }, {});
      expect(diff.updatedChunks.get("/a")).toEqual([[0, 0]]);
      const [before] = await partsOf(await repository.readonlySession({ snapshotId: first }), [0, 0]);
      expect(before).toBeUndefined();
    },
  );

  it("is not written any more by a failed change that another one followed", async () => {
    class SlowStorage extends MemoryStorage {
      isSlow = false;
      override async read(...words: Parameters<MemoryStorage["read"]>): Promise<ReadResult> {
        const result = await super.read(...words);
        const [address, [range]] = words;
        if (this.isSlow && address.includes("/chunks/") && range?.offset !== 0) {
          this.isSlow = false;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        return result;
      }
    }
    const storage = new SlowStorage();
    const config = { inlineChunkThresholdBytes: 0 };
    const repository = await Repository.create(storage, ADDRESS, { config });
    const session = await repository.writableSession("main");
    session.createArray("/a", { ...metadata, shape: [8, 8 * 40] });
    await session.setChunk("/a", [0, 0], chunk(1, 40));
    await session.setChunk("/a", [0, 1], encoder.assemble(undecodable) ?? new Uint8Array(0));
    await session.commit("something that is no shard, and one that is read slowly");
    const array = (await repository.writableSession("main")).array("/a");
    storage.isSlow = true;
    await expect(array.set([slice(0, 4), slice(7, 8 * 39)], 1)).rejects.toMatchObject({ path: "/a" });
    expect(storage.isSlow).toBe(false);
    await array.set([slice(4, 8), slice(12, 16)], 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await get(array, [4, slice(12, 16)])).data.join()).toBe("2,2,2,2");
  });
});
