import { describe, expect, it } from "vitest";
import { get, index, open } from "../../../src/node.ts";
import { archiveFile, differences, type ExpectedCase, expectedCases, newRepository } from "./archive.ts";

function expected(name: string): ExpectedCase {
  const found = expectedCases[name];
  if (found === undefined) throw new Error(name);
  return found;
}

describe("appending one file after the other", () => {
  it.each([
    "files in order",
    "a partial chunk in the middle",
    "whole chunks of different lengths",
    "oversized chunks",
    "times in different units",
    "bounds of times in different units",
    "classic files",
    "whole times in different units",
    "a file that holds no step",
    "nothing but missing values",
  ])("gives the same as all at once: %s", async (name) => {
    const { files } = expected(name);
    const [first = "", ...others] = files.map(archiveFile);
    const target = newRepository();
    await index(first, target);
    for (const file of others) await index(file, target, { append: "time" });
    expect(await differences(target, expected(name))).toEqual([]);
  });

  it("sets only what is new", async () => {
    const [first = "", second = "", third = ""] = expected("files in order").files.map(archiveFile);
    const target = newRepository();
    await index([first, second], target, { concat: "time" });
    const summary = await index(third, target, { append: "time" });
    expect(summary.chunks.virtual).toBe(2);
    // The chunk of the coordinate is completed.
    expect(summary.chunks.native).toBe(1);
    expect(await differences(target, expected("files in order"))).toEqual([]);
  });

  it("leaves the repository as it was where a file does not fit", async () => {
    const target = newRepository();
    await index(archiveFile("packed-0.nc"), target);
    await expect(index(archiveFile("packed-1.nc"), target, { append: "time" })).rejects.toMatchObject({
      code: "Incompatible",
      path: "/v",
    });
    expect((await (await open(target)).array("v")).shape).toEqual([2, 2, 3]);
    await expect(index(archiveFile("daily-0.nc"), target, { append: "height" })).rejects.toMatchObject({
      code: "InvalidArgument",
    });
  });

  it.each([
    ["another encoding", "codecs-1.nc", "/v", "codecs"],
    ["another type", "wide-2.nc", "/v", "data type"],
    ["other lengths elsewhere", "tile-01.nc", "/lon", "other values"],
  ])("finds %s against the repository, and writes nothing", async (_, name, path, words) => {
    const target = newRepository();
    await index(archiveFile("daily-0.nc"), target);
    const error = await index(archiveFile(name), target, { append: "time" }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "Incompatible", path });
    expect(error.message).toContain(words);
    expect((await (await open(target)).array("v")).shape).toEqual([4, 2, 3]);
  });

  it("stores arrays as they were asked for when the repository was made", async () => {
    const target = newRepository();
    const [first = "", ...others] = expected("a partial chunk in the middle").files.map(archiveFile);
    await index(first, target, { concat: "time", load: ["time", "lat", "lon", "mask"], grid: "regular" });
    for (const file of others) await index(file, target, { append: "time" });
    expect((await (await open(target)).array("v")).chunkGrid.name).toBe("regular");
    expect(await differences(target, expected("a partial chunk in the middle"))).toEqual([]);
    const loaded = newRepository();
    await index(first, loaded, { concat: "time", load: ["v"] });
    for (const file of others) await index(file, loaded, { append: "time" });
    expect(await differences(loaded, expected("a partial chunk in the middle"))).toEqual([]);
  });

  it("stores what deviates in the repository's form on request", async () => {
    const target = newRepository();
    await index(archiveFile("daily-0.nc"), target);
    for (const name of ["codecs-1.nc", "daily-2.nc"])
      await index(archiveFile(name), target, { append: "time", drift: "decode" });
    expect(await differences(target, expected("another encoding, decoded"))).toEqual([]);
  });

  it("adds each file to the era that it belongs to, and begins new ones, on request", async () => {
    const target = newRepository();
    const split = { append: "time", drift: "split" } as const;
    await index(archiveFile("daily-0.nc"), target);
    const { notes } = await index(["codecs-1.nc", "daily-2.nc"].map(archiveFile), target, split);
    expect(notes.map(({ path, note }) => `${path} ${note.split(",")[0]}`)).toEqual([
      "/era-2 one source of one encoding",
    ]);
    await index(["wide-2.nc", "daily-1.nc"].map(archiveFile), target, split);
    const root = await open(target);
    const times = async (path: string) =>
      Array.from((await get(await root.array(path))).data as Float64Array);
    expect(await times("time")).toEqual([0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7]);
    expect(await times("era-2/time")).toEqual([4, 5, 6, 7]);
    expect((await root.array("era-3/v")).dataType).toEqual({ name: "int16" });
    const eras = newRepository();
    await index(["daily-0.nc", "codecs-1.nc"].map(archiveFile), eras, { concat: "time", drift: "split" });
    await index(["daily-2.nc"].map(archiveFile), eras, split);
    expect((await (await open(eras)).array("era-1/v")).shape).toEqual([8, 2, 3]);
    expect((await (await open(eras)).array("era-2/v")).shape).toEqual([4, 2, 3]);
  });

  it("leaves out what the repository does not have and cannot take, and appends the rest", async () => {
    const target = newRepository();
    await index(archiveFile("bare.nc"), target);
    const summary = await index(archiveFile("flag.nc"), target, { append: "time" });
    expect(summary.leftOut.map(({ path, code }) => `${path} ${code}`)).toEqual(["/flag Incompatible"]);
    expect((await (await open(target)).array("time")).shape).toEqual([4]);
  });

  it("takes up arrays that mark what is missing before", async () => {
    const target = newRepository();
    await index(archiveFile("extra-1.nc"), target);
    await index(archiveFile("extra-2.nc"), target, { append: "time" });
    const { data } = await get(await (await open(target)).array("extra"));
    expect(data).toEqual(Float32Array.of(-1, -1, 4, 5));
  });

  it("adds files of an era whose times were stored in one unit and another type", async () => {
    const target = newRepository();
    const [first = "", second = "", ...others] = expected("whole times in different units").files.map(
      archiveFile,
    );
    await index([first, second], target, { concat: "time" });
    for (const file of others) await index(file, target, { append: "time", drift: "split" });
    expect(await differences(target, expected("whole times in different units"))).toEqual([]);
  });

  it("keeps the mark of missing times that the repository has", async () => {
    const target = newRepository();
    await index(archiveFile("gap-0.nc"), target);
    await index(archiveFile("gap-1.nc"), target, { append: "time" });
    const array = await (await open(target)).array("time");
    expect((await get(array)).data).toEqual(Int32Array.of(24, -1, 48, -1));
    expect(array.attributes).toEqual({ units: "hours since 2000-01-01", _FillValue: -1 });
  });

  it("needs a repository", async () => {
    await expect(
      index(archiveFile("daily-0.nc"), "memory://combine/a.json", { append: "time" }),
    ).rejects.toMatchObject({ code: "InvalidArgument" });
  });
});
