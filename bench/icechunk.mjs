// Icechunk's write path beside the official client: the steps of ../shared/bench/cases/commit.py, each in a process of its
// own, so that its time and peak memory are its own.
// usage: node bench/icechunk.mjs [--python PYTHON] [--refs N] [--commits N] [--arrays N] [--runs N] [--steps create,append,…]
// (build first: npm run build). "first" is the first of its kind in a fresh process, where V8 has compiled nothing yet;
// "again" the mean of those after it. The bars for 5 M references: --refs 5000000 --steps create,append,lookup --runs 1
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const GRID = [10, 10];
const PER_FILE = 1000;
const AGAIN = 50;
const url = (number) =>
  `s3://archive/reanalysis/hourly/2020/surface-level-${String(number).padStart(5, "0")}.nc`;

/** Peak memory since the last reset, in MB. */
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
function resetPeak() {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not allowed here: the peak is of the whole process then.
  }
}

/** One step in this process; prints its samples. */
async function step({ step: name, refs, commits, arrays, folder }) {
  // With what Node adds, as users import it.
  await import("../dist/node.js");
  const { Repository } = await import("../dist/icechunk/repository.js");
  const { FileStorage } = await import("../dist/storage/file/file-storage.js");
  const { parseArrayMetadata } = await import("../dist/zarr/metadata-v3.js");
  // The official client has its compressor with it when it is imported.
  await (await import("../dist/codecs/native.js")).native.zstd.ready();
  const storage = new FileStorage();
  const address = pathToFileURL(folder).href;
  const samples = [];
  const measure = async (label, work) => {
    resetPeak();
    const start = performance.now();
    const before = process.cpuUsage();
    const result = await work();
    const { user, system } = process.cpuUsage(before);
    samples.push({
      label,
      s: (performance.now() - start) / 1000,
      cpu_s: (user + system) / 1e6,
      peak_rss_mb: peak(),
    });
    return result;
  };
  const metadata = (shape, chunks, type = "float32") =>
    parseArrayMetadata({
      zarr_format: 3,
      node_type: "array",
      shape,
      data_type: type,
      chunk_grid: { name: "regular", configuration: { chunk_shape: chunks } },
      chunk_key_encoding: { name: "default" },
      fill_value: 0,
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
    });
  const config = { virtualChunkContainers: [{ urlPrefix: "s3://archive/" }] };
  const steps = refs / (GRID[0] * GRID[1]);
  const shapeOf = (length) => metadata([length, GRID[0] * 64, GRID[1] * 64], [1, 64, 64]);
  switch (name) {
    case "create": {
      const repository = await Repository.create(storage, address, { config });
      const session = await repository.writableSession();
      session.createArray("/t2m", shapeOf(steps));
      const lengths = Float64Array.from({ length: refs }, (_, i) => 8000 + ((i * 2654435761) % 4000));
      const offsets = new Float64Array(refs);
      for (let i = 0, at = 0; i < refs; i++) {
        if (i % PER_FILE === 0) at = 4096;
        at += lengths[i];
        offsets[i] = at;
      }
      const locations = Array.from({ length: refs / PER_FILE }, (_, i) => url(i));
      const locationIndexes = Uint32Array.from({ length: refs }, (_, i) => Math.floor(i / PER_FILE));
      const versions = locations.map(() => undefined);
      const gridShape = [steps, ...GRID];
      const manifest = {
        gridShape,
        count: refs,
        locations,
        versions,
        locationIndexes,
        offsets,
        lengths,
        inline: new Map(),
      };
      await measure("set", () => session.setReferences("/t2m", manifest));
      await measure("commit", () => session.commit("all"));
      break;
    }
    case "append": {
      const repository = await Repository.open(storage, address);
      await measure("append", async () => {
        const session = await repository.writableSession();
        const length = session.array("/t2m").shape[0];
        session.updateArray("/t2m", shapeOf(length + 1));
        const one = {
          gridShape: [1, 1, 1],
          count: 1,
          locations: [url(0)],
          versions: [undefined],
          inline: new Map(),
        };
        const manifest = { ...one, offsets: Float64Array.of(4096), lengths: Float64Array.of(10_000) };
        await session.setReferences("/t2m", manifest, { at: [length, 0, 0] });
        await session.commit("one more");
      });
      break;
    }
    case "lookup": {
      const session = await measure("open", async () => {
        const repository = await Repository.open(storage, address, { authorize: "all" });
        return repository.readonlySession();
      });
      const { chunks } = session.node("/t2m");
      await measure("first look-up", () => chunks.locate(Uint32Array.of(0, 0, 0), 1));
      const where = Uint32Array.from({ length: 30_000 }, (_, i) =>
        Math.floor(Math.random() * (i % 3 === 0 ? steps : 10)),
      );
      // The first time they read the manifests, which the official client has done at the first look-up.
      for (const label of ["10,000 look-ups", "10,000 look-ups, again"]) {
        await measure(label, async () => {
          for (let i = 0; i < 10_000; i++) await chunks.locate(where.subarray(3 * i, 3 * i + 3), 1);
        });
      }
      const { count } = await measure("list all", () => chunks.manifest());
      if (count < refs) throw new Error(`${count} references found`);
      break;
    }
    case "commits": {
      const repository = await Repository.create(storage, address, { config });
      await measure("small commits", async () => {
        for (let number = 0; number < commits; number++) {
          const session = await repository.writableSession();
          if (number === 0) session.createGroup("/", { number });
          else session.updateGroup("/", { number });
          await session.commit(`commit ${number}`);
        }
      });
      break;
    }
    case "open": {
      const open = async () => {
        const opened = await Repository.open(storage, address);
        await opened.readonlySession();
        return opened;
      };
      const walk = async (repository) => {
        let count = 0;
        for await (const _ of repository.ancestry()) count += 1;
        if (count <= commits) throw new Error(`${count} commits found`);
      };
      const repository = await measure("open, first", open);
      await measure("ancestry, first", () => walk(repository));
      const opened = [];
      await measure("open, again", async () => {
        for (let i = 0; i < AGAIN; i++) opened.push(await open());
      });
      await measure("ancestry, again", async () => {
        for (const one of opened) await walk(one);
      });
      break;
    }
    case "arrays": {
      const repository = await Repository.create(storage, address, { config });
      const session = await repository.writableSession();
      session.createGroup("/", {});
      await measure("create arrays", async () => {
        for (let i = 0; i < arrays; i++) {
          session.createArray(`/a${i}`, metadata([4], [4]));
          await session.setChunk(`/a${i}`, [0], new Uint8Array(16).fill(i));
        }
      });
      await measure("commit arrays", () => session.commit("all"));
      break;
    }
  }
  console.log(JSON.stringify({ samples }));
}

