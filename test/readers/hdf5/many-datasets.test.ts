import { File, ready } from "h5wasm";
import { expect, it } from "vitest";
import { hdf5 } from "../../../src/readers/hdf5/reader.ts";
import { CountingStorage } from "./counting-storage.ts";

const library = await ready;

/** A file of so many datasets, each of another length, in groups of 100 or in one. */
function fileOf(count: number, nested: boolean): Uint8Array {
  const file = new File("/many.h5", "w");
  for (let i = 0; i < count; i++) {
    const group = nested ? `g${Math.floor(i / 100)}` : undefined;
    if (group !== undefined && i % 100 === 0) file.create_group(group);
    const data = new Int32Array(1 + i);
    file.create_dataset({ name: group === undefined ? `d${i}` : `${group}/d${i}`, data });
  }
  file.close();
  return library.FS.readFile("/many.h5");
}

async function scan(bytes: Uint8Array) {
  const storage = new CountingStorage();
  await storage.hold("memory://many", bytes);
  const root = await hdf5.open("memory://many", storage);
  const read = storage.reads.flat().reduce((sum, { length = 0 }) => sum + length, 0);
  return { root, rounds: storage.rounds, read };
}

it.each([
  [600, false],
  [2400, false],
  [2400, true],
])("scans %i datasets in few rounds, reading nothing twice (in groups: %s)", async (count, nested) => {
  const bytes = fileOf(count, nested);
  const { root, rounds, read } = await scan(bytes);
  const group = nested ? root.children.get("g3") : root;
  const names = group?.kind === "group" ? [...group.children.keys()] : [];
  expect(names).toHaveLength(nested ? 100 : count);
  // Superblock, the levels of the group's tree, its symbols, the headers: the depth grows with the logarithm.
  expect(rounds).toBeLessThanOrEqual(8);
  expect(read).toBeLessThanOrEqual(bytes.length);
});
