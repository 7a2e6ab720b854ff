import { describe, expect, test } from "vitest";
import type { ByteRange, ReadOptions, ReadResult } from "../../src/storage/storage.ts";
import type { ArrayMetadata } from "../../src/zarr/array-metadata.ts";
import type { ChunkPlaces, ChunkSource } from "../../src/zarr/chunk-source.ts";
import { createArray, newMetadata } from "../../src/zarr/create.ts";
import { ZarrArray } from "../../src/zarr/node.ts";
import { get } from "../../src/zarr/read/get.ts";
import { readRaw } from "../../src/zarr/read/read.ts";
import { coordinates, slice } from "../../src/zarr/selection.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import { CountingStorage } from "./counting-storage.ts";

const little = { name: "bytes", configuration: { endian: "little" } };

/** Answers when it is told to, and remembers how much was on its way at once. */
class SlowStorage extends CountingStorage {
  underWay = 0;
  most = 0;

  override async read(
    address: string,
    ranges: readonly ByteRange[],
    options?: ReadOptions,
  ): Promise<ReadResult> {
    if (!/\/c\//.test(address)) return await super.read(address, ranges, options);
    const result = await super.read(address, ranges, options);
    const bytes = result.parts.reduce((sum, part) => sum + part.length, 0);
    this.underWay += bytes;
    this.most = Math.max(this.most, this.underWay);
    await new Promise((resolve) => setTimeout(resolve, 1));
    options?.signal?.throwIfAborted();
    this.underWay -= bytes;
    return result;
  }
}

/** One chunk per element of the first axis, wherever a test puts it. */
function arrayAt(
  metadata: ArrayMetadata,
  storage: CountingStorage,
  place: (
    chunk: number,
  ) => { location: string; offset: number; length: number; inline?: Uint8Array } | undefined,
  more: Partial<ChunkPlaces> = {},
): ZarrArray {
  const chunks: ChunkSource = {
    async locate(coordinates, count) {
      const places = Array.from({ length: count }, (_, at) =>
        place(coordinates[at * metadata.shape.length] ?? 0),
      );
      return {
        kinds: Uint8Array.from(places, (found) => (found === undefined ? 0 : found.inline ? 2 : 1)),
        locations: places.map((found) => found?.location ?? ""),
        locationIndexes: Uint32Array.from(places.keys()),
        offsets: Float64Array.from(places, (found) => found?.offset ?? 0),
        lengths: Float64Array.from(places, (found) => found?.length ?? 0),
        inline: new Map(places.flatMap((found, at) => (found?.inline ? [[at, found.inline] as const] : []))),
        ...more,
      };
    },
  };
  return new ZarrArray({ metadata, chunks, storage, path: "/a", source: "memory://file" });
}

const ROWS = newMetadata({
  shape: [4, 3],
  dataType: "uint8",
  chunkShape: [1, 3],
  fillValue: 9,
  codecs: [{ name: "bytes" }],
});

describe("places of chunks", () => {
  test("ranges, inline bytes and missing chunks make one array; near ranges take one request", async () => {
    const storage = new CountingStorage();
    await storage.write(
      "memory://file",
      Uint8Array.from({ length: 64 }, (_, at) => at),
    );
    const array = arrayAt(ROWS, storage, (chunk) => {
      if (chunk === 2) return undefined;
      return chunk === 3
        ? { location: "", offset: 0, length: 3, inline: Uint8Array.of(100, 101, 102) }
        : { location: "memory://file", offset: 50 - 10 * chunk, length: 3 };
    });
    const { data } = await get(array);
    expect([...data]).toEqual([50, 51, 52, 40, 41, 42, 9, 9, 9, 100, 101, 102]);
    expect(await array.readRegion([1, 1], [3, 2])).toEqual(Uint8Array.of(41, 42, 9, 9, 101, 102));
    await expect(array.readRegion([1, 1], [4, 2])).rejects.toMatchObject({ code: "OutOfBounds" });
  });

  test("a source that is another one than was scanned is refused", async () => {
    const storage = new CountingStorage();
    const scanned = await storage.write("memory://file", new Uint8Array(12));
    const array = arrayAt(
      ROWS,
      storage,
      (chunk) => ({ location: "memory://file", offset: 3 * chunk, length: 3 }),
      {
        versions: [scanned, scanned, scanned, scanned],
      },
    );
    await get(array);
    await storage.write("memory://file", new Uint8Array(12).fill(1));
    await expect(get(array)).rejects.toMatchObject({ code: "SourceChanged", source: "memory://file" });
  });

  test("a chunk of another size is refused, and told where it lies", async () => {
    const storage = new CountingStorage();
    await storage.write("memory://file", new Uint8Array(64));
    const array = arrayAt(ROWS, storage, (chunk) => ({
      location: "memory://file",
      offset: 5 * chunk,
      length: chunk === 2 ? 4 : 3,
    }));
    await expect(get(array)).rejects.toMatchObject({ code: "CorruptChunk", path: "/a", offset: 10 });
    const beyond = arrayAt(ROWS, storage, () => ({ location: "memory://file", offset: 62, length: 3 }));
    await expect(get(beyond)).rejects.toMatchObject({ code: "TruncatedFile" });
  });

  test("codecs that a chunk left out are passed over", async () => {
    const metadata = newMetadata({
      shape: [2, 4],
      dataType: "uint16",
      chunkShape: [1, 4],
      codecs: [little, { name: "numcodecs.shuffle", configuration: { elementsize: 2 } }],
    });
    const storage = new CountingStorage();
    await storage.write("memory://file", Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0, 5, 0, 6, 0, 7, 0, 8, 0));
    const array = arrayAt(
      metadata,
      storage,
      (chunk) => ({ location: "memory://file", offset: 8 * chunk, length: 8 }),
      {
        filterMasks: Uint32Array.of(0, 1),
      },
    );
    expect([...(await get(array)).data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe("bounds of a read", () => {
  test("bytes on their way stay below the bound, however many chunks there are", async () => {
    const storage = new SlowStorage();
    const store = new ZarrStore(storage, "memory://store/");
    const array = await createArray(store, "a", {
      shape: [64, 1024, 1024],
      dataType: "uint8",
      chunkShape: [1, 1024, 1024],
      codecs: [{ name: "bytes" }],
    });
    for (let chunk = 0; chunk < 64; chunk++) {
      await store.set(`a/c/${chunk}/0/0`, new Uint8Array(1024 * 1024).fill(chunk));
    }
    const { data } = await readRaw(array, null);
    expect(data[63 * 1024 * 1024 + 5]).toBe(63);
    expect(storage.most).toBeLessThanOrEqual(24 * 1024 * 1024);
    expect(storage.most).toBeGreaterThan(1024 * 1024);
  });

  test("results that do not fit in memory are refused before anything is read", async () => {
    const storage = new CountingStorage();
    const store = new ZarrStore(storage, "memory://store/");
    const array = await createArray(store, "a", {
      shape: [2 ** 40, 2 ** 10],
      dataType: "float64",
      chunkShape: [1024, 1024],
    });
    storage.reset();
    await expect(get(array)).rejects.toMatchObject({ code: "LimitExceeded" });
    expect(storage.reads).toHaveLength(0);
    expect([...(await get(array, [2 ** 40 - 1, slice(0, 2)])).data]).toEqual([0, 0]);
    const crumbs = await createArray(store, "b", { shape: [2 ** 31], dataType: "uint8", chunkShape: [1] });
    await expect(get(crumbs)).rejects.toMatchObject({ code: "LimitExceeded" });
  });

  test("a cancelled read ends with Aborted, and asks for nothing more", async () => {
    const storage = new SlowStorage();
    const store = new ZarrStore(storage, "memory://store/");
    const array = await createArray(store, "a", { shape: [4096], dataType: "uint8", chunkShape: [8] });
    await array.set(null, 1);
    storage.reset();
    const controller = new AbortController();
    const reading = get(array, null, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: "Aborted" });
    const asked = storage.reads.length;
    expect(asked).toBeLessThan(512);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(storage.reads).toHaveLength(asked);
    await expect(get(array, null, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "Aborted",
    });
    await expect(array.set(null, 2, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "Aborted",
    });
  });
});

describe("values that are written", () => {
  test("what does not fit the type is refused, and nothing changes", async () => {
    const store = new ZarrStore(new CountingStorage(), "memory://store/");
    const array = await createArray(store, "a", { shape: [3], dataType: "int8", chunkShape: [2] });
    await array.set(null, [1, 2, 3]);
    for (const values of [[1, 2], [1, 2, 128], [1, 2, 0.5], [1, 2, Number.NaN], 128, "1", [1n, 2n, 200n]]) {
      await expect(array.set(null, values)).rejects.toMatchObject({ code: "InvalidArgument" });
    }
    await expect(array.set([7], 1)).rejects.toMatchObject({ code: "OutOfBounds" });
    expect([...(await get(array)).data]).toEqual([1, 2, 3]);
  });

  test("what the language lets through is refused: null, holes, strides that are no integers", async () => {
    const store = new ZarrStore(new CountingStorage(), "memory://store/");
    const array = await createArray(store, "a", { shape: [4], dataType: "int8", chunkShape: [2] });
    await array.set(null, [1, 2, 3, 4]);
    const refused = expect.objectContaining({ name: "MoraineError", code: "InvalidArgument" });
    const data = [1, 2, 3, 4];
    for (const values of [null, { data: null, shape: [4] }, { data, shape: [4], stride: [0.5] }]) {
      await expect(Reflect.apply(array.set, array, [null, values])).rejects.toEqual(refused);
    }
    await expect(Reflect.apply(array.append, array, [null])).rejects.toEqual(refused);
    const list = [0];
    list[2] = 1;
    const mask = [true];
    mask[3] = true;
    await expect(get(array, [list])).rejects.toEqual(refused);
    await expect(get(array, [mask])).rejects.toEqual(refused);
    await expect(get(array, coordinates(list))).rejects.toEqual(refused);
    await expect(
      Reflect.apply(get, undefined, [array, { kind: "coordinates", axes: ["01"] }]),
    ).rejects.toEqual(refused);
    expect([...(await get(array)).data]).toEqual(data);
  });

  test("an array without a sink is only read", async () => {
    const array = arrayAt(ROWS, new CountingStorage(), () => undefined);
    await expect(array.set(null, 1)).rejects.toMatchObject({ code: "ReadOnly", path: "/a" });
    await expect(array.resize([1, 3])).rejects.toMatchObject({ code: "ReadOnly" });
    await expect(array.append([1, 2, 3])).rejects.toMatchObject({ code: "ReadOnly" });
  });

  test("records, complex numbers, dates, strings and bytes come back as they were given", async () => {
    const store = new ZarrStore(new CountingStorage(), "memory://store/");
    const round = async (
      dataType: Parameters<typeof newMetadata>[0]["dataType"],
      values: unknown[],
    ): Promise<unknown> => {
      const array = await createArray(store, "a", { shape: [2], dataType, chunkShape: [2], overwrite: true });
      await array.set(null, { data: values as number[], shape: [2] });
      return [...(await get(array)).data];
    };
    const length = (length_bytes: number) => ({ configuration: { length_bytes } });
    expect(await round("complex64", [1, -2, 0.5, 4])).toEqual([1, -2, 0.5, 4]);
    expect(await round("float16", [0.5, -2])).toEqual([0.5, -2]);
    expect(await round("bool", [true, false])).toEqual([1, 0]);
    expect(
      await round({ name: "numpy.datetime64", configuration: { unit: "s", scale_factor: 1 } }, [5n, -1n]),
    ).toEqual([5n, -1n]);
    expect(await round({ name: "fixed_length_utf32", ...length(8) }, ["é", "ab"])).toEqual(["é", "ab"]);
    expect(await round({ name: "null_terminated_bytes", ...length(3) }, ["é", "abc"])).toEqual(["é", "abc"]);
    expect(
      await round({ name: "raw_bytes", ...length(2) }, [Uint8Array.of(0, 1), Uint8Array.of(2, 3)]),
    ).toEqual([Uint8Array.of(0, 1), Uint8Array.of(2, 3)]);
    expect(await round("variable_length_bytes", [Uint8Array.of(), Uint8Array.of(2)])).toEqual([
      Uint8Array.of(),
      Uint8Array.of(2),
    ]);
    const fields = [
      { name: "x", data_type: "int16" },
      { name: "y", data_type: "float64" },
    ];
    const records = [
      { x: 1, y: 0.5 },
      { x: -2, y: 3 },
    ];
    expect(await round({ name: "struct", configuration: { fields } }, records)).toEqual(records);
  });
});
