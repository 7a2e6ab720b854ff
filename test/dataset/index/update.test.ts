import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { get, index, open, Repository } from "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";
import { digestsOf } from "../contents.ts";

const storage = new StorageRouter();
const bytes = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../data/combine/${name}`, import.meta.url)));
let folders = 0;

/** Files of an archive in memory, which tests may change, and where their repository will be. */
async function archive(names: readonly string[]) {
  const folder = `memory://update/${++folders}`;
  const files = names.map((_, number) => `${folder}/file-${number}.nc`);
  for (const [number, file] of files.entries()) await storage.write(file, bytes(names[number] ?? ""));
  return { files, target: `${folder}/repository` };
}

async function times(target: string, path = "time"): Promise<number[]> {
  const { data } = await get(await (await open(target)).array(path));
  return Array.from(data as Float64Array);
}

async function snapshots(target: string): Promise<number> {
  const repository = await Repository.open(target);
  let count = 0;
  for await (const _ of repository.ancestry({ branch: "main" })) count += 1;
  return count;
}

/** Notes what is read. */
class Reads extends StorageRouter {
  readonly addresses = new Set<string>();

  override read(...call: Parameters<StorageRouter["read"]>): ReturnType<StorageRouter["read"]> {
    this.addresses.add(call[0]);
    return super.read(...call);
  }
}

const DAILY = ["daily-0.nc", "daily-1.nc", "daily-2.nc"];

describe("updating a repository", () => {
  it("does nothing where nothing has changed", async () => {
    const { files, target } = await archive(DAILY);
    await index(files, target, { concat: "time" });
    const before = await snapshots(target);
    const summary = await index([], target, { update: true });
    expect(summary.notes[0]?.note).toContain("nothing was committed");
    expect(await snapshots(target)).toBe(before);
  });

  it("indexes anew what changed, removes what went and adds what is new, in one commit", async () => {
    const { files, target } = await archive(DAILY);
    await index(files.slice(0, 2), target, { concat: "time" });
    const before = await snapshots(target);
    const [first = "", second = "", third = ""] = files;
    await storage.write(second, bytes("leap-1.nc"));
    await storage.delete([first]);
    const summary = await index(third, target, { update: true });
    expect(summary.notes.slice(0, 3).map(({ source, note }) => `${source.slice(-9)} ${note}`)).toEqual([
      "file-1.nc has changed since it was indexed",
      "file-0.nc is gone: it was removed",
      "file-2.nc was added",
    ]);
    expect(await snapshots(target)).toBe(before + 1);
    expect(await times(target)).toEqual([6, 7, 8, 9, 10, 8, 9, 10, 11]);
    expect((await (await open(target)).array("v")).shape).toEqual([9, 2, 3]);
    expect((await index([], target, { update: true })).notes[0]?.note).toContain("nothing was committed");
    // The options of the first index hold from then on.
    await storage.write(second, bytes("daily-1.nc"));
    await index([], target, { update: true });
    expect(await times(target)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("scans no source that it has where others were only added", async () => {
    const { files, target } = await archive(DAILY);
    await index(files.slice(0, 2), target, { concat: "time" });
    const reads = new Reads();
    const summary = await index(files, target, { update: true, storage: reads });
    // The first has the values that are the same in all, to which those of the new one are compared.
    const [first, , third] = files;
    expect(files.filter((file) => reads.addresses.has(file))).toEqual([first, third]);
    expect(summary.sources).toEqual(files.slice(2));
    expect(await times(target)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    await storage.delete(files.slice(0, 1));
    await index([], target, { update: true });
    expect(await times(target)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it.each([
    ["named first, placed last", ["daily-2.nc", "daily-0.nc", "daily-1.nc"], 0, ["v"]],
    ["placed first, named last", ["daily-2.nc", "daily-1.nc", "daily-0.nc"], 2, ["v"]],
    ["that holds its own coordinate", ["daily-0.nc", "daily-1.nc", "daily-2.nc"], 1, ["lat"]],
  ])(
    "takes what is the same in all from where a new index would: a source %s",
    async (_, names, at, load) => {
      const { files, target } = await archive(names);
      await index(files, target, { byCoords: true, load });
      // Another version of the same bytes.
      await storage.delete([files[at] ?? ""]);
      await storage.write(files[at] ?? "", bytes(names[at] ?? ""));
      await index([], target, { update: true });
      const again = `${target}-again`;
      await index(files, again, { byCoords: true, load });
      expect(await digestsOf(target)).toEqual(await digestsOf(again));
      const title = async (address: string) => (await open(address)).attributes["title"];
      expect(await title(target)).toBe(await title(again));
    },
  );

  it("knows what was appended, and leaves other groups alone", async () => {
    const { files, target } = await archive([...DAILY, "extra-0.nc"]);
    const [first = "", second = "", third = "", other = ""] = files;
    await index([first, second], target, { concat: "time" });
    await index(other, target, { group: "other" });
    await index(third, target, { append: "time" });
    await storage.delete([second]);
    await index([], target, { update: true });
    expect(await times(target)).toEqual([0, 1, 2, 3, 8, 9, 10, 11]);
    expect(await times(target, "other/time")).toEqual([0, 1]);
  });

  it("appends to a group", async () => {
    const { files, target } = await archive(DAILY);
    const [first = "", ...others] = files;
    await index(first, target, { group: "sea/daily" });
    await index(others, target, { group: "sea/daily", append: "time" });
    expect(await times(target, "sea/daily/time")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("does not append twice what is in already", async () => {
    const { files, target } = await archive(DAILY);
    const [first = "", second = "", third = ""] = files;
    await index([first, second], target, { concat: "time" });
    const { notes } = await index([second, third], target, { append: "time" });
    expect(notes.map(({ source, note }) => `${source} ${note}`)).toContain(
      `${second} is in the repository already`,
    );
    expect(await times(target)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect((await index(third, target, { append: "time" })).arrays).toBe(0);
    await storage.write(second, bytes("leap-1.nc"));
    await expect(index(second, target, { append: "time" })).rejects.toMatchObject({
      code: "Incompatible",
      source: second,
    });
  });

  it("needs a repository that knows its sources", async () => {
    const { files, target } = await archive(["daily-0.nc"]);
    await index(files, target, { group: "a" });
    await expect(index([], target, { update: true })).rejects.toMatchObject({ code: "NotFound" });
    await expect(index([], `${target}.zarr`, { update: true })).rejects.toMatchObject({
      code: "InvalidArgument",
    });
  });
});

describe("sources that cannot be opened", () => {
  let files: readonly string[];
  beforeAll(async () => {
    ({ files } = await archive(DAILY));
    await storage.write(files[1] ?? "", bytes("daily-1.nc").subarray(0, 3000));
  });

  it("stop everything, and are named", async () => {
    await expect(index(files, "memory://update/stop", { concat: "time" })).rejects.toMatchObject({
      source: files[1],
    });
  });

  it("are left out on request, and told of", async () => {
    const target = "memory://update/skip";
    const summary = await index(files, target, { concat: "time", onError: "skip" });
    expect(summary.leftOut.map(({ source, path }) => `${source} ${path}`)).toEqual([`${files[1]} /`]);
    expect(await times(target)).toEqual([0, 1, 2, 3, 8, 9, 10, 11]);
  });

  it("are an error where nothing is left", async () => {
    const lost = ["memory://update/none-1", "memory://update/none-2"];
    await expect(index(lost, "memory://update/lost", { onError: "skip" })).rejects.toMatchObject({
      code: "NotFound",
    });
  });
});
