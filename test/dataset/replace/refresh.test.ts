import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { blame, get, index, materialize, open, Repository, refresh, slice } from "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";

const storage = new StorageRouter();
const bytes = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../data/combine/${name}`, import.meta.url)));
let folders = 0;
let folder = "";
let target = "";
let first = "";
let second = "";
/** Where the chunks of the second file lie. */
let places: { readonly offset: number; readonly length: number }[] = [];

/** Two classic files of two days each, one after the other in an array of chunks that are never held inline. */
beforeEach(async () => {
  folder = `memory://refresh/${++folders}`;
  [target, first, second] = [`${folder}/repository`, `${folder}/classic-0.nc`, `${folder}/classic-1.nc`];
  await storage.write(first, bytes("classic-0.nc"));
  await storage.write(second, bytes("classic-1.nc"));
  await Repository.create(target, { config: { inlineChunkThresholdBytes: 0 } });
  await index([first, second], target, { concat: "time" });
  const origins = await blame(await Repository.open(target), "/v", { selection: { time: slice(2, null) } });
  places = origins.map(({ offset = 0, length = 0 }) => ({ offset, length }));
});

async function valuesOf(address: string, ref?: string): Promise<number[]> {
  const { data } = await get(await (await open(address, { ref })).array("v"));
  return Array.from(data as Float32Array, Number);
}

/** The second file with other values. */
async function change(): Promise<number[]> {
  const changed = bytes("classic-1.nc");
  for (const { offset, length } of places) changed.fill(0x41, offset, offset + length);
  await storage.write(second, changed);
  return await valuesOf(second);
}

const kinds = async (): Promise<string[]> =>
  (await blame(await Repository.open(target), "/v")).map(({ kind }) => kind);

const tip = async (): Promise<string> => await (await Repository.open(target)).lookupBranch("main");

async function write(selection: unknown, value: number): Promise<string> {
  const session = await (await Repository.open(target)).writableSession("main");
  await session.array("v").set(selection as Parameters<typeof get>[1] & object, value);
  return await session.commit("written");
}

describe("a source that changed or went", () => {
  it("is named by whoever reads chunks that lie in it, and the others are still read", async () => {
    const before = await valuesOf(first);
    await change();
    await expect(valuesOf(target)).rejects.toMatchObject({ code: "SourceChanged", source: second });
    await storage.delete([second]);
    await expect(valuesOf(target)).rejects.toMatchObject({ code: "NotFound", source: second });
    const array = await (await open(target)).array("v");
    const { data } = await get(array, { time: slice(0, 2) });
    expect(Array.from(data as Float32Array, Number)).toEqual(before);
  });

  it("is found with what lies in it, and nothing is done where nothing is stale or it is only asked for", async () => {
    const before = await tip();
    expect(await refresh(target)).toMatchObject({ stale: [], commits: [] });
    await change();
    await storage.delete([first]);
    const { stale } = await refresh(target, { dryRun: true });
    expect(stale).toMatchObject([
      { source: first, state: "gone", paths: ["/mask", "/v"] },
      { source: second, state: "changed", paths: ["/v"] },
    ]);
    expect(stale[1]?.chunks).toBeGreaterThan(0);
    expect(await tip()).toBe(before);
  });
});

