// Several processes change chunks of one Zarr store in a local folder: inner chunks of the same shards, and parts of
// the same plain chunks. Nothing may be lost. Then one that changes shards is killed (SIGKILL) at random moments: every
// shard must be as it was before or as it is after the change, never a mixture, and the next writer must go on.
// With an interpreter that has zarr-python the results are read by that, too.
// usage: node scripts/checks/shards.mjs [PROCESSES] [KILLS] [PYTHON] [SEED]
import { execFileSync, fork } from "node:child_process";
import { readdirSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createArray, get, openLocation, root, slice, ZarrStore } from "../../dist/node.js";
import { StorageRouter } from "../../dist/storage/router.js";

const SIDE = 64;
const INNER = 4;
const KILLED = { side: 512, shard: 256, inner: 32 };
/** Milliseconds from the first change within which a writer is killed. */
const PATIENCE = 300;
const checksummed = [{ name: "bytes", configuration: { endian: "little" } }, { name: "crc32c" }];
const ARRAYS = {
  shards: { chunkShape: [INNER, INNER], shardShape: [32, 32] },
  // All writers share all inner chunks, too: each has a column of every one of them.
  columns: { chunkShape: [INNER, 8], shardShape: [32, 32] },
  plain: { chunkShape: [32, 32] },
};

const storeAt = (address) => new ZarrStore(new StorageRouter(), address);
const arrayAt = (address, path) => openLocation(root(storeAt(address)).resolve(path), { kind: "array" });
const valuesAt = async (address, path) => (await get(await arrayAt(address, path))).data;

/** Parts of an array, as many for each writer, all of them in all chunks. */
function* partsOf(name, worker, processes) {
  if (name === "columns") {
    for (let row = 0; row < SIDE; row += INNER) {
      for (let column = worker % 8; column < SIDE; column += 8)
        yield { row, column, rows: INNER, columns: 1 };
    }
    return;
  }
  const across = SIDE / INNER;
  for (let part = worker; part < across * across; part += processes) {
    yield {
      row: Math.floor(part / across) * INNER,
      column: (part % across) * INNER,
      rows: INNER,
      columns: INNER,
    };
  }
}

const expectedOf = ({ row, column }) => 1 + row * SIDE + column;

/** One of the processes that write side by side. */
async function write(address, worker, processes) {
  await new Promise((go) => process.once("message", go));
  for (const name of Object.keys(ARRAYS)) {
    const array = await arrayAt(address, name);
    for (const part of partsOf(name, worker, processes)) {
      const { row, column, rows, columns } = part;
      await array.set([slice(row, row + rows), slice(column, column + columns)], expectedOf(part));
    }
  }
  process.exit(0);
}

/** The one that is killed: says which change it begins, and changes a part of every shard. */
async function change(address, from) {
  const array = await arrayAt(address, "killed");
  for (let number = from; ; number++) {
    writeSync(1, `${number}\n`);
    await array.set([slice(0, null), slice(0, null, 3)], number);
  }
}

async function race(address, processes) {
  for (const [name, layout] of Object.entries(ARRAYS)) {
    await createArray(storeAt(address), name, {
      shape: [SIDE, SIDE],
      dataType: "int32",
      ...layout,
    });
  }
  const self = fileURLToPath(import.meta.url);
  const workers = Array.from({ length: processes }, (_, worker) =>
    fork(self, ["--write", address, String(worker), String(processes)]),
  );
  for (const worker of workers) worker.send("go");
  const started = performance.now();
  const codes = await Promise.all(workers.map((worker) => new Promise((done) => worker.on("exit", done))));
  const seconds = (performance.now() - started) / 1000;
  let lost = 0;
  for (const name of Object.keys(ARRAYS)) {
    const found = await valuesAt(address, name);
    for (let worker = 0; worker < processes; worker++) {
      for (const part of partsOf(name, worker, processes)) {
        for (let y = 0; y < part.rows; y++) {
          for (let x = 0; x < part.columns; x++) {
            if (found[(part.row + y) * SIDE + part.column + x] !== expectedOf(part)) lost += 1;
          }
        }
      }
    }
  }
  console.log(
    `${processes} processes, ${Object.keys(ARRAYS).join(", ")}: ${lost} elements lost in ${seconds.toFixed(1)} s`,
  );
  return lost === 0 && codes.every((code) => code === 0);
}

