import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  blame,
  get,
  type IndexOptions,
  index,
  open,
  Repository,
  refresh,
  rewrite,
  slice,
} from "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";
import { differences, expectedCases } from "../combine/archive.ts";

const bytes = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../data/combine/${name}`, import.meta.url)));

/** Notes what is read. */
class Reads extends StorageRouter {
  readonly addresses = new Set<string>();

  override read(...call: Parameters<StorageRouter["read"]>): ReturnType<StorageRouter["read"]> {
    this.addresses.add(call[0]);
    return super.read(...call);
  }
}

const storage = new StorageRouter();
let folders = 0;

/** A repository of files in memory, in which no chunk is held inline. */
async function archive(names: readonly string[], options: IndexOptions = { concat: "time" }) {
  const folder = `memory://update-group/${++folders}`;
  const files = names.map((_, number) => `${folder}/file-${number}.nc`);
  for (const [number, file] of files.entries()) await storage.write(file, bytes(names[number] ?? ""));
  const target = `${folder}/repository`;
  await Repository.create(target, { config: { inlineChunkThresholdBytes: 0 } });
  await index(files, target, options);
  const put = async (number: number, name: string) => await storage.write(files[number] ?? "", bytes(name));
  return { files, target, put };
}

async function values(target: string, path = "v"): Promise<number[]> {
  return Array.from((await get(await (await open(target)).array(path))).data as Float32Array, Number);
}

/** Values of a file's `v`. */
const own = async (name: string, from = 0, to?: number) => {
  const address = `memory://update-group/own/${name}`;
  await storage.write(address, bytes(name));
  const { data } = await get(await (await open(address)).array("v"), { time: slice(from, to ?? null) });
  return Array.from(data as Float32Array, Number);
};

async function replaceStep(target: string, time: number, value: number, path = "v"): Promise<void> {
  const session = await (await Repository.open(target)).writableSession("main");
  await session.array(path).set({ time: slice(time, time + 2) }, value);
  await session.commit("replaced");
}

const step = (value: number): number[] => new Array<number>(12).fill(value);
const tip = async (target: string) => await (await Repository.open(target)).lookupBranch("main");
const DAILY = ["daily-0.nc", "daily-1.nc", "daily-2.nc"];

