// Imports point down only: a file may import from its own room and from the rooms below it.
// The portable part imports no `node:` module.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const source = resolve(dirname(fileURLToPath(import.meta.url)), "../src");
/** From top to bottom; `index.ts`, `node.ts` and `errors.ts` are files. */
const ROOMS = [
  "cli",
  "node.ts",
  "index.ts",
  "dataset",
  "icechunk",
  "readers",
  "manifest",
  "zarr",
  "codecs",
  "data-types",
  "storage",
  "binary",
  "errors.ts",
];
/** Rooms that stand side by side: neither imports the other although one is listed first. */
const STRANGERS = [
  ["icechunk", "readers"],
  ["codecs", "storage"],
  ["data-types", "storage"],
];
/** Folders of a room, from top to bottom: none imports from those before it. */
const FOLDERS = { icechunk: ["upkeep", "session", "commit", "conflicts", "changes", "format"] };
/** Where Node's own modules may be imported. */
const NODE_ONLY = /^(cli\/|node\.ts$|storage\/(?:file|node)\/|codecs\/node\/|dataset\/node\/)/;

const problems = [];
const edges = new Set();

for (const path of readdirSync(source, { recursive: true }).map(String).sort()) {
  if (!path.endsWith(".ts")) continue;
  const text = readFileSync(join(source, path), "utf8");
  const room = path.split("/")[0];
  const level = ROOMS.indexOf(room);
  if (level < 0) problems.push(`${path}: no room is called ${room}`);
  for (const [, name] of text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)) {
    if (name.startsWith("node:")) {
      if (!NODE_ONLY.test(path)) problems.push(`${path}: imports ${name}, which browsers do not have`);
      continue;
    }
    if (!name.startsWith(".")) continue;
    const target = relative(source, resolve(dirname(join(source, path)), name));
    const targetRoom = target.split("/")[0];
    const targetLevel = ROOMS.indexOf(targetRoom);
    if (targetLevel < 0) problems.push(`${path}: imports ${name}, which is in no room`);
    else if (targetLevel < level) problems.push(`${path}: imports up, from ${targetRoom}`);
    const folders = room === targetRoom ? (FOLDERS[room] ?? []) : [];
    const [from, to] = [path, target].map((name) => folders.indexOf(name.split("/")[1]));
    if (to >= 0 && to < from) problems.push(`${path}: imports up, from ${folders[to]}`);
    if (STRANGERS.some(([a, b]) => a === room && b === targetRoom)) {
      problems.push(`${path}: ${room} knows nothing of ${targetRoom}`);
    }
    if (!NODE_ONLY.test(path) && NODE_ONLY.test(target) && room !== "cli") {
      problems.push(`${path}: portable code imports ${target}, which is Node's`);
    }
    edges.add(`${path} ${target}`);
  }
}

for (const problem of problems) console.error(problem);
console.log(`${edges.size} imports checked, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
