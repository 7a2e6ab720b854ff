import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pathToAddress } from "../../src/storage/address.ts";
import { FileStorage } from "../../src/storage/file/file-storage.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-delete-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const storages: [string, () => { storage: Storage; address: string }][] = [
  ["memory", () => ({ storage: new MemoryStorage(), address: "memory://a/b" })],
  ["files", () => ({ storage: new FileStorage(), address: pathToAddress(join(folder, "b")) })],
];

describe.each(storages)("deleting one state of an object: %s", (_, make) => {
  test("deletes the state that is expected, and no other", async () => {
    const { storage, address } = make();
    const first = await storage.write(address, new Uint8Array([1]));
    const second = await storage.write(address, new Uint8Array([2]));
    await expect(storage.delete([address], { precondition: first })).rejects.toMatchObject({
      code: "PreconditionFailed",
    });
    expect((await storage.read(address, [{ offset: 0 }])).parts[0]).toEqual(new Uint8Array([2]));
    await storage.delete([address], { precondition: second });
    await expect(storage.head(address)).rejects.toMatchObject({ code: "NotFound" });
    // What is not there is passed over.
    await storage.delete([address], { precondition: second });
  });
});
