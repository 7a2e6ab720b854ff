import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { createArray, createGroup } from "../../src/zarr/create.ts";
import { openNode } from "../../src/zarr/hierarchy.ts";
import { open, root } from "../../src/zarr/location.ts";
import { get } from "../../src/zarr/read/get.ts";
import { slice } from "../../src/zarr/selection.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import { ZipStorage } from "../../src/zarr/zip/zip-storage.ts";
import { CountingStorage } from "./counting-storage.ts";
import { expectedGroups, zipFixture } from "./zarr-python-data.ts";

const ARCHIVE = "memory://archive.zip";

async function archiveOf(bytes: Uint8Array): Promise<{ storage: CountingStorage; zip: ZipStorage }> {
  const storage = new CountingStorage();
  await storage.write(ARCHIVE, bytes);
  return { storage, zip: await ZipStorage.open(storage, ARCHIVE) };
}

describe("archives that Python wrote", () => {
  test.each(["stored.zip", "deflated.zip"])("%s holds the tree", async (name) => {
    const { zip } = await archiveOf(zipFixture(name));
    const store = new ZarrStore(zip, zip.root);
    for (const { path, attributes, members } of expectedGroups.filter(({ store }) => store === "tree")) {
      const group = await openNode(store, path);
      if (group.kind !== "group") throw new Error(`${path} is no group`);
      expect(group.attributes).toEqual(attributes);
      const kinds = [...(await group.children())].map(([child, { kind }]) => [child, kind]);
      expect(Object.fromEntries(kinds)).toEqual(members);
    }
    const array = await open(root(store).resolve("a/b b/ü"), { kind: "array" });
    expect([...(await get(array)).data]).toEqual([1, 2, 3]);
  });

  test("the directory takes one request, and each value one", async () => {
    const { storage, zip } = await archiveOf(zipFixture("stored.zip"));
    expect(storage.reads).toHaveLength(1);
    const store = new ZarrStore(zip, zip.root);
    await store.get("a/x/c/0");
    expect(storage.reads).toHaveLength(2);
    await store.getRange("a/x/c/1", { offset: -4 });
    await store.getRange("a/x/c/1", { offset: 2, length: 3 });
    expect(storage.reads).toHaveLength(5);
  });

  test("parts of entries are the parts of their values", async () => {
    for (const name of ["stored.zip", "deflated.zip"]) {
      const { zip } = await archiveOf(zipFixture(name));
      const store = new ZarrStore(zip, zip.root);
      const whole = (await store.get("zarr.json")) ?? new Uint8Array(0);
      expect(await store.getRange("zarr.json", { offset: 5, length: 9 })).toEqual(whole.slice(5, 14));
      expect(await store.getRange("zarr.json", { offset: -7 })).toEqual(whole.slice(-7));
      await expect(store.getRange("zarr.json", { offset: 1, length: whole.length })).rejects.toMatchObject({
        code: "TruncatedFile",
      });
      expect(await store.get("nothing")).toBeUndefined();
    }
  });
});

describe("damaged archives", () => {
  test("every archive that is cut short is refused", async () => {
    const bytes = zipFixture("stored.zip");
    for (let length = 0; length < bytes.length; length += 7) {
      await expect(archiveOf(bytes.slice(0, length))).rejects.toMatchObject({
        code: expect.stringMatching(/^(UnknownFormat|CorruptFile|TruncatedFile)$/),
      });
    }
  });

  test("a directory of more or fewer entries than the end says is refused: chunks would be fill value", async () => {
    const bytes = zipFixture("stored.zip");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length - 22;
    const count = view.getUint16(end + 10, true);
    for (const other of [0, 1, count - 1, count + 1]) {
      const changed = bytes.slice();
      new DataView(changed.buffer).setUint16(end + 10, other, true);
      await expect(archiveOf(changed)).rejects.toMatchObject({ code: "CorruptFile" });
    }
  });

  test("any changed byte gives the same values or an error, never others", async () => {
    const bytes = zipFixture("deflated.zip");
    const read = async (archive: Uint8Array): Promise<unknown[]> => {
      const { zip } = await archiveOf(archive);
      const store = new ZarrStore(zip, zip.root);
      const values: unknown[] = [];
      for (const key of ["zarr.json", "a/zarr.json", "a/x/c/0", "x/c/1"]) values.push(await store.get(key));
      return values;
    };
    const right = await read(bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ change;
        try {
          const values = await read(damaged);
          // A name that changed is a key that is not there.
          values.forEach((value, index) => {
            if (value !== undefined) expect(value).toEqual(right[index]);
          });
        } catch (error) {
          expect(error).toMatchObject({ name: "MoraineError" });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("archives that are written here", () => {
  test("a store that is written into an archive is read from it", async () => {
    const storage = new MemoryStorage();
    const zip = await ZipStorage.open(storage, ARCHIVE, { create: true });
    const store = new ZarrStore(zip, zip.root);
    await createGroup(store, "g", { attributes: { title: "zip" } });
    const array = await createArray(store, "g/a", {
      shape: [10, 10],
      dataType: "int16",
      chunkShape: [2, 2],
      shardShape: [4, 4],
    });
    await array.set([slice(0, 5), null], 3);
    await expect(storage.head(ARCHIVE)).rejects.toMatchObject({ code: "NotFound" });
    await zip.flush();
    await array.set([9, 9], 7);
    await zip.flush();

    const reopened = await ZipStorage.open(storage, ARCHIVE);
    const again = await open(root(new ZarrStore(reopened, reopened.root)).resolve("g/a"), { kind: "array" });
    const { data } = await get(again);
    const expected = Int16Array.from({ length: 100 }, (_, at) => (at === 99 ? 7 : at < 50 ? 3 : 0));
    expect(data).toEqual(expected);
  });

  test("equal stores give equal bytes, also with more entries than 16 bits count", async () => {
    const make = async (): Promise<Uint8Array> => {
      const storage = new MemoryStorage();
      const zip = await ZipStorage.open(storage, ARCHIVE, { create: true });
      for (let entry = 0; entry < 65_600; entry++)
        await zip.write(`${zip.root}c/${entry}`, Uint8Array.of(entry & 255));
      await zip.delete([`${zip.root}c/17`]);
      await zip.flush();
      const reopened = await ZipStorage.open(storage, ARCHIVE);
      const names: string[] = [];
      for await (const name of reopened.names(`${zip.root}c/`)) names.push(name);
      expect(names).toHaveLength(65_599);
      expect((await reopened.read(`${zip.root}c/65599`, [{ offset: 0 }])).parts[0]).toEqual(
        Uint8Array.of(63),
      );
      return (await storage.read(ARCHIVE, [{ offset: 0 }])).parts[0] ?? new Uint8Array(0);
    };
    expect(Buffer.compare(await make(), await make())).toBe(0);
  });

  test("an archive that somebody else wrote meanwhile is not written over", async () => {
    const { storage, zip } = await archiveOf(zipFixture("stored.zip"));
    await zip.write(`${zip.root}new`, Uint8Array.of(1));
    await storage.write(ARCHIVE, zipFixture("deflated.zip"));
    await expect(zip.flush()).rejects.toMatchObject({
      code: expect.stringMatching(/^(SourceChanged|PreconditionFailed)$/),
    });
  });
});
