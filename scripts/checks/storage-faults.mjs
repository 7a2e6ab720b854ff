// Indexes and reads files over HTTP while the server misbehaves in every way that it knows: the references and values
// must be those of an undisturbed run, or there is a typed error; with one request in twenty failing they must be the
// same. Exits with 1 where bytes differ.
// usage: node scripts/checks/storage-faults.mjs FOLDER [FILE...] [--server ../shared/bench/range-server.mjs]
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { digestSource } from "../../dist/dataset/digest.js";
import { openSource } from "../../dist/dataset/open.js";
import { references } from "../../dist/dataset/references.js";
import { walkSource } from "../../dist/dataset/source.js";
import { index, isMoraineError } from "../../dist/node.js";
import { StorageRouter } from "../../dist/storage/router.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { server: { type: "string", default: "../shared/bench/range-server.mjs" } },
});
const [folder = "test/data/demo", ...named] = positionals;
const files = named.length > 0 ? named : (await readdir(folder)).filter((name) => /\.(nc|h5)$/.test(name));

/** Faults, whether the result must be there, and whether bytes may come that nothing can tell from the right ones. */
const MODES = [
  { name: "connections drop", faults: ["drop@3"], must: true },
  { name: "connections drop early", faults: ["drop:100@4"], must: true },
  { name: "all connections drop", faults: ["drop:10"], retries: 1 },
  { name: "stalls", faults: ["stall:50@9"], must: true },
  { name: "503", faults: ["503@3"], must: true },
  { name: "429 with Retry-After", faults: ["429:0@4", "429:1@31"], must: true },
  { name: "slow answers", faults: ["slow:60@5"], must: true },
  { name: "no ranges", faults: ["no-range"] },
  { name: "no ranges at times", faults: ["no-range@3"] },
  { name: "another range at times", faults: ["wrong-range@3"], must: true },
  { name: "another range always", faults: ["wrong-range"], retries: 1 },
  { name: "replaced meanwhile", faults: ["etag:2"] },
  { name: "no ETag", faults: ["no-etag"], must: true },
  { name: "weak ETag", faults: ["weak-etag"], must: true },
  { name: "first byte flipped", faults: ["corrupt:0@3"], corrupt: true },
  { name: "a byte flipped", faults: ["corrupt:700@2"], corrupt: true },
  {
    name: "one request in twenty fails",
    faults: ["drop:1000@101", "503@89", "stall:10@211", "429:0@97", "wrong-range@103", "slow:100@61"],
    must: true,
  },
];

/** Decoded bytes of the largest array that is read. */
const LIMIT = 300_000_000;

let failed = 0;
const undisturbed = await serve([], (url) => run(url));
for (const mode of MODES) {
  const counts = { same: 0, error: 0, different: 0, unknowable: 0 };
  const codes = new Set();
  await serve(mode.faults, async (url) => {
    for (const file of files) compare(mode, file, await outcome(url, file, mode.retries), counts, codes);
  });
  if (counts.different > 0 || (mode.must && counts.error > 0)) failed += 1;
  const said = [...codes].join(", ");
  console.log(
    `${mode.name}: ${counts.same} the same, ${counts.error} errors${said && ` (${said})`}, ${counts.different} different` +
      (mode.corrupt ? `, ${counts.unknowable} without a checksum that could tell` : ""),
  );
}
console.log(failed === 0 ? "all modes hold" : `${failed} modes do not hold`);
process.exitCode = failed === 0 ? 0 : 1;

function compare(mode, file, found, counts, codes) {
  const wanted = undisturbed.get(file);
  for (const [key, value] of wanted) {
    const other = found.get(key) ?? found.get("");
    if (other?.error !== undefined && value.error === undefined) {
      counts.error += 1;
      codes.add(other.error);
    } else if (JSON.stringify(other) === JSON.stringify(value)) counts.same += 1;
    else if (mode.corrupt && !value.checked) counts.unknowable += 1;
    else {
      counts.different += 1;
      console.log(`DIFFERENT under "${mode.name}": ${file} ${key}`, other, value);
    }
  }
}

async function run(url) {
  const results = new Map();
  for (const file of files) results.set(file, await outcome(url, file));
  return results;
}

/** What indexing and reading a file gives: by array its references and values, or the codes of errors. */
async function outcome(url, file, retries = 8) {
  const storage = new StorageRouter({ http: { retries, stallTimeout: 400 } });
  const target = `memory://faults/${crypto.randomUUID()}.icechunk`;
  const results = new Map();
  try {
    const { leftOut } = await index(`${url}/${file}`, target, { storage });
    for (const { path, code } of leftOut) results.set(path, { error: code });
    const source = await openSource(target, { storage });
    const hashes = new Map();
    for await (const { path, location, ...reference } of references(source)) {
      const hash = hashes.get(path) ?? createHash("sha256");
      hash.update(JSON.stringify({ ...reference, location: location?.replace(url, "") }));
      hashes.set(path, hash);
    }
    const direct = await openSource(`${url}/${file}`, { storage });
    const rows = new Map();
    for await (const row of digestSource(direct, { limit: LIMIT })) rows.set(row.path, row);
    const checked = new Set();
    for await (const { path, node } of walkSource(source, "/")) {
      // The codecs that notice a changed byte.
      if (/gzip|zlib|fletcher32|crc32/.test(JSON.stringify(node.metadata?.codecs ?? []))) checked.add(path);
    }
    for await (const row of digestSource(source, { limit: LIMIT })) {
      const own = rows.get(row.path);
      const fault = row.error ?? own?.error;
      results.set(
        row.path,
        fault
          ? { error: fault.code }
          : {
              references: hashes.get(row.path)?.digest("hex"),
              value: row.value,
              direct: own?.value,
              checked: checked.has(row.path),
            },
      );
    }
  } catch (error) {
    if (!isMoraineError(error)) throw error;
    results.set("", { error: error.code });
  }
  return results;
}

/** Runs a task while the server serves the folder with some faults. */
async function serve(faults, task) {
  const words = faults.flatMap((fault) => ["--fault", fault]);
  const server = spawn("node", [values.server, "0", folder, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    for await (const line of createInterface({ input: server.stdout })) {
      return await task(line.replace("listening on ", ""));
    }
  } finally {
    server.kill();
  }
  throw new Error("the server did not start");
}
