// Times scanning (every chunk found) and fully indexing (scan, write, commit) the workloads beside VirtualiZarr, in
// one run, each measurement in a process of its own, the two taking turns. Prints requests and bytes.
//
//   npm run bench -- WORKLOADS [NAME...] [--runs N] [--http]
//
// WORKLOADS is a folder made by ../shared/bench/make_workloads.py. MORAINE_BENCH_PYTHON names the Python that has
// VirtualiZarr (`bash ../shared/tools/oracle.sh` prints it); without it only ours is measured. --http goes through
// ../shared/bench/range-server.mjs, which waits 30 ms before every answer. Only ratios within one run count.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const WORKLOADS: readonly (readonly [name: string, file: string, parser: string])[] = [
  ["chunks100k-v1", "chunks100k-v1.h5", "HDFParser"],
  ["era", "era.nc", "HDFParser"],
  ["chunks1m", "chunks1m.h5", "HDFParser"],
  ["vars200", "vars200.nc", "HDFParser"],
  ["goes", "goes-like.nc", "HDFParser"],
  ["paged", "paged.h5", "HDFParser"],
  ["cdf2", "records-cdf2.nc", "NetCDF3Parser"],
  ["cdf5", "records-cdf5.nc", "NetCDF3Parser"],
];

/** What one process measured. */
interface Sample {
  readonly seconds: number;
  readonly chunks: number;
  readonly requests: number;
  readonly bytes: number;
  readonly rounds: number | undefined;
  readonly megabytes: number;
}

const here = dirname(fileURLToPath(import.meta.url));
const shared = findShared(here);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "3" }, http: { type: "boolean", default: false } },
});
const [folder, ...only] = positionals;
if (folder === undefined) throw new Error("usage: npm run bench -- WORKLOADS [NAME...] [--runs N] [--http]");
const runs = Number(values.runs);
const python = process.env["MORAINE_BENCH_PYTHON"];

/** `shared` beside the project, wherever this file was compiled to. */
function findShared(from: string): string {
  for (let at = from; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, "shared/bench"))) return join(at, "shared/bench");
  }
  return join(from, "../../shared/bench");
}

function lastJson(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text.trim().split("\n").at(-1) ?? "null");
  if (typeof value !== "object" || value === null) throw new Error(`no report: ${text.slice(-300)}`);
  return { ...value };
}

function ours(task: string, url: string): Sample {
  const { stdout, stderr } = spawnSync(process.execPath, [join(here, "case.js"), task, url], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (stdout === "") throw new Error(stderr);
  const report = lastJson(stdout);
  const number = (key: string): number => Number(report[key]);
  return {
    seconds: number("seconds"),
    chunks: number("chunks"),
    requests: number("requests"),
    bytes: number("bytes"),
    rounds: number("rounds"),
    megabytes: number("megabytes"),
  };
}

function virtualizarr(peer: string, url: string, server: string | undefined): Sample | undefined {
  if (python === undefined) return undefined;
  const { stdout, stderr } = spawnSync(
    python,
    ["-W", "ignore", join(shared, "cases/index.py"), JSON.stringify({ peer, url, server })],
    { encoding: "utf8", maxBuffer: 1 << 26 },
  );
  if (stdout === "") throw new Error(stderr);
  const report = lastJson(stdout);
  const samples: unknown = report["samples"];
  const sample: unknown = Array.isArray(samples) ? samples[0] : undefined;
  const notes: unknown = report["notes"];
  const number = (from: unknown, key: string): number =>
    typeof from === "object" && from !== null
      ? Number(Object.entries(from).find(([name]) => name === key)?.[1])
      : NaN;
  return {
    seconds: number(sample, "s"),
    chunks: number(notes, "chunks"),
    requests: number(sample, server === undefined ? "read_calls" : "requests"),
    bytes: number(sample, server === undefined ? "read_bytes" : "body_bytes"),
    rounds: undefined,
    megabytes: number(sample, "peak_rss_mb"),
  };
}

function median(samples: readonly Sample[]): Sample | undefined {
  const sorted = [...samples].sort((a, b) => a.seconds - b.seconds);
  return sorted[Math.floor(sorted.length / 2)];
}

function row(name: string, what: string, sample: Sample | undefined, than: Sample | undefined): string {
  if (sample === undefined) return "";
  const ratio =
    than === undefined || than === sample ? "" : `${(than.seconds / sample.seconds).toFixed(1)} ×`;
  const cells = [
    name,
    what,
    sample.seconds.toFixed(3),
    ratio,
    sample.chunks.toLocaleString("en"),
    sample.requests.toLocaleString("en"),
    (sample.bytes / 1e6).toFixed(2),
    sample.rounds ?? "",
    Math.round(sample.megabytes),
  ];
  return `| ${cells.join(" | ")} |`;
}

async function startServer(): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(
    process.execPath,
    [join(shared, "range-server.mjs"), "0", resolve(folder ?? ""), "--latency-ms", "30"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [line]: unknown[] = await once(child.stdout, "data");
  const url = /http:\/\/[\d.:]+/.exec(String(line))?.[0];
  if (url === undefined) throw new Error(`the range server did not start: ${String(line)}`);
  return { url, process: child };
}

const server = values.http ? await startServer() : undefined;
try {
  console.log(
    `${runs} runs each, medians${server ? "; through the range server at 30 ms" : "; local files"}`,
  );
  console.log("| workload | what | s | faster | chunks | requests or reads | MB read | rounds | peak MB |");
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const [name, file, parser] of WORKLOADS) {
    const path = join(resolve(folder), file);
    if ((only.length > 0 && !only.includes(name)) || !existsSync(path)) continue;
    const url = server ? `${server.url}/${file}` : `file://${path}`;
    const scans: Sample[] = [];
    const indexes: Sample[] = [];
    const peers: Sample[] = [];
    for (let run = 0; run < runs; run++) {
      scans.push(ours("scan", url));
      indexes.push(ours("index", url));
      const peer = virtualizarr(parser, url, server?.url);
      if (peer) peers.push(peer);
    }
    const peer = median(peers);
    console.log(row(name, "moraine, scan", median(scans), peer));
    console.log(row(name, "moraine, index and commit", median(indexes), peer));
    if (peer) console.log(row(name, `VirtualiZarr ${parser}`, peer, undefined));
  }
} finally {
  server?.process.kill();
}
