// Random sessions of sets, resizes, commits, branches, rebases, materialisations, rewritings and compactions against a model in
// memory. After every step every snapshot must read as the model holds it; at every tenth the official client (icechunk and
// zarr-python) must read the same of all of them, and writes in between.
// usage: node scripts/checks/campaign-model.mjs PYTHON [SEEDS] [STEPS] [FIRST]       (after npm run build)
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  compact,
  get,
  index,
  isMoraineError,
  materialize,
  Repository,
  rewrite,
  slice,
} from "../../dist/node.js";

const demo = fileURLToPath(new URL("../../test/data/demo/sst-2020.nc", import.meta.url));
const PATH = "/sst";
const LENGTHS = [2, 4, 6, 8];

const OFFICIAL = `
import hashlib, json, sys
import icechunk, numpy as np, zarr
from official_client import open_repository
icechunk.set_logs_filter("error")
for line in sys.stdin:
    command = json.loads(line)
    repository = open_repository(command["folder"])
    if "read" in command:
        answer = []
        for snapshot in command["read"]:
            array = zarr.open_group(repository.readonly_session(snapshot_id=snapshot).store, mode="r")["sst"]
            answer.append([list(array.shape), hashlib.sha256(np.ascontiguousarray(array[...]).tobytes()).hexdigest()])
    else:
        session = repository.writable_session(command["branch"])
        array = zarr.open_group(session.store, mode="r+")["sst"]
        array[tuple(slice(start, stop) for start, stop in command["box"])] = command["value"]
        answer = session.commit("by the official client")
    print(json.dumps(answer), flush=True)
`;

/** The official client in a process of its own, asked one thing after another. */
class Official {
  #child;
  #lines;

  constructor(python) {
    const env = { ...process.env, PYTHONPATH: dirname(fileURLToPath(import.meta.url)) };
    this.#child = spawn(python, ["-c", OFFICIAL], { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask(command) {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the official client has ended");
    return JSON.parse(value);
  }

  close() {
    this.#child.stdin.end();
  }
}

/** Numbers from a seed (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** Values of one state. */
class State {
  constructor(shape, values) {
    this.shape = shape;
    this.values = values;
  }

  copy() {
    return new State(this.shape, this.values.slice());
  }

  set(box, value) {
    const [, rows, columns] = this.shape;
    for (let time = box[0][0]; time < box[0][1]; time++) {
      for (let row = box[1][0]; row < box[1][1]; row++) {
        const start = (time * rows + row) * columns;
        this.values.fill(value, start + box[2][0], start + box[2][1]);
      }
    }
  }

  /** Along the first axis, by whole chunks. */
  resize(length, fill) {
    const [, rows, columns] = this.shape;
    const values = new Int16Array(length * rows * columns).fill(fill);
    values.set(this.values.subarray(0, values.length));
    this.shape = [length, rows, columns];
    this.values = values;
  }

  digest() {
    const { buffer, byteOffset, byteLength } = this.values;
    return createHash("sha256")
      .update(new Uint8Array(buffer, byteOffset, byteLength))
      .digest("hex");
  }
}

class Run {
  #random;
  #folder;
  #official;
  /** States by snapshot, and the tip of each branch. */
  #states = new Map();
  #tips = new Map();
  #fill = 0;
  #value = 0;
  counts = {};

  constructor(seed, folder, official) {
    this.#random = randomFrom(seed);
    this.#folder = folder;
    this.#official = official;
  }

