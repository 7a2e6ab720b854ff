// The whole way, on the files of test/data/demo: index two NetCDF files into a repository, show what it holds,
// read it, replace one virtual chunk by native data in a second commit, and read both commits. Every value is
// compared with what netCDF4-python read from the same files (expected.json); the first difference fails.
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { get, index, open, Repository, slice } from "moraine";

const data = join(dirname(fileURLToPath(import.meta.url)), "../test/data/demo");
const expected = JSON.parse(await readFile(join(data, "expected.json"), "utf8"));
const folder = await mkdtemp(join(tmpdir(), "moraine-demo-"));
const target = join(folder, "sst.icechunk");

function check(what, found, wanted) {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
  console.log(`  ok: ${what}`);
}

const sha256 = (values) =>
  createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");

/** Every variable of an indexed file against netCDF4-python. */
async function checkFile(group, name) {
  for (const [variable, wanted] of Object.entries(expected[name])) {
    const array = await group.array(variable);
    const { data: values, shape } = await get(array);
    check(`${name} ${variable}: dimensions`, array.dimensionNames, wanted.dimensions);
    check(`${name} ${variable}: shape`, shape, wanted.shape);
    check(`${name} ${variable}: SHA-256 of the values`, sha256(values), wanted.sha256);
  }
}

try {
  console.log("1. Index a NetCDF-4 and a classic file: only where the chunks lie is kept");
  const sources = ["sst-2020.nc", "sst-classic.nc"];
  const summary = await index(
    sources.map((name) => join(data, name)),
    target,
    { message: "two files of sea surface temperature" },
  );
  console.log(
    `  ${summary.arrays} arrays, ${summary.chunks.virtual} virtual chunks (${summary.virtualBytes} bytes stay where they are), ` +
      `${summary.chunks.inline + summary.chunks.native} stored; snapshot ${summary.snapshot}`,
  );

  console.log("2. The tree of the repository");
  const archive = await open(target);
  for await (const { path, kind } of archive.walk()) console.log(`  ${kind} ${path}`);

  console.log("3. Every value, through the references");
  await checkFile(await archive.group("sst-2020"), "sst-2020.nc");
  await checkFile(await archive.group("sst-classic"), "sst-classic.nc");

  console.log("4. A slice: the first day between two latitudes");
  const sst = await archive.array("sst-2020/sst");
  const before = await get(sst, { time: 0, lat: slice(0, 2), lon: slice(0, 4) });
  console.log(`  ${before.shape.join("×")}: ${Array.from(before.data).join(" ")}`);
  check("first value", before.data[0], expected["sst-2020.nc"].sst.first[0]);

  console.log("5. Replace one virtual chunk by native data, in a second commit");
  const repository = await Repository.open(target, { authorize: [data] });
  const first = summary.snapshot;
  const session = await repository.writableSession("main");
  const writable = await session.array("sst-2020/sst");
  const corrected = new Int16Array(10 * 15).fill(1234);
  await writable.set([0, slice(0, 10), slice(0, 15)], corrected);
  const second = await session.commit("corrected the first corner of the first day");
  console.log(`  snapshot ${second}`);

  console.log("6. A reader of either commit gets the right values");
  const old = await open(target, { ref: first });
  await checkFile(await old.group("sst-2020"), "sst-2020.nc");
  const now = await open(target);
  const corner = await get(await now.array("sst-2020/sst"), [0, slice(0, 10), slice(0, 15)]);
  check("the corner is the new one", Array.from(corner.data), Array.from(corrected));
  const beside = await get(await now.array("sst-2020/sst"), [0, slice(0, 10), slice(15, 30)]);
  const besideBefore = await get(await old.array("sst-2020/sst"), [0, slice(0, 10), slice(15, 30)]);
  check("its neighbour is untouched", Array.from(beside.data), Array.from(besideBefore.data));
  await checkFile(await now.group("sst-classic"), "sst-classic.nc");

  console.log("7. History");
  const messages = [];
  for await (const snapshot of repository.ancestry({ branch: "main" })) {
    console.log(`  ${snapshot.id}  ${snapshot.message}`);
    messages.push(snapshot.message);
  }
  check("the history holds both commits", messages.slice(0, 2), [
    "corrected the first corner of the first day",
    "two files of sea surface temperature",
  ]);
  console.log("All values are as they should be.");
} finally {
  await rm(folder, { recursive: true, force: true });
}
