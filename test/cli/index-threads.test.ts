// Runs the command as it was built: threads need compiled files.
import { spawnSync } from "node:child_process";
import { copyFile, mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import "../../src/node.ts";
import { contentsOf } from "../dataset/contents.ts";

const bin = fileURLToPath(new URL("../../bin/moraine.js", import.meta.url));
const data = fileURLToPath(new URL("../data", import.meta.url));
let folder = "";
const paths: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-threads-"));
  for (let number = 0; number < 60; number++) {
    const path = join(folder, `day-${String(number).padStart(3, "0")}.nc`);
    await copyFile(join(data, number % 2 === 0 ? "combine/daily-0.nc" : "combine/daily-1.nc"), path);
    paths.push(path);
  }
  for (const name of ["hdf5-structure", "netcdf3"]) paths.push(...(await filesOf(join(data, name))));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function filesOf(path: string): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  return (await readdir(path)).filter((name) => /\.(nc|h5)$/.test(name)).map((name) => join(path, name));
}

interface Outcome {
  readonly status: number | null;
  readonly json: Record<string, unknown>;
}

function index(target: string, sources: readonly string[], ...words: string[]): Outcome {
  const all = [bin, "index", ...sources, "--to", join(folder, target), "--json", ...words];
  const { status, stdout } = spawnSync(process.execPath, all, { encoding: "utf8", maxBuffer: 1 << 26 });
  const json: unknown = JSON.parse(stdout);
  if (typeof json !== "object" || json === null) throw new Error(stdout);
  return { status, json: { ...json } };
}

/** The summary without what differs from run to run. */
function told({ json }: Outcome): unknown {
  const { target, snapshot, seconds, rounds, requests, bytes, cache_hits: hits, traffic, ...same } = json;
  expect([target, snapshot, seconds, rounds, requests, bytes, hits, traffic]).not.toContain(undefined);
  return same;
}

describe("an index with threads", () => {
  it("gives every kind of file the same groups, arrays, notes and faults as one without", async () => {
    const plain = index("plain", paths, "--workers", "0", "--on-error", "skip");
    const threaded = index("threaded", paths, "--workers", "2", "--on-error", "skip");
    expect(told(threaded)).toEqual(told(plain));
    expect(await contentsOf(join(folder, "threaded"))).toEqual(await contentsOf(join(folder, "plain")));
  }, 60_000);

  it("names a file that is broken, with the code that it has without", async () => {
    const broken = join(folder, "broken.nc");
    await copyFile(join(data, "combine/daily-0.nc"), broken);
    await truncate(broken, 3000);
    const sources = paths.slice(0, 60).toSpliced(50, 0, broken);
    const outcomes = ["0", "2"].map((count) => index(`broken-${count}`, sources, "--workers", count));
    for (const { status, json } of outcomes) {
      expect(status).toBe(1);
      expect(json["error"]).toMatchObject({ code: "TruncatedFile", source: `file://${broken}` });
    }
    expect(outcomes[0]?.json).toEqual(outcomes[1]?.json);
  }, 60_000);
});
