// Runs the command as it was built: `npm test` builds first.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const bin = fileURLToPath(new URL("../../bin/moraine.js", import.meta.url));
const demo = fileURLToPath(new URL("../data/demo", import.meta.url));
const netcdf4 = join(demo, "sst-2020.nc");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function moraine(...words: string[]): { status: number | null; out: string; error: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...words], { encoding: "utf8" });
  return { status, out: stdout, error: stderr };
}

const jsonLines = (text: string): unknown[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("exit status", () => {
  it("is 0 for help and the version", () => {
    expect(moraine("--help")).toMatchObject({ status: 0, error: "" });
    expect(moraine("--version").out).toMatch(/^\d+\.\d+\.\d+\n$/);
    for (const verb of ["inspect", "digest", "refs", "read", "index", "verify"]) {
      const { status, out } = moraine(verb, "--help");
      expect([verb, status]).toEqual([verb, 0]);
      expect(out).toContain(`usage: moraine ${verb}`);
    }
  });

  it.each([[], ["melt"], ["inspect"], ["inspect", "a", "b"], ["index", netcdf4], ["inspect", "--what", "x"]])(
    "is 2 for a wrong command line: %j",
    (...words) => {
      const { status, out } = moraine(...words);
      expect(status).toBe(2);
      if (words.length > 0) expect(out).toBe("");
    },
  );

  it("is 2 for words beyond those that a verb takes, and these are named", () => {
    const { status, error } = moraine("read", netcdf4, "/sst", "0:1");
    expect(status).toBe(2);
    expect(error).toContain('"0:1" is more than this verb takes; usage: moraine read SOURCE PATH');
  });

  it("is 1 when something was refused, and the rest is done", () => {
    const { status, out } = moraine("digest", "--json", "/nowhere.nc", netcdf4);
    expect(status).toBe(1);
    expect(jsonLines(out)).toHaveLength(5);
  });
});

describe("errors", () => {
  it("are one line with a code and a place, and never a stack", async () => {
    const cut = join(folder, "cut.nc");
    await writeFile(cut, new Uint8Array(await readFile(netcdf4)).subarray(0, 700));
    const { status, out, error } = moraine("inspect", cut);
    expect(status).toBe(1);
    expect(out).toBe("");
    expect(error).toMatch(/^moraine: [A-Za-z]+: .*cut\.nc.*\n$/);
  });

  it("are JSON too with --json", () => {
    const { out, error } = moraine("inspect", "--json", "/nowhere.nc");
    expect(JSON.parse(out)).toEqual({
      error: { code: "NotFound", message: expect.any(String), source: "file:///nowhere.nc" },
    });
    expect(error).toMatch(/^moraine: NotFound: /);
  });
});

describe("inspect --json", () => {
  it("is one Zarr v3 group document with inline consolidated metadata", () => {
    const document = JSON.parse(moraine("inspect", "--json", netcdf4).out);
    expect(document).toMatchObject({ zarr_format: 3, node_type: "group" });
    const { metadata } = document.consolidated_metadata;
    expect(Object.keys(metadata)).toEqual(["time", "lat", "lon", "sst"]);
    expect(metadata.sst).toMatchObject({
      node_type: "array",
      shape: [4, 20, 30],
      data_type: "int16",
      dimension_names: ["time", "lat", "lon"],
      moraine: { chunks: { virtual: 16, native: 0, inline: 0, missing: 0 }, virtual: true },
    });
  });
});

describe("read", () => {
  it("prints a selection by name", () => {
    const { out } = moraine("read", "--json", netcdf4, "/sst", "--select", "time=0,lat=0:2,lon=0:4");
    expect(JSON.parse(out)).toEqual({
      shape: [2, 4],
      data: [
        [362, 382, 401, 418],
        [485, 505, 525, 541],
      ],
    });
  });

  it("writes .npy, .csv and .json", async () => {
    for (const ending of ["npy", "csv", "json"]) {
      const file = join(folder, `sst.${ending}`);
      expect(moraine("read", netcdf4, "sst", "--select", "0,0,0:2", "--output", file).status).toBe(0);
    }
    const npy = await readFile(join(folder, "sst.npy"));
    expect(npy.toString("latin1", 1, 6)).toBe("NUMPY");
    expect(npy.readInt16LE(npy.length - 4)).toBe(362);
    expect(await readFile(join(folder, "sst.csv"), "utf8")).toBe("axis_0,value\n0,362\n1,382\n");
    expect(await readFile(join(folder, "sst.json"), "utf8")).toBe("[362,382]\n");
  });
});

describe("index", () => {
  it("prints a summary, and the target has the digests of the source", () => {
    const target = join(folder, "sst.icechunk");
    const summary = JSON.parse(moraine("index", "--json", netcdf4, "--to", target, "--message", "one").out);
    expect(summary).toMatchObject({
      format: "icechunk",
      arrays: 4,
      chunks: { virtual: 19 },
      decoded: [],
      left_out: [],
      requests: expect.any(Number),
      bytes: expect.any(Number),
      rounds: expect.any(Number),
    });
    const values = (address: string) =>
      jsonLines(moraine("digest", "--json", address).out)
        .map((row) => JSON.stringify({ ...Object(row), source: undefined }))
        .sort();
    expect(values(target)).toEqual(values(netcdf4));
    const references = jsonLines(moraine("refs", "--json", target, "/sst").out);
    expect(references[0]).toEqual({
      path: "/sst",
      coordinates: [0, 0, 0],
      kind: "virtual",
      location: `file://${netcdf4}`,
      offset: expect.any(Number),
      length: expect.any(Number),
    });
    expect(moraine("verify", target)).toMatchObject({
      status: 0,
      out: "4 arrays: 19 chunks equal, 0 differ\n",
    });
    expect(moraine("inspect", target, "--ref", summary.snapshot).status).toBe(0);
    expect(moraine("inspect", target, "--ref", "no-such").status).toBe(1);
  });

  it("tells people how many there are of each, and of each array whether it is virtual, native or both", () => {
    const target = join(folder, "told.icechunk");
    expect(moraine("index", netcdf4, "--to", target).out).toMatch(
      /: 4 arrays in 1 group, 19 virtual chunks /,
    );
    expect(moraine("materialize", target, "/sst", "--where", "time=0").status).toBe(0);
    expect(moraine("materialize", target, "/lat").out).toMatch(/^1 chunk, .*, in 1 commit$/m);
    const states = moraine("inspect", target).out.match(/^\/\w+(?= {2})|^ {4}(virtual|native|mixed).*$/gm);
    expect(states).toEqual([
      ...["/lat", "    native"],
      ...["/lon", "    virtual as it is"],
      ...["/sst", "    mixed: partly virtual, partly native"],
      ...["/time", "    virtual as it is"],
    ]);
  });

  it("leaves no target where the source is refused", () => {
    const target = join(folder, "none.icechunk");
    expect(moraine("index", "/nowhere.nc", "--to", target).status).toBe(1);
    expect(existsSync(target)).toBe(false);
  });
});
