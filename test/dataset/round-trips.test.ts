import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { get, index, open, Repository, slice } from "../../src/node.ts";
import { StorageRouter } from "../../src/storage/router.ts";
import { S3Server } from "../storage/s3-server.ts";

const FILE = new URL("../data/demo/sst-2020.nc", import.meta.url);

describe("requests that wait for the answer to earlier ones", () => {
  const server = new S3Server();
  const router = () =>
    new StorageRouter({
      s3: {
        endpoint: server.url,
        region: "us-east-1",
        credentials: { accessKeyId: "test", secretAccessKey: "secret" },
      },
    });
  beforeAll(async () => {
    await server.start();
    server.store("archive/sst-2020.nc", new Uint8Array(await readFile(FILE)));
    const storage = router();
    await index("s3://archive/sst-2020.nc", "s3://archive/sst.icechunk", { storage });
    const repository = await Repository.open("s3://archive/sst.icechunk", {
      storage,
      config: { inlineChunkThresholdBytes: 0 },
    });
    const session = await repository.writableSession("main");
    const sst = await session.array("sst");
    await sst.set([0, null, null], new Int16Array(600).fill(7));
    await session.commit("one chunk of its own");
  });
  afterAll(() => server.stop());

  for (const [kind, time, value] of [
    ["native", 0, 7],
    ["virtual", 1, undefined],
  ] as const) {
    it(`are at most five from opening a repository on S3 to one ${kind} chunk`, async () => {
      server.reset();
      const storage = router();
      const group = await open("s3://archive/sst.icechunk", { storage });
      const { data } = await get(await group.array("sst"), [time, slice(0, 2), slice(0, 2)]);
      if (value !== undefined) expect(Array.from(data as Int16Array)).toEqual([value, value, value, value]);
      expect(server.log.at(-1)).toMatch(kind === "native" ? /chunks/ : /sst-2020\.nc/);
      expect(storage.statistics.rounds).toBeLessThanOrEqual(5);
      // Beside those of the detection: repo, snapshot, manifest, chunk.
      expect(
        server.log.filter((line) => /repo$|snapshots|manifests|chunks|\.nc/.test(line)).length,
      ).toBeLessThanOrEqual(6);
    });

    it(`are at most five through the repository to one ${kind} chunk`, async () => {
      const storage = router();
      const repository = await Repository.open("s3://archive/sst.icechunk", { storage });
      const session = await repository.readonlySession();
      await get(await session.array("sst"), [time, slice(0, 2), slice(0, 2)]);
      expect(storage.statistics.rounds).toBeLessThanOrEqual(5);
    });
  }

  it("bring a small manifest while nobody waits for it, once", async () => {
    server.reset();
    const manifests = () => server.log.filter((line) => line.includes("manifests")).length;
    const storage = router();
    const group = await open("s3://archive/sst.icechunk", { storage });
    expect(manifests()).toBe(0);
    const array = await group.array("sst");
    await expect.poll(manifests).toBe(1);
    await get(array, [1, slice(0, 2), slice(0, 2)]);
    expect(manifests()).toBe(1);
  });

  it("that fail while nobody waits for them fail for who asks", async () => {
    const copy = new S3Server();
    await copy.start();
    try {
      copy.store("archive/sst-2020.nc", new Uint8Array(await readFile(FILE)));
      const storage = new StorageRouter({
        s3: {
          endpoint: copy.url,
          region: "us-east-1",
          credentials: { accessKeyId: "a", secretAccessKey: "b" },
        },
      });
      await index("s3://archive/sst-2020.nc", "s3://archive/lost.icechunk", { storage });
      for await (const { address } of storage.list("s3://archive/lost.icechunk/manifests/")) {
        await storage.delete([address]);
      }
      const array = await (await open("s3://archive/lost.icechunk", { storage })).array("sst");
      await expect(get(array, [1, 0, 0])).rejects.toMatchObject({ code: "NotFound" });
    } finally {
      await copy.stop();
    }
  });

  it("are two from opening a NetCDF-4 file to one chunk", async () => {
    const storage = router();
    const group = await open("s3://archive/sst-2020.nc", { storage });
    await get(await group.array("sst"), [0, slice(0, 2), slice(0, 2)]);
    expect(storage.statistics.rounds).toBeLessThanOrEqual(2);
  });
});
