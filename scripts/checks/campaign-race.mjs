// Processes replace, set, materialise, refer again, repack, expire and collect in one repository, while others read.
// Each writer's part of the array and its counter are of one commit: a reader that finds them different has seen two
// commits at once. No reader may fail, no acknowledged commit may be lost, and the repository must be whole at the end.
// usage: node scripts/checks/campaign-race.mjs [SECONDS] [ADDRESS] [PYTHON]       (after npm run build)
// With an s3:// address of an empty folder it is run there (AWS_ENDPOINT_URL and the like say where that is). With a
// PYTHON that has icechunk and zarr the official client reads too.
import { fork, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  compact,
  createArray,
  createGroup,
  get,
  index,
  isMoraineError,
  materialize,
  open,
  Repository,
  replace,
  StorageRouter,
  slice,
  ZarrStore,
} from "../../dist/node.js";

/** Times 0 to 3 have a writer each; 4 and 5 share chunks between two writers; the others only move. */
const [TIMES, ROWS, COLUMNS] = [10, 48, 48];
const CHUNK = 16;
/** No session lives longer, and what is collected is older: that is what garbage collection asks for. */
const OLDEST_SESSION_MS = 10_000;
const GARBAGE_MS = 13_000;
/** Over a network conflicts last longer. */
const PAUSE_MS = process.argv.some((word) => word.startsWith("s3://")) ? 500 : 20;

const partOf = (writer) => {
  if (writer < 4) return [slice(writer, writer + 1), null, null];
  // Columns 0 to 19 and 20 to 47 of chunks that are 16 wide: one chunk of each row is of both.
  return [slice(4, 5), null, writer === 4 ? slice(0, 20) : slice(20, COLUMNS)];
};
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds * (0.5 + Math.random())));

/** Does something until the time is over; conflicts are begun anew, and what takes too long is given up. */
async function loop(until, work) {
  let done = 0;
  while (Date.now() < until) {
    try {
      if ((await work(done + 1, AbortSignal.timeout(OLDEST_SESSION_MS))) !== false) done += 1;
    } catch (error) {
      if (!isMoraineError(error, "Conflict", "Aborted") && error?.name !== "TimeoutError") throw error;
    }
    // Who has written lets others come first.
    await pause(PAUSE_MS);
  }
  return done;
}

const ROLES = {
  /** Sets its part and its counter by a session. */
  async set(address, until, writer) {
    const repository = await Repository.open(address);
    return await loop(until, async (generation, signal) => {
      const session = await repository.writableSession("main", { signal });
      await session.array("v").set(partOf(writer), generation, { signal });
      await session.array("counters").set([writer], generation, { signal });
      await session.commit(`set ${writer} ${generation}`, { rebase: true, signal });
    });
  },
  /** The same by `replace`, from a store of its own. */
  async replace(address, until, writer, folder) {
    return await loop(until, async (generation, signal) => {
      const source = join(folder, `new-${writer}.zarr`);
      await rm(source, { recursive: true, force: true });
      await writeStore(source, [writer], generation);
      await replace(address, source, { signal });
    });
  },
  /** Makes what is virtual native, and then refers to the file again where nobody writes. */
  async materialize(address, until) {
    const repository = await Repository.open(address);
    const first = await repository.readonlySession({ tag: "first" });
    const manifest = await first.manifest("/v");
    const still = { first: 5, count: manifest.count / TIMES };
    return await loop(until, async (_, signal) => {
      const { commits } = await materialize(address, { where: "t=5:10", budget: 20_000, signal });
      if (commits.length > 0) return;
      const session = await repository.writableSession("main", { signal });
      const from = still.first * still.count;
      const part = {
        ...manifest,
        gridShape: [TIMES - still.first, ...manifest.gridShape.slice(1)],
        count: manifest.count - from,
        positions: undefined,
        locationIndexes: undefined,
        offsets: manifest.offsets.slice(from),
        lengths: manifest.lengths.slice(from),
      };
      await session.setReferences("/v", part, { at: [still.first, 0, 0], signal });
      await session.commit("virtual again", { rebase: true, signal });
    });
  },
  async compact(address, until) {
    return await loop(until, async (_, signal) => {
      await compact(address, { threshold: 0.9, budget: 50_000, signal });
      await pause(300);
    });
  },
  async collect(address, until) {
    const repository = await Repository.open(address);
    return await loop(until, async () => {
      const olderThan = new Date(Date.now() - GARBAGE_MS);
      await repository.expireSnapshots({ olderThan });
      const { chunks } = await repository.garbageCollect({ olderThan });
      await pause(700);
      return chunks.count > 0;
    });
  },
  /** Every read is of one commit. */
  async read(address, until) {
    return await loop(until, async (_, signal) => {
      const repository = await Repository.open(address, { signal });
      const session = await repository.readonlySession({}, { signal });
      const { data: counters } = await get(session.array("counters"), undefined, { signal });
      const { data } = await get(session.array("v"), undefined, { signal });
      requireOneCommit(counters, data, session.snapshotId);
    });
  },
};

