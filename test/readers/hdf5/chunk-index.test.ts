import { describe, expect, it } from "vitest";
import { Cursor } from "../../../src/binary/cursor.ts";
import { lookup3 } from "../../../src/binary/lookup3.ts";
import { parseDataLayout } from "../../../src/readers/hdf5/data-layout.ts";
import type { Hdf5File } from "../../../src/readers/hdf5/hdf5-file.ts";
import { findMessage, MESSAGE, type ObjectHeader } from "../../../src/readers/hdf5/object-header.ts";
import { chunksOf, openBytes, structureFile, unfaulty } from "./structure-data.ts";

/** The header of a member of the root group. */
async function memberOf(file: Hdf5File, name: string): Promise<ObjectHeader> {
  const [root] = await file.objectHeaders([file.rootAddress]);
  const links = await file.links(unfaulty(root ?? new Error("no root")));
  const target = links.find((link) => link.name === name)?.target;
  const [header] = await file.objectHeaders(target?.kind === "hard" ? [target.address] : []);
  return unfaulty(header ?? new Error(`no ${name}`));
}

/** Reads the chunk index of a dataset after bytes of the file were changed; `index` is where the index starts. */
async function damaged(
  fileName: string,
  dataset: string,
  change: (view: DataView, index: number) => void,
): Promise<unknown> {
  const bytes = structureFile(fileName);
  const sound = await openBytes(bytes.slice());
  const message = findMessage(await memberOf(sound, dataset), MESSAGE.dataLayout);
  const layout = parseDataLayout(new Cursor(message?.body ?? bytes, { source: fileName }), sound.metadata);
  if (layout.class !== "chunked" || layout.index.address === undefined) throw new Error("no index");
  change(new DataView(bytes.buffer), layout.index.address);
  const file = await openBytes(bytes);
  return await chunksOf(file, await memberOf(file, dataset));
}

/** Changes a block of the newer format and computes its checksum anew. */
function inBlock(view: DataView, start: number, length: number, change: () => void): void {
  const bytes = new Uint8Array(view.buffer);
  expect(lookup3(bytes.subarray(start, start + length)), "the block's length").toBe(
    view.getUint32(start + length, true),
  );
  change();
  view.setUint32(start + length, lookup3(bytes.subarray(start, start + length)), true);
}

describe("a version 1 B-tree", () => {
  // A node: 24 bytes, then keys of 4 + 4 + 8 * 3 bytes for two dimensions, an address of 8 bytes after each.
  const HEAD = 24;
  const KEY = 32;
  const STRIDE = KEY + 8;
  /** The first leaf below a root. */
  function leaf(view: DataView, root: number): number {
    let node = root;
    while (view.getUint8(node + 5) > 0) node = Number(view.getBigUint64(node + HEAD + KEY, true));
    return node + HEAD;
  }

  it.each([
    [
      "a chunk that stands before the one before it",
      (view: DataView, entry: number) => {
        view.setBigUint64(entry + STRIDE + 8, 0n, true);
        view.setBigUint64(entry + STRIDE + 16, 0n, true);
      },
      "CorruptFile",
      "ascend",
    ],
    [
      "a chunk that starts within an element",
      (view: DataView, entry: number) => {
        view.setBigUint64(entry + 24, 3n, true);
      },
      "CorruptFile",
      "within an element",
    ],
    [
      "a chunk between chunks",
      (view: DataView, entry: number) => {
        view.setBigUint64(entry + STRIDE + 16, 1n, true);
      },
      "CorruptFile",
      "element 1 of axis 1",
    ],
    [
      "a chunk over the superblock",
      (view: DataView, entry: number) => {
        view.setBigUint64(entry + KEY, 0n, true);
      },
      "CorruptFile",
      "superblock",
    ],
    [
      "a chunk beyond the end of the file",
      (view: DataView, entry: number) => {
        view.setBigUint64(entry + KEY, BigInt(view.byteLength - 3), true);
      },
      "TruncatedFile",
      "beyond",
    ],
    [
      "an unfiltered chunk of another length",
      (view: DataView, entry: number) => {
        view.setUint32(entry, 5, true);
      },
      "CorruptFile",
      "5 bytes instead of 32",
    ],
  ] as const)("is refused with %s", async (_, change, code, text) => {
    const reading = damaged("old-index.h5", "plain", (view, root) => change(view, leaf(view, root)));
    await expect(reading).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  });

  it.each([
    [
      "a child that is its parent",
      (view: DataView, root: number) => {
        view.setBigUint64(root + HEAD + KEY, BigInt(root), true);
      },
      "met before",
    ],
    [
      "a child that it has twice",
      (view: DataView, root: number) => {
        view.setBigUint64(root + HEAD + STRIDE + KEY, view.getBigUint64(root + HEAD + KEY, true), true);
      },
      "CorruptFile",
    ],
    [
      "more children than a node has room for",
      (view: DataView, root: number) => {
        view.setUint16(root + 6, 5, true);
      },
      "CorruptFile",
    ],
    [
      "a child of another kind",
      (view: DataView, root: number) => {
        view.setUint8(Number(view.getBigUint64(root + HEAD + KEY, true)) + 4, 0);
      },
      "another type",
    ],
  ] as const)("is refused with %s", async (_, change, text) => {
    const reading = damaged("old-index.h5", "plain", (view, root) => change(view, root));
    await expect(reading).rejects.toMatchObject({ code: "CorruptFile" });
    if (text !== "CorruptFile") await expect(reading).rejects.toThrow(text);
  });
});

describe("a newer chunk index", () => {
  it.each([
    ["fixed", "FAHD", 24],
    ["extensible 1", "EAHD", 68],
    ["tree", "BTHD", 34],
  ] as const)("of dataset %s is verified", async (dataset, signature, length) => {
    const flipped = damaged("new-index.h5", dataset, (view, index) => {
      view.setUint8(index + length - 1, view.getUint8(index + length - 1) ^ 1);
    });
    await expect(flipped).rejects.toMatchObject({ code: "ChecksumMismatch" });
    await expect(flipped).rejects.toThrow(signature);
  });

  it("belongs to its header", async () => {
    const moved = damaged("new-index.h5", "fixed", (view, index) => {
      // The block's own note of its header's address.
      const block = Number(view.getBigUint64(index + 16, true));
      inBlock(view, block, 14 + 8 * 35, () => view.setBigUint64(block + 6, 48n, true));
    });
    await expect(moved).rejects.toThrow("belongs to another header");
  });

  it("cannot contradict the filter pipeline", async () => {
    const contradiction = damaged("new-index.h5", "fixed", (view, index) => {
      inBlock(view, index, 24, () => view.setUint8(index + 5, 1));
    });
    await expect(contradiction).rejects.toMatchObject({ code: "CorruptFile" });
  });

  it("holds no record of a B-tree out of order", async () => {
    const disordered = damaged("new-index.h5", "tree filtered", (view, index) => {
      const leaf = Number(view.getBigUint64(index + 16, true));
      const count = view.getUint16(index + 24, true);
      const size = view.getUint16(index + 10, true);
      inBlock(view, leaf, 6 + count * size, () => view.setBigUint64(leaf + 6 + size - 8, 99n, true));
    });
    await expect(disordered).rejects.toThrow("do not ascend");
  });
});
