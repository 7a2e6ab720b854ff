import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createArray,
  get,
  index,
  open,
  openLocation,
  Repository,
  root,
  slice,
  ZarrStore,
} from "../../src/node.ts";
import { pathToAddress } from "../../src/storage/address.ts";
import { StorageRouter } from "../../src/storage/router.ts";

const run = promisify(execFile);
const FILE = fileURLToPath(new URL("../data/demo/sst-2020.nc", import.meta.url));

let mount = "";
let isMounted = false;
beforeAll(async () => {
  mount = await mkdtemp(join(tmpdir(), "moraine-poor-"));
  isMounted = await run("mount", ["-t", "tmpfs", "-o", "size=1m", "none", mount]).then(
    () => true,
    () => false,
  );
});
afterAll(async () => {
  if (isMounted) await run("umount", ["-l", mount]);
  await rm(mount, { recursive: true, force: true });
});

const store = () => new ZarrStore(new StorageRouter(), pathToAddress(join(mount, "a.zarr")));
const openArray = () => openLocation(root(store()), { kind: "array" });
/** Noise, which no codec makes smaller. */
const noise = (count: number): Int32Array =>
  Int32Array.from({ length: count }, (_, at) => Math.imul(at + 1, 2654435761));
/** Takes all the room that is left. */
const fill = async () => {
  for (let size = 1 << 18; size >= 1; size >>= 1) {
    for (let at = 0; at < 8; at++) {
      await writeFile(join(mount, `filler-${size}-${at}`), new Uint8Array(size)).catch(() =>
        rm(join(mount, `filler-${size}-${at}`), { force: true }),
      );
    }
  }
};
const empty = async () => {
  for (const name of await readdir(mount)) {
    if (name.startsWith("filler")) await rm(join(mount, name));
  }
};

it("keep arrays and repositories as they were when they are full, and take writes again afterwards", async (test) => {
  // Mounting needs rights that not everybody has.
  if (!isMounted) return test.skip();
  const array = await createArray(store(), "", {
    shape: [200, 200],
    dataType: "int32",
    chunkShape: [100, 100],
    shardShape: [200, 200],
  });
  const before = noise(40_000);
  await array.set(null, { data: before, shape: [200, 200] });
  const repository = join(mount, "a.icechunk");
  await index(FILE, repository);
  await fill();
  const full = { code: "StorageFailed", message: expect.stringContaining("full") };
  await expect(array.set([0, 0], 5)).rejects.toMatchObject(full);
  await expect(array.set(null, 6)).rejects.toMatchObject(full);
  await expect(array.set([slice(0, 100), slice(0, 100)], 5)).rejects.toMatchObject(full);
  expect((await get(await openArray())).data).toEqual(before);

  const snapshotOf = async () => (await Repository.open(repository)).resolve({ branch: "main" });
  const old = await snapshotOf();
  const session = await (await Repository.open(repository)).writableSession("main");
  const sst = await session.array("sst");
  const commit = async () => {
    await sst.set([0, null, null], new Int16Array(600).fill(7));
    await session.commit("there is no room for this");
  };
  await expect(commit()).rejects.toMatchObject(full);
  expect(await snapshotOf()).toEqual(old);
  expect((await get(await (await open(repository)).array("sst"), [0, 0, 0])).data[0]).not.toBe(7);
  expect(
    (await readdir(mount, { recursive: true })).filter((name) => /moraine-tmp|\.lock\./.test(name)),
  ).toEqual([]);
  await empty();
  const again = await (await Repository.open(repository)).writableSession("main");
  await (await again.array("sst")).set([0, null, null], new Int16Array(600).fill(7));
  await again.commit("there is room for this");
  expect((await get(await (await open(repository)).array("sst"), [0, 0, 0])).data[0]).toBe(7);
});

it("are read where nothing may be written, and say so", async (test) => {
  if (!isMounted) return test.skip();
  await run("mount", ["-o", "remount,ro", mount]);
  const array = await openArray();
  expect((await get(array, [0, 0])).data[0]).toBe(noise(1)[0]);
  for (const selection of [[0, 0], null]) {
    await expect(array.set(selection, 1)).rejects.toMatchObject({ code: "ReadOnly" });
  }
  expect((await get(await (await open(join(mount, "a.icechunk"))).array("sst"), [0, 0, 0])).data[0]).toBe(7);
  for (const target of ["b.icechunk", "b.zarr", "b.json", "a.icechunk"]) {
    await expect(index(FILE, join(mount, target), { group: "more" })).rejects.toMatchObject({
      code: "ReadOnly",
    });
  }
  await run("mount", ["-o", "remount,rw", mount]);
});
