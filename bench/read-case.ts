// Reads parts of an array in a process of its own, as ../shared/bench/cases/read.py does:
// `read-case.js '{"url", "path", "server", "tasks": [{"label", "select", "crc32", "repeats"}]}'`. Every repeat opens the
// source anew, then reads; what was read is compared with its checksum. Prints one JSON line.
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

for (const { label, select, crc32: expected, repeats } of words.tasks) {
  const selection: Selection = select.map(([first, last]) => slice(first, last));
  for (let repeat = 0; repeat < repeats; repeat++) {
    const array = await measure("open", async () => (await open(words.url)).array(words.path));
    const { data } = await measure(label, () => get(array, selection));
    if (!ArrayBuffer.isView(data)) throw new Error("no typed array came");
    const found = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    if (found !== expected) throw new Error(`something else was read for ${label}`);
  }
}
console.log(JSON.stringify({ samples }));
