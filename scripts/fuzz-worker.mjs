// Reads damaged files for scripts/fuzz.mjs, one a message.
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { lookup3 } from "../dist/binary/lookup3.js";
import { digestSource } from "../dist/dataset/digest.js";
import { openSource } from "../dist/dataset/open.js";
import { isMoraineError } from "../dist/errors.js";
import "../dist/node.js";
import { StorageRouter } from "../dist/storage/router.js";
import { checkedBlocks, mutate, randomOf } from "./mutations.mjs";

const SLOW = 1000;
const LARGE = 256 * 2 ** 20;
/** Decoded bytes of an array that are read; a file may claim any shape. */
const LIMIT = 8 * 2 ** 20;
const LONGEST_BLOCK = 16 * 1024;

const seeds = new Map();
function seedFile(path) {
  let seed = seeds.get(path);
  if (seed === undefined) {
    const content = readFileSync(path);
    const bytes = new Uint8Array(path.endsWith(".gz") ? gunzipSync(content) : content);
    seed = { bytes, blocks: checkedBlocks(bytes, lookup3, LONGEST_BLOCK) };
    seeds.set(path, seed);
  }
  return seed;
}

const router = new StorageRouter();

async function read(address) {
  const rows = [];
  const source = await openSource(address, { storage: router });
  try {
    for await (const row of digestSource(source, { limit: LIMIT })) rows.push(row);
  } finally {
    await source.close();
  }
  return rows;
}

/** Undefined for an error that has a code, else what is wrong with it. */
function untyped(error) {
  if (isMoraineError(error)) return undefined;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.on("message", async ({ path, seed, compare }) => {
  const { bytes: whole, blocks } = seedFile(path);
  const bytes = mutate(whole, blocks, lookup3, randomOf(seed));
  const failures = [];
  const report = (kind, text) => failures.push({ kind, text, bytes: Buffer.from(bytes).toString("base64") });
  const address = "memory://fuzz/file";
  await router.write(address, bytes);
  const peak = process.resourceUsage().maxRSS * 1024;
  const before = process.cpuUsage();
  let rows;
  let refused = false;
  try {
    rows = await read(address);
    for (const { error, path: inside } of rows) {
      const text = error && untyped(error);
      if (text) report("untyped", `${inside}: ${text}`);
    }
  } catch (error) {
    refused = true;
    const text = untyped(error);
    if (text) report("untyped", text);
  }
  const { user, system } = process.cpuUsage(before);
  const milliseconds = (user + system) / 1000;
  const grown = process.resourceUsage().maxRSS * 1024 - peak;
  if (milliseconds > SLOW) report("slow", `${Math.round(milliseconds)} ms of processor time`);
  if (grown > LARGE) report("large", `${Math.round(grown / 2 ** 20)} MiB more memory than ever before`);
  const compared = compare && rows ? await compareWithLibrary(bytes, rows, report) : 0;
  process.send({ refused, compared, failures });
});

let library;
let libraryFiles = 0;

/** Compares the digests of plain numbers with what libhdf5 reads from the same bytes. */
async function compareWithLibrary(bytes, rows, report) {
  const wanted = rows.filter(
    (row) => row.value?.bytes && /^(u?int(8|16|32|64)|float(32|64))$/.test(row.dataType),
  );
  if (wanted.length === 0) return 0;
  process.send({ stage: "library" });
  let compared = 0;
  let path;
  try {
    library ??= await import("h5wasm/node").then(async (module) => {
      const ready = await module.ready;
      ready.activate_throwing_error_handler();
      return { module: module.default ?? module };
    });
    const { module } = library;
    // A new name each time: the library may hold the last one open still.
    path = join(tmpdir(), `moraine-fuzz-${process.pid}-${libraryFiles++}.h5`);
    writeFileSync(path, bytes);
    const file = new module.File(path, "r");
    try {
      for (const row of wanted) {
        let value;
        try {
          const dataset = file.get(row.path);
          if (dataset?.value === undefined || dataset.metadata.vlen_type || dataset.metadata.type > 1)
            continue;
          value = dataset.value;
        } catch {
          continue;
        }
        if (!ArrayBuffer.isView(value)) continue;
        const digest = createHash("sha256")
          .update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
          .digest("hex");
        compared += 1;
        if (digest !== row.value.bytes)
          report("wrong", `${row.path}: ${row.value.bytes} here, ${digest} by libhdf5`);
      }
    } finally {
      file.close();
    }
  } catch {
    // It refuses the file, or is broken by it: a new instance next time.
    library = undefined;
  } finally {
    if (path) rmSync(path, { force: true });
  }
  process.send({ stage: "read" });
  return compared;
}