describe("indexing anew", () => {
  it("takes the new values of what changed and leaves everything else", async () => {
    const old = await valuesOf(first);
    const before = await tip();
    const changed = await change();
    const { commits, chunks } = await refresh(target);
    expect(commits).toHaveLength(1);
    expect(chunks).toBeGreaterThan(0);
    expect(await valuesOf(target)).toEqual([...old, ...changed]);
    const diff = await (await Repository.open(target)).diff({ snapshotId: before }, {});
    expect(diff).toMatchObject({ newArrays: [], deletedArrays: [], updatedArrays: [] });
    expect(diff.updatedChunks.get("/v")?.every(([time]) => (time ?? 0) > 0)).toBe(true);
    expect(await refresh(target)).toMatchObject({ stale: [], commits: [] });
  });

  it("keeps what was written, materialised and deleted since, through one refresh after another", async () => {
    const old = await valuesOf(first);
    await materialize(target, { where: "time=2" });
    await write({ time: 0 }, 7);
    const expected = await valuesOf(target);
    const changed = await change();
    const { notes } = await refresh(target);
    expect(notes.some(({ note }) => note.includes("written since"))).toBe(true);
    const now = await valuesOf(target);
    expect(now).toEqual([
      ...new Array(6).fill(7),
      ...old.slice(6),
      ...expected.slice(12, 18),
      ...changed.slice(6),
    ]);
    await storage.write(first, bytes("classic-0.nc"));
    await refresh(target);
    expect(await valuesOf(target)).toEqual(now);
  });

  it("keeps what others commit while sources are looked into", async () => {
    const changed = await change();
    /** Somebody writes when the changed source is read first. */
    class Busy extends StorageRouter {
      #isDone = false;

      override async read(
        ...call: Parameters<StorageRouter["read"]>
      ): Promise<Awaited<ReturnType<StorageRouter["read"]>>> {
        if (call[0] === second && !this.#isDone) {
          this.#isDone = true;
          await write({ time: 2 }, 7);
        }
        return await super.read(...call);
      }
    }
    const { commits } = await refresh(target, { storage: new Busy() });
    expect(commits).toHaveLength(1);
    expect((await valuesOf(target)).slice(12)).toEqual([...new Array(6).fill(7), ...changed.slice(6)]);
  });

  it("refuses sources that went, and those whose shape no longer goes with what was written, and changes nothing", async () => {
    await write({ time: 0 }, 7);
    const before = await tip();
    await storage.write(second, bytes("leap-1.nc"));
    await expect(refresh(target)).rejects.toMatchObject({ code: "Incompatible" });
    await storage.delete([second]);
    await expect(refresh(target)).rejects.toMatchObject({ code: "NotFound", source: second });
    await expect(refresh(target)).rejects.toThrow(/classic-1\.nc is gone.*--pin/s);
    expect(await tip()).toBe(before);
  });

  it("says where the history does not tell how a source was indexed", async () => {
    const other = `${folder}/other`;
    const container = { virtualChunkContainers: [{ urlPrefix: `${folder}/` }] };
    const repository = await Repository.create(other, { config: container });
    const from = await (await Repository.open(target)).readonlySession();
    const session = await repository.writableSession("main");
    session.createArray("/v", from.array("/v").metadata);
    await session.setReferences("/v", await from.manifest("/v"));
    await session.commit("references by hand");
    await change();
    await expect(refresh(other)).rejects.toMatchObject({ code: "NotFound", source: second, path: "/v" });
  });
});

describe("pinning", () => {
  it("takes the chunks as they were native last, byte for byte", async () => {
    const expected = await valuesOf(target);
    const indexed = await tip();
    await materialize(target, { path: "/v" });
    const repository = await Repository.open(target);
    const session = await repository.writableSession("main");
    const before = await repository.readonlySession({ snapshotId: indexed });
    await session.setReferences("/v", await before.manifest("/v"));
    await session.commit("virtual again");
    expect(new Set(await kinds())).toEqual(new Set(["virtual"]));
    await materialize(target, { path: "/mask" });
    await storage.delete([second]);
    const { chunks, commits } = await refresh(target, { pin: true });
    expect(commits).toHaveLength(1);
    expect(chunks).toBeGreaterThan(0);
    expect(await valuesOf(target)).toEqual(expected);
    expect(new Set(await kinds())).toEqual(new Set(["virtual", "native"]));
  });

  it("takes them from a copy of the file, and refuses a file that is none", async () => {
    const expected = await valuesOf(target);
    await storage.delete([second]);
    await expect(refresh(target, { pin: true })).rejects.toMatchObject({ code: "NotFound", source: second });
    const copy = `${folder}/backup/other-name.nc`;
    await storage.write(copy, bytes("leap-1.nc"));
    await expect(refresh(target, { pin: true, copies: [copy] })).rejects.toMatchObject({
      code: "Incompatible",
      source: copy,
    });
    await storage.write(copy, bytes("classic-1.nc"));
    await refresh(target, { pin: true, copies: [copy] });
    expect(await valuesOf(target)).toEqual(expected);
    expect((await refresh(target)).stale).toEqual([]);
  });

  it("matches several copies by the names of the sources", async () => {
    const expected = await valuesOf(target);
    await storage.delete([first, second]);
    const copies = ["classic-1.nc", "classic-0.nc"].map((name) => `${folder}/backup/${name}`);
    for (const copy of copies) await storage.write(copy, bytes(copy.slice(copy.lastIndexOf("/") + 1)));
    await expect(refresh(target, { pin: true, copies: copies.slice(1) })).rejects.toMatchObject({
      code: "InvalidArgument",
      source: second,
    });
    await refresh(target, { pin: true, copies });
    expect(await valuesOf(target)).toEqual(expected);
  });
});
