// Times a year of daily files: joined into a committed repository, 60 of them through the range server at 30 ms, and one
// more file appended; beside open_virtual_mfdataset and to_icechunk of VirtualiZarr, serially and in its pools, in one
// run, each measurement in a process of its own.
//
//   npm run bench:archive -- WORKLOADS [--runs N]
//
// Needs what `npm run bench` needs. Seconds are those of the work itself, without start and imports; the memory of a pool
// of processes is that of the first alone.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { here, medianSample, numberIn, peerReport, report, startServer } from "./peers.ts";

interface Sample {
  readonly seconds: number;
  readonly megabytes: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "3" } },
});
const [workloads] = positionals;
if (workloads === undefined) throw new Error("usage: npm run bench:archive -- WORKLOADS [--runs N]");
const daily = join(resolve(workloads), "daily");
const names = readdirSync(daily).sort();
const runs = Number(values.runs);
const scratch = mkdtempSync(join(tmpdir(), "moraine-archive-"));
let targets = 0;

function ours(task: "archive" | "append", urls: readonly string[]): Sample {
  const target = join(scratch, `${targets++}.icechunk`);
  const found = report(process.execPath, [join(here, "archive-case.js"), task, target, ...urls]);
  return { seconds: numberIn(found, "seconds"), megabytes: numberIn(found, "megabytes") };
}

function virtualizarr(
  urls: readonly string[],
  prefix: string,
  parallel: string,
  server: string | undefined,
): Sample | undefined {
  const repository = join(scratch, `${targets++}.icechunk`);
  const found = peerReport("multifile.py", { urls, prefix, parallel, repository, server });
  if (found === undefined) return undefined;
  const steps: readonly unknown[] = Array.isArray(found["samples"]) ? found["samples"] : [];
  return {
    seconds: steps.reduce<number>((sum, step) => sum + numberIn(step, "s"), 0),
    megabytes: Math.max(...steps.map((step) => numberIn(step, "peak_rss_mb"))),
  };
}

function row(what: string, own: readonly Sample[], peer: Sample | undefined): void {
  const sample = medianSample(own);
  if (sample === undefined) return;
  const ratio = peer ? `${(peer.seconds / sample.seconds).toFixed(1)} ×` : "";
  const cells = [what, sample.seconds.toFixed(3), ratio, Math.round(sample.megabytes)];
  console.log(`| ${cells.join(" | ")} |`);
}

const times = <Result>(task: () => Result): Result[] => Array.from({ length: runs }, task);

try {
  console.log(`${names.length} daily files, ${runs} runs of moraine (medians), one of each peer`);
  console.log("| what | s | faster than the row above | peak MB |");
  console.log("| --- | --- | --- | --- |");
  const files = names.map((name) => `file://${join(daily, name)}`);
  const local = times(() => ours("archive", files));
  for (const parallel of ["serial", "processes"]) {
    const peer = virtualizarr(files, `file://${daily}/`, parallel, undefined);
    if (peer) row(`VirtualiZarr, ${parallel}`, [peer], undefined);
    row("moraine", local, peer);
  }
  const server = await startServer(daily);
  try {
    const urls = names.slice(0, 60).map((name) => `${server.url}/${name}`);
    const peer = virtualizarr(urls, `${server.url}/`, "threads", server.url);
    if (peer) row(`VirtualiZarr, threads, ${urls.length} files at 30 ms`, [peer], undefined);
    row(
      `moraine, ${urls.length} files at 30 ms`,
      times(() => ours("archive", urls)),
      peer,
    );
  } finally {
    server.process.kill();
  }
  row(
    "moraine, one file appended to the others",
    times(() => ours("append", files)),
    undefined,
  );
} finally {
  rmSync(scratch, { recursive: true });
}
