// One measurement in a process of its own, prepared as the command prepares its own: `case.js scan|index URL`. Prints
// one JSON line. A scan is made twice: first by code that has been loaded but never run, then by the same again.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { index } from "moraine";
import { prepareEngine } from "../src/cli/engine.ts";
import "../src/node.ts";
import { openSource } from "../src/dataset/open.ts";
import { walkSource } from "../src/dataset/source.ts";

prepareEngine();
const [, , task, url = ""] = process.argv;

/** Every chunk found, as columns. */
async function scan() {
  const source = await openSource(url);
  const manifests = [];
  for await (const { node } of walkSource(source)) {
    if (node.kind === "array" && node.manifest) manifests.push(node.manifest());
  }
  const chunks = (await Promise.all(manifests)).reduce((sum, { count }) => sum + count, 0);
  return { chunks, ...source.statistics() };
}

async function indexed() {
  const folder = await mkdtemp(join(tmpdir(), "moraine-bench-"));
  try {
    const { chunks, statistics } = await index(url, join(folder, "r.icechunk"));
    return { chunks: chunks.virtual + chunks.native + chunks.inline, ...statistics };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const started = performance.now();
const found = task === "index" ? await indexed() : await scan();
const seconds = (performance.now() - started) / 1000;
const peak = /^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
let again: number | undefined;
if (task === "scan") {
  const start = performance.now();
  await scan();
  again = (performance.now() - start) / 1000;
}
console.log(JSON.stringify({ ...found, seconds, again, megabytes: Number(peak) / 1024 }));
