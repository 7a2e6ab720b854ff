// How far it goes in one process: references of one array through a session into a commit, and very many files, of one
// and of four arrays, joined into one. Each measurement in a process of its own; with MORAINE_BENCH_PYTHON the official
// client opens the result and reads some chunks of it.
//
//   npm run bench:scale -- [--references N] [--files N]
//
// 10 million references and 100,000 files by default; --references 100000000 takes some minutes and 2.5 GB of disk.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { here, memberOf, numberIn, python, report } from "./peers.ts";

const { values } = parseArgs({ options: { references: { type: "string" }, files: { type: "string" } } });
const { references = "10000000", files = "100000" } = values;

const READ = `
import json, sys, time, icechunk, zarr
folder, spots = sys.argv[1], json.loads(sys.argv[2])
started = time.perf_counter()
prefix = "file://" + folder + "/files/"
container = icechunk.VirtualChunkContainer(prefix, icechunk.local_filesystem_store(folder + "/files"))
config = icechunk.RepositoryConfig.default()
config.set_virtual_chunk_container(container)
repository = icechunk.Repository.open(icechunk.local_filesystem_storage(folder + "/r.icechunk"), config=config,
                                      authorize_virtual_chunk_access={prefix: None})
group = zarr.open_group(repository.readonly_session("main").store, mode="r")
right = sum(float(group[spot["path"]][tuple(spot["at"])]) == spot["value"] for spot in spots)
print(json.dumps({"right": right, "seconds": time.perf_counter() - started}))
`;

function official(folder: string, spots: readonly unknown[]): string {
  if (python === undefined || spots.length === 0) return "";
  const words = ["-W", "ignore", "-c", READ, folder, JSON.stringify(spots)];
  const { stdout, stderr } = spawnSync(python, words, { encoding: "utf8" });
  if (stdout === "") return stderr.trim().split("\n").at(-1) ?? "failed";
  const told: unknown = JSON.parse(stdout);
  return `${numberIn(told, "right")} of ${spots.length} right, ${numberIn(told, "seconds").toFixed(1)} s`;
}

function row(what: string, ...words: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), "moraine-scale-"));
  try {
    const [task = "", ...rest] = words;
    const found = report(process.execPath, [join(here, "scale-case.js"), task, folder, ...rest]);
    const spots = memberOf(found, "spots");
    const read = official(folder, Array.isArray(spots) ? spots : []);
    const cells = [
      what,
      numberIn(found, "seconds").toFixed(1),
      Math.round(numberIn(found, "megabytes")),
      read,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

console.log("| what | s | peak MiB | official client reads |");
console.log("| --- | --- | --- | --- |");
row(`${references} references of one array`, "references", references);
for (const arrays of ["1", "4"]) {
  row(`${files} files of ${arrays} arrays`, "files", files, arrays);
}
