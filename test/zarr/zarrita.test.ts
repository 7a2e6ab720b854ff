import { describe, expect, test } from "vitest";
import * as zarr from "zarrita";
import type { JsonValue } from "../../src/binary/json.ts";
import { isMoraineError } from "../../src/errors.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { ArrayMetadata } from "../../src/zarr/array-metadata.ts";
import type { ChunkSource } from "../../src/zarr/chunk-source.ts";
import { createArray, createGroup, type NewArray } from "../../src/zarr/create.ts";
import { openNode } from "../../src/zarr/hierarchy.ts";
import { get } from "../../src/zarr/read/get.ts";
import { slice } from "../../src/zarr/selection.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import type { GroupNode, ZarrNode } from "../../src/zarr/tree.ts";
import { ZARRITA_ROOT, ZarritaStorage } from "../../src/zarr/zarrita/zarrita-storage.ts";
import { ZarritaStore } from "../../src/zarr/zarrita/zarrita-store.ts";

const little = { name: "bytes", configuration: { endian: "little" } };
const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => (at * 7) % 101);

/** Arrays that zarrita 0.7.5 reads wrongly or not at all from the store itself. */
const ARRAYS: { [name: string]: { array: NewArray; values: unknown[] } } = {
  bigEndian: {
    array: {
      shape: [5, 7],
      dataType: "int16",
      chunkShape: [2, 3],
      fillValue: -1,
      codecs: [{ name: "bytes", configuration: { endian: "big" } }],
    },
    values: numbers(35),
  },
  int64Fill: {
    array: { shape: [4], dataType: "int64", chunkShape: [3], fillValue: -9223372036854775806n },
    values: [1n, -9223372036854775806n, 9223372036854775807n, -9223372036854775806n],
  },
  hdf5Filters: {
    array: {
      shape: [6, 6],
      dataType: "float64",
      chunkShape: [4, 5],
      codecs: [
        little,
        { name: "numcodecs.fletcher32", configuration: {} },
        { name: "numcodecs.shuffle", configuration: { elementsize: 8 } },
        { name: "numcodecs.zlib", configuration: { level: 1 } },
      ],
    },
    values: numbers(36),
  },
  fixedStrings: {
    array: {
      shape: [3],
      dataType: { name: "null_terminated_bytes", configuration: { length_bytes: 4 } },
      chunkShape: [2],
    },
    values: ["ab", "", "wxyz"],
  },
  lists: {
    array: { shape: [7], dataType: "uint8", chunkShape: [[3, 1, 3]], fillValue: 9 },
    values: numbers(7),
  },
  scalar: { array: { shape: [], dataType: "float32", fillValue: "NaN" }, values: [2.5] },
};

async function filledStore(): Promise<ZarrStore> {
  const store = new ZarrStore(new MemoryStorage(), "memory://store/");
  await createGroup(store, "", { attributes: { title: "all" } });
  for (const [name, { array, values }] of Object.entries(ARRAYS)) {
    const created = await createArray(store, `group/${name}`, array);
    await created.set(null, { data: listOf(values), shape: array.shape });
  }
  return store;
}

function listOf(values: unknown[]): number[] | bigint[] | string[] {
  if (typeof values[0] === "bigint") return values.map((value) => BigInt(String(value)));
  return typeof values[0] === "string" ? values.map(String) : values.map(Number);
}

async function shown(isConsolidated = false): Promise<ZarritaStore> {
  const store = await filledStore();
  return new ZarritaStore({ root: await openNode(store), storage: store.storage, isConsolidated });
}

