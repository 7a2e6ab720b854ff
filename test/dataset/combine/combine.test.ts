import { describe, expect, it } from "vitest";
import { get, type IndexOptions, type IndexSummary, index, isMoraineError, open } from "../../../src/node.ts";
import { archiveFile, differences, expectedCases, newRepository } from "./archive.ts";

const daily = [0, 1, 2].map((number) => archiveFile(`daily-${number}.nc`));

async function combined(files: readonly string[], options: IndexOptions) {
  const target = newRepository();
  const summary = await index(files, target, options);
  return { target, summary };
}

async function refused(files: readonly string[], options: IndexOptions) {
  try {
    await combined(files, options);
  } catch (error) {
    if (isMoraineError(error)) return error;
    throw error;
  }
  throw new Error("was combined");
}

function reencoded({ decoded }: IndexSummary): string[] {
  return decoded.map(({ path, reason }) => `${path}: ${reason.split(" chunks")[0]}`);
}

describe("many files are what xarray.open_mfdataset makes of them", () => {
  it.each(Object.keys(expectedCases))("%s", async (name) => {
    const expected = expectedCases[name];
    if (expected === undefined) throw new Error(name);
    const { target } = await combined(expected.files.map(archiveFile), expected.options);
    expect(await differences(target, expected)).toEqual([]);
  });
});

describe("chunks", () => {
  it("stay where they are when everything lines up", async () => {
    const { summary } = await combined(daily, { concat: "time" });
    // v 2 a file and one mask; time, lat and lon are stored in one chunk each
    expect(summary.chunks).toEqual({ virtual: 7, native: expect.any(Number), inline: 0, missing: 0 });
    expect(summary.chunks.native).toBe(3);
    expect(summary.decoded).toEqual([]);
  });

  it("are encoded anew only where no grid can say them, with their number", async () => {
    const files = [0, 1, 2].map((number) => archiveFile(`partial-${number}.nc`));
    const { summary, target } = await combined(files, { concat: "time" });
    expect(reencoded(summary)).toEqual(["/v: 1 of 4"]);
    const array = await (await open(target)).array("v");
    expect(array.chunkGrid).toEqual({
      name: "rectilinear",
      chunkShapes: [
        [
          [4, 1],
          [1, 1],
          [4, 2],
        ],
        2,
        3,
      ],
    });
    expect(summary.notes.map(({ note }) => note).join()).toContain("rectilinear_chunks");
    expect(reencoded((await combined(files, { concat: "time", grid: "regular" })).summary)).toEqual([
      "/v: 3 of 4",
    ]);
  });

  it("that would need more than the limit are left out, or an error", async () => {
    const files = [0, 1].map((number) => archiveFile(`oversized-${number}.nc`));
    const options: IndexOptions = { concat: "time", materializeLimit: 100 };
    const { summary } = await combined(files, options);
    expect(summary.leftOut.map(({ path, code }) => `${path} ${code}`)).toEqual(["/v LimitExceeded"]);
    expect((await refused(files, { ...options, strict: true })).code).toBe("LimitExceeded");
  });
});

