import { describe, expect, it } from "vitest";
import { lookup3 } from "../../../src/binary/lookup3.ts";
import { MoraineError } from "../../../src/errors.ts";
import { Hdf5File } from "../../../src/readers/hdf5/hdf5-file.ts";
import { findMessage, MESSAGE } from "../../../src/readers/hdf5/object-header.ts";
import { CountingStorage } from "./counting-storage.ts";
import { openBytes, structureFile, unfaulty, walkStructure } from "./structure-data.ts";

async function headerAt(file: Hdf5File, path: string) {
  let address = file.rootAddress;
  for (const name of path.split("/").filter(Boolean)) {
    const [group] = await file.objectHeaders([address]);
    const link = (await file.links(unfaulty(group ?? new Error("no header")))).find((l) => l.name === name);
    if (link?.target.kind !== "hard") throw new Error(`${name} is not there`);
    address = link.target.address;
  }
  const [header] = await file.objectHeaders([address]);
  return unfaulty(header ?? new Error("no header"));
}

/** Puts the right checksum into the object header of version 2 that starts at an offset, given its length. */
function mendHeader(bytes: Uint8Array, start: number, length: number): void {
  new DataView(bytes.buffer).setUint32(start + length, lookup3(bytes.subarray(start, start + length)), true);
}

describe("an HDF5 file", () => {
  it.each([
    ["dense.h5.gz", 5],
    ["symbol-tables.h5", 4],
    ["attributes.h5.gz", 5],
    ["new-index.h5", 8],
  ] as const)("%s is walked in %i rounds or fewer", async (name, rounds) => {
    const storage = new CountingStorage();
    await storage.hold("memory://rounds", structureFile(name));
    await walkStructure(await Hdf5File.open("memory://rounds", storage));
    expect(storage.rounds).toBeLessThanOrEqual(rounds);
  });

  it("gives the headers of many objects for one round, and each but once", async () => {
    const bytes = structureFile("symbol-tables.h5");
    const padded = new Uint8Array(bytes.length + 200_000);
    padded.set(bytes);
    const storage = new CountingStorage();
    await storage.hold("memory://headers", padded);
    const file = await Hdf5File.open("memory://headers", storage);
    const many = await headerAt(file, "many");
    const addresses = (await file.links(many)).map(({ target }) =>
      target.kind === "hard" ? target.address : 0,
    );
    const headers = await file.objectHeaders([...addresses, ...addresses]);
    expect(headers).toHaveLength(122);
    expect(headers[0]).toEqual(headers[61]);
    expect(storage.reads.length).toBe(1);
  });

  it("keeps the fault of one object to its place", async () => {
    const file = await openBytes(structureFile("links.h5"));
    const results = await file.objectHeaders([file.rootAddress, 7, 10_000_000]);
    expect(results[0]).not.toBeInstanceOf(MoraineError);
    expect(results[1]).toMatchObject({ code: "CorruptFile", offset: 7 });
    expect(results[2]).toMatchObject({ code: "TruncatedFile", offset: 10_000_000 });
  });

  it("throws what concerns everything, and reads on afterwards", async () => {
    const storage = new CountingStorage();
    const bytes = structureFile("symbol-tables.h5");
    await storage.hold("memory://network", bytes);
    const version = await storage.head("memory://network");
    const head = { bytes: bytes.subarray(0, 512), version };
    const file = await Hdf5File.open("memory://network", storage, { head });
    storage.failWith = new MoraineError("StorageFailed", "the network is gone");
    await expect(walkStructure(file)).rejects.toMatchObject({ code: "StorageFailed" });
    storage.failWith = undefined;
    expect((await walkStructure(file)).links.size).toBeGreaterThan(60);
  });

  it("resolves committed datatypes and shared messages", async () => {
    const committed = await openBytes(structureFile("attributes.h5.gz"));
    const type = findMessage(await headerAt(committed, "type"), MESSAGE.datatype);
    const typed = findMessage(await headerAt(committed, "typed"), MESSAGE.datatype);
    expect(typed?.body).toEqual(type?.body);
    const shared = await openBytes(structureFile("shared.h5"));
    const [first, last] = [await headerAt(shared, "same 0"), await headerAt(shared, "same 4")];
    // Class 1 (floating point) in version 3, bytes in big-endian order.
    expect([...(findMessage(first, MESSAGE.datatype)?.body.subarray(0, 2) ?? [])]).toEqual([0x11, 0x21]);
    for (const type of [MESSAGE.datatype, MESSAGE.dataspace, MESSAGE.fillValue, MESSAGE.filterPipeline]) {
      expect(findMessage(first, type)?.body.length).toBeGreaterThan(0);
      expect(findMessage(first, type)?.body).toEqual(findMessage(last, type)?.body);
    }
  });

  it("says which message cannot be resolved, and gives the others", async () => {
    const bytes = structureFile("shared.h5");
    const at = new TextDecoder("latin1").decode(bytes).indexOf("SMTB");
    bytes[at + 5] = (bytes[at + 5] ?? 0) ^ 1;
    const header = await headerAt(await openBytes(bytes), "same 1");
    const faults = header.messages.filter((message) => message.error);
    expect(faults.length).toBeGreaterThan(0);
    for (const { error } of faults) expect(error?.code).toBe("ChecksumMismatch");
    expect(() => findMessage(header, faults[0]?.type ?? 0)).toThrow("SMTB");
    expect(findMessage(header, MESSAGE.dataLayout)).toBeDefined();
  });

  it("reads values of variable length from the global heap", async () => {
    const file = await openBytes(structureFile("user-block.h5"));
    const bytes = structureFile("user-block.h5");
    const collection = new TextDecoder("latin1").decode(bytes).indexOf("GCOL") - file.metadata.base;
    const texts = await file.globalHeapObjects([
      { address: collection, index: 4 },
      { address: collection, index: 5 },
      { address: collection, index: 77 },
      { address: 3, index: 1 },
    ]);
    const decoded = texts.map((text) =>
      text instanceof MoraineError ? text.code : new TextDecoder().decode(text),
    );
    expect(decoded).toEqual(["length", "variable", "CorruptFile", "CorruptFile"]);
  });

  it("refuses headers that continue in themselves", async () => {
    const file = await openBytes(structureFile("links.h5"));
    const bytes = structureFile("links.h5");
    const text = new TextDecoder("latin1").decode(bytes);
    const chunk = text.indexOf("OCHK");
    // The continuation's first message becomes one that leads to the same continuation. (This header tracks the
    // order of creation: two bytes of it stand before each body.)
    const view = new DataView(bytes.buffer);
    bytes[chunk + 4] = MESSAGE.continuation;
    view.setBigUint64(chunk + 10, BigInt(chunk), true);
    let length = 24;
    while (
      view.getUint32(chunk + length, true) !==
      lookup3(structureFile("links.h5").subarray(chunk, chunk + length))
    )
      length += 1;
    view.setBigUint64(chunk + 18, BigInt(length + 4), true);
    mendHeader(bytes, chunk, length);
    expect((await walkStructure(file)).links.size).toBeGreaterThan(3);
    await expect(walkStructure(await openBytes(bytes))).rejects.toMatchObject({
      code: "CorruptFile",
      message: expect.stringContaining("met before"),
    });
  });
});
