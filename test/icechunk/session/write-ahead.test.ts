import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MoraineError } from "../../../src/errors.ts";
import type { Repository } from "../../../src/icechunk/repository.ts";
import type { Session } from "../../../src/icechunk/session/session.ts";
import type { ChunkManifest } from "../../../src/manifest/chunk-manifest.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import type { Version } from "../../../src/storage/storage.ts";
import { byteArray, chunk, contents, errorsOf, newRepository } from "../repositories.ts";

const COLUMNS = 4;

type Step =
  | {
      readonly kind: "rows";
      readonly path: string;
      readonly from: number;
      readonly rows: number;
      readonly value: number;
    }
  | { readonly kind: "next rows"; readonly path: string; readonly rows: number; readonly value: number }
  | { readonly kind: "chunk"; readonly path: string; readonly at: number[]; readonly value: number }
  | { readonly kind: "delete chunk"; readonly path: string; readonly at: number[] }
  | { readonly kind: "resize"; readonly path: string; readonly grid: number[] }
  | { readonly kind: "shift"; readonly path: string; readonly by: number }
  | { readonly kind: "again"; readonly path: string }
  | { readonly kind: "discard" | "rebase" | "merge a fork" };

const path = fc.constantFrom("/a", "/b");
const value = fc.integer({ min: 1, max: 255 });
const at = fc.tuple(fc.nat(11), fc.nat(COLUMNS - 1)).map((pair) => [...pair]);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("next rows" as const),
      path,
      rows: fc.integer({ min: 1, max: 5 }),
      value,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("rows" as const),
      path,
      from: fc.nat(11),
      rows: fc.integer({ min: 1, max: 5 }),
      value,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("chunk" as const), path, at, value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete chunk" as const), path, at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("resize" as const),
      path,
      grid: fc
        .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5 }))
        .map((pair) => [...pair]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("shift" as const), path, by: fc.integer({ min: -2, max: 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("again" as const), path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("discard" as const, "rebase" as const, "merge a fork" as const),
    }),
  },
);

/** Rows of chunks, virtual ones beside inline ones; some are missing where the value is odd. */
function rowsOf(rows: number, columns: number, value: number): ChunkManifest {
  const positions = Array.from({ length: rows * columns }, (_, i) => i).filter(
    (i) => value % 2 === 0 || i % 3 !== 1,
  );
  return {
    gridShape: [rows, columns],
    count: positions.length,
    positions: Float64Array.from(positions),
    locations: [`memory://archive/${value}`, `memory://archive/${value + 1}`],
    versions: [{ etag: `"${value}"` }, undefined],
    locationIndexes: Uint32Array.from(positions, (position) => position % 2),
    offsets: Float64Array.from(positions, (position) => 100 * position),
    lengths: Float64Array.from(positions, (position) => (position % 5 === 0 ? 4 : 10 + position)),
    inline: new Map(
      positions.flatMap((position, i) => (position % 5 === 0 ? [[i, chunk(value)] as const] : [])),
    ),
  };
}

class Filling {
  readonly repository: Repository;
  session: Session;
  #next = new Map<string, number>();
  #others = 0;

  private constructor(repository: Repository, session: Session) {
    this.repository = repository;
    this.session = session;
  }

  static async begin(heldReferences: number, cell: number, storage = new MemoryStorage()): Promise<Filling> {
    const repository = await newRepository(
      {
        heldReferences,
        authorize: "all",
        config: {
          virtualChunkContainers: [{ urlPrefix: "memory://archive/" }],
          splitSizes: [["any_array", [{ condition: { Axis: 0 }, num_chunks: cell }]]],
        },
      },
      storage,
    );
    const first = await repository.writableSession("main");
    first.createGroup("/");
    await first.commit("root");
    const filling = new Filling(repository, await repository.writableSession("main"));
    filling.#make();
    return filling;
  }