describe("a source that changed where it stands", () => {
  it("is the only one that is looked into, and only its chunks change", async () => {
    const { files, target, put } = await archive(["daily-0.nc", "units-1.nc", "daily-2.nc"]);
    const before = await tip(target);
    await put(1, "daily-1.nc");
    const reads = new Reads();
    const summary = await index([], target, { update: true, storage: reads });
    expect(summary.sources).toEqual([files[1]]);
    // What is the same in all is compared with the first, which has it.
    expect(files.filter((file) => reads.addresses.has(file))).toEqual(files.slice(0, 2));
    expect(await differences(target, expectedCases["files in order"] ?? never())).toEqual([]);
    const diff = await (await Repository.open(target)).diff({ snapshotId: before }, {});
    expect(diff).toMatchObject({ newArrays: [], deletedArrays: [], updatedArrays: [], updatedGroups: [] });
    expect(diff.updatedChunks.get("/v")?.map(([time]) => time)).toEqual([2, 3]);
    expect([...diff.updatedChunks.keys()].sort()).toEqual(["/time", "/v"]);
    expect((await index([], target, { update: true })).snapshot).toBe(await tip(target));
  });

  it("keeps the encoding that the repository has, with several that changed at once", async () => {
    const { target, put } = await archive(DAILY);
    await put(1, "units-1.nc");
    await put(2, "units-2.nc");
    await index([], target, { update: true });
    expect(await differences(target, expectedCases["times in different units"] ?? never())).toEqual([]);
  });

  it("is looked into alone by a refresh too", async () => {
    const { files, target, put } = await archive(DAILY);
    await put(1, "units-1.nc");
    const reads = new Reads();
    await refresh(target, { storage: reads });
    expect(files.filter((file) => reads.addresses.has(file))).toEqual(files.slice(0, 2));
    expect(await differences(target, expectedCases["files in order"] ?? never())).toEqual([]);
  });

  it("gives what is the same in all where it is the first, if the others still have that", async () => {
    const { files, target, put } = await archive(["classic-0.nc", "classic-1.nc", "daily-0.nc"].slice(0, 2));
    const changed = bytes("classic-0.nc");
    const title = new TextEncoder().encode("classic-0.nc");
    const at = Buffer.from(changed).indexOf(title);
    changed.set(new TextEncoder().encode("renamed-0.nc"), at);
    await storage.write(files[0] ?? "", changed);
    await index([], target, { update: true });
    expect((await open(target)).attributes["title"]).toBe("renamed-0.nc");
    expect(await values(target, "mask")).toEqual(await values(files[1] ?? "", "mask"));
    expect(await differences(target, expectedCases["classic files"] ?? never())).toEqual([]);
    const before = await tip(target);
    const [origin] = await blame(await Repository.open(target), "/mask");
    changed.set([9], origin?.offset ?? 0);
    await storage.write(files[0] ?? "", changed);
    await expect(index([], target, { update: true })).rejects.toMatchObject({
      code: "Incompatible",
      path: "/mask",
    });
    expect(await tip(target)).toBe(before);
    await put(0, "classic-0.nc");
    await index([], target, { update: true });
    expect((await open(target)).attributes["title"]).toBe("classic-0.nc");
  });

  it("is found among sources that were appended to a single one", async () => {
    const { files, target, put } = await archive(["daily-0.nc"], {});
    const folder = target.slice(0, -"/repository".length);
    for (const number of [1, 2]) {
      files.push(`${folder}/file-${number}.nc`);
      await put(number, `daily-${number}.nc`);
      await index(files[number] ?? "", target, { append: "time" });
    }
    for (const number of [1, 0]) {
      await put(number, "partial-1.nc");
      await index([], target, { update: true });
      await put(number, `daily-${number}.nc`);
      const reads = new Reads();
      expect((await index([], target, { update: true, storage: reads })).sources).toContain(files[number]);
      expect(reads.addresses.has(files[2] ?? "")).toBe(false);
      expect(await differences(target, expectedCases["files in order"] ?? never())).toEqual([]);
    }
    await storage.delete([files[0] ?? ""]);
    await index([], target, { update: true });
    expect(await values(target, "time")).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("is encoded anew where its chunks have other lengths, and refused where its encoding is another", async () => {
    const { target, put } = await archive(DAILY);
    await put(1, "partial-1.nc");
    const { decoded, chunks } = await index([], target, { update: true });
    expect(decoded.map(({ path }) => path)).toEqual(["/v"]);
    expect(chunks).toMatchObject({ virtual: 0, native: 3 });
    expect(await values(target)).toEqual([
      ...(await own("daily-0.nc")),
      ...(await own("partial-1.nc")),
      ...(await own("daily-2.nc")),
    ]);
    await put(1, "codecs-1.nc");
    await expect(index([], target, { update: true })).rejects.toMatchObject({
      code: "Incompatible",
      path: "/v",
    });
    await index([], target, { update: true, drift: "decode" });
    expect(await differences(target, expectedCases["another encoding, decoded"] ?? never())).toEqual([]);
  });

  it("is stored in the packing that is there, on request, and in that from then on", async () => {
    const { target, put } = await archive(["pack-quarters.nc", "pack-quarters.nc", "pack-quarters.nc"]);
    await put(1, "pack-halves.nc");
    await expect(index([], target, { update: true })).rejects.toMatchObject({ code: "Incompatible" });
    const own = [0, 1, -999, 30000];
    // What xarray reads of the second, 11, 7.5, missing and 4511, in quarters from 10.
    const packed = [4, -10, -999, 18004];
    await index([], target, { update: true, drift: "decode" });
    expect(await values(target)).toEqual([...own, ...packed, ...own]);
    await put(2, "pack-halves.nc");
    await index([], target, { update: true });
    expect(await values(target)).toEqual([...own, ...packed, ...packed]);
  });

  it("is found by coordinates where these placed it, and moves with them", async () => {
    const { files, target, put } = await archive(DAILY, { byCoords: true });
    await put(1, "units-1.nc");
    const reads = new Reads();
    await index([], target, { update: true, storage: reads });
    expect(reads.addresses.has(files[2] ?? "")).toBe(false);
    expect(await differences(target, expectedCases["files in order"] ?? never())).toEqual([]);
    await put(0, "partial-2.nc");
    await put(1, "daily-0.nc");
    await put(2, "daily-1.nc");
    await index([], target, { update: true });
    expect(await values(target, "time")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]);
  });
});

describe("sources that are groups by themselves", () => {
  it("are looked into only where they changed or are new, and removed where they went", async () => {
    const { files, target, put } = await archive(DAILY, {});
    await replaceStep(target, 0, 7, "file-1/v");
    const extra = `${target}-extra.nc`;
    await storage.write(extra, bytes("daily-0.nc"));
    await put(0, "leap-0.nc");
    await storage.delete([files[2] ?? ""]);
    const reads = new Reads();
    const { sources } = await index([extra], target, { update: true, storage: reads });
    expect(sources).toEqual([files[0], extra]);
    expect(files.filter((file) => reads.addresses.has(file))).toEqual(files.slice(0, 1));
    const root = await open(target);
    expect(await values(target, "file-0/v")).toEqual(await own("leap-0.nc"));
    expect(await values(target, "file-1/v")).toEqual([...step(7), ...(await own("daily-1.nc", 2))]);
    expect(await values(target, "repository-extra/v")).toEqual(await own("daily-0.nc"));
    await expect(root.group("file-2")).rejects.toMatchObject({ code: "NotFound" });
    expect((await index([], target, { update: true })).snapshot).toBe(await tip(target));
    await put(0, "daily-0.nc");
    await refresh(target);
    expect(await values(target, "file-0/v")).toEqual(await own("daily-0.nc"));
    expect((await values(target, "file-1/v")).slice(0, 12)).toEqual(step(7));
  });
});

describe("what was written since", () => {
  it("stays where its source did not change, and where it did it stays and is told of", async () => {
    const { target, put } = await archive(DAILY);
    await replaceStep(target, 0, 7);
    await replaceStep(target, 4, 8);
    await put(1, "units-1.nc");
    const { notes, chunks } = await index([], target, { update: true });
    expect(notes.map(({ path, note }) => `${path}: ${note}`)).toContain(
      "/v: one chunk that was written since stays, though its source changed",
    );
    expect(chunks.virtual).toBe(1);
    expect(await values(target)).toEqual([
      ...step(7),
      ...(await own("daily-0.nc", 2)),
      ...step(8),
      ...(await own("daily-1.nc", 2)),
      ...(await own("daily-2.nc")),
    ]);
  });

  it("moves along with its source when one before it goes, again and again", async () => {
    const { files, target, put } = await archive([...DAILY, "daily-2.nc", "daily-0.nc"]);
    await replaceStep(target, 2, 5);
    await replaceStep(target, 10, 7);
    await replaceStep(target, 12, 8);
    await storage.delete([files[0] ?? ""]);
    const { notes } = await index([], target, { update: true });
    const said = notes.filter(({ path }) => path === "/v").map(({ note }) => note);
    expect(said).toContain("2 chunks written since: moved along with their sources");
    expect(said).toContain("1 chunk written since: removed with their sources");
    const [one, two] = [await own("daily-1.nc"), await own("daily-2.nc", 0, 2)];
    const three = [...step(8), ...(await own("daily-2.nc", 2))];
    expect(await values(target)).toEqual([
      ...one,
      ...two,
      ...step(7),
      ...three,
      ...(await own("daily-0.nc")),
    ]);
    // What changes in its place finds it at its new one.
    await put(2, "daily-0.nc");
    await index([], target, { update: true });
    const now = [...(await own("daily-0.nc", 0, 2)), ...step(7)];
    expect(await values(target)).toEqual([...one, ...now, ...three, ...(await own("daily-0.nc"))]);
    await storage.delete([files[1] ?? ""]);
    await index([], target, { update: true });
    expect(await values(target)).toEqual([...now, ...three, ...(await own("daily-0.nc"))]);
  });

  it("stays where an array was made anew, and is refused where its sources have become longer", async () => {
    const { target, put } = await archive(DAILY);
    await rewrite(target, { path: "/v", recompress: "zstd" });
    const before = await values(target);
    await put(1, "units-1.nc");
    const { notes } = await index([], target, { update: true });
    expect(notes.map(({ path, note }) => `${path} ${note}`)).toContain(
      "/v was made anew in the repository: it stays",
    );
    expect(await values(target)).toEqual(before);
    const extra = `${target}-extra.nc`;
    await storage.write(extra, bytes("daily-0.nc"));
    await put(1, "daily-1.nc");
    const at = await tip(target);
    await expect(index([extra], target, { update: true })).rejects.toMatchObject({
      code: "Incompatible",
      path: "/v",
    });
    expect(await tip(target)).toBe(at);
  });

  it("is an error where it has no place any more, and nothing changes", async () => {
    const { files, target, put } = await archive([...DAILY, "daily-0.nc"]);
    await replaceStep(target, 4, 7);
    const before = await tip(target);
    await put(1, "leap-0.nc");
    await expect(index([], target, { update: true })).rejects.toMatchObject({
      code: "Incompatible",
      path: "/v",
      message: expect.stringContaining("chunk [2, 0, 0]"),
    });
    expect(await tip(target)).toBe(before);
    await storage.delete([files[1] ?? ""]);
    await index([], target, { update: true });
    expect((await values(target)).includes(7)).toBe(false);
  });

  it("is not taken for that of another source when lengths change but not their sum", async () => {
    const { target, put } = await archive(["daily-0.nc", "leap-0.nc", "daily-2.nc"], {
      concat: "time",
      grid: "regular",
    });
    await replaceStep(target, 12, 7);
    await put(0, "leap-0.nc");
    await put(1, "daily-1.nc");
    await index([], target, { update: true });
    const after = [...(await own("daily-2.nc", 0, 2)), ...step(7)];
    expect(await values(target)).toEqual([
      ...(await own("leap-0.nc")),
      ...(await own("daily-1.nc")),
      ...after,
    ]);
    await replaceStep(target, 4, 8);
    await put(0, "daily-0.nc");
    await put(1, "leap-0.nc");
    await expect(index([], target, { update: true })).rejects.toMatchObject({
      code: "Incompatible",
      path: "/v",
    });
  });
});

function never(): never {
  throw new Error("there is no such case");
}
