import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { BlockCache } from "../../src/storage/block-cache.ts";
import { CachedStorage } from "../../src/storage/cached-storage.ts";
import type { StorageEvent } from "../../src/storage/events.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { codeOf } from "./conformance.ts";
import { pattern } from "./http-server.ts";

const ADDRESS = "memory://cache/object";

async function prepared(length = 10_000) {
  const storage = new MemoryStorage();
  await storage.write(ADDRESS, pattern(length));
  const read = vi.spyOn(storage, "read");
  return { storage, read };
}

describe("a cached storage", () => {
  it("gives the same bytes as the storage behind it, whatever was read before", async () => {
    const { storage } = await prepared();
    const cached = new CachedStorage(storage, { blockSize: 256, maximumBytes: 2048, longest: 1500 });
    const ranges = fc.array(fc.record({ offset: fc.nat(9999), length: fc.nat(2000) }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(ranges, async (wanted) => {
        const { parts } = await cached.read(ADDRESS, wanted, { clip: true });
        const direct = await storage.read(ADDRESS, wanted, { clip: true });
        expect(parts).toEqual(direct.parts);
      }),
    );
  });

  it("asks once for blocks that several want, one after another or at the same time", async () => {
    const { storage, read } = await prepared();
    const events: StorageEvent[] = [];
    const cached = new CachedStorage(storage, { blockSize: 1000, onEvent: (event) => events.push(event) });
    const same = () => cached.read(ADDRESS, [{ offset: 2500, length: 1000 }]);
    await Promise.all([same(), same(), same()]);
    await same();
    expect(read).toHaveBeenCalledOnce();
    expect(events.map((event) => event.type === "cache" && [event.hits, event.misses])).toEqual([
      [0, 2],
      [2, 0],
      [2, 0],
      [2, 0],
    ]);
  });

  it("cancels a shared request only when nobody waits for it any longer", async () => {
    const { storage } = await prepared();
    let cancelled: AbortSignal | undefined;
    let answer = () => {};
    const slow: Storage = Object.assign(Object.create(storage), {
      async read(...[address, ranges, options]: Parameters<Storage["read"]>) {
        cancelled = options?.signal;
        await new Promise<void>((resolve, reject) => {
          answer = resolve;
          options?.signal?.addEventListener("abort", () => reject(options.signal?.reason));
        });
        return storage.read(address, ranges, { ...options, signal: undefined });
      },
    });
    const cached = new CachedStorage(slow, { blockSize: 1000 });
    const controllers = [new AbortController(), new AbortController()];
    const [first, second] = controllers.map(({ signal }) =>
      codeOf(cached.read(ADDRESS, [{ offset: 0, length: 10 }], { signal })),
    );
    controllers[0]?.abort();
    expect(await first).toBe("Aborted");
    expect(cancelled?.aborted).toBe(false);
    answer();
    expect(await second).toBeUndefined();
    const [third, fourth] = [new AbortController(), new AbortController()].map((controller) => {
      const done = codeOf(
        cached.read(ADDRESS, [{ offset: 5000, length: 10 }], { signal: controller.signal }),
      );
      return { controller, done };
    });
    third?.controller.abort();
    fourth?.controller.abort();
    expect([await third?.done, await fourth?.done]).toEqual(["Aborted", "Aborted"]);
    expect(cancelled?.aborted).toBe(true);
    // Cancelled blocks are asked for anew.
    const again = cached.read(ADDRESS, [{ offset: 5000, length: 10 }]);
    await Promise.resolve();
    answer();
    expect((await again).parts[0]).toEqual(pattern(10_000).slice(5000, 5010));
  });

  it("never mixes two states of an object", async () => {
    const { storage } = await prepared();
    const cached = new CachedStorage(storage, { blockSize: 1000 });
    await cached.read(ADDRESS, [{ offset: 0, length: 10 }]);
    await storage.write(ADDRESS, pattern(10_000, 2));
    expect(await codeOf(cached.read(ADDRESS, [{ offset: 5000, length: 10 }]))).toBe("SourceChanged");
    expect(await codeOf(cached.read(ADDRESS, [{ offset: 0, length: 9000 }]))).toBe("SourceChanged");
    cached.forget(ADDRESS);
    const { parts } = await cached.read(ADDRESS, [{ offset: 0, length: 9000 }]);
    expect(parts[0]).toEqual(pattern(10_000, 2).slice(0, 9000));
  });

  it("passes long ranges through without keeping them", async () => {
    const { storage, read } = await prepared();
    const cached = new CachedStorage(storage, { blockSize: 100, longest: 500 });
    for (let i = 0; i < 2; i++) await cached.read(ADDRESS, [{ offset: 0, length: 501 }]);
    expect(read).toHaveBeenCalledTimes(2);
  });
});

describe("a block cache", () => {
  it("holds no more bytes than it may, and forgets what was not used for longest", () => {
    const cache = new BlockCache(100);
    for (const key of ["a", "b", "c"]) cache.set(key, new Uint8Array(30));
    cache.get("a");
    cache.set("d", new Uint8Array(30));
    expect(["a", "b", "c", "d"].map((key) => cache.get(key) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(cache.bytes).toBe(90);
    cache.set("huge", new Uint8Array(101));
    expect(cache.bytes).toBe(0);
  });

  it("does not keep the buffers that blocks are views of", () => {
    const cache = new BlockCache(100);
    cache.set("a", new Uint8Array(1000).subarray(10, 20));
    expect(cache.get("a")?.buffer.byteLength).toBe(10);
  });
});
