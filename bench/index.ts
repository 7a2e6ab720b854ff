// Times scanning (every chunk found) and fully indexing (scan, write, commit) the workloads beside VirtualiZarr and
// h5py's `chunk_iter` (libhdf5's own visit of the chunk indexes, without attributes, types or codecs), in one run,
// each measurement in a process of its own, all taking turns. Prints requests and bytes.
//
// A time is that of the work: on every side the process has started and its modules are loaded. What the work loads,
// compiles or starts when it first comes to it is in the time. "again" is a second scan in the same process.
//
//   npm run bench -- WORKLOADS [NAME...] [--runs N] [--http]
//
// WORKLOADS is a folder made by ../shared/bench/make_workloads.py. MORAINE_BENCH_PYTHON names the Python that has
// VirtualiZarr (`bash ../shared/tools/oracle.sh` prints it); without it only ours is measured. --http goes through
// ../shared/bench/range-server.mjs, which waits 30 ms before every answer. Only ratios within one run count.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { here, medianSample, numberIn, peerReport, report, startServer } from "./peers.ts";

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

/** HDF5 files: libhdf5 visits their chunks too. */
const CHUNK_ITER = "h5py chunk_iter";

/** What one process measured. */
interface Sample {
  readonly seconds: number;
  /** A second time in the same process. */
  readonly again: number | undefined;
  readonly chunks: number;
  readonly requests: number;
  readonly bytes: number;
  readonly rounds: number | undefined;
  readonly megabytes: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "3" }, http: { type: "boolean", default: false } },
});
const [folder, ...only] = positionals;
if (folder === undefined) throw new Error("usage: npm run bench -- WORKLOADS [NAME...] [--runs N] [--http]");
const runs = Number(values.runs);

function ours(task: string, url: string): Sample {
  const found = report(process.execPath, [join(here, "case.js"), task, url]);
  return {
    seconds: numberIn(found, "seconds"),
    again: found["again"] === undefined ? undefined : numberIn(found, "again"),
    chunks: numberIn(found, "chunks"),
    requests: numberIn(found, "requests"),
    bytes: numberIn(found, "bytes"),
    rounds: numberIn(found, "rounds"),
    megabytes: numberIn(found, "megabytes"),
  };
}

function theirs(peer: string, url: string, server: string | undefined): Sample[] {
  const found = peerReport("index.py", { peer, url, server });
  if (found === undefined) return [];
  const { samples, notes } = found;
  const sample: unknown = Array.isArray(samples) ? samples[0] : undefined;
  const measured = {
    seconds: numberIn(sample, "s"),
    again: undefined,
    chunks: numberIn(notes, "chunks"),
    requests: numberIn(sample, server === undefined ? "read_calls" : "requests"),
    bytes: numberIn(sample, server === undefined ? "read_bytes" : "body_bytes"),
    rounds: undefined,
    megabytes: numberIn(sample, "peak_rss_mb"),
  };
  return [measured];
}

function times(sample: Sample, than: Sample | undefined): string {
  return than === undefined || than === sample ? "" : `${(than.seconds / sample.seconds).toFixed(1)} ×`;
}

function row(
  name: string,
  what: string,
  sample: Sample | undefined,
  peer: Sample | undefined,
  visit: Sample | undefined,
): string {
  if (sample === undefined) return "";
  const cells = [
    name,
    what,
    sample.seconds.toFixed(3),
    times(sample, peer),
    times(sample, visit),
    sample.chunks.toLocaleString("en"),
    sample.requests.toLocaleString("en"),
    (sample.bytes / 1e6).toFixed(2),
    sample.rounds ?? "",
    Math.round(sample.megabytes),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** The median of the second scans. */
function warm(samples: readonly Sample[]): Sample | undefined {
  return medianSample(
    samples.flatMap((sample) => (sample.again === undefined ? [] : [{ ...sample, seconds: sample.again }])),
  );
}

const server = values.http ? await startServer(folder) : undefined;
try {
  console.log(
    `${runs} runs each, medians${server ? "; through the range server at 30 ms" : "; local files"}. ` +
      "Seconds of the work: process start and imports stand apart on every side.",
  );
  console.log(
    "| workload | what | s | than VirtualiZarr | than chunk_iter | chunks | requests or reads | MB read | rounds | peak MB |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const [name, file, parser] of WORKLOADS) {
    const path = join(resolve(folder), file);
    if ((only.length > 0 && !only.includes(name)) || !existsSync(path)) continue;
    const url = server ? `${server.url}/${file}` : `file://${path}`;
    const scans: Sample[] = [];
    const indexes: Sample[] = [];
    const peers: Sample[] = [];
    const visits: Sample[] = [];
    for (let run = 0; run < runs; run++) {
      scans.push(ours("scan", url));
      indexes.push(ours("index", url));
      peers.push(...theirs(parser, url, server?.url));
      if (parser === "HDFParser" && !server) visits.push(...theirs(CHUNK_ITER, url, undefined));
    }
    const peer = medianSample(peers);
    const visit = medianSample(visits);
    console.log(row(name, "moraine, scan", medianSample(scans), peer, visit));
    console.log(row(name, "moraine, scan again", warm(scans), peer, visit));
    console.log(row(name, "moraine, index and commit", medianSample(indexes), peer, visit));
    if (peer) console.log(row(name, `VirtualiZarr ${parser}`, peer, undefined, visit));
    if (visit) console.log(row(name, CHUNK_ITER, visit, peer, undefined));
  }
} finally {
  server?.process.kill();
}
