import { describe, expect, it } from "vitest";
import { checkedBlocks, mutate, randomOf } from "../../../scripts/mutations.mjs";
import { lookup3 } from "../../../src/binary/lookup3.ts";
import { isMoraineError } from "../../../src/errors.ts";
import type { VirtualGroup } from "../../../src/manifest/virtual-group.ts";
import { hdf5 } from "../../../src/readers/hdf5/reader.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { expected, structureFile } from "./structure-data.ts";

/** Damaged copies of each file; `npm run fuzz` makes as many as there is time for. */
const COPIES = 30;
const COPIES_OF_LARGE = 5;
const LARGE = 100_000;
/** Bytes; longer blocks with a checksum are damaged without mending the checksum. */
const LONGEST_BLOCK = 1024;

/** Everything that a scan finds; gives the number of objects. */
async function scan(bytes: Uint8Array): Promise<number> {
  const storage = new MemoryStorage();
  await storage.write("memory://damaged", bytes);
  const waiting: VirtualGroup[] = [await hdf5.open("memory://damaged", storage)];
  const seen = new Set(waiting);
  let objects = 0;
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    for (const child of group.children.values()) {
      objects += 1;
      if (child.kind === "fault") expect(isMoraineError(child.error)).toBe(true);
      else if (child.kind === "array") {
        const manifest = await child.manifest?.().catch((error: unknown) => {
          if (!isMoraineError(error)) throw error;
        });
        for (let entry = 0; entry < (manifest?.count ?? 0); entry++) {
          const end = (manifest?.offsets[entry] ?? 0) + (manifest?.lengths[entry] ?? 0);
          if (end > bytes.length) throw new Error(`a chunk ends at ${end}, the file at ${bytes.length}`);
        }
      } else if (!seen.has(child)) {
        seen.add(child);
        waiting.push(child);
      }
    }
  }
  return objects;
}

describe("a damaged HDF5 file is refused with a code, or all that is found lies inside of it", () => {
  it.each(Object.keys(expected))("%s", async (name) => {
    const bytes = structureFile(name);
    const blocks = checkedBlocks(bytes, lookup3, LONGEST_BLOCK);
    expect(await scan(bytes)).toBeGreaterThan(0);
    const copies = bytes.length > LARGE ? COPIES_OF_LARGE : COPIES;
    for (let seed = 0; seed < copies; seed++) {
      try {
        await scan(mutate(bytes, blocks, lookup3, randomOf(seed)));
      } catch (error) {
        if (!isMoraineError(error)) throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