describe("what differs between files", () => {
  it.each([
    ["codecs", ["daily-0.nc", "codecs-1.nc"], "codecs"],
    ["packing", ["packed-0.nc", "packed-1.nc"], "scale_factor=0.5"],
    ["data types", ["daily-0.nc", "wide-2.nc"], "--drift decode stores all of it as float32"],
  ])("%s: is found before anything is written, and named", async (_, names, words) => {
    const target = newRepository();
    const error = await index(names.map(archiveFile), target, { concat: "time" }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "Incompatible", path: "/v" });
    expect(error.message).toContain(words);
    expect(error.message).toContain(names[1]);
    await expect(open(target)).rejects.toMatchObject({ code: "NotFound" });
  });

  it("in encoding is stored in the form that most elements have", async () => {
    const files = ["codecs-1.nc", "daily-0.nc", "daily-1.nc"].map(archiveFile);
    const { summary } = await combined(files, { concat: "time", drift: "decode" });
    expect(reencoded(summary)).toEqual(["/v: 2 of 6"]);
  });

  it("in data types is stored in one that holds all of them exactly", async () => {
    const files = ["wide-1.nc", "daily-0.nc", "wide-2.nc"].map(archiveFile);
    const { target, summary } = await combined(files, { concat: "time", drift: "decode" });
    const root = await open(target);
    expect((await root.array("v")).dataType).toEqual({ name: "float64" });
    expect((await root.array("v")).attributes["_FillValue"]).toBe("AAAAAAA4j8A=");
    expect((await root.array("time")).dataType).toEqual({ name: "float64" });
    // The chunks of the one file that has this type stay.
    expect(reencoded(summary)).toEqual(["/v: 4 of 6"]);
    expect(summary.notes.map(({ note }) => note).join()).toContain("stored as float64");
  });

  it("in what marks missing values is stored with the mark that most have, and nothing else anew", async () => {
    const files = ["daily-0.nc", "marked-1.nc", "daily-2.nc"].map(archiveFile);
    expect((await refused(files, { concat: "time" })).message).toContain("mark of missing values");
    const { target, summary } = await combined(files, { concat: "time", drift: "decode" });
    expect(reencoded(summary)).toEqual(["/v: 2 of 6"]);
    const array = await (await open(target)).array("v");
    expect(array.dataType).toEqual({ name: "float32" });
    const { data } = await get(array, [4, 0, null]);
    expect(data).toEqual(Float32Array.of(-999, 401, 402));
  });

  it("in what marks missing values is unpacked where a number would be taken for the mark", async () => {
    const files = ["daily-0.nc", "marked-2.nc", "daily-2.nc"].map(archiveFile);
    const { target } = await combined(files, { concat: "time", drift: "decode" });
    const { data } = await get(await (await open(target)).array("v"), [4, 0, null]);
    expect(data).toEqual(Float64Array.of(Number.NaN, -999, 402));
  });

  it("levels of compression are no difference", async () => {
    // daily-0 to daily-2 are compressed by levels 1 to 3
    await expect(combined(daily, { concat: "time" })).resolves.toBeDefined();
  });

  it("becomes a group each on request", async () => {
    const files = ["daily-0.nc", "codecs-1.nc", "daily-2.nc"].map(archiveFile);
    const { target, summary } = await combined(files, { concat: "time", drift: "split" });
    const root = await open(target);
    expect((await root.array("era-1/v")).shape).toEqual([8, 2, 3]);
    expect((await root.array("era-2/v")).shape).toEqual([4, 2, 3]);
    expect(summary.notes.filter(({ note }) => note.includes("of one encoding"))).toHaveLength(2);
  });

  it("in packing is unpacked on request, whole", async () => {
    const files = ["packed-0.nc", "packed-1.nc"].map(archiveFile);
    const { target, summary } = await combined(files, { concat: "time", drift: "decode" });
    const array = await (await open(target)).array("v");
    // v is 100 * time + 10 * lat + lon before it is packed: raw * 0.5 + 1, then raw * 0.25 + 1
    const { data } = await get(array, [null, 1, 2]);
    expect(data).toEqual(Float64Array.of(7, 57, 54, 79));
    expect(array.attributes).toEqual({ _FillValue: "AAAAAAAA+H8=" });
    expect(summary.notes.map(({ note }) => note).join()).toContain("unpacked");
  });
});

describe("times", () => {
  const calendars = [0, 1, 2].map((number) => archiveFile(`calendar-${number}.nc`));

  it("of which the bounds are those of a climatology are re-encoded with these", async () => {
    const files = [0, 1].map((number) => archiveFile(`climatology-${number}.nc`));
    const { target } = await combined(files, { concat: "time" });
    const root = await open(target);
    expect((await root.array("time")).attributes["units"]).toBe("days since 2000-01-01");
    expect((await get(await root.array("cells"))).data).toEqual(Float64Array.of(0, 1, 1, 2, 3, 4, 4, 5));
  });

  it("in months have an order where all are in the same units", async () => {
    const files = [1, 0].map((number) => archiveFile(`months-${number}.nc`));
    const { target } = await combined(files, { byCoords: true });
    expect((await get(await (await open(target)).array("v"))).data).toEqual(Float32Array.of(0, 0.5, 1, 1.5));
  });

  it("of different calendars are refused, or split", async () => {
    const error = await refused(calendars, { concat: "time" });
    expect(error).toMatchObject({ code: "Incompatible", path: "/time" });
    expect(error.message).toContain("calendar");
    const { target } = await combined(calendars, { concat: "time", drift: "split" });
    const root = await open(target);
    expect((await root.array("era-1/time")).shape).toEqual([2]);
    expect((await root.array("era-2/time")).shape).toEqual([4]);
  });

  it("of the two Gregorian calendars are the same after 1582", async () => {
    const { target } = await combined(calendars.slice(1), { concat: "time" });
    const array = await (await open(target)).array("time");
    expect((await get(array)).data).toEqual(BigInt64Array.of(2n, 3n, 4n, 5n));
    expect(array.attributes["calendar"]).toBe("proleptic_gregorian");
  });

  it("that are missing stay so when units differ, and are marked by what stands for them", async () => {
    const { target } = await combined(["gap-0.nc", "gap-1.nc"].map(archiveFile), { concat: "time" });
    const array = await (await open(target)).array("time");
    const missing = -(2n ** 63n);
    expect((await get(array)).data).toEqual(BigInt64Array.of(24n, missing, 48n, missing));
    expect(array.attributes).toEqual({ units: "hours since 2000-01-01", _FillValue: missing });
  });
});