describe("a tree as a store of zarrita", () => {
  test.each(Object.entries(ARRAYS))("zarrita reads %s", async (name, { array, values }) => {
    const root = await zarr.open(await shown(), { kind: "group" });
    const opened = await zarr.open(root.resolve(`group/${name}`), { kind: "array" });
    expect(opened.shape).toEqual(array.shape);
    const result = await zarr.get(opened, null);
    if (array.shape.length === 0) {
      expect(result).toBe(values[0]);
      return;
    }
    const { data } = result as { data: Iterable<unknown> };
    expect(Array.from(data)).toEqual(values);
  });

  test("zarrita finds the nodes in the consolidated metadata", async () => {
    const store = await zarr.withConsolidatedMetadata(await shown(true));
    expect(store.contents().map(({ path }) => path)).toEqual(
      expect.arrayContaining(["/group", ...Object.keys(ARRAYS).map((name) => `/group/${name}`)]),
    );
  });

  test("chunks that left out codecs are decoded by what they did not leave out", async () => {
    const metadata = await metadataOf("hdf5Filters");
    // Left out: shuffle (bit 1) and zlib (bit 2), not the checksum.
    const elements = new Uint8Array(Float64Array.from(numbers(20)).buffer);
    const { makeFletcher32 } = await import("../../src/codecs/checksums.ts");
    const fletcher = makeFletcher32(
      {},
      { shape: [4, 5], dataType: metadata.dataType, fillValue: metadata.fillValue },
    );
    if (fletcher.kind !== "bytes-to-bytes") throw new Error("fletcher32 is no bytes-to-bytes codec");
    const stored = fletcher.encode(elements);
    const chunks: ChunkSource = {
      async locate(coordinates, count) {
        const first = Array.from(
          { length: count },
          (_, at) => coordinates[2 * at] === 0 && coordinates[2 * at + 1] === 0,
        );
        return {
          kinds: Uint8Array.from(first, (isFirst) => (isFirst ? 2 : 0)),
          locations: [],
          locationIndexes: new Uint32Array(count),
          offsets: new Float64Array(count),
          lengths: new Float64Array(count),
          inline: new Map(first.flatMap((isFirst, at) => (isFirst ? [[at, stored] as const] : []))),
          filterMasks: Uint32Array.from(first, (isFirst) => (isFirst ? 0b110 : 0)),
        };
      },
    };
    const root: ZarrNode = { kind: "array", metadata, chunks };
    const opened = await zarr.open(new ZarritaStore({ root, storage: new MemoryStorage() }), {
      kind: "array",
    });
    const { data } = (await zarr.get(opened, [zarr.slice(4), zarr.slice(5)])) as { data: Float64Array };
    expect([...data]).toEqual(numbers(20));
  });

  test("what cannot be read is not there, and is no end to the rest", async () => {
    const store = await filledStore();
    const document: JsonValue = { zarr_format: 3, node_type: "array" };
    await store.set("group/broken/zarr.json", new TextEncoder().encode(JSON.stringify(document)));
    const face = new ZarritaStore({
      root: await openNode(store),
      storage: store.storage,
      isConsolidated: true,
    });
    expect(await face.get("/group/broken/zarr.json")).toBeUndefined();
    expect(await face.get("/group/missing/zarr.json")).toBeUndefined();
    expect(await face.get("/group/lists/c/9")).toBeUndefined();
    expect(await face.get("/group/lists/.zarray")).toBeUndefined();
    expect(await face.get("/zarr.json")).toBeInstanceOf(Uint8Array);
  });

  test("values are plain arrays of bytes with buffers of their own", async () => {
    const face = await shown();
    for (const key of [
      "/zarr.json",
      "/group/zarr.json",
      "/group/bigEndian/zarr.json",
      "/group/bigEndian/c/0/0",
    ]) {
      const value = await face.get(key);
      expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
      expect(value?.byteOffset).toBe(0);
      expect(value?.buffer.byteLength).toBe(value?.byteLength);
    }
    const whole = await face.get("/group/bigEndian/c/0/0");
    expect(await face.getRange("/group/bigEndian/c/0/0", { offset: 2, length: 4 })).toEqual(
      whole?.slice(2, 6),
    );
    expect(await face.getRange("/group/bigEndian/c/0/0", { suffixLength: 3 })).toEqual(whole?.slice(-3));
  });

  test("a chunk that does not decode is an error, never values", async () => {
    const store = await filledStore();
    const key = "group/hdf5Filters/c/0/0";
    const bytes = (await store.get(key))?.slice() ?? new Uint8Array(0);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await store.set(key, bytes);
    const face = new ZarritaStore({ root: await openNode(store), storage: store.storage });
    const error = await face.get(`/${key}`).catch((thrown: unknown) => thrown);
    expect(isMoraineError(error, "CorruptChunk", "ChecksumMismatch")).toBe(true);
  });
});

