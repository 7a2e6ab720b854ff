// Writes the arrays of golden Zarr stores anew in several ways, and has zarr-python say whether all values are there:
// by the library (whole, and by sets of parts), and by `index` (copied as they are, compressed anew, in other chunks and
// shards). What is kept by reference is read back here, and must be refused by zarr-python.
// usage: node scripts/checks/zarr-written.mjs PYTHON ../shared/tools/check_zarr.py [../shared/zarr-golden] [KIND...]
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { index, isMoraineError, openLocation, readRaw, root, slice, ZarrStore } from "../../dist/node.js";
import { StorageRouter } from "../../dist/storage/router.js";
import { createArrayOf } from "../../dist/zarr/create.js";
import { writeRaw } from "../../dist/zarr/write/write.js";

const [python, judge, golden = "../shared/zarr-golden", ...kinds] = process.argv.slice(2);
/** Arrays with more elements are left out. */
const MOST_ELEMENTS = 1e6;
const out = mkdtempSync(join(tmpdir(), "moraine-written-"));
const storage = new StorageRouter();
const storeAt = (path) => new ZarrStore(storage, `${pathToFileURL(path).href}/`);

const stores = new Map();
for (const line of readFileSync(join(golden, "expected.jsonl"), "utf8").split("\n")) {
  if (line === "") continue;
  const row = JSON.parse(line);
  const size = row.shape.reduce((product, length) => product * length, 1);
  // What zarr-python reads otherwise than the specification says, or refuses, is not for it to judge.
  if (row.peer || row.value === null || size > MOST_ELEMENTS) continue;
  if (kinds.length > 0 && !kinds.includes(row.kind)) continue;
  stores.set(row.store, [...(stores.get(row.store) ?? []), row]);
}

let state = 20261125;
function random(count) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * count);
}

/** A group that holds the store, where that is an array by itself. */
function groupOf(store, rows, number) {
  const [only] = rows;
  if (rows.length > 1 || only.path !== "") return { folder: join(golden, store), arrays: rows };
  const folder = join(out, `source-${number}`);
  mkdirSync(folder);
  if (only.format === 3)
    writeFileSync(
      join(folder, "zarr.json"),
      JSON.stringify({ zarr_format: 3, node_type: "group", attributes: {} }),
    );
  else writeFileSync(join(folder, ".zgroup"), JSON.stringify({ zarr_format: 2 }));
  cpSync(join(golden, store), join(folder, "array"), { recursive: true });
  return { folder, arrays: [{ ...only, path: "array" }] };
}

/** Writes by parts: every n-th element along an axis, one remainder after another. */
async function writeInParts(array, source) {
  const { shape } = array;
  if (shape.length === 0 || shape.includes(0))
    return await writeRaw(array, null, (await readRaw(source, null)).data);
  const axis = random(shape.length);
  const step = Math.min(1 + random(3), shape[axis]);
  for (let start = step - 1; start >= 0; start--) {
    const selection = shape.map((length, at) => (at === axis ? slice(start, length, step) : null));
    await writeRaw(array, selection, (await readRaw(source, selection)).data);
  }
}

const expected = [];
const counts = {};
const note = (what, rows) => {
  counts[what] = (counts[what] ?? 0) + rows.length;
};
const isSame = (a, b) =>
  a instanceof Uint8Array ? Buffer.compare(a, b) === 0 : JSON.stringify([...a]) === JSON.stringify([...b]);
let failed = 0;
let number = 0;
for (const [store, rows] of stores) {
  const { folder, arrays } = groupOf(store, rows, number);
  const expect = (name, list) => {
    for (const { path, value, shape, dtype } of list)
      expected.push({ store: name, path, value, shape, dtype });
  };
  const names = new Set(arrays.flatMap((row) => row.dimension_names ?? []).filter((name) => name !== null));
  const lengths = () => Object.fromEntries([...names].map((name) => [name, 1 + random(5)]));
  const forms = { copied: {}, recompressed: { recompress: ["zstd", "gzip:1", "none"][number % 3] } };
  if (names.size > 0) forms.cut = { chunks: lengths(), shards: lengths() };
  for (const [form, options] of Object.entries(forms)) {
    const name = `${number}-${form}`;
    const { leftOut } = await index(folder, join(out, name), { format: "zarr", ...options });
    const written = arrays.filter(({ path }) => !leftOut.some((left) => left.path === `/${path}`));
    expect(name, written);
    note(form, written);
  }
  const referring = join(out, `${number}-referring`);
  await index(folder, referring, { format: "zarr", virtual: true });
  const ways = { whole: `${number}-whole`, parts: `${number}-parts` };
  for (const row of arrays) {
    const source = await openLocation(root(storeAt(folder)).resolve(row.path), { kind: "array" });
    const { data } = await readRaw(source, null);
    const kept = await openLocation(root(storeAt(referring)).resolve(row.path), { kind: "array" }).catch(
      () => undefined,
    );
    if (kept !== undefined && !isSame((await readRaw(kept, null)).data, data)) {
      failed += 1;
      console.log(`DIFFERENT by reference: ${store} ${row.path}`);
    }
    for (const [how, name] of Object.entries(ways)) {
      try {
        const array = await createArrayOf(storeAt(join(out, name)), row.path || "array", {
          ...source.metadata,
          chunkKeyEncoding: { name: "default", separator: "/" },
        });
        if (how === "parts") await writeInParts(array, source);
        else await writeRaw(array, null, data);
        expect(name, [{ ...row, path: row.path || "array" }]);
        note(how, [row]);
      } catch (error) {
        // Codecs that are only read; and padding by a fill value that a lossy codec has no number for.
        if (!isMoraineError(error, "UnsupportedCodec", "InvalidArgument")) throw error;
        note("refused", [row]);
      }
    }
  }
  number += 1;
}
const list = join(out, "expected.jsonl");
writeFileSync(list, expected.map((row) => JSON.stringify(row)).join("\n"));
const judged = spawnSync(python, [judge, out, list, "--all"], { encoding: "utf8" });
const said = judged.stdout.split("\n").filter((line) => !line.startsWith("note"));
console.log(said.slice(0, 40).join("\n").trim());
// A reader that knows nothing of references must not show fill values in their place.
const readers = `
import sys, zarr
shown = 0
for folder in sys.argv[1:]:
    try:
        for name, array in zarr.open_group(folder, mode="r").arrays():
            if array.metadata.to_dict().get("storage_transformers"): shown += 1
    except Exception: pass
print(shown)
`;
const referring = Array.from({ length: number }, (_, at) => resolve(out, `${at}-referring`));
const shown = Number(
  execFileSync(python, ["-W", "ignore", "-c", readers, ...referring], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }),
);
console.log(
  JSON.stringify(counts),
  `${failed} differ by reference, ${shown} shown by a reader that does not know references`,
);
rmSync(out, { recursive: true });
process.exitCode = judged.status === 0 && failed === 0 && shown === 0 && expected.length > 0 ? 0 : 1;