  async begin() {
    await Repository.create(this.#folder, { config: { inlineChunkThresholdBytes: 0 } });
    await index([demo], this.#folder, { load: [] });
    const repository = await Repository.open(this.#folder);
    const session = await repository.readonlySession();
    const { data, shape } = await get(session.array(PATH));
    const { fillValue } = session.array(PATH);
    this.#fill = new DataView(fillValue.buffer, fillValue.byteOffset).getInt16(0, true);
    this.#states.set(session.snapshotId, new State(shape, data.slice()));
    this.#tips.set("main", session.snapshotId);
  }

  #pick(items) {
    return items[this.#random(items.length)];
  }

  /** @param small of a few elements, so that two of them seldom meet */
  #box(shape, small = false) {
    return shape.map((length) => {
      const a = this.#random(length);
      const b = small ? a : this.#random(length);
      return [Math.min(a, b), Math.max(a, b) + 1];
    });
  }

  /** Makes the same random changes in a session and a state; gives the boxes of chunks that were touched. */
  async #edit(session, state, { resizes = false, small = false }) {
    const touched = [];
    let resized = false;
    for (let edits = 1 + this.#random(3); edits > 0; edits--) {
      const array = session.array(PATH);
      if (resizes && this.#random(4) === 0) {
        const length = this.#pick(LENGTHS.filter((other) => other !== state.shape[0]));
        await array.resize([length, ...state.shape.slice(1)]);
        state.resize(length, this.#fill);
        resized = true;
        continue;
      }
      const box = this.#box(state.shape, small);
      this.#value = (this.#value + 1) % 30_000;
      await array.set(
        box.map(([start, stop]) => slice(start, stop)),
        this.#value,
      );
      state.set(box, this.#value);
      const { chunkShape } = array.metadata.chunkGrid;
      touched.push(
        box.map(([start, stop], axis) => [
          Math.floor(start / chunkShape[axis]),
          Math.ceil(stop / chunkShape[axis]),
        ]),
      );
    }
    return { touched, resized };
  }

  #committed(branch, snapshot, state) {
    this.#states.set(snapshot, state);
    this.#tips.set(branch, snapshot);
  }

  async step(number) {
    const kinds = [
      "commit",
      "commit",
      "commit",
      "race",
      "race",
      "branch",
      "materialize",
      "materialize",
      "compact",
      "rewrite",
      "collect",
    ];
    const kind = number % 10 === 0 ? "official" : this.#pick(kinds);
    const branch = this.#pick([...this.#tips.keys()]);
    const state = () => this.#states.get(this.#tips.get(branch)).copy();
    const repository = await Repository.open(this.#folder);
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    switch (kind) {
      case "commit": {
        const session = await repository.writableSession(branch);
        const next = state();
        await this.#edit(session, next, { resizes: true });
        const before = await get(session.array(PATH));
        if (
          createHash("sha256")
            .update(new Uint8Array(before.data.buffer, before.data.byteOffset, before.data.byteLength))
            .digest("hex") !== next.digest()
        ) {
          throw new Error("the session reads other values than the model before its commit");
        }
        this.#committed(branch, await session.commit("commit", { allowEmpty: true }), next);
        break;
      }
      case "race":
        await this.#race(repository, branch, state());
        break;
      case "branch": {
        const from = this.#pick([...this.#states.keys()]);
        const name = `b${number}`;
        await repository.createBranch(name, from);
        this.#tips.set(name, from);
        break;
      }
      case "collect":
        await repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
        break;
      case "official": {
        const next = state();
        const box = this.#box(next.shape);
        this.#value = (this.#value + 1) % 30_000;
        next.set(box, this.#value);
        const command = { folder: this.#folder, branch, box, value: this.#value };
        this.#committed(branch, await this.#official.ask(command), next);
        break;
      }
      default:
        await this.#campaign(kind, branch, state());
        this.#committed(branch, await repository.lookupBranch(branch), state());
    }
  }

  async #race(repository, branch, state) {
    const [ours, theirs] = [
      await repository.writableSession(branch),
      await repository.writableSession(branch),
    ];
    const first = state.copy();
    const small = this.#random(4) > 0;
    const made = await this.#edit(theirs, first, { resizes: !small, small });
    const second = state.copy();
    const before = this.#value;
    const own = await this.#edit(ours, second, { small });
    this.#committed(branch, await theirs.commit("theirs", { allowEmpty: true }), first);
    const meets = (a, b) => a.every(([start, stop], axis) => start < b[axis][1] && b[axis][0] < stop);
    const overlaps = own.touched.some((a) => made.touched.some((b) => meets(a, b)));
    try {
      const snapshot = await ours.commit("ours", { rebase: true });
      if (overlaps || made.resized) throw new Error("a conflict was not found");
      const both = first.copy();
      // What ours changed, over what theirs left.
      second.values.forEach((value, at) => {
        if (value > before && value <= this.#value) both.values[at] = value;
      });
      this.#committed(branch, snapshot, both);
      this.counts.rebased = (this.counts.rebased ?? 0) + 1;
    } catch (error) {
      if (!isMoraineError(error, "Conflict")) throw error;
      if (!overlaps && !made.resized) throw new Error("a conflict where there is none");
      this.counts.conflicts = (this.counts.conflicts ?? 0) + 1;
    }
  }

  async #campaign(kind, branch, { shape }) {
    if (kind === "materialize") {
      const time = this.#random(shape[0]);
      await materialize(this.#folder, {
        path: PATH,
        branch,
        where: `time=${time}:${time + 1 + this.#random(3)}`,
        budget: 600,
      });
    } else if (kind === "compact") {
      await compact(this.#folder, { branch, threshold: 0.9, budget: 2000 });
    } else {
      const chunks = { time: 1 + this.#random(2), lat: this.#pick([5, 10]), lon: 15 };
      const shards = this.#random(2) === 0 ? {} : { shards: { time: 2, lat: 20, lon: 30 } };
      await rewrite(this.#folder, { path: PATH, branch, chunks, ...shards });
    }
  }

  async check(number) {
    const repository = await Repository.open(this.#folder);
    for (const [snapshotId, state] of this.#states) {
      const { data, shape } = await get((await repository.readonlySession({ snapshotId })).array(PATH));
      const same =
        shape.join() === state.shape.join() && data.every((value, at) => value === state.values[at]);
      if (!same) throw new Error(`snapshot ${snapshotId} reads otherwise than the model`);
    }
    for (const [branch, tip] of this.#tips) {
      if ((await repository.lookupBranch(branch)) !== tip) throw new Error(`branch ${branch} is elsewhere`);
    }
    if (number % 10 !== 0) return;
    const read = [...this.#states.keys()];
    const answers = await this.#official.ask({ folder: this.#folder, read });
    read.forEach((snapshot, at) => {
      const state = this.#states.get(snapshot);
      if (JSON.stringify(answers[at]) !== JSON.stringify([state.shape, state.digest()])) {
        throw new Error(`the official client reads snapshot ${snapshot} otherwise than the model`);
      }
    });
    const { findings } = await repository.fsck();
    const [finding] = findings.filter(({ severity }) => severity === "error");
    if (finding) throw new Error(`fsck: ${finding.message}`);
  }
}

const [python, seeds = "3", steps = "60", firstSeed = "1"] = process.argv.slice(2);
if (python === undefined)
  throw new Error("usage: node scripts/checks/campaign-model.mjs PYTHON [SEEDS] [STEPS] [FIRST]");
const official = new Official(python);
const totals = {};
let failures = 0;
for (let seed = Number(firstSeed); seed < Number(firstSeed) + Number(seeds); seed++) {
  const folder = await mkdtemp(join(tmpdir(), "moraine-model-"));
  const run = new Run(seed, join(folder, "repository"), official);
  let number = 0;
  try {
    await run.begin();
    for (number = 1; number <= Number(steps); number++) {
      await run.step(number);
      await run.check(number);
    }
  } catch (error) {
    failures += 1;
    console.log(`seed ${seed}, step ${number}: ${error?.stack ?? error}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  for (const [kind, count] of Object.entries(run.counts)) totals[kind] = (totals[kind] ?? 0) + count;
}
official.close();
console.log(
  Object.entries(totals)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", "),
);
console.log(`${seeds} seeds of ${steps} steps, ${failures} failures`);
process.exitCode = failures > 0 ? 1 : 0;
