/**
 * Rewrites inner chunks of shards, beside zarr-python (both of its pipelines) where MORAINE_BENCH_PYTHON names an
 * interpreter that has it: one after another in one process, and from eight processes that share the shards. Counts
 * what is lost. zarr-python does not wait until the disk has the bytes; moraine does unless it is told not to, so both
 * are measured. The time of several processes runs from the moment when all of them have read a value, and once more
 * from before they are started.
 *
 *     MORAINE_BENCH_PYTHON=python3 npm run bench:shards
 */

import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createArray, get, openLocation, root, slice, ZarrStore } from "../src/node.ts";
import { pathToAddress } from "../src/storage/address.ts";
import { StorageRouter } from "../src/storage/router.ts";
import { makeField, median, milliseconds, SIDE } from "./field.ts";

const INNER = 128;
const PER_SIDE = 16;
const WRITERS = 8;
const EACH = 8;
const REPEATS = 25;
const ROUNDS = 3;

/** The inner chunk of a number, all of them in the first shard: rows, columns. */
function placeOf(number: number): [number, number] {
  return [Math.floor(number / PER_SIDE) * INNER, (number % PER_SIDE) * INNER];
}

const openArray = (folder: string) =>
  openLocation(root(new ZarrStore(new StorageRouter(), pathToAddress(folder))), { kind: "array" });

async function rewrite(folder: string, number: number, value: number, durable: boolean): Promise<void> {
  const array = await openArray(folder);
  const [row, column] = placeOf(number);
  await array.set([slice(row, row + INNER), slice(column, column + INNER)], value, { durable });
}

/** One of several processes: says that it is ready, waits for the word, writes its inner chunks. */
async function write(folder: string, writer: number, durable: boolean): Promise<void> {
  const array = await openArray(folder);
  // What is loaded once belongs to the start.
  await get(array, [SIDE - 1, SIDE - 1]);
  const go = new Promise((resolve) => process.once("message", resolve));
  process.send?.("ready");
  await go;
  for (let number = writer * EACH; number < (writer + 1) * EACH; number++) {
    const [row, column] = placeOf(number);
    const selection = [slice(row, row + INNER), slice(column, column + INNER)];
    await array.set(selection, 1_000_000 + number, { durable });
  }
  process.send?.("done");
  process.disconnect();
}

/** What several processes took, without and with their start, and how many inner chunks are not as they were written. */
interface Together {
  readonly seconds: number;
  readonly whole: number;
  readonly lost: number;
}

const synced = (durable: boolean): string => (durable ? "synced" : "not synced");

const told = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => code && reject(new Error(`a writer ended with ${code}`)));
  });

async function writeTogether(folder: string, durable: boolean): Promise<Together> {
  const begun = performance.now();
  const self = fileURLToPath(import.meta.url);
  const children = Array.from({ length: WRITERS }, (_, writer) =>
    fork(self, ["--write", folder, String(writer), String(durable)]),
  );
  await Promise.all(children.map(told));
  const started = performance.now();
  const ended = children.map(told);
  for (const child of children) child.send("go");
  await Promise.all(ended);
  const seconds = (performance.now() - started) / 1000;
  const whole = (performance.now() - begun) / 1000;
  const array = await openArray(folder);
  let lost = 0;
  for (let number = 0; number < WRITERS * EACH; number++) {
    const [row, column] = placeOf(number);
    const { data } = await get(array, [slice(row, row + INNER), slice(column, column + INNER)]);
    if (![...data].every((value) => value === 1_000_000 + number)) lost += 1;
  }
  return { seconds, lost, whole };
}

