// Reads parts of an array in a process of its own, as ../shared/bench/cases/read.py does:
// `read-case.js '{"url", "path", "server", "tasks": [{"label", "select", "crc32", "repeats"}]}'`, with `"peer": "zarrita"`
// by zarrita. Every repeat opens the source anew, then reads; what was read is compared with its checksum. Prints one JSON
// line.
import * as zarrita from "zarrita";
import { crc32 } from "../src/binary/crc32.ts";
import { get, open, type Selection, slice } from "../src/node.ts";

interface Task {
  readonly label: string;
  readonly select: readonly (readonly [number, number])[];
  readonly crc32: number;
  readonly repeats: number;
}

interface Words {
  readonly url: string;
  readonly path: string;
  readonly peer?: "zarrita";
  readonly server: string;
  readonly tasks: readonly Task[];
}

const words: Words = JSON.parse(process.argv[2] ?? "{}");
const samples: { label: string; s: number; requests: number; body_bytes: number }[] = [];

async function measure<T>(label: string, work: () => Promise<T>): Promise<T> {
  await (await fetch(`${words.server}/__reset`)).arrayBuffer();
  const started = performance.now();
  const result = await work();
  const s = (performance.now() - started) / 1000;
  const stats: { requests: number; bytes: number } = JSON.parse(
    await (await fetch(`${words.server}/__stats`)).text(),
  );
  samples.push({ label, s, requests: stats.requests, body_bytes: stats.bytes });
  return result;
}

/** Opens the array; what is given reads a part of it. */
async function openArray(): Promise<(select: Task["select"]) => Promise<unknown>> {
  if (words.peer === "zarrita") {
    const root = zarrita.root(new zarrita.FetchStore(words.url.replace(/\/$/, "")));
    const array = await zarrita.open.v3(root.resolve(words.path), { kind: "array" });
    return async (select) =>
      (
        await zarrita.get(
          array,
          select.map(([first, last]) => zarrita.slice(first, last)),
        )
      ).data;
  }
  const array = await (await open(words.url)).array(words.path);
  return async (select) => {
    const selection: Selection = select.map(([first, last]) => slice(first, last));
    return (await get(array, selection)).data;
  };
}

for (const { label, select, crc32: expected, repeats } of words.tasks) {
  for (let repeat = 0; repeat < repeats; repeat++) {
    const read = await measure("open", openArray);
    const data = await measure(label, () => read(select));
    if (!ArrayBuffer.isView(data)) throw new Error("no typed array came");
    const found = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    if (found !== expected) throw new Error(`something else was read for ${label}`);
  }
}
console.log(JSON.stringify({ samples }));
