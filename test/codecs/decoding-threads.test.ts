import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CodecSpecification } from "../../src/codecs/codec.ts";
import {
  type DecodedBatch,
  type DecodingBatch,
  type DecodingThreads,
  decoding,
  useDecodingThreads,
} from "../../src/codecs/decoding-threads.ts";
import { WorkerThreads } from "../../src/codecs/node/decoding-threads.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { createArray } from "../../src/zarr/create.ts";
import { readRaw } from "../../src/zarr/read/read.ts";
import { slice } from "../../src/zarr/selection.ts";
import { ZarrStore } from "../../src/zarr/store.ts";

const codec = (name: string, configuration = {}): CodecSpecification => ({ name, configuration });
const big = codec("bytes", { endian: "big" });
const stacks: Record<string, readonly CodecSpecification[]> = {
  zstd: [big, codec("zstd", { level: 3, checksum: true })],
  "shuffle and zlib": [
    codec("bytes", { endian: "little" }),
    codec("numcodecs.shuffle", { elementsize: 4 }),
    codec("numcodecs.zlib", { level: 4 }),
  ],
  "blosc around zstd": [big, codec("blosc", { cname: "zstd", clevel: 5, shuffle: "shuffle", typesize: 4 })],
  "transpose, gzip and crc32c": [codec("transpose", { order: [1, 0] }), big, codec("gzip"), codec("crc32c")],
};

// The thread runs the built library: Node 20 reads no TypeScript.
const file = new URL("../../dist/codecs/node/decoding-worker.js", import.meta.url);
const threads = new WorkerThreads(file, 2);
/** What reads hand over. */
let batches = 0;
const counted: DecodingThreads = {
  start: () => threads.start(),
  get areRunning() {
    return threads.areRunning;
  },
  get load() {
    return threads.load;
  },
  hasRoom: (bytes) => threads.hasRoom(bytes),
  run(batch, done) {
    batches += 1;
    threads.run(batch, done);
  },
};

beforeAll(async () => {
  threads.start();
  while (!threads.hasRoom(0)) await new Promise((resolve) => setTimeout(resolve, 10));
  useDecodingThreads(counted);
});
afterAll(() => {
  decoding.threads = undefined;
});

const field = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, at) => Math.round(1000 * Math.sin(at / 50)) / 10);

function run(batch: DecodingBatch): Promise<DecodedBatch> {
  return new Promise((resolve) => threads.run(batch, resolve));
}

/** Two chunks side by side, encoded. */
async function batchOf(
  codecs: readonly CodecSpecification[],
): Promise<DecodingBatch & { expected: Uint8Array }> {
  const representation = {
    shape: [16, 8],
    dataType: { name: "float32" },
    fillValue: new Uint8Array(4),
  } as const;
  const pipeline = createPipeline(codecs, representation);
  await pipeline.ready();
  const expected = new Uint8Array(field(256).buffer);
  const [first, second] = [expected.subarray(0, 512), expected.subarray(512)].map((part) =>
    pipeline.encode(part),
  );
  if (first === undefined || second === undefined) throw new RangeError("two chunks were expected");
  const encoded = new Uint8Array(first.length + second.length + 3);
  encoded.set(first);
  encoded.set(second, first.length + 3);
  return {
    pipeline,
    encoded: encoded.buffer,
    chunks: [
      { offset: 0, length: first.length, filterMask: 0 },
      { offset: first.length + 3, length: second.length, filterMask: 0 },
    ],
    target: new ArrayBuffer(1024),
    decodedSize: 512,
    expected,
  };
}

