import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Cursor } from "../../../src/binary/cursor.ts";
import type { ChunkManifest } from "../../../src/manifest/chunk-manifest.ts";
import { readChunkIndex } from "../../../src/readers/hdf5/chunk-index/chunk-index.ts";
import { parseDataLayout } from "../../../src/readers/hdf5/data-layout.ts";
import { parseDataspace } from "../../../src/readers/hdf5/dataspace.ts";
import { parseFilterPipeline } from "../../../src/readers/hdf5/filter-pipeline.ts";
import { Hdf5File } from "../../../src/readers/hdf5/hdf5-file.ts";
import type { Link } from "../../../src/readers/hdf5/link.ts";
import { findMessage, MESSAGE, type ObjectHeader } from "../../../src/readers/hdf5/object-header.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";

const folder = new URL("../../data/hdf5-structure/", import.meta.url);

/** What h5py finds in a file; made by scripts/make-hdf5-structure-data.py. */
export interface Expected {
  readonly links: Readonly<
    Record<
      string,
      string[][] | { readonly count: number; readonly first: string[][]; readonly last: string[][] }
    >
  >;
  readonly attributes: Readonly<Record<string, string[]>>;
  readonly chunks: Readonly<Record<string, { readonly grid: number[]; readonly rows: number[][] }>>;
}

export const expected: Readonly<Record<string, Expected>> = JSON.parse(
  readFileSync(new URL("expected.json", folder), "utf8"),
);

/** The bytes of a file of test/data/hdf5-structure. */
export function structureFile(name: string): Uint8Array {
  const bytes = readFileSync(new URL(name, folder));
  return new Uint8Array(name.endsWith(".gz") ? gunzipSync(new Uint8Array(bytes)) : bytes);
}

/** Opens bytes as a file in memory. */
export async function openBytes(bytes: Uint8Array): Promise<Hdf5File> {
  const storage = new MemoryStorage();
  await storage.write("memory://file.h5", bytes);
  return await Hdf5File.open("memory://file.h5", storage);
}

/** Everything that the structures of a file tell. */
export interface Found {
  readonly links: Map<string, readonly Link[]>;
  readonly attributes: Map<string, string[]>;
  readonly chunks: Map<string, ChunkManifest>;
}

/** Walks a file: an object under every path that hard links give it, the links of a group once. */
export async function walkStructure(file: Hdf5File): Promise<Found> {
  const found: Found = { links: new Map(), attributes: new Map(), chunks: new Map() };
  const groups = new Set<number>();
  let level: { path: string; address: number }[] = [{ path: "/", address: file.rootAddress }];
  while (level.length > 0) {
    const headers = (await file.objectHeaders(level.map(({ address }) => address))).map((result) =>
      unfaulty(result),
    );
    const attributes = (await file.attributeMessagesOf(headers)).map((result) => unfaulty(result));
    const links = (await file.linksOf(headers)).map((result) => unfaulty(result));
    const next: typeof level = [];
    for (const [i, header] of headers.entries()) {
      const path = level[i]?.path ?? "";
      found.attributes.set(
        path,
        (attributes[i] ?? []).map((message) => attributeName(message.body)),
      );
      const manifest = await chunksOf(file, header);
      if (manifest) found.chunks.set(path, manifest);
      if (!isGroup(header) || groups.has(header.address)) continue;
      groups.add(header.address);
      found.links.set(path, links[i] ?? []);
      for (const { name, target } of links[i] ?? []) {
        if (target.kind !== "hard") continue;
        next.push({ path: `${path === "/" ? "" : path}/${name}`, address: target.address });
      }
    }
    level = next;
  }
  return found;
}

/** The chunk references of a dataset's header; undefined for objects of other kinds. */
export async function chunksOf(file: Hdf5File, header: ObjectHeader): Promise<ChunkManifest | undefined> {
  const { source, offsetSize, lengthSize } = file.metadata;
  const open = (type: number) => {
    const message = findMessage(header, type);
    return message && new Cursor(message.body, { source, start: message.offset });
  };
  const layoutMessage = open(MESSAGE.dataLayout);
  const spaceMessage = open(MESSAGE.dataspace);
  if (!layoutMessage || !spaceMessage) return undefined;
  const layout = parseDataLayout(layoutMessage, { offsetSize, lengthSize });
  if (layout.class !== "chunked") return undefined;
  const space = parseDataspace(spaceMessage, lengthSize);
  if (space.kind === "null") return undefined;
  const pipeline = open(MESSAGE.filterPipeline);
  return await readChunkIndex(file, layout, {
    shape: space.shape,
    maximumShape: space.maximumShape,
    chunkShape: layout.chunkShape,
    chunkBytes: layout.chunkShape.reduce((product, length) => product * length, layout.elementSize),
    filterCount: pipeline ? parseFilterPipeline(pipeline).length : 0,
    edgesUnfiltered: layout.edgesUnfiltered,
  });
}

function isGroup(header: ObjectHeader): boolean {
  const groups: readonly number[] = [MESSAGE.symbolTable, MESSAGE.linkInfo, MESSAGE.link];
  return header.messages.some(({ type }) => groups.includes(type));
}

function attributeName(body: Uint8Array): string {
  const cursor = new Cursor(body, { source: "attribute" });
  const version = cursor.u8();
  cursor.skip(1);
  const length = cursor.u16();
  cursor.skip(version === 3 ? 5 : 4);
  return cursor.text(length);
}

export function unfaulty<T>(value: T): Exclude<T, Error> {
  if (value instanceof Error) throw value;
  return value as Exclude<T, Error>;
}
