import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { FaultyArray, VirtualArray, VirtualGroup } from "../../../src/manifest/virtual-group.ts";
import { setPluginLoader } from "../../../src/readers/hdf5/decoding/filter-plugins.ts";
import { hdf5 } from "../../../src/readers/hdf5/reader.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { ZarrArray } from "../../../src/zarr/node.ts";

setPluginLoader(async (url) => new Uint8Array(await readFile(new URL(url))));

const FOLDER = new URL("../../data/hdf5-dataset/", import.meta.url);
const ADDRESS = "memory://hdf5-dataset/";

export interface ExpectedArray {
  readonly shape: readonly number[];
  /** Base64 of the little-endian elements. */
  readonly bytes?: string;
  readonly strings?: readonly string[];
}

export interface ExpectedFile {
  /** By path, as h5py reads them. */
  readonly arrays: Readonly<Record<string, ExpectedArray>>;
  /** By path in the dataset view. */
  readonly dimensions?: Readonly<Record<string, readonly string[]>>;
  readonly attributes?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly values?: Readonly<Record<string, ExpectedArray>>;
}

export const expected: Readonly<Record<string, ExpectedFile>> = JSON.parse(
  readFileSync(new URL("expected.json", FOLDER), "utf8"),
);

/** All files of the folder, so that those find each other that belong together. */
export const storage: MemoryStorage = new MemoryStorage();
for (const name of readdirSync(FOLDER)) await storage.write(ADDRESS + name, fileBytes(name));

export function fileBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)));
}

export async function openFile(name: string): Promise<VirtualGroup> {
  return await hdf5.open(ADDRESS + name, storage);
}

type Node = VirtualGroup | VirtualArray | FaultyArray;

/** The node at a path of the dataset view. */
export function nodeAt(root: VirtualGroup, path: string): Node | undefined {
  let node: Node | undefined = root;
  for (const name of path.split("/").filter(Boolean)) {
    if (node?.kind !== "group") return undefined;
    node = node.children.get(name);
  }
  return node;
}

export function arrayAt(root: VirtualGroup, path: string): VirtualArray {
  const node = nodeAt(root, path);
  if (node?.kind === "fault") throw node.error;
  if (node?.kind !== "array") throw new Error(`there is no array ${path}`);
  return node;
}

/** The values of an array in the form of the expected ones. */
export async function valuesOf(array: VirtualArray): Promise<ExpectedArray> {
  const { metadata, chunks } = array;
  const reader = new ZarrArray({ metadata, chunks, storage, path: "/" });
  const { shape } = metadata;
  const data = await reader.readRegion(
    shape.map(() => 0),
    shape,
  );
  return data instanceof Uint8Array
    ? { shape, bytes: Buffer.from(data).toString("base64") }
    : { shape, strings: data.map(String) };
}
