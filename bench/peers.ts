// What the benches share that stand beside other programs: where their cases lie, what they print, the range server.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const here: string = dirname(fileURLToPath(import.meta.url));
const shared: string = findShared(here);
/** A Python that has the peers. */
export const python: string | undefined = process.env["MORAINE_BENCH_PYTHON"];

/** `shared` beside the project, wherever this file was compiled to. */
function findShared(from: string): string {
  for (let at = from; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, "shared/bench"))) return join(at, "shared/bench");
  }
  return join(from, "../../shared/bench");
}

/** Runs a case in a process of its own: what its last line tells. */
export function report(command: string, words: readonly string[]): Record<string, unknown> {
  const { stdout, stderr } = spawnSync(command, words, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (stdout === "") throw new Error(stderr);
  const value: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "null");
  if (typeof value !== "object" || value === null) throw new Error(`no report: ${stdout.slice(-300)}`);
  return { ...value };
}

/** As {@link report}, of a case of the peers; undefined where there is no Python that has them. */
export function peerReport(script: string, given: object): Record<string, unknown> | undefined {
  if (python === undefined) return undefined;
  return report(python, ["-W", "ignore", join(shared, "cases", script), JSON.stringify(given)]);
}

/** A member of a report; undefined where it has none. */
export function memberOf(report: unknown, key: string): unknown {
  if (typeof report !== "object" || report === null) return undefined;
  return Object.entries(report).find(([name]) => name === key)?.[1];
}

/** A member of a report that is a number; else NaN. */
export function numberIn(report: unknown, key: string): number {
  return Number(memberOf(report, key));
}

/** The sample of the time in the middle. */
export function medianSample<Sample extends { readonly seconds: number }>(
  samples: readonly Sample[],
): Sample | undefined {
  return [...samples].sort((a, b) => a.seconds - b.seconds)[Math.floor(samples.length / 2)];
}

/** A folder over HTTP, 30 ms away. */
export async function startServer(folder: string): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(
    process.execPath,
    [join(shared, "range-server.mjs"), "0", resolve(folder), "--latency-ms", "30"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [line]: unknown[] = await once(child.stdout, "data");
  const url = /http:\/\/[\d.:]+/.exec(String(line))?.[0];
  if (url === undefined) throw new Error(`the range server did not start: ${String(line)}`);
  return { url, process: child };
}