function requireOneCommit(counters, data, snapshot) {
  for (let time = 0; time < TIMES; time++) {
    for (let at = 0; at < ROWS * COLUMNS; at++) {
      const writer = time < 4 ? time : time > 4 ? undefined : at % COLUMNS < 20 ? 4 : 5;
      const expected = writer === undefined ? 0 : counters[writer];
      const found = data[time * ROWS * COLUMNS + at];
      if (found !== expected) {
        throw new Error(`${snapshot}: ${found} at ${time}/${at}, where the counter is ${expected}`);
      }
    }
  }
}

/** Coordinates, counters and values of some times, as a Zarr store. */
async function writeStore(address, times, value) {
  const store = new ZarrStore(new StorageRouter(), address.includes("://") ? address : `file://${address}`);
  await createGroup(store);
  const t = await createArray(store, "t", {
    shape: [times.length],
    dataType: "int32",
    dimensionNames: ["t"],
  });
  await t.set(null, Int32Array.from(times));
  const dimensionNames = ["t"];
  const counters = await createArray(store, "counters", {
    shape: [times.length],
    dataType: "int32",
    dimensionNames,
  });
  await counters.set(null, value);
  const shape = [times.length, ROWS, COLUMNS];
  const v = await createArray(store, "v", {
    shape,
    dataType: "int32",
    chunkShape: [1, CHUNK, CHUNK],
    fillValue: -1,
    dimensionNames: ["t", "y", "x"],
    codecs: [{ name: "bytes", configuration: { endian: "little" } }],
  });
  await v.set(null, value);
}

/** The legacy file: references of Kerchunk to chunks that lie one after another in one object. */
async function writeLegacy(storage, address) {
  const bytes = `${address}.bin`;
  const grid = [TIMES, ROWS / CHUNK, COLUMNS / CHUNK];
  const chunkBytes = 4 * CHUNK * CHUNK;
  await storage.write(bytes, new Uint8Array(grid[0] * grid[1] * grid[2] * chunkBytes));
  const array = (shape, chunks) =>
    JSON.stringify({
      zarr_format: 2,
      shape,
      chunks,
      dtype: "<i4",
      compressor: null,
      filters: null,
      fill_value: null,
      order: "C",
    });
  const names = (...dimensions) => JSON.stringify({ _ARRAY_DIMENSIONS: dimensions });
  const zeros = (count) => `base64:${Buffer.from(new Int32Array(count).buffer).toString("base64")}`;
  const times = Buffer.from(Int32Array.from({ length: TIMES }, (_, time) => time).buffer).toString("base64");
  const refs = {
    ".zgroup": JSON.stringify({ zarr_format: 2 }),
    "t/.zarray": array([TIMES], [TIMES]),
    "t/.zattrs": names("t"),
    "t/0": `base64:${times}`,
    "counters/.zarray": array([TIMES], [1]),
    "counters/.zattrs": names("t"),
    "v/.zarray": array([TIMES, ROWS, COLUMNS], [1, CHUNK, CHUNK]),
    "v/.zattrs": names("t", "y", "x"),
  };
  for (let time = 0, at = 0; time < grid[0]; time++) {
    refs[`counters/${time}`] = zeros(1);
    for (let row = 0; row < grid[1]; row++) {
      for (let column = 0; column < grid[2]; column++, at += chunkBytes) {
        refs[`v/${time}.${row}.${column}`] = [bytes, at, chunkBytes];
      }
    }
  }
  await storage.write(address, new TextEncoder().encode(JSON.stringify({ version: 1, refs })));
}

