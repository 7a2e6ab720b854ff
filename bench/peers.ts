// What the benches share that stand beside other programs: where their cases lie, what they print, the range server.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const here: string = dirname(fileURLToPath(import.meta.url));
export const shared: string = findShared(here);
/** A Python that has the peers. */
export const python: string | undefined = process.env["MORAINE_BENCH_PYTHON"];

/** `shared` beside the project, wherever this file was compiled to. */
function findShared(from: string): string {
  for (let at = from; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, "shared/bench"))) return join(at, "shared/bench");
  }
  return join(from, "../../shared/bench");
}

/** The last line that a process printed. */
export function lastJson(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text.trim().split("\n").at(-1) ?? "null");
  if (typeof value !== "object" || value === null) throw new Error(`no report: ${text.slice(-300)}`);
  return { ...value };
}

/** A member of a report that is a number; else NaN. */
export function numberIn(report: unknown, key: string): number {
  if (typeof report !== "object" || report === null) return Number.NaN;
  return Number(Object.entries(report).find(([name]) => name === key)?.[1]);
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
