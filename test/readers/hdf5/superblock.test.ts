import { describe, expect, it } from "vitest";
import { lookup3 } from "../../../src/binary/lookup3.ts";
import { openBytes, structureFile, walkStructure } from "./structure-data.ts";

/** A copy with some bytes changed, and the checksum of a superblock of version 2 or 3 computed anew. */
function changed(name: string, changes: Readonly<Record<number, readonly number[]>>, base = 0): Uint8Array {
  const bytes = structureFile(name);
  for (const [offset, values] of Object.entries(changes)) bytes.set(values, Number(offset));
  if ((bytes[base + 8] ?? 0) >= 2) {
    const view = new DataView(bytes.buffer);
    view.setUint32(base + 44, lookup3(bytes.subarray(base, base + 44)), true);
  }
  return bytes;
}

const LATEST = "paged.h5";
const OLD = "moved.h5";

describe("the superblock", () => {
  it.each([
    ["symbol-tables.h5", 1, 8],
    ["sizes-4.h5", 0, 4],
    ["sizes-2-4.h5", 3, 2],
    ["paged.h5", 3, 8],
    ["new-index.h5", 3, 8],
  ] as const)("of %s has version %i and addresses of %i bytes", async (name, version, offsetSize) => {
    const file = await openBytes(structureFile(name));
    expect(file.superblockVersion).toBe(version);
    expect(file.metadata.offsetSize).toBe(offsetSize);
  });

  it("lies where its signature does, whatever base address it names", async () => {
    const file = await openBytes(structureFile(OLD));
    expect(file.metadata.base).toBe(2048);
    expect((await openBytes(structureFile("user-block.h5"))).metadata.base).toBe(1024);
  });

  it("is looked for at powers of two only", async () => {
    const file = structureFile(OLD).subarray(2048);
    const at = async (offset: number) => {
      const moved = new Uint8Array(offset + file.length);
      moved.set(file, offset);
      return await openBytes(moved);
    };
    expect((await at(512)).metadata.base).toBe(512);
    expect((await walkStructure(await at(131072))).links.size).toBe(2);
    await expect(at(1536)).rejects.toMatchObject({ code: "UnknownFormat" });
    await expect(openBytes(new Uint8Array(4))).rejects.toMatchObject({ code: "UnknownFormat" });
  });

  it("tells when the file is cut off, and does not mind bytes after its end", async () => {
    const bytes = structureFile(LATEST);
    await expect(openBytes(bytes.subarray(0, bytes.length - 1))).rejects.toMatchObject({
      code: "TruncatedFile",
    });
    const longer = new Uint8Array(bytes.length + 100);
    longer.set(bytes);
    expect((await walkStructure(await openBytes(longer))).links.size).toBe(2);
  });

  it("is verified", async () => {
    const bytes = structureFile(LATEST);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await expect(openBytes(bytes)).rejects.toMatchObject({ code: "ChecksumMismatch", offset: 0 });
  });

  it.each([
    ["a later version", { 8: [4] }, "UnsupportedVersion"],
    ["addresses of 16 bytes", { 9: [16] }, "UnsupportedLayout"],
    ["lengths of 3 bytes", { 10: [3] }, "CorruptFile"],
  ] as const)("is refused with %s", async (_, changes, code) => {
    await expect(openBytes(changed(LATEST, changes))).rejects.toMatchObject({ code });
  });

  it("says when a writer has not closed the file", async () => {
    expect((await openBytes(structureFile(LATEST))).isUnclosed).toBe(false);
    expect((await openBytes(changed(LATEST, { 11: [5] }))).isUnclosed).toBe(true);
  });

  it("says when the file is one of several", async () => {
    const bytes = structureFile(OLD);
    const family = new Uint8Array(bytes.length + 32);
    family.set(bytes);
    // The driver information block's address stands before the root group's entry.
    new DataView(family.buffer).setBigUint64(2048 + 48, BigInt(bytes.length - 2048), true);
    family.set(new TextEncoder().encode("NCSAfami"), bytes.length + 8);
    await expect(openBytes(family)).rejects.toMatchObject({ code: "UnsupportedLayout" });
  });
});