describe("threads that decode", () => {
  it.each(Object.entries(stacks))("give what was encoded with %s", async (_, codecs) => {
    const { expected, ...batch } = await batchOf(codecs);
    const decoded = await run(batch);
    expect(decoded).toHaveProperty("target");
    if ("target" in decoded) expect(new Uint8Array(decoded.target)).toEqual(expected);
  });

  it("leave out the codecs that a chunk was written without", async () => {
    const { expected, ...batch } = await batchOf(stacks["shuffle and zlib"] ?? []);
    const chunks = [{ offset: 0, length: 512, filterMask: 3 }];
    const decoded = await run({ ...batch, encoded: expected.slice(0, 512).buffer, chunks });
    if (!("target" in decoded)) throw new Error(decoded.message);
    expect(new Uint8Array(decoded.target, 0, 512)).toEqual(expected.subarray(0, 512));
  });

  it("say which chunk does not decode, and why", async () => {
    const { expected: _, ...batch } = await batchOf(stacks["zstd"] ?? []);
    const last = batch.encoded.byteLength - 1;
    const bytes = new Uint8Array(batch.encoded);
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    expect(await run(batch)).toMatchObject({ chunk: 1, code: "ChecksumMismatch" });
  });
});

describe("a read of many chunks", () => {
  const values = field(1024 * 1024);
  const layouts = {
    "chunks of their own": { chunkShape: [128, 128], codecs: stacks["zstd"] },
    "large chunks": { chunkShape: [512, 700], codecs: stacks["shuffle and zlib"] },
    shards: { chunkShape: [64, 64], shardShape: [512, 512], codecs: stacks["blosc around zstd"] },
  };

  it.each(Object.entries(layouts))("has threads decode %s", async (_, layout) => {
    const storage = new MemoryStorage();
    const array = await createArray(new ZarrStore(storage, "memory:///a/"), "", {
      shape: [1024, 1024],
      dataType: "float32",
      ...layout,
    });
    await array.set(null, { data: values, shape: [1024, 1024] });
    batches = 0;
    const { data } = await readRaw(array, null);
    expect(batches).toBeGreaterThan(0);
    expect(Buffer.compare(data as Uint8Array, new Uint8Array(values.buffer))).toBe(0);
  });

  it("shares the threads with others at the same time", async () => {
    const array = await createArray(new ZarrStore(new MemoryStorage(), "memory:///a/"), "", {
      shape: [1024, 1024],
      dataType: "float32",
      ...layouts["chunks of their own"],
    });
    await array.set(null, { data: values, shape: [1024, 1024] });
    batches = 0;
    const reads = await Promise.all(Array.from({ length: 12 }, () => readRaw(array, null)));
    expect(batches).toBeGreaterThan(0);
    for (const { data } of reads) {
      expect(Buffer.compare(data as Uint8Array, new Uint8Array(values.buffer))).toBe(0);
    }
  });

  it("decodes a chunk for which nobody else has to wait where it is asked for", async () => {
    const array = await createArray(new ZarrStore(new MemoryStorage(), "memory:///a/"), "", {
      shape: [1024, 1024],
      dataType: "float32",
      ...layouts["large chunks"],
    });
    await array.set(null, { data: values, shape: [1024, 1024] });
    batches = 0;
    const { data } = await readRaw(array, [slice(10, 11), slice(0, 4)]);
    expect(Array.from(new Float32Array((data as Uint8Array).buffer))).toEqual(
      Array.from(values.subarray(10 * 1024, 10 * 1024 + 4)),
    );
    expect(batches).toBe(0);
  });

  it("names the chunk that does not decode", async () => {
    const storage = new MemoryStorage();
    const array = await createArray(new ZarrStore(storage, "memory:///a/"), "", {
      shape: [1024, 1024],
      dataType: "float32",
      chunkShape: [256, 1024],
      codecs: stacks["zstd"] ?? [],
    });
    await array.set(null, { data: values, shape: [1024, 1024] });
    for (const chunk of [0, 1, 2, 3]) {
      const address = `memory:///a/c/${chunk}/0`;
      const bytes = (await storage.read(address, [{ offset: 0 }])).parts[0]?.slice() ?? new Uint8Array(0);
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
      await storage.write(address, bytes);
    }
    batches = 0;
    await expect(readRaw(array, null)).rejects.toMatchObject({
      code: "ChecksumMismatch",
      source: expect.stringMatching(/^memory:\/\/\/a\/c\/\d\/0$/),
      path: "/",
    });
    expect(batches).toBeGreaterThan(0);
  });
});
