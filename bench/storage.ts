// Reads the 64 MiB virtual array of the workloads through the range server at 30 ms, beside VirtualiZarr's store and
// icechunk with zarr-python: whole, and one chunk of 4 MiB; then the same values in 1,024 chunks of their own and in
// shards, beside zarrita and zarr-python. Prints seconds, requests and bytes, and what must hold: the whole in at most 10
// requests and 1.4 times faster than both, the chunk in one request once its manifest is there; separate chunks three times
// faster than zarr-python, shards three times faster than zarrita.
//
//   npm run bench:storage -- WORKLOADS [--runs N]
//
// WORKLOADS is a folder in which `../shared/bench/make_workloads.py WORKLOADS field` was run; a repository of each side
// is written into it. MORAINE_BENCH_PYTHON names the Python of the peers (`bash ../shared/tools/oracle.sh` prints it);
// without it only ours is measured. Each measurement is a process of its own, the sides taking turns.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { index } from "../src/node.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "3" } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("usage: npm run bench:storage -- WORKLOADS [--runs N]");
const workloads = resolve(folder);
const runs = Number(values.runs);
const python = process.env["MORAINE_BENCH_PYTHON"];
const here = dirname(fileURLToPath(import.meta.url));
const shared = findShared(here);

const facts: { field: { selections: Record<string, { select: number[][]; crc32: number }> } } = JSON.parse(
  readFileSync(join(workloads, "workloads.json"), "utf8"),
);
const LABELS = ["whole", "chunk 4 MiB"] as const;
/** Native arrays, read whole. */
const FORMS = { "separate chunks": "zstd-64k", sharded: "sharded" } as const;
const tasks = LABELS.map((label) => ({
  label,
  form: "virtual",
  repeats: 2,
  ...facts.field.selections[label],
}));

interface Sample {
  readonly label: string;
  readonly s: number;
  readonly requests: number;
  readonly body_bytes: number;
}

/** `shared` beside the project, wherever this file was compiled to. */
function findShared(from: string): string {
  for (let at = from; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, "shared/bench"))) return join(at, "shared/bench");
  }
  throw new Error("../shared/bench is missing");
}

/** Runs a case and gives its samples. */
function run(command: string, words: readonly string[]): Sample[] {
  const { stdout, stderr } = spawnSync(command, words, { encoding: "utf8", maxBuffer: 1 << 26 });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (line === "") throw new Error(stderr);
  const report: { samples: Sample[] } = JSON.parse(line);
  return report.samples;
}

function median(samples: readonly Sample[], label: string): Sample | undefined {
  const sorted = samples.filter((sample) => sample.label === label).sort((a, b) => a.s - b.s);
  return sorted[Math.floor(sorted.length / 2)];
}

const scratch = mkdtempSync(join(workloads, ".storage-bench-"));
const server = spawn(
  process.execPath,
  [join(shared, "range-server.mjs"), "0", workloads, "--latency-ms", "30"],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
try {
  const [line]: unknown[] = await once(server.stdout, "data");
  const url = /http:\/\/[\d.:]+/.exec(String(line))?.[0] ?? "";
  await index(`${url}/field/field.h5`, join(scratch, "moraine"));
  const common = { base: url, server: url, scratch: basename(scratch), tasks };
  const sides = new Map<string, () => Sample[]>();
  for (const [name, address] of [
    ["moraine, repository", `${url}/${basename(scratch)}/moraine/`],
    ["moraine, the file itself", `${url}/field/field.h5`],
  ] as const) {
    const words = JSON.stringify({ url: address, path: "field", server: url, tasks });
    sides.set(name, () => run(process.execPath, [join(here, "read-case.js"), words]));
  }
  if (python !== undefined) {
    const prepare = JSON.stringify({ base: workloads, server: url, scratch: basename(scratch) });
    run(python, ["-W", "ignore", join(shared, "cases/prepare.py"), prepare]);
    for (const peer of ["VirtualiZarr ManifestStore", "icechunk"]) {
      const words = JSON.stringify({ peer, ...common });
      sides.set(peer, () => run(python, ["-W", "ignore", join(shared, "cases/read.py"), words]));
    }
  }
  const samples = new Map<string, Sample[]>();
  for (let turn = 0; turn < runs; turn++) {
    for (const [name, measure] of sides) samples.set(name, [...(samples.get(name) ?? []), ...measure()]);
  }
  console.log("| what | who | s | requests | MB |\n| --- | --- | --- | --- | --- |");
  for (const label of ["open", "open virtual", ...LABELS]) {
    for (const [name, all] of samples) {
      const sample = median(all, label);
      if (sample === undefined) continue;
      const cells = [label, name, sample.s.toFixed(3), sample.requests, (sample.body_bytes / 1e6).toFixed(1)];
      console.log(`| ${cells.join(" | ")} |`);
    }
  }
  for (const [label, form] of Object.entries(FORMS)) {
    const task = { label, form, repeats: 2, ...facts.field.selections["whole"] };
    const address = { url: `${url}/field/${form}.zarr/`, path: "field", server: url, tasks: [task] };
    const reader = (words: object) => () =>
      run(process.execPath, [join(here, "read-case.js"), JSON.stringify(words)]);
    const readers = new Map([
      ["moraine", reader(address)],
      ["zarrita", reader({ ...address, peer: "zarrita" })],
    ]);
    if (python !== undefined) {
      for (const peer of ["zarr-python", "zarr-python fused"]) {
        const words = JSON.stringify({ peer, ...common, tasks: [task] });
        readers.set(peer, () => run(python, ["-W", "ignore", join(shared, "cases/read.py"), words]));
      }
    }
    const found = new Map<string, Sample[]>();
    for (let turn = 0; turn < runs; turn++) {
      for (const [name, read] of readers) found.set(name, [...(found.get(name) ?? []), ...read()]);
    }
    const own = median(found.get("moraine") ?? [], label);
    for (const [name, all] of found) {
      const sample = median(all, label);
      if (sample === undefined || own === undefined) continue;
      const cells = [label, name, sample.s.toFixed(3), sample.requests, (sample.body_bytes / 1e6).toFixed(1)];
      console.log(`| ${cells.join(" | ")} | ${(sample.s / own.s).toFixed(2)}`);
    }
  }
  const [ours, ...peers] = ["moraine, repository", "VirtualiZarr ManifestStore", "icechunk"].map((name) =>
    median(samples.get(name) ?? [], "whole"),
  );
  const chunk = median(samples.get("moraine, repository") ?? [], "chunk 4 MiB");
  const ratios = peers.flatMap((peer) => (peer && ours ? [peer.s / ours.s] : []));
  console.log(
    `whole in ${ours?.requests} requests, ${ratios.map((ratio) => ratio.toFixed(2)).join(" and ")} × faster`,
  );
  console.log(`one chunk in ${chunk?.requests} requests`);
} finally {
  server.kill();
  rmSync(scratch, { recursive: true });
}