  #make(): void {
    for (const name of ["/a", "/b"]) this.session.createArray(name, byteArray([12, COLUMNS]));
    this.#next.clear();
  }

  async take(change: Step): Promise<void> {
    const { session } = this;
    switch (change.kind) {
      case "next rows": {
        const from = this.#next.get(change.path) ?? 0;
        await this.#set(change.path, from, change.rows, change.value);
        this.#next.set(change.path, from + change.rows);
        break;
      }
      case "rows":
        await this.#set(change.path, change.from, change.rows, change.value);
        break;
      case "chunk":
        await session.setChunk(change.path, change.at, chunk(change.value)).catch(() => undefined);
        break;
      case "delete chunk":
        await session.deleteChunks(change.path, [change.at]);
        break;
      case "resize":
        session.updateArray(change.path, byteArray(change.grid));
        break;
      case "shift":
        await session.shift(change.path, [change.by, 0]);
        break;
      case "again":
        session.delete(change.path);
        session.createArray(change.path, byteArray([12, COLUMNS]));
        this.#next.delete(change.path);
        break;
      case "discard":
        session.discardChanges();
        this.#make();
        break;
      case "rebase": {
        const other = await this.repository.writableSession("main");
        other.createGroup(`/other-${this.#others++}`);
        await other.commit("meanwhile");
        await session.rebase();
        break;
      }
      case "merge a fork": {
        const fork = await session.fork();
        await fork.setReferences("/a", rowsOf(1, this.#columns("/a"), 6), { at: [0, 0] });
        fork.createArray(`/fork-${this.#others}`, byteArray([6, 2]));
        for (const row of [0, 3]) {
          await fork.setReferences(`/fork-${this.#others}`, rowsOf(3, 2, 9), { at: [row, 0] });
        }
        this.#others += 1;
        session.merge(await fork.changes());
      }
    }
  }

  #columns(name: string): number {
    return (this.session.array(name).metadata.shape[1] ?? 0) / 4;
  }

  async #set(name: string, from: number, rows: number, value: number): Promise<void> {
    const length = (this.session.array(name).metadata.shape[0] ?? 0) / 4;
    const fitting = Math.min(rows, length - from);
    if (fitting <= 0) return;
    await this.session.setReferences(name, rowsOf(fitting, this.#columns(name), value), { at: [from, 0] });
  }

  /** Everything that can be told of the arrays: keys, places of chunks, what changed. */
  async told(session: Session = this.session): Promise<unknown> {
    const manifests = await Promise.all(
      session.paths().map(async (name) => {
        if (session.node(name)?.kind !== "array") return name;
        const {
          positions,
          gridShape,
          count,
          locations,
          locationIndexes,
          offsets,
          lengths,
          inline,
          versions,
        } = await session.manifest(name);
        return [
          name,
          Array.from({ length: count }, (_, entry) => {
            const location = inline.has(entry) ? "" : locations[locationIndexes?.[entry] ?? 0];
            const version = inline.has(entry) ? "" : versions[locationIndexes?.[entry] ?? 0]?.etag;
            const place = [positions?.[entry] ?? entry, offsets[entry], lengths[entry]];
            return [...place, location, version, inline.get(entry)?.join()].join(" ");
          }),
          gridShape,
        ];
      }),
    );
    return { manifests, status: session.status() };
  }
}

describe("references of new arrays that are written before the commit", () => {
  it("make the repository that they make when they are held in memory", async () => {
    let manifests = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 20 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, held, cell) => {
          const storage = new MemoryStorage();
          const [ahead, plain] = [await Filling.begin(held, cell, storage), await Filling.begin(1e9, cell)];
          for (const [i, item] of steps.entries()) {
            await ahead.take(item);
            await plain.take(item);
            // Looking joins what is held, which must not matter.
            if (i % 3 === 2) expect(await ahead.told()).toEqual(await plain.told());
          }
          for await (const _ of storage.list("memory://repository/manifests/")) manifests += 1;
          const tip = async ({ repository, session }: Filling): Promise<unknown> => {
            const before = session.snapshotId;
            const id = await session.commit("filled");
            return await repository.diff({ snapshotId: before }, { snapshotId: id });
          };
          expect(await tip(ahead)).toEqual(await tip(plain));
          const [a, b] = await Promise.all(
            [ahead, plain].map(({ repository }) => repository.readonlySession({ branch: "main" })),
          );
          if (!a || !b) throw new Error("no session");
          expect(await ahead.told(a)).toEqual(await plain.told(b));
          expect(Object.keys(await contents(a).catch(() => ({})))).toEqual(
            Object.keys(await contents(b).catch(() => ({}))),
          );
          expect(await errorsOf(ahead.repository)).toEqual([]);
        },
      ),
      { numRuns: 150, seed: 11, endOnFailure: true },
    );
    // Else nothing was tried.
    expect(manifests).toBeGreaterThan(500);
  }, 120_000);

  it("are garbage where the session is given up", async () => {
    const storage = new MemoryStorage();
    const { repository, session } = await Filling.begin(0, 2, storage);
    const manifests = async (): Promise<number> => {
      let count = 0;
      for await (const _ of storage.list("memory://repository/manifests/")) count += 1;
      return count;
    };
    await session.setReferences("/a", rowsOf(12, COLUMNS, 4));
    expect(await manifests()).toBe(6);
    session.discardChanges();
    await repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
    expect(await manifests()).toBe(0);
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("are held, and committed, where they could not be written", async () => {
    const storage = new (class extends MemoryStorage {
      fails = false;
      override async write(...[address, ...rest]: Parameters<MemoryStorage["write"]>): Promise<Version> {
        if (this.fails && address.includes("/manifests/")) throw new MoraineError("StorageFailed", "full");
        return await super.write(address, ...rest);
      }
    })();
    const { repository, session } = await Filling.begin(0, 2, storage);
    storage.fails = true;
    await expect(session.setReferences("/a", rowsOf(6, COLUMNS, 4))).rejects.toMatchObject({
      code: "StorageFailed",
    });
    storage.fails = false;
    await session.setReferences("/a", rowsOf(6, COLUMNS, 4), { at: [6, 0] });
    await session.commit("all");
    const read = await repository.readonlySession({ branch: "main" });
    expect((await read.manifest("/a")).count).toBe(12 * COLUMNS);
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("are all there where several arrays are filled side by side", async () => {
    const { repository, session } = await Filling.begin(3, 1);
    const fill = async (name: string): Promise<void> => {
      for (let row = 0; row < 12; row++) {
        await session.setReferences(name, rowsOf(1, COLUMNS, 2 + (row % 5)), { at: [row, 0] });
      }
    };
    await Promise.all([fill("/a"), fill("/b")]);
    await session.commit("both");
    const read = await repository.readonlySession({ branch: "main" });
    const other = await Filling.begin(1e9, 1);
    for (const name of ["/a", "/b"]) {
      for (let row = 0; row < 12; row++) {
        await other.session.setReferences(name, rowsOf(1, COLUMNS, 2 + (row % 5)), { at: [row, 0] });
      }
      expect((await read.manifest(name)).count).toBe((await other.session.manifest(name)).count);
    }
    expect(await errorsOf(repository)).toEqual([]);
  });

  it("are all there where tens of thousands of chunks are set one by one, some of them again", async () => {
    const repository = await newRepository({ heldReferences: 50_000 });
    const session = await repository.writableSession();
    session.createArray("/long", byteArray([70_000]));
    for (let at = 0; at < 70_000; at++) await session.setChunk("/long", [at], chunk(at % 251));
    for (const at of [3, 65_536, 69_999]) await session.setChunk("/long", [at], chunk(255));
    await session.commit("long");
    const { count, inline } = await (await repository.readonlySession({ branch: "main" })).manifest("/long");
    expect(count).toBe(70_000);
    expect([0, 3, 65_535, 65_536, 69_998, 69_999].map((at) => inline.get(at)?.[0])).toEqual([
      0,
      255,
      65_535 % 251,
      255,
      69_998 % 251,
      255,
    ]);
    expect(await errorsOf(repository)).toEqual([]);
  });
});
