import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MoraineError } from "../../../src/errors.ts";
import { FileBlocks } from "../../../src/readers/hdf5/file-blocks.ts";
import { CountingStorage } from "./counting-storage.ts";

const ADDRESS = "memory://blocks";
const KIB = 1024;

function numbered(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 2654435761) >>> 24;
  return bytes;
}

async function open(bytes: Uint8Array): Promise<{ storage: CountingStorage; file: FileBlocks }> {
  const storage = new CountingStorage();
  await storage.hold(ADDRESS, bytes);
  return { storage, file: await FileBlocks.open(ADDRESS, storage) };
}

describe("the blocks of a file", () => {
  const bytes = numbered(4992 * KIB);

  it("are what the file holds, whatever is asked for in whatever order", async () => {
    const file = numbered(400 * KIB);
    const range = fc.record({ offset: fc.nat(file.length), length: fc.nat(3000), once: fc.boolean() });
    const turn = fc.array(range, { minLength: 1, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 6 }), async (turns) => {
        const opened = await open(file);
        for (const ranges of turns) {
          await Promise.all(
            ranges.map(async ({ offset, length, once }) => {
              const size = Math.min(length, file.length - offset);
              const [part] = await opened.file.read([offset], [size], { once });
              expect(part).toEqual(file.subarray(offset, offset + size));
            }),
          );
        }
      }),
      { numRuns: 30 },
    );
  });

  it("come with one request that tells the size of the file too", async () => {
    const { storage, file } = await open(bytes);
    await file.read([0, 100, 60 * KIB], [10, 1000, 4 * KIB]);
    expect(storage.reads).toHaveLength(1);
    expect(file.size).toBe(bytes.length);
  });

  it("are not asked for where the first ones are at hand", async () => {
    const storage = new CountingStorage();
    const version = await storage.hold(ADDRESS, bytes);
    const file = await FileBlocks.open(ADDRESS, storage, { head: { bytes: bytes.slice(0, 100), version } });
    expect((await file.read([90], [10]))[0]).toEqual(bytes.subarray(90, 100));
    expect(storage.reads).toHaveLength(0);
  });

  it("go out together for all who ask in one turn", async () => {
    const { storage, file } = await open(bytes);
    const offsets = [1000, 3000, 2000].map((kib) => kib * KIB);
    await Promise.all(offsets.map((offset) => file.read([offset], [64])));
    expect(storage.reads).toHaveLength(2);
    expect(storage.reads[1]).toHaveLength(3);
  });

  it("are asked for once by those who want the same, and remembered", async () => {
    const { storage, file } = await open(bytes);
    await Promise.all([file.read([1000 * KIB], [64]), file.read([1000 * KIB + 32], [64])]);
    await file.read([1000 * KIB + 5], [6]);
    expect(storage.reads[1]).toHaveLength(1);
    expect(storage.reads).toHaveLength(2);
  });

  it("grow while somebody reads on", async () => {
    const { storage, file } = await open(bytes);
    for (let offset = 0; offset < bytes.length; offset += 16 * KIB) await file.read([offset], [16 * KIB]);
    expect(storage.reads.length).toBeLessThan(12);
  });

  it("are exact and forgotten where bytes are read once", async () => {
    const { storage, file } = await open(bytes);
    await file.read([1000 * KIB], [64], { once: true });
    await file.read([1000 * KIB], [64], { once: true });
    expect(storage.reads.slice(1)).toEqual([
      [{ offset: 1000 * KIB, length: 64 }],
      [{ offset: 1000 * KIB, length: 64 }],
    ]);
  });

  it("are small where many scattered ones are wanted", async () => {
    const { storage, file } = await open(bytes);
    const offsets = Array.from({ length: 70 }, (_, i) => (100 + i * 64) * KIB);
    await file.read(
      offsets,
      offsets.map(() => 100),
    );
    const fetched = storage.reads[1]?.reduce((total, range) => total + (range.length ?? 0), 0);
    expect(fetched).toBeLessThanOrEqual(70 * 4 * KIB);
  });

  it("can be asked for again after a failure", async () => {
    const { storage, file } = await open(bytes);
    storage.failWith = new MoraineError("StorageFailed", "the network is gone");
    await expect(file.read([1000 * KIB], [64])).rejects.toThrow("the network is gone");
    storage.failWith = undefined;
    expect((await file.read([1000 * KIB], [64]))[0]).toEqual(bytes.subarray(1000 * KIB, 1000 * KIB + 64));
  });

  it("come for those who wait for them when somebody else who did gives up", async () => {
    const { file } = await open(bytes);
    const controller = new AbortController();
    const given = file.read([1000 * KIB], [64], { signal: controller.signal });
    const waited = file.read([1000 * KIB], [64]);
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: "Aborted" });
    expect((await waited)[0]).toEqual(bytes.subarray(1000 * KIB, 1000 * KIB + 64));
  });

  it("are never of two states of the file", async () => {
    const { storage, file } = await open(bytes);
    await storage.write(ADDRESS, bytes.slice().reverse());
    await expect(file.read([1000 * KIB], [64])).rejects.toMatchObject({ code: "SourceChanged" });
  });

  it("end where the file does", async () => {
    const { file } = await open(bytes);
    await expect(file.read([0], [bytes.length + 1])).rejects.toMatchObject({ code: "TruncatedFile" });
    await expect(file.read([2 ** 60], [1])).rejects.toMatchObject({ code: "TruncatedFile" });
  });
});
