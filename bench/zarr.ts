/**
 * Reads and writes arrays of 64 MiB in several layouts, beside zarrita and, where MORAINE_BENCH_PYTHON names an
 * interpreter that has it, zarr-python (with both of its pipelines). Rounds of all readers alternate, so that what
 * else the machine does meets all of them.
 *
 *     npm run bench:zarr
 *     MORAINE_BENCH_PYTHON=python3 npm run bench:zarr -- sharded   # only layouts whose name begins so
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open as openFile, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import * as zarrita from "zarrita";
import {
  createArray,
  type NewArray,
  openLocation,
  readRaw,
  root,
  type Selection,
  slice,
  ZarrStore,
} from "../src/node.ts";
import { pathToAddress } from "../src/storage/address.ts";
import { StorageRouter } from "../src/storage/router.ts";
import { makeField, median, milliseconds, SIDE } from "./field.ts";

const ROUNDS = 5;
const little = { name: "bytes", configuration: { endian: "little" } };
const zstd = { name: "zstd", configuration: { level: 3, checksum: false } };
const shuffle = { name: "numcodecs.shuffle", configuration: { elementsize: 4 } };
const zlib = { name: "numcodecs.zlib", configuration: { level: 4 } };
const blosc = {
  name: "blosc",
  configuration: { cname: "lz4", clevel: 5, shuffle: "shuffle", typesize: 4, blocksize: 0 },
};

const base = { shape: [SIDE, SIDE], dataType: "float32" } as const;
const LAYOUTS: Readonly<Record<string, NewArray>> = {
  "raw 4 MiB": { ...base, chunkShape: [1024, 1024], codecs: [little] },
  "zstd 4 MiB": { ...base, chunkShape: [1024, 1024], codecs: [little, zstd] },
  "shuffle+zlib 4 MiB": { ...base, chunkShape: [1024, 1024], codecs: [little, shuffle, zlib] },
  "blosc lz4 4 MiB": { ...base, chunkShape: [1024, 1024], codecs: [little, blosc] },
  "sharded zstd": { ...base, chunkShape: [128, 128], shardShape: [2048, 2048], codecs: [little, zstd] },
  "zstd 64 KiB": { ...base, chunkShape: [128, 128], codecs: [little, zstd] },
  "shuffle+zlib 64 KiB": { ...base, chunkShape: [128, 128], codecs: [little, shuffle, zlib] },
};

/** What is read: from where to where along both axes. */
const PARTS: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  whole: [
    [0, SIDE],
    [0, SIDE],
  ],
  column: [
    [0, SIDE],
    [1000, 1001],
  ],
  "one chunk": [
    [1024, 1152],
    [1024, 1152],
  ],
};

interface Sample {
  readonly seconds: number;
  /** Bytes that the process grew by at the most, where the system tells it. */
  readonly grownBytes: number;
}

async function measure(work: () => Promise<unknown>): Promise<Sample> {
  globalThis.gc?.();
  // What is collected is freed by another thread.
  await setTimeout(30);
  const before = residentMemory("VmRSS");
  forgetPeak();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  return { seconds, grownBytes: residentMemory("VmHWM") - before };
}

/** Bytes now, or at the most since the peak was forgotten. */
function residentMemory(key: "VmRSS" | "VmHWM"): number {
  try {
    const status = readFileSync("/proc/self/status", "latin1");
    return Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Only Linux has it: the peak then is that of all that was done.
  }
}

/** A folder for zarrita. */
function folderStore(folder: string): zarrita.AsyncReadable {
  const present = async <T>(work: Promise<T>): Promise<T | undefined> =>
    await work.catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
  return {
    get: async (key) => {
      const bytes = await present(readFile(join(folder, key)));
      return bytes && new Uint8Array(bytes);
    },
    getRange: async (key, range) => {
      const file = await present(openFile(join(folder, key)));
      if (file === undefined) return undefined;
      const isSuffix = "suffixLength" in range;
      const length = isSuffix ? range.suffixLength : range.length;
      const offset = isSuffix ? (await file.stat()).size - length : range.offset;
      const bytes = new Uint8Array(length);
      await file.read(bytes, 0, length, offset);
      await file.close();
      return bytes;
    },
  };
}

