// One measurement of `bench:scale` in a process of its own: prints its seconds, its peak memory and places to look at.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Repository } from "../src/icechunk/repository.ts";
import { index } from "../src/node.ts";
import { FileStorage } from "../src/storage/file/file-storage.ts";
import { parseArrayMetadata } from "../src/zarr/metadata-v3.ts";

const [, , task = "", folder = "", count = "", arrays = "1"] = process.argv;

/** A chunk of one float, the bytes of which are at a place in a file. */
interface Spot {
  readonly path: string;
  readonly at: readonly number[];
  readonly value: number;
}

/** Rows that are looked at afterwards: the first, the last, and some between. */
const spotRows = (rows: number): number[] => [
  ...new Set([0, 1, 0.25, 0.5, 0.75].map((part) => Math.floor(part * (rows - 1)))),
];

const PER_FILE = 1000;
const PER_CALL = 100_000;

/** References of one array in the order of its grid, a thousand to each file, set a hundred thousand at a time. */
async function references(total: number): Promise<Spot[]> {
  const files = join(folder, "files");
  const values = Float32Array.from({ length: PER_FILE }, (_, i) => i + 0.5);
  mkdirSync(files);
  writeFileSync(join(folder, "values"), values);
  const address = (file: number): string => join(files, `${String(file).padStart(7, "0")}.bin`);
  const repository = await Repository.create(
    new FileStorage(),
    pathToFileURL(join(folder, "r.icechunk")).href,
    {
      config: { virtualChunkContainers: [{ urlPrefix: `${pathToFileURL(files).href}/` }] },
    },
  );
  const session = await repository.writableSession();
  const shape = [total / 100, 10, 10];
  session.createArray(
    "/v",
    parseArrayMetadata({
      zarr_format: 3,
      node_type: "array",
      shape,
      data_type: "float32",
      chunk_grid: { name: "regular", configuration: { chunk_shape: [1, 1, 1] } },
      chunk_key_encoding: { name: "default" },
      fill_value: 0,
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
      dimension_names: ["time", "lat", "lon"],
    }),
  );
  const offsets = new Float64Array(PER_CALL).map((_, i) => 4 * (i % PER_FILE));
  const lengths = new Float64Array(PER_CALL).fill(4);
  const locationIndexes = new Uint32Array(PER_CALL).map((_, i) => Math.floor(i / PER_FILE));
  for (let from = 0; from < total; from += PER_CALL) {
    const locations = Array.from(
      { length: PER_CALL / PER_FILE },
      (_, i) => pathToFileURL(address(from / PER_FILE + i)).href,
    );
    await session.setReferences(
      "/v",
      {
        gridShape: [PER_CALL / 100, 10, 10],
        count: PER_CALL,
        locations,
        versions: locations.map(() => ({ lastModified: Date.now() + 86_400_000 })),
        locationIndexes,
        offsets,
        lengths,
        inline: new Map(),
      },
      { at: [from / 100, 0, 0] },
    );
  }
  await session.commit("all");
  return spotRows(total / 100).map((row) => {
    const place = 100 * row + 37;
    symlinkSync(join(folder, "values"), address(Math.floor(place / PER_FILE)));
    return { path: "v", at: [row, 3, 7], value: values[place % PER_FILE] ?? 0 };
  });
}

const SIDE = 64;

/** A file of the classic format (CDF-1) with one record of each array; each value is the number of its array. */
function classicFile(names: readonly string[]): Uint8Array {
  const words: number[] = [0x43444601, 1];
  const text = (name: string): void => {
    const padded = name.padEnd(Math.ceil(name.length / 4) * 4, "\0");
    words.push(name.length);
    for (let at = 0; at < padded.length; at += 4) {
      words.push([0, 1, 2, 3].reduce((word, i) => word * 256 + padded.charCodeAt(at + i), 0));
    }
  };
  const dimensions = { time: 0, y: SIDE, x: SIDE };
  words.push(0x0a, 3);
  for (const [name, length] of Object.entries(dimensions)) {
    text(name);
    words.push(length);
  }
  words.push(0, 0, 0x0b, names.length);
  const bytes = 4 * SIDE * SIDE;
  // Each variable's entry: its name in two words, dimensions, no attributes, type, size and place.
  const begin = 4 * (words.length + 11 * names.length);
  names.forEach((name, at) => {
    text(name);
    words.push(3, 0, 1, 2, 0, 0, 5, bytes, begin + at * bytes);
  });
  const file = new Uint8Array(begin + names.length * bytes);
  const view = new DataView(file.buffer);
  words.forEach((word, at) => {
    view.setUint32(4 * at, word);
  });
  names.forEach((_, at) => {
    for (let i = 0; i < SIDE * SIDE; i++) view.setFloat32(begin + at * bytes + 4 * i, at + 1);
  });
  return file;
}

/** Files that are all alike, joined along their unlimited dimension. */
async function files(total: number): Promise<Spot[]> {
  const names = Array.from({ length: Number(arrays) }, (_, i) => `v${i}`);
  const file = join(folder, "file.nc");
  writeFileSync(file, classicFile(names));
  mkdirSync(join(folder, "files"));
  const sources = Array.from({ length: total }, (_, i) => {
    const source = join(folder, "files", `${String(i).padStart(6, "0")}.nc`);
    symlinkSync(file, source);
    return source;
  });
  await index(sources, join(folder, "r.icechunk"), { concat: "time" });
  return spotRows(total).flatMap((row) => names.map((path, i) => ({ path, at: [row, 5, 9], value: i + 1 })));
}

const started = performance.now();
const spots = task === "files" ? await files(Number(count)) : await references(Number(count));
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024, spots }));