describe("a store of zarrita as a storage", () => {
  test("arrays that zarrita writes are read, whole and in parts", async () => {
    const map = new Map<`/${string}`, Uint8Array>();
    const written = await zarr.create(zarr.root(map).resolve("/a"), {
      shape: [6, 4],
      chunkShape: [4, 4],
      dtype: "float32",
      fillValue: 0,
      codecs: [little],
    });
    await zarr.set(written, null, {
      data: Float32Array.from(numbers(24)),
      shape: [6, 4],
      stride: [4, 1],
    });
    const storage = new ZarritaStorage(map);
    const store = new ZarrStore(storage, ZARRITA_ROOT);
    const { open, root } = await import("../../src/zarr/location.ts");
    const array = await open(root(store).resolve("a"), { kind: "array" });
    const { data } = await get(array, [slice(3, 6), -1]);
    expect([...data]).toEqual([15, 19, 23].map((at) => numbers(24)[at]));
  });
});

describe("a store of zarrita that changes", () => {
  test("shards are read as they are now, though nothing marks their state", async () => {
    const memory = new MemoryStorage();
    const written = await createArray(new ZarrStore(memory, "memory://x/"), "", {
      shape: [8],
      dataType: "int16",
      chunkShape: [2],
      shardShape: [8],
      codecs: [{ name: "bytes", configuration: { endian: "big" } }],
    });
    const value = async (key: string): Promise<Uint8Array | undefined> => {
      try {
        return (await memory.read(`memory://x${key}`, [{ offset: 0 }])).parts[0];
      } catch {
        return undefined;
      }
    };
    const store = new ZarrStore(
      new ZarritaStorage({
        get: value,
        async getRange(key, range) {
          const bytes = await value(key);
          return "suffixLength" in range
            ? bytes?.slice(-range.suffixLength)
            : bytes?.slice(range.offset, range.offset + range.length);
        },
      }),
      ZARRITA_ROOT,
    );
    const { open, root } = await import("../../src/zarr/location.ts");
    const array = await open(root(store), { kind: "array" });
    await written.set(null, [0, 0, 1, 2, 3, 4, 5, 6]);
    expect([...(await get(array, [slice(2, 4)])).data]).toEqual([1, 2]);
    // The inner chunks move: the first one was not stored before.
    await written.set(null, [7, 7, 1, 2, 3, 4, 0, 0]);
    expect([...(await get(array, [slice(2, 4)])).data]).toEqual([1, 2]);
    expect([...(await get(array, [slice(0, 2)])).data]).toEqual([7, 7]);
  });

  test("what its memory holds is not changed by decoding", async () => {
    const map = new Map<string, Uint8Array>();
    const memory = new MemoryStorage();
    const written = await createArray(new ZarrStore(memory, "memory://x/"), "", {
      shape: [4],
      dataType: "int16",
      chunkShape: [2],
      codecs: [{ name: "bytes", configuration: { endian: "big" } }],
    });
    await written.set(null, [1, 2, 3, 4]);
    for (const key of ["/zarr.json", "/c/0", "/c/1"]) {
      const { parts } = await memory.read(`memory://x${key}`, [{ offset: 0 }]);
      map.set(key, parts[0] ?? new Uint8Array(0));
    }
    const { open, root } = await import("../../src/zarr/location.ts");
    const array = await open(root(new ZarrStore(new ZarritaStorage(map), ZARRITA_ROOT)), { kind: "array" });
    for (let times = 0; times < 3; times++) {
      expect([...(await get(array)).data]).toEqual([1, 2, 3, 4]);
    }
  });
});

async function metadataOf(name: string): Promise<ArrayMetadata> {
  const store = await filledStore();
  const group: GroupNode | ZarrNode = await openNode(store, `group/${name}`);
  if (group.kind !== "array") throw new Error(`${name} is no array`);
  return group.metadata;
}
