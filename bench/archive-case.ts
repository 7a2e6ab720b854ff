// One measurement in a process of its own, prepared as the command prepares its own: `archive-case.js archive|append
// TARGET URL...`. Prints one JSON line. What is appended is the last file; the others are indexed before, by a further process.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { index } from "moraine";
import { prepareEngine } from "../src/cli/engine.ts";

prepareEngine();
const [, script = "", task, target = "", ...urls] = process.argv;
const added = urls.slice(-1);
if (task === "append") {
  const words = [script, "archive", target, ...urls.slice(0, -1)];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}
const started = performance.now();
await (task === "append"
  ? index(added, target, { append: "time" })
  : index(urls, target, { concat: "time" }));
const seconds = (performance.now() - started) / 1000;
const peak = /^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
console.log(JSON.stringify({ seconds, megabytes: Number(peak) / 1024 }));