let state = 1;
/** Mulberry32: a number from 0 to 1. */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

/** Runs the changer from a number on, kills it; the number that it began last. */
function killed(address, from) {
  return new Promise((done) => {
    const child = fork(fileURLToPath(import.meta.url), ["--change", address, String(from)], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    let told = "";
    child.stdout.on("data", (text) => {
      if (told === "") setTimeout(() => child.kill("SIGKILL"), random() * PATIENCE);
      told += text;
    });
    child.on("close", (_, signal) =>
      done({ last: Number(told.trim().split("\n").at(-1)), isKilled: signal === "SIGKILL" }),
    );
  });
}

async function kill(address, kills) {
  const { side, shard, inner } = KILLED;
  const array = await createArray(storeAt(address), "killed", {
    shape: [side, side],
    dataType: "int32",
    chunkShape: [inner, inner],
    shardShape: [shard, shard],
    codecs: checksummed,
  });
  const untouched = Int32Array.from({ length: side * side }, (_, at) => ((at % side) % 3 === 0 ? 0 : -at));
  await array.set(null, { data: untouched, shape: [side, side] });
  const shards = new Map();
  let [torn, changes, between] = [0, 0, 0];
  for (let round = 0, next = 1; round < kills; round++) {
    const { last, isKilled } = await killed(address, next);
    if (!isKilled) throw new Error("the writer ended by itself");
    const found = await valuesAt(address, "killed");
    for (let row = 0; row < side / shard; row++) {
      for (let column = 0; column < side / shard; column++) {
        const key = `${row}/${column}`;
        const values = new Set();
        for (let y = row * shard; y < (row + 1) * shard; y++) {
          for (let x = column * shard; x < (column + 1) * shard; x++) {
            const value = found[y * side + x];
            if (x % 3 === 0) values.add(value);
            else if (value !== -(y * side + x)) values.add(Number.NaN);
          }
        }
        const [value] = values;
        const before = shards.get(key) ?? 0;
        // As the last change that was begun made it, or as it was before that.
        const old = last > next ? last - 1 : before;
        if (values.size !== 1 || (value !== last && value !== old)) torn += 1;
        shards.set(key, value);
      }
    }
    if (new Set(shards.values()).size > 1) between += 1;
    changes = last;
    next = last + 1;
  }
  const names = readdirSync(fileURLToPath(`${address}killed`), { recursive: true });
  const left = names.filter((name) => /moraine-tmp|\.lock\./.test(name)).length;
  console.log(
    `${kills} kills in ${changes} changes, ${between} of them between two shards: ${torn} shards torn; ` +
      `${left} unfinished files left, which nobody lists`,
  );
  return torn === 0;
}

const PYTHON = `
import sys, zarr
side = int(sys.argv[2])
for name in sys.argv[3:]:
    found = zarr.open_array(sys.argv[1], path=name, mode="r")[...]
    column_step, row_step = (1, 4) if name == "columns" else (4, 4)
    wrong = sum(found[y, x] != 1 + y // row_step * row_step * side + x // column_step * column_step for y in range(side) for x in range(side))
    print("zarr-python reads", name, "with", wrong, "elements wrong")
    if wrong: sys.exit(1)
found = zarr.open_array(sys.argv[1], path="killed", mode="r")[...]
print("zarr-python reads what was killed:", sorted(set(found[:, ::3].ravel().tolist())))
`;

async function main(processes, kills, python, seed) {
  state = seed;
  const folder = await mkdtemp(join(tmpdir(), "moraine-shards-"));
  const address = `${pathToFileURL(folder).href}/`;
  try {
    const passed = [await race(address, processes), await kill(address, kills)];
    if (python) {
      const words = ["-c", PYTHON, folder, String(SIDE), ...Object.keys(ARRAYS)];
      console.log(execFileSync(python, words, { encoding: "utf8" }).trim());
    }
    return passed.every(Boolean);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--write") await write(rest[0], Number(rest[1]), Number(rest[2]));
else if (first === "--change") await change(rest[0], Number(rest[1]));
else {
  const passed = await main(Number(first ?? 8), Number(rest[0] ?? 200), rest[1], Number(rest[2] ?? 1));
  console.log(passed ? "1 passed, 0 failed" : "0 passed, 1 failed");
  process.exitCode = passed ? 0 : 1;
}