const PYTHON = `
import json, sys, time, zarr
folder, fused, rounds, start, stop = sys.argv[1], sys.argv[2] == "fused", int(sys.argv[3]), *[json.loads(a) for a in sys.argv[4:6]]
if fused:
    zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.FusedCodecPipeline"})
times = []
for _ in range(rounds):
    array = zarr.open_array(zarr.storage.LocalStore(folder, read_only=True), mode="r")
    begin = time.perf_counter()
    array[tuple(slice(a, b) for a, b in zip(start, stop))]
    times.append(time.perf_counter() - begin)
print(json.dumps(times))
`;

function timePython(
  python: string,
  folder: string,
  pipeline: string,
  part: readonly (readonly [number, number])[],
): number {
  const bounds = [0, 1].map((end) => JSON.stringify(part.map((range) => range[end])));
  const out = execFileSync(python, ["-c", PYTHON, folder, pipeline, String(ROUNDS), ...bounds], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const times: unknown = JSON.parse(out);
  return median(Array.isArray(times) ? times.map(Number) : []);
}

async function main(): Promise<void> {
  const python = process.env["MORAINE_BENCH_PYTHON"];
  const only = process.argv[2] ?? "";
  const field = makeField();
  const folder = mkdtempSync(join(tmpdir(), "moraine-bench-"));
  console.log(`Node ${process.version}, ${ROUNDS} rounds, medians in ms`);
  console.log(
    "| layout | part | moraine | zarrita | zarr-python | fused | zarrita / moraine | best / moraine | MiB beyond the result |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  try {
    for (const [layout, array] of Object.entries(LAYOUTS)) {
      if (!layout.startsWith(only)) continue;
      const path = join(folder, layout.replace(/\W+/g, "-"));
      const address = `${pathToAddress(path)}/`;
      const created = await createArray(new ZarrStore(new StorageRouter(), address), "", array);
      const written = await measure(() => created.set(null, { data: field, shape: [SIDE, SIDE] }));
      console.log(`| ${layout} | write | ${milliseconds(written.seconds)} | | | | | | |`);
      for (const [part, ranges] of Object.entries(PARTS))
        await compare(layout, part, ranges, path, address, python);
      rmSync(path, { recursive: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(
  layout: string,
  part: string,
  ranges: readonly (readonly [number, number])[],
  path: string,
  address: string,
  python: string | undefined,
): Promise<void> {
  const selection: Selection = ranges.map(([start, stop]) => slice(start, stop));
  const ours: number[] = [];
  const theirs: number[] = [];
  let beyond = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const array = await openLocation(root(new ZarrStore(new StorageRouter(), address)), { kind: "array" });
    let bytes = 0;
    const own = await measure(async () => {
      const { data } = await readRaw(array, selection);
      bytes = data instanceof Uint8Array ? data.byteLength : 0;
    });
    ours.push(own.seconds);
    beyond = Math.max(beyond, own.grownBytes - bytes);
    const other = await zarrita.open.v3(zarrita.root(folderStore(path)), { kind: "array" });
    const where = ranges.map(([start, stop]) => zarrita.slice(start, stop));
    theirs.push((await measure(() => zarrita.get(other, where))).seconds);
  }
  const [moraine, zarritas] = [median(ours), median(theirs)];
  const pythons = python
    ? ["batched", "fused"].map((pipeline) => timePython(python, path, pipeline, ranges))
    : [];
  const best = Math.min(zarritas, ...pythons);
  const cells = [
    layout,
    part,
    milliseconds(moraine),
    milliseconds(zarritas),
    ...[0, 1].map((at) => milliseconds(pythons[at])),
  ];
  console.log(
    `| ${cells.join(" | ")} | ${(zarritas / moraine).toFixed(1)} | ${(best / moraine).toFixed(2)} | ${Math.round(beyond / 2 ** 20)} |`,
  );
}

await main();