/** Opening again and again with the official client, which commit.py has not. */
const OFFICIAL_OPEN = `
import sys
sys.path.insert(0, sys.argv[2])
import json
from common import Case
case = Case()
import icechunk
case.imported()
icechunk.set_logs_filter("error")
def open_once():
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(case.args["repository"]))
    repository.readonly_session("main")
    return repository
def walk(repository):
    assert sum(1 for _ in repository.ancestry(branch="main")) > case.args["commits"]
repository = case.measure(open_once, "open, first")
case.measure(lambda: walk(repository), "ancestry, first")
opened = case.measure(lambda: [open_once() for _ in range(${AGAIN})], "open, again")
case.measure(lambda: [walk(one) for one in opened], "ancestry, again")
case.finish()
`;

/** 2,000 small arrays with the official client, which commit.py has not. */
const OFFICIAL_ARRAYS = `
import sys
sys.path.insert(0, sys.argv[2])
import json
from common import Case
case = Case()
import icechunk, zarr, numpy as np
case.imported()
icechunk.set_logs_filter("error")
repository = icechunk.Repository.create(icechunk.local_filesystem_storage(case.args["repository"]))
session = repository.writable_session("main")
root = zarr.create_group(session.store)
def create():
    for i in range(case.args["arrays"]):
        root.create_array(f"a{i}", shape=(4,), chunks=(4,), dtype="f4", compressors=None)[:] = i + 1
case.measure(create, "create arrays")
case.measure(lambda: session.commit("all"), "commit arrays")
case.finish()
`;

