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
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { index } from "../src/node.ts";
import { here, memberOf, numberIn, peerReport, python, report, startServer } from "./peers.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "3" } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("usage: npm run bench:storage -- WORKLOADS [--runs N]");
const workloads = resolve(folder);
const runs = Number(values.runs);

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

function ours(words: object): Sample[] {
  return samplesIn(report(process.execPath, [join(here, "read-case.js"), JSON.stringify(words)]));
}

function theirs(words: object): Sample[] {
  return samplesIn(peerReport("read.py", words));
}

function samplesIn(found: unknown): Sample[] {
  const samples = memberOf(found, "samples");
  return (Array.isArray(samples) ? samples : []).map((sample: unknown) => ({
    label: String(memberOf(sample, "label")),
    s: numberIn(sample, "s"),
    requests: numberIn(sample, "requests"),
    body_bytes: numberIn(sample, "body_bytes"),
  }));
}

function median(samples: readonly Sample[], label: string): Sample | undefined {
  const sorted = samples.filter((sample) => sample.label === label).sort((a, b) => a.s - b.s);
  return sorted[Math.floor(sorted.length / 2)];
}

const { url, process: server } = await startServer(workloads);
const scratch = mkdtempSync(join(workloads, ".storage-bench-"));
try {
  await index(`${url}/field/field.h5`, join(scratch, "moraine"));
  const common = { base: url, server: url, scratch: basename(scratch), tasks };
  const sides = new Map<string, () => Sample[]>();
  for (const [name, address] of [
    ["moraine, repository", `${url}/${basename(scratch)}/moraine/`],
    ["moraine, the file itself", `${url}/field/field.h5`],
  ] as const) {
    sides.set(name, () => ours({ url: address, path: "field", server: url, tasks }));
  }
  if (python !== undefined) {
    peerReport("prepare.py", { base: workloads, server: url, scratch: basename(scratch) });
    for (const peer of ["VirtualiZarr ManifestStore", "icechunk"]) {
      sides.set(peer, () => theirs({ peer, ...common }));
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
    const readers = new Map([
      ["moraine", () => ours(address)],
      ["zarrita", () => ours({ ...address, peer: "zarrita" })],
    ]);
    if (python !== undefined) {
      for (const peer of ["zarr-python", "zarr-python fused"]) {
        readers.set(peer, () => theirs({ peer, ...common, tasks: [task] }));
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
  const [own, ...peers] = ["moraine, repository", "VirtualiZarr ManifestStore", "icechunk"].map((name) =>
    median(samples.get(name) ?? [], "whole"),
  );
  const chunk = median(samples.get("moraine, repository") ?? [], "chunk 4 MiB");
  const ratios = peers.flatMap((peer) => (peer && own ? [peer.s / own.s] : []));
  console.log(
    `whole in ${own?.requests} requests, ${ratios.map((ratio) => ratio.toFixed(2)).join(" and ")} × faster`,
  );
  console.log(`one chunk in ${chunk?.requests} requests`);
} finally {
  server.kill();
  rmSync(scratch, { recursive: true });
}
