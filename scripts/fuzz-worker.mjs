// Reads damaged files for scripts/fuzz.mjs, one a message.
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { lookup3 } from "../dist/binary/lookup3.js";
import { digestSource } from "../dist/dataset/digest.js";
import { openSource } from "../dist/dataset/open.js";
import { walkSource } from "../dist/dataset/source.js";
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

const ADDRESS = "memory://fuzz/file";
const router = new StorageRouter();

async function read(address) {
  const rows = [];
  const unusual = new Set();
  const source = await openSource(address, { storage: router });
  try {
    for await (const { path, node } of walkSource(source)) {
      if (node.kind === "array" && node.barrier?.code === "UnsupportedDataType") unusual.add(path);
    }
    for await (const row of digestSource(source, { limit: LIMIT })) {
      rows.push({ ...row, isUnusual: unusual.has(row.path) });
    }
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
  const file = seedFile(path);
  const bytes = mutate(file.bytes, file.blocks, lookup3, randomOf(seed));
  const failures = [];
  const report = (kind, text) => failures.push({ kind, text, bytes: Buffer.from(bytes).toString("base64") });
  await router.write(ADDRESS, bytes);
  const peak = process.resourceUsage().maxRSS * 1024;
  const before = process.cpuUsage();
  let rows;
  let refused = false;
  try {
    rows = await read(ADDRESS);
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
  const compared = compare && rows ? await compareWithLibrary(file, bytes, rows, report) : 0;
  process.send({ refused, compared, failures, last: libraryFailed });
});

let library;
let libraryFiles = 0;
let libraryFailed = false;

/**
 * SHA-256 of the arrays of plain numbers that libhdf5 reads from these bytes, by path. h5wasm takes floats of unusual fields
 * for those of the platform: where the width tells, they are left out.
 */
async function libraryDigests(bytes, rows) {
  const digests = new Map();
  const name = join(tmpdir(), `moraine-fuzz-${process.pid}-${libraryFiles++}.h5`);
  process.send({ stage: "library" });
  try {
    library ??= await import("h5wasm/node").then(async (module) => {
      (await module.ready).activate_throwing_error_handler();
      return module.default ?? module;
    });
    // A new name each time: the library may hold the last one open still.
    writeFileSync(name, bytes);
    const file = new library.File(name, "r");
    try {
      for (const { path, dataType } of rows) {
        const digest = digestOf(file, path, Number(/\d+/.exec(dataType)[0]) / 8);
        if (digest) digests.set(path, digest);
      }
    } finally {
      file.close();
    }
  } catch {
    // It refuses the file, or is broken by it: the next file gets another process.
    libraryFailed = true;
  } finally {
    rmSync(name, { force: true });
  }
  process.send({ stage: "read" });
  return digests;
}

/** Its integers are of fewer bits than their bytes hold mostly: h5wasm gives these as they lie, without their sign. */
const N_BIT = 5;

function digestOf(file, path, itemSize) {
  try {
    const dataset = file.get(path);
    if (dataset?.metadata.type > 1 || dataset?.filters.some(({ id }) => id === N_BIT)) return undefined;
    const { value } = dataset;
    if (!ArrayBuffer.isView(value) || value.BYTES_PER_ELEMENT !== itemSize) return undefined;
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return createHash("sha256").update(bytes).digest("hex");
  } catch {
    return undefined;
  }
}

/** Numbers that the library converts: those of unusual fields (20 bits in 4 bytes) h5wasm gives as they lie. */
function numbersOf(rows) {
  return rows.filter(
    (row) => !row.isUnusual && row.value?.bytes && /^(u?int(8|16|32|64)|float(32|64))$/.test(row.dataType),
  );
}

/** The paths at which the two disagree over the undamaged file: values never written, filters that one gets wrong. */
async function disputedPaths(seed) {
  if (seed.disputed === undefined) {
    await router.write(ADDRESS, seed.bytes);
    const rows = numbersOf(await read(ADDRESS).catch(() => []));
    const digests = await libraryDigests(seed.bytes, rows);
    seed.disputed = new Set(
      rows.filter((row) => digests.get(row.path) !== row.value.bytes).map((row) => row.path),
    );
  }
  return seed.disputed;
}

/** Compares arrays with what libhdf5 reads from the same bytes; the number of those compared. */
async function compareWithLibrary(seed, bytes, rows, report) {
  const disputed = await disputedPaths(seed);
  const wanted = numbersOf(rows).filter((row) => !disputed.has(row.path));
  if (wanted.length === 0) return 0;
  const digests = await libraryDigests(bytes, wanted);
  for (const { path, value } of wanted) {
    const digest = digests.get(path);
    if (digest && digest !== value.bytes)
      report("wrong", `${path}: ${value.bytes} here, ${digest} by libhdf5`);
  }
  return digests.size;
}
