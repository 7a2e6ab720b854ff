// Replacing 1 % of the chunks of a virtual array of a million: set, pack and commit; its objects; reading it back.
// The official client (icechunk, zarr-python) does the same region in a copy of the same repository.
// usage: node bench/replace.mjs WORKLOADS [--python PYTHON] [--runs N] [--only whole|parts]     (build first: npm run build)
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** 100 × 100 chunks of 8 × 8; moved by three elements, chunks at the edges keep some of their values. */
const REGIONS = { "whole chunks": [0, 0, 800, 800], "parts of chunks": [3, 3, 795, 795] };

/** One measurement in a process of its own; prints seconds by step. */
async function step({ kind, folder, region, seed }) {
  const { Repository, get, slice } = await import("../dist/node.js");
  const [top, left, rows, columns] = region;
  const selection = [slice(top, top + rows), slice(left, left + columns)];
  const seconds = {};
  const measure = async (name, work) => {
    const start = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - start) / 1000;
    return result;
  };
  const repository = await Repository.open(folder);
  if (kind === "replace") {
    const values = Int16Array.from({ length: rows * columns }, (_, i) => (i * 7 + seed) % 1000);
    const session = await measure("open", () => repository.writableSession());
    await measure("set", () => session.array("data").set(selection, values));
    await measure("commit", () => session.commit("replaced"));
  } else {
    const array = (await measure("open", () => repository.readonlySession())).array("data");
    const { data } = await measure("first read", () => get(array, selection));
    const times = [];
    for (let i = 0; i < 7; i++) {
      const start = performance.now();
      await get(array, selection);
      times.push((performance.now() - start) / 1000);
    }
    seconds.read = times.sort((a, b) => a - b)[3];
    seconds.sum = data.reduce((sum, value) => sum + value, 0);
  }
  console.log(JSON.stringify(seconds));
}

const PEER = `
import json, sys, time
import icechunk, numpy as np, zarr
icechunk.set_logs_filter("error")
case = json.loads(sys.argv[1])
top, left, rows, columns = case["region"]
where = np.s_[top:top + rows, left:left + columns]
seconds = {}
def measure(name, work):
    start = time.perf_counter()
    result = work()
    seconds[name] = time.perf_counter() - start
    return result
storage = icechunk.local_filesystem_storage(case["folder"])
containers = icechunk.Repository.fetch_config(storage).virtual_chunk_containers or {}
access = {prefix: icechunk.credentials.LocalFileSystemAccess for prefix in containers}
repository = icechunk.Repository.open(storage, authorize_virtual_chunk_access=access)
if case["kind"] == "replace":
    values = ((np.arange(rows * columns) * 7 + case["seed"]) % 1000).astype("i2").reshape(rows, columns)
    session = measure("open", lambda: repository.writable_session("main"))
    array = zarr.open_group(session.store, mode="r+")["data"]
    measure("set", lambda: array.__setitem__(where, values))
    measure("commit", lambda: session.commit("replaced"))
else:
    session = measure("open", lambda: repository.readonly_session("main"))
    array = zarr.open_group(session.store, mode="r")["data"]
    data = measure("first read", lambda: array[where])
    times = []
    for _ in range(7):
        start = time.perf_counter()
        array[where]
        times.append(time.perf_counter() - start)
    seconds["read"] = sorted(times)[3]
    seconds["sum"] = int(data.astype("i8").sum())
print(json.dumps(seconds))
`;

function run(command, args) {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: "utf8" });
  const line = stdout.trim().split("\n").at(-1);
  if (status !== 0 || !line?.startsWith("{"))
    throw new Error(`exit status ${status}\n${stderr.slice(-2000)}`);
  return JSON.parse(line);
}

function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
}

const objectsIn = (folder) => readdirSync(join(folder, "chunks")).length;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function main() {
  const workloads = process.argv[2];
  if (workloads === undefined || workloads.startsWith("--")) {
    throw new Error("usage: node bench/replace.mjs WORKLOADS [--python PYTHON] [--runs N]");
  }
  const { index, Repository } = await import("../dist/node.js");
  const python = option("python", process.env.MORAINE_BENCH_PYTHON);
  const runs = Number(option("runs", 3));
  const work = mkdtempSync(join(tmpdir(), "moraine-replace-"));
  const tools = {
    moraine: (input) =>
      run(process.execPath, [fileURLToPath(import.meta.url), "--step", JSON.stringify(input)]),
  };
  if (python) tools.official = (input) => run(python, ["-c", PEER, JSON.stringify(input)]);
  try {
    // The chunks are small: held inline they would be no objects at all, with either client.
    const base = join(work, "base");
    await Repository.create(base, { config: { inlineChunkThresholdBytes: 0 } });
    await index([join(resolve(workloads), "chunks1m.h5")], base);
    for (const [what, region] of Object.entries(REGIONS)) {
      if (!what.startsWith(option("only", ""))) continue;
      const rows = {};
      for (const [name, tool] of Object.entries(tools)) {
        const before = tool({ kind: "read", folder: base, region });
        const samples = [];
        let after;
        let objects = 0;
        for (let seed = 1; seed <= runs; seed++) {
          const folder = join(work, "copy");
          cpSync(base, folder, { recursive: true });
          samples.push(tool({ kind: "replace", folder, region, seed }));
          objects = Math.max(objectsIn(folder), objects);
          after = tool({ kind: "read", folder, region });
          rows.sums ??= after.sum;
          rmSync(folder, { recursive: true });
        }
        const total = median(samples.map(({ open, set, commit }) => open + set + commit));
        const [set, commit] = ["set", "commit"].map((key) => median(samples.map((sample) => sample[key])));
        rows[name] = { total, objects, read: after.read, sum: after.sum };
        console.log(
          `${what}, ${name}: ${total.toFixed(3)} s (set ${set.toFixed(3)}, ` +
            `commit ${commit.toFixed(3)}), ${objects} objects; read ${before.read.toFixed(3)} s before, ${after.read.toFixed(3)} s after`,
        );
      }
      const { moraine, official } = rows;
      if (!official) continue;
      if (moraine.sum !== official.sum) throw new Error("the two hold different values");
      console.log(
        `  ${(official.total / moraine.total).toFixed(1)} × faster than the official client, 1/${Math.round(official.objects / moraine.objects)} of its objects`,
      );
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const at = process.argv.indexOf("--step");
await (at < 0 ? main() : step(JSON.parse(process.argv[at + 1])));
