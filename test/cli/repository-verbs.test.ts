import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseWords, UsageError, type VerbContext } from "../../src/cli/verb.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import { Repository } from "../../src/icechunk/repository.ts";
import { FileStorage } from "../../src/storage/file/file-storage.ts";
import { byteArray, chunk } from "../icechunk/repositories.ts";
import "../../src/node.ts";

let folder: string;
let path: string;
const ids: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-verbs-"));
  path = join(folder, "repository");
  const repository = await Repository.create(new FileStorage(), pathToFileURL(path).href);
  for (const i of [0, 1]) {
    const session = await repository.writableSession();
    if (i === 0) session.createArray("/a", byteArray([2]));
    await session.setChunk("/a", [i], chunk(i, 600));
    ids.push(await session.commit(`commit ${i}`, { metadata: { n: i } }));
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs a verb; gives its exit status and what it printed. */
async function run(name: string, ...words: string[]): Promise<[number, string[]]> {
  const verb = VERBS.find((item) => item.name === name);
  if (!verb) throw new Error(`no verb ${name}`);
  const lines: string[] = [];
  const context: VerbContext = {
    print: async (line) => void lines.push(...line.split("\n")),
    warn: (line) => void lines.push(`! ${line}`),
    signal: new AbortController().signal,
    interactive: false,
  };
  return [await verb.run(parseWords(verb, [path, ...words]), context), lines];
}

async function json(name: string, ...words: string[]): Promise<unknown[]> {
  const [status, lines] = await run(name, ...words, "--json");
  expect(status).toBe(0);
  return lines.map((line) => JSON.parse(line) as unknown);
}

describe("the verbs of repositories", () => {
  it("log tells the history, newest first, and what was done", async () => {
    const found = await json("log");
    expect(found).toMatchObject([
      { snapshot: ids[1], parent: ids[0], message: "commit 1", metadata: { n: 1 } },
      { snapshot: ids[0], message: "commit 0" },
      { parent: null, message: "Repository initialized" },
    ]);
    expect(await json("log", "--limit", "1")).toHaveLength(1);
    expect(await json("log", "--ref", ids[0] ?? "")).toHaveLength(2);
    expect(await json("log", "--operations")).toMatchObject([
      { operation: "NewCommit", branch: "main" },
      { operation: "NewCommit" },
      { operation: "RepoInitialized" },
    ]);
    const [, lines] = await run("log");
    expect(lines[0]).toContain("commit 1  (main)");
  });

  it("branch and tag make, list, move and delete refs", async () => {
    expect(await json("branch", "b", ids[0] ?? "")).toEqual([{ branch: "b", snapshot: ids[0] }]);
    expect(await json("branch")).toEqual([{ b: ids[0], main: ids[1] }]);
    expect(await json("branch", "b", "main", "--reset")).toEqual([{ branch: "b", snapshot: ids[1] }]);
    expect(await json("tag", "v1", "b")).toEqual([{ tag: "v1", snapshot: ids[1] }]);
    expect(await json("branch", "b", "--delete")).toEqual([{ branch: "b", snapshot: null }]);
    expect(await json("tag")).toEqual([{ v1: ids[1] }]);
    expect(await json("tag", "v1", "--delete")).toEqual([{ tag: "v1", snapshot: null }]);
    await expect(run("tag", "v1")).rejects.toMatchObject({ code: "AlreadyExists" });
    await expect(run("branch", "--delete")).rejects.toBeInstanceOf(UsageError);
    await expect(run("branch", "c", "nowhere")).rejects.toMatchObject({ code: "NotFound" });
  });

  it("diff tells what changed", async () => {
    expect(await json("diff", "1CECHNKREP0F1RSTCMT0", ids[0] ?? "")).toMatchObject([
      { new_groups: ["/"], new_arrays: ["/a"], updated_chunks: { "/a": [[0]] } },
    ]);
    expect((await run("diff", ids[0] ?? ""))[1]).toEqual(["chunks of  /a  1: [1]"]);
    await expect(run("diff", "main", ids[0] ?? "")).rejects.toMatchObject({ code: "InvalidArgument" });
  });

  it("status tells what it is, and closes it to changes", async () => {
    expect(await json("status", "--storage")).toMatchObject([
      {
        specification: 2,
        availability: "online",
        storage: { chunks: { native: { count: 2, bytes: 1200 } } },
      },
    ]);
    expect(await json("status", "--set", "read-only", "--reason", "moving")).toMatchObject([
      { availability: "read-only", reason: "moving" },
    ]);
    await expect(run("branch", "x")).rejects.toMatchObject({ code: "ReadOnly" });
    await json("status", "--set", "online");
  });

  it("expire, gc and fsck keep it in order", async () => {
    await expect(run("gc")).rejects.toBeInstanceOf(UsageError);
    expect(await json("expire", "--older-than", "1970-01-01")).toEqual([
      { released: [], deleted_branches: [], deleted_tags: [] },
    ]);
    expect(await json("expire", "--older-than", "2999-01-01")).toMatchObject([{ released: [ids[0]] }]);
    expect(await json("gc", "--older-than", "2999-01-01", "--dry-run")).toMatchObject([
      { dry_run: true, snapshots: { count: 1 }, chunks: { count: 0 } },
    ]);
    expect(await json("gc", "--older-than", "30d")).toMatchObject([{ snapshots: { count: 0 } }]);
    expect(await json("gc", "--older-than", "2999-01-01")).toMatchObject([{ snapshots: { count: 1 } }]);
    expect(await json("fsck")).toMatchObject([{ checked: { snapshots: 2, native_chunks: 2 }, findings: [] }]);
    await expect(run("fsck", "--forget", ids[1] ?? "")).rejects.toMatchObject({ code: "NotFound" });
    for (const folderName of ["chunks", "manifests"]) {
      await rm(join(path, folderName), { recursive: true });
      const [status, lines] = await run("fsck");
      expect(status).toBe(1);
      expect(lines[0]).toMatch(/^error: NotFound: /);
    }
  });
});