describe("arrays that not all files have", () => {
  const files = [0, 1, 2].map((number) => archiveFile(`extra-${number}.nc`));

  it("are left out, or refused, by the rule", async () => {
    const inner = await combined(files, { concat: "time", join: "inner" });
    await expect((await open(inner.target)).array("extra")).rejects.toMatchObject({ code: "NotFound" });
    expect(await refused(files, { concat: "time", join: "exact" })).toMatchObject({
      code: "Incompatible",
      path: "/extra",
    });
  });

  it("are taken from the others where they have not the dimension, else read as missing", async () => {
    const { target } = await combined([archiveFile("bare.nc"), archiveFile("daily-2.nc")], {
      concat: "time",
    });
    const root = await open(target);
    expect((await root.array("mask")).shape).toEqual([2, 3]);
    const { data } = await get(await root.array("v"), [null, 0, 0]);
    expect(data).toEqual(Float32Array.of(-999, -999, 800, 900, 1000, 1100));
  });

  it("are not stored in an encoding that official clients cannot read", async () => {
    const { target } = await combined(
      [0, 1].map((number) => archiveFile(`summed-${number}.nc`)),
      {
        concat: "time",
      },
    );
    expect((await (await open(target)).array("v")).metadata.codecs.map(({ name }) => name)).toEqual([
      "bytes",
      "zstd",
    ]);
  });

  it("are refused where nothing says how many of their steps are missing", async () => {
    const files = ["unnamed-times.nc", "timeless.nc"].map(archiveFile);
    const error = await refused(files, { concat: "time" });
    expect(error).toMatchObject({
      code: "Incompatible",
      path: "/v",
      source: expect.stringContaining("timeless"),
    });
  });

  it("are refused where nothing would mark the missing values", async () => {
    const error = await refused([archiveFile("daily-0.nc"), archiveFile("flag.nc")], { concat: "time" });
    expect(error).toMatchObject({ code: "Incompatible", path: "/flag" });
    expect(error.message).toContain("--join inner");
  });
});

describe("arrays without the dimension", () => {
  it("must be the same, unless the first is wanted", async () => {
    const files = [archiveFile("daily-0.nc"), archiveFile("tile-01.nc")];
    const error = await refused(files, { concat: "time" });
    expect(error).toMatchObject({ code: "Incompatible" });
    expect(error.message).toContain("other values");
    const { target } = await combined(files, { concat: "time", compat: "override" });
    expect((await (await open(target)).array("lon")).shape).toEqual([3]);
  });

  it("stand once when files are stacked along a new dimension", async () => {
    const files = [archiveFile("daily-0.nc"), archiveFile("daily-0.nc")];
    const { target } = await combined(files, { concat: "run" });
    const root = await open(target);
    expect((await root.array("v")).shape).toEqual([2, 4, 2, 3]);
    expect((await root.array("v")).dimensionNames).toEqual(["run", "time", "lat", "lon"]);
    expect((await root.array("time")).shape).toEqual([4]);
  });
});

describe("placing by coordinates", () => {
  it.each([
    ["files that overlap", ["daily-0.nc", "extra-1.nc"], "overlap"],
    ["files at the same place", ["daily-0.nc", "daily-0.nc"], "same coordinates"],
    ["a grid with a hole", ["tile-00.nc", "tile-01.nc", "tile-10.nc"], "do not fill a grid"],
  ])("refuses %s", async (_, names, words) => {
    const error = await refused(names.map(archiveFile), { byCoords: true, join: "inner" });
    expect(error).toMatchObject({ code: "Incompatible" });
    expect(error.message).toContain(words);
  });
});

describe("attributes", () => {
  it("follow the rule", async () => {
    const title = async (options: IndexOptions) => {
      const { target } = await combined(daily, { concat: "time", ...options });
      return (await open(target)).attributes["title"];
    };
    expect(await title({})).toBe("daily-0.nc");
    expect(await title({ attributes: "drop-conflicts" })).toBeUndefined();
    expect((await refused(daily, { concat: "time", attributes: "identical" })).message).toContain("title");
  });
});