const OFFICIAL = `
import json, os, sys, time
import icechunk, numpy as np, zarr
from official_client import open_repository
icechunk.set_logs_filter("error")
address, until = sys.argv[1], float(sys.argv[2])
if address.startswith("s3://"):
    bucket, prefix = address[5:].rstrip("/").split("/", 1)
    keys = dict(endpoint_url=os.environ["AWS_ENDPOINT_URL"], allow_http=True, region=os.environ["AWS_REGION"], force_path_style=True)
    login = dict(access_key_id=os.environ["AWS_ACCESS_KEY_ID"], secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"])
    storage = lambda: icechunk.s3_storage(bucket=bucket, prefix=prefix, **keys, **login)
    where = f"s3://{bucket}/"
    config = icechunk.RepositoryConfig.default()
    containers = icechunk.Repository.fetch_config(storage()).virtual_chunk_containers or {}
    for name in containers:
        config.set_virtual_chunk_container(icechunk.VirtualChunkContainer(name, icechunk.s3_store(s3_compatible=True, **keys)))
    access = icechunk.containers_credentials({name: icechunk.s3_static_credentials(**login) for name in containers})
    opened = lambda: icechunk.Repository.open(storage(), config, authorize_virtual_chunk_access=access)
else:
    opened = lambda: open_repository(address.removeprefix("file://"))
done = 0
while time.time() * 1000 < until:
    group = zarr.open_group(opened().readonly_session("main").store, mode="r")
    counters, v = group["counters"][...], group["v"][...]
    expected = np.zeros_like(v)
    for writer in range(4):
        expected[writer] = counters[writer]
    expected[4, :, :20], expected[4, :, 20:] = counters[4], counters[5]
    assert np.array_equal(v, expected), "values of two commits"
    done += 1
print(json.dumps(done))
`;

function worker(role, ...words) {
  const child = fork(fileURLToPath(import.meta.url), ["--role", role, ...words.map(String)], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  return finished(role, child);
}

function finished(role, child) {
  let [out, error] = ["", ""];
  child.stdout.on("data", (bytes) => (out += bytes));
  child.stderr.on("data", (bytes) => (error += bytes));
  return new Promise((done) =>
    child.on("close", (code) => done({ role, code, count: Number(out.trim()), error: error.trim() })),
  );
}

async function main(seconds, elsewhere, python) {
  const folder = await mkdtemp(join(tmpdir(), "moraine-campaigns-"));
  const address = elsewhere ?? join(folder, "repository");
  const legacy = elsewhere
    ? `${elsewhere.replace(/\/$/, "")}-legacy/refs.json`
    : `file://${folder}/legacy/refs.json`;
  try {
    await writeLegacy(new StorageRouter(), legacy);
    const repository = await Repository.create(address, { config: { inlineChunkThresholdBytes: 64 } });
    await index(legacy, address, { message: "first" });
    await repository.createTag("first", await repository.lookupBranch("main"));
    const until = Date.now() + seconds * 1000;
    // A service takes longer for everything: fewer work at a time, so that each gets somewhere.
    const writers = elsewhere
      ? [
          ["set", 4],
          ["set", 5],
          ["replace", 2],
        ]
      : [
          ["set", 0],
          ["set", 1],
          ["set", 4],
          ["set", 5],
          ["replace", 2],
          ["replace", 3],
        ];
    const readers = elsewhere ? ["read"] : ["read", "read"];
    const workers = [
      ...writers.map(([role, writer]) => worker(role, address, until, writer, folder)),
      ...["materialize", "compact", "collect", ...readers].map((role) => worker(role, address, until)),
    ];
    if (python) {
      const url = address.includes("://") ? address : `file://${address}`;
      const env = { ...process.env, PYTHONPATH: dirname(fileURLToPath(import.meta.url)) };
      workers.push(finished("official read", spawn(python, ["-c", OFFICIAL, url, String(until)], { env })));
    }
    const results = await Promise.all(workers);
    const failures = results.flatMap(({ role, code, error }) =>
      code === 0 ? [] : [`${role}: ${error.slice(-600)}`],
    );
    console.log(results.map(({ role, count }) => `${role} ${count}`).join(", "));
    const session = await (await Repository.open(address)).readonlySession();
    const { data: counters } = await get(session.array("counters"));
    requireOneCommit(counters, (await get(session.array("v"))).data, session.snapshotId);
    writers.forEach(([, writer], at) => {
      const { count, code } = results[at];
      if (code === 0 && count !== counters[writer])
        failures.push(`writer ${writer}: ${count} commits, ${counters[writer]} found`);
    });
    const { findings } = await repository.fsck();
    failures.push(...findings.filter(({ severity }) => severity === "error").map(({ message }) => message));
    const first = await open(address, { ref: "first" });
    const { data: original } = await get(await first.array("v"));
    if (!original.every((value) => value === 0)) failures.push("the first snapshot has other values");
    for (const failure of failures) console.log(failure);
    const idle = results.filter(({ count, role }) => !(count > 0) && role !== "collect");
    for (const { role } of idle) console.log(`${role} did nothing`);
    return failures.length === 0 && idle.length === 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--role") {
  const [role, address, until, ...words] = rest;
  console.log(
    await ROLES[role](
      address,
      Number(until),
      ...words.map((word) => (/^\d+$/.test(word) ? Number(word) : word)),
    ),
  );
  process.disconnect?.();
} else {
  const passed = await main(Number(first ?? 30), rest[0] || undefined, rest[1]);
  console.log(passed ? "1 passed, 0 failed" : "0 passed, 1 failed");
  process.exitCode = passed ? 0 : 1;
}