function run(command, args) {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: "utf8", env: process.env });
  const line = stdout.trim().split("\n").at(-1);
  if (!line?.startsWith("{"))
    throw new Error(`${args.at(-1)}: exit status ${status}\n${stderr.slice(-1500)}`);
  return JSON.parse(line).samples;
}

function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
}

function main() {
  const python = option("python", undefined);
  const refs = Number(option("refs", 1_000_000));
  const commits = Number(option("commits", 1000));
  const arrays = Number(option("arrays", 2000));
  const runs = Number(option("runs", 2));
  const steps = option("steps", undefined);
  const cases = join(here, "../../shared/bench/cases");
  const peers = [
    [
      "moraine",
      (args) =>
        run(process.execPath, [
          "--max-old-space-size=8192",
          fileURLToPath(import.meta.url),
          "--step",
          JSON.stringify(args),
        ]),
    ],
  ];
  if (python && existsSync(cases)) {
    peers.push([
      "official",
      ({ folder, ...args }) => {
        const json = JSON.stringify({ ...args, repository: folder });
        // What it read at the first look-up it keeps: its look-ups are all "again".
        const again = (samples) =>
          samples.flatMap((sample) =>
            sample.label === "10,000 look-ups"
              ? [sample, { ...sample, label: `${sample.label}, again` }]
              : sample,
          );
        const own = { arrays: OFFICIAL_ARRAYS, open: OFFICIAL_OPEN }[args.step];
        return own
          ? run(python, ["-W", "ignore", "-c", own, json, cases])
          : again(run(python, ["-W", "ignore", join(cases, "commit.py"), json]));
      },
    ]);
  }
  const best = new Map();
  for (let round = 0; round < runs; round++) {
    for (const [peer, start] of peers) {
      const folder = mkdtempSync(join(tmpdir(), "moraine-bench-"));
      try {
        const sequence = [
          ["create", "references"],
          ["append", "references"],
          ["lookup", "references"],
          ["commits", "commits"],
          ["open", "commits"],
          ["arrays", "arrays"],
        ].filter(([name]) => !steps || steps.split(",").includes(name));
        for (const [name, where] of sequence) {
          for (const { label, s, cpu_s, peak_rss_mb } of start({
            step: name,
            refs,
            commits,
            arrays,
            folder: join(folder, where),
          })) {
            const key = name === "open" ? `${label} (${commits} commits)` : label;
            const times = name === "open" && label.includes("again") ? AGAIN : 1;
            const row = best.get(key) ?? {};
            const before = row[peer];
            row[peer] = {
              s: Math.min(s / times, before?.s ?? Infinity),
              cpu: Math.min(cpu_s / times, before?.cpu ?? Infinity),
              mb: Math.min(peak_rss_mb, before?.mb ?? Infinity),
            };
            best.set(key, row);
          }
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  console.log(
    `${refs.toLocaleString("en")} references, ${commits} commits, ${arrays} arrays; best of ${runs}: seconds, of which busy, peak MB`,
  );
  for (const [label, row] of best) {
    const cells = Object.entries(row).map(
      ([peer, { s, cpu, mb }]) =>
        `${peer} ${s.toFixed(4)} s (cpu ${cpu.toFixed(4)}) ${mb.toFixed(0).padStart(5)} MB`,
    );
    const ratio = row.official
      ? `   ${(row.official.s / row.moraine.s).toFixed(2)} × faster, ${((100 * row.moraine.mb) / row.official.mb).toFixed(0)} % of the memory`
      : "";
    console.log(`${label.padEnd(31)} ${cells.join("   ")}${ratio}`);
  }
}

if (process.argv[2] === "--step") await step(JSON.parse(process.argv[3] ?? "{}"));
else main();
