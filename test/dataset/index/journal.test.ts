import {
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { index } from "../../../src/node.ts";
import { contentsOf } from "../contents.ts";

const data = fileURLToPath(new URL("../../data", import.meta.url));
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-journal-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Copies of the same daily file, each of its own. */
async function archive(name: string, count: number): Promise<string[]> {
  const paths: string[] = [];
  for (let number = 0; number < count; number++) {
    const path = join(folder, `${name}-${String(number).padStart(3, "0")}.nc`);
    await copyFile(join(data, "combine", "daily-0.nc"), path);
    paths.push(path);
  }
  return paths;
}

/** Files with parts in other files, which have no record, as those that cannot be opened have none. */
const LEADING_ELSEWHERE: ReadonlySet<string> = new Set([
  "hdf5-structure/links.h5",
  "hdf5-dataset/converted.h5",
  "hdf5-dataset/layouts.h5",
  "hdf5-dataset/links.h5",
  "hdf5-dataset/nested.h5",
  "hdf5-dataset/paths.h5",
  "hdf5-dataset/virtual.h5",
]);

async function records(journal: string): Promise<string[]> {
  const names = await readdir(journal, { recursive: true });
  return names.filter((name) => name.endsWith(".scan")).map((name) => join(journal, name));
}

/** Sources whose bytes were asked for while they were scanned, by an index that stops when everything is scanned. */
async function scanned(paths: readonly string[], journal: string): Promise<string[]> {
  const read = new Set<string>();
  await index(paths, join(folder, `scanned-${Math.random()}.icechunk`), {
    journal,
    load: [],
    onEvent: (event) => {
      if (event.type === "request" && event.bytes > 0) read.add(event.address);
    },
  });
  return paths.filter((path) => read.has(pathToFileURL(path).href));
}

describe("an index with a journal", () => {
  it("that was aborted midway scans only what is left, and gives what an undisturbed one gives", async () => {
    const paths = await archive("aborted", 80);
    const journal = join(folder, "aborted-journal");
    const stop = new AbortController();
    const options = { concat: "time", journal } as const;
    const first = index(paths, join(folder, "aborted.icechunk"), {
      ...options,
      signal: stop.signal,
      onProgress: ({ files }) => {
        if (files === 20) stop.abort();
      },
    });
    await expect(first).rejects.toMatchObject({ code: "Aborted" });
    const done = (await records(journal)).length;
    expect(done).toBeGreaterThanOrEqual(20);
    expect(done).toBeLessThan(80);
    expect(await scanned(paths, journal)).toHaveLength(80 - done);
    const summary = await index(paths, join(folder, "resumed.icechunk"), options);
    const plain = await index(paths, join(folder, "plain.icechunk"), { concat: "time" });
    expect(await contentsOf(join(folder, "resumed.icechunk"))).toEqual(
      await contentsOf(join(folder, "plain.icechunk")),
    );
    expect({ ...summary, target: "", snapshot: "", statistics: {} }).toEqual({
      ...plain,
      target: "",
      snapshot: "",
      statistics: {},
    });
  });

  it("scans a source anew that has changed", async () => {
    const paths = await archive("changed", 3);
    const journal = join(folder, "changed-journal");
    expect(await scanned(paths, journal)).toEqual(paths);
    expect(await scanned(paths, journal)).toEqual([]);
    await copyFile(join(data, "combine", "daily-1.nc"), paths[1] ?? "");
    await utimes(paths[1] ?? "", 1e9, 1e9);
    expect(await scanned(paths, journal)).toEqual([paths[1]]);
    expect(await scanned(paths, journal)).toEqual([]);
  });

  it("ignores records that are torn or of another source", async () => {
    const paths = await archive("torn", 4);
    const journal = join(folder, "torn-journal");
    await scanned(paths, journal);
    const [cut = "", flipped = "", foreign = "", whole = ""] = await records(journal);
    await truncate(cut, (await stat(cut)).size - 1);
    const bytes = new Uint8Array(await readFile(flipped));
    bytes[bytes.length - 9] = (bytes.at(-9) ?? 0) ^ 1;
    await writeFile(flipped, bytes);
    await copyFile(whole, foreign);
    expect(await scanned(paths, journal)).toHaveLength(3);
    expect(await scanned(paths, journal)).toEqual([]);
  });

  it("gives every file the same groups, arrays, notes and faults as one without", async () => {
    for (const topic of ["hdf5-structure", "hdf5-dataset", "netcdf3", "combine", "demo"]) {
      const files = (await readdir(join(data, topic))).filter((name) => /\.(nc|h5)$/.test(name));
      expect(files.length).toBeGreaterThan(0);
      const paths = files.map((name) => join(data, topic, name));
      const journal = join(folder, `${topic}-journal`);
      const plain = await index(paths, join(folder, `${topic}-plain.icechunk`), { onError: "skip" });
      const target = join(folder, `${topic}.icechunk`);
      const summary = await index(paths, target, { onError: "skip", journal });
      expect({ ...summary, target: "", snapshot: "", statistics: {} }).toEqual({
        ...plain,
        target: "",
        snapshot: "",
        statistics: {},
      });
      expect(await contentsOf(target)).toEqual(await contentsOf(join(folder, `${topic}-plain.icechunk`)));
      const unopened = summary.leftOut.filter(({ path }) => path === "/");
      const leading = files.filter((name) => LEADING_ELSEWHERE.has(`${topic}/${name}`));
      expect(await records(journal)).toHaveLength(files.length - unopened.length - leading.length);
    }
  });
});
