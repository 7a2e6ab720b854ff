// Reads the golden repositories (written by several versions of the official program) and compares keys, bytes,
// refs and history with what the official client says of them.
// usage: node scripts/checks/icechunk-golden.mjs ../shared/icechunk-golden ../shared/icechunk-golden-expected
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Repository } from "../../dist/icechunk/repository.js";
import { FileStorage } from "../../dist/storage/file/file-storage.js";

const [folder = "../shared/icechunk-golden", expectedFolder = "../shared/icechunk-golden-expected"] =
  process.argv.slice(2);
const storage = new FileStorage();
let passed = 0;
let failed = 0;

function same(what, found, wanted) {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value));
  if (a === b) passed += 1;
  else {
    failed += 1;
    console.log(`FAILED ${what}\n  found    ${a?.slice(0, 600)}\n  expected ${b?.slice(0, 600)}`);
  }
}

const sorted = (entries) => Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Microseconds as the official client prints them. */
function isoTime(micros) {
  const seconds = new Date(Math.floor(micros / 1e6) * 1000).toISOString().slice(0, 19);
  const fraction = micros % 1_000_000;
  return `${seconds}${fraction === 0 ? "" : `.${String(fraction).padStart(6, "0")}`}+00:00`;
}

async function keysOf(session) {
  const keys = [];
  for await (const key of session.store.list()) {
    try {
      const bytes = await session.store.get(key);
      keys.push([key, `${bytes.length}:${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}`]);
    } catch (error) {
      keys.push([key, `ERR ${error.code}`]);
    }
  }
  return sorted(keys);
}

for (const name of (await readdir(folder)).sort()) {
  const expected = JSON.parse(await readFile(join(expectedFolder, `${name}.json`), "utf8"));
  const repository = await Repository.open(storage, pathToFileURL(resolve(folder, name)).href);
  same(`${name}: version`, await repository.specVersion(), expected.spec);
  same(
    `${name}: branches`,
    sorted(await repository.listBranches()),
    sorted(Object.entries(expected.branches)),
  );
  same(`${name}: tags`, sorted(await repository.listTags()), sorted(Object.entries(expected.tags)));
  for (const [branch, history] of Object.entries(expected.ancestry)) {
    const found = [];
    for await (const entry of repository.ancestry({ branch })) {
      found.push([entry.id, entry.parentId ?? null, isoTime(entry.flushedAt), entry.message, entry.metadata]);
    }
    same(`${name}: history of ${branch}`, found, history);
  }
  for (const [branch, keys] of Object.entries(expected.keys)) {
    const wanted = Object.entries(keys).map(([key, value]) => [
      key,
      value.startsWith("ERR") ? "ERR Unauthorized" : value,
    ]);
    same(
      `${name}: keys of ${branch}`,
      await keysOf(await repository.readonlySession({ branch })),
      sorted(wanted),
    );
  }
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