const PYTHON = `
import json, multiprocessing, sys, time
import numpy as np, zarr

INNER, PER_SIDE, EACH = 128, 16, 8

def place(number):
    row, column = divmod(number, PER_SIDE)
    return slice(row * INNER, (row + 1) * INNER), slice(column * INNER, (column + 1) * INNER)

def opened(folder, fused):
    if fused:
        zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.FusedCodecPipeline"})
    return zarr.open_array(folder, mode="r+")

def write(folder, fused, writer, barrier):
    array = opened(folder, fused)
    array[-1, -1]
    barrier.wait()
    for number in range(writer * EACH, (writer + 1) * EACH):
        array[place(number)] = 1_000_000 + number
    barrier.wait()

if __name__ == "__main__":
    folder, fused, step, count = sys.argv[1], sys.argv[2] == "fused", sys.argv[3], int(sys.argv[4])
    if step == "rewrite":
        block, times = np.full((INNER, INNER), 7, "f4"), []
        for number in range(count):
            begin = time.perf_counter()
            opened(folder, fused)[place(number)] = block + number
            times.append(time.perf_counter() - begin)
        print(json.dumps([times, 0, 0]))
    else:
        context = multiprocessing.get_context("spawn")
        started = time.perf_counter()
        barrier = context.Barrier(count + 1)
        writers = [context.Process(target=write, args=(folder, fused, writer, barrier)) for writer in range(count)]
        for writer in writers: writer.start()
        barrier.wait()
        begin = time.perf_counter()
        barrier.wait()
        seconds, whole = time.perf_counter() - begin, time.perf_counter() - started
        for writer in writers: writer.join()
        array = opened(folder, fused)
        lost = sum(not (array[place(number)] == 1_000_000 + number).all() for number in range(count * EACH))
        print(json.dumps([[seconds], int(lost), whole]))
`;

function timePython(python: string, folder: string, pipeline: string, step: string, count: number): Together {
  // A file, so that further processes can be started from it.
  const script = `${folder}-writers.py`;
  writeFileSync(script, PYTHON);
  const out = execFileSync(python, [script, folder, pipeline, step, String(count)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [times, lost, whole]: [number[], number, number] = JSON.parse(out);
  return { seconds: median(times), lost, whole };
}

async function main(): Promise<void> {
  const python = process.env["MORAINE_BENCH_PYTHON"];
  const peers = python ? ["batched", "fused"] : [];
  const folder = mkdtempSync(join(tmpdir(), "moraine-shards-"));
  const made = join(folder, "made");
  const array = await createArray(new ZarrStore(new StorageRouter(), pathToAddress(made)), "", {
    shape: [SIDE, SIDE],
    dataType: "float32",
    chunkShape: [INNER, INNER],
    shardShape: [2048, 2048],
  });
  await array.set(null, { data: makeField(), shape: [SIDE, SIDE] });
  const fresh = (): string => {
    const copy = join(folder, "copy");
    rmSync(copy, { recursive: true, force: true });
    cpSync(made, copy, { recursive: true });
    return copy;
  };
  try {
    console.log(`Node ${process.version}, medians in ms`);
    console.log("| what | moraine | zarr-python | fused | best / moraine |");
    console.log("| --- | --- | --- | --- | --- |");
    const tell = (what: string, ours: number, theirs: readonly number[]): void => {
      const ratio = theirs.length > 0 ? (Math.min(...theirs) / ours).toFixed(2) : "";
      const cells = [milliseconds(ours), ...[0, 1].map((at) => milliseconds(theirs[at]))];
      console.log(`| ${what} | ${cells.join(" | ")} | ${ratio} |`);
    };
    const theirs = peers.map((peer) => timePython(python ?? "", fresh(), peer, "rewrite", REPEATS).seconds);
    for (const durable of [true, false]) {
      const own = fresh();
      const times: number[] = [];
      for (let number = 0; number < REPEATS; number++) {
        const started = performance.now();
        await rewrite(own, number, 7 + number, durable);
        times.push((performance.now() - started) / 1000);
      }
      tell(`one inner chunk of 64 KiB in a shard of 9 MB, ${synced(durable)}`, median(times), theirs);
    }

    const samples = new Map<string, Together[]>();
    const writers = [synced(true), synced(false), ...peers];
    for (let round = 0; round < ROUNDS; round++) {
      for (const who of writers) {
        const copy = fresh();
        const sample = peers.includes(who)
          ? timePython(python ?? "", copy, who, "together", WRITERS)
          : await writeTogether(copy, who === synced(true));
        samples.set(who, [...(samples.get(who) ?? []), sample]);
      }
    }
    const middle = (who: string, what: "seconds" | "whole"): number =>
      median((samples.get(who) ?? []).map((sample) => sample[what]));
    for (const part of ["seconds", "whole"] as const) {
      for (const durable of [true, false]) {
        const what = `${WRITERS} processes, ${EACH} inner chunks each of one shard${part === "whole" ? ", with their start" : ""}`;
        const theirs = peers.map((peer) => middle(peer, part));
        tell(`${what}, ${synced(durable)}`, middle(synced(durable), part), theirs);
      }
    }
    for (const [who, all] of samples) {
      console.log(`lost of ${WRITERS * EACH}, ${who}: ${all.map((sample) => sample.lost).join(", ")}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--write") await write(rest[0] ?? "", Number(rest[1]), rest[2] === "true");
else await main();
