import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pathToAddress } from "../../../src/storage/address.ts";
import { FileStorage } from "../../../src/storage/file/file-storage.ts";

describe("changes of one file by several", () => {
  let folder = "";
  const storage = new FileStorage();
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "moraine-turns-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string) => pathToAddress(join(folder, name));
  const change = (
    word: number,
    carried: number[][],
    work: () => Promise<unknown> = async () => undefined,
  ) => ({
    words: async () => Uint8Array.of(word),
    carryOut: async (others: () => Promise<readonly Uint8Array[]>) => {
      const words = await others();
      carried.push([word, ...words.map(([first]) => first ?? -1)]);
      await work();
      return words.map(() => true);
    },
  });
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  /** Waits until something holds. */
  const until = async (holds: () => boolean | Promise<boolean>) => {
    while (!(await holds())) await pause(1);
  };
  const handedIn = async () => (await readdir(folder)).filter((name) => name.includes("-change-"));

  it("are carried out by the one whose turn it is, each once", async () => {
    const carried: number[][] = [];
    const first = storage.changeInTurn(
      at("new/a"),
      change(1, carried, () => pause(200)),
    );
    await until(() => carried.length === 1);
    await Promise.all([2, 3, 4].map((word) => storage.changeInTurn(at("new/a"), change(word, carried))));
    await first;
    expect(carried[0]).toEqual([1]);
    expect(carried.flat().sort()).toEqual([1, 2, 3, 4]);
    expect(carried.length).toBeLessThan(4);
    expect(await readdir(join(folder, "new"))).toEqual([]);
  });

  it("go along with a turn that has begun, until it asks for them", async () => {
    const carried: number[][] = [];
    const plain = change(1, carried);
    const slow = storage.changeInTurn(at("a"), {
      ...plain,
      carryOut: async (others) => {
        await until(async () => (await handedIn()).length === 2);
        return await plain.carryOut(others);
      },
    });
    await Promise.all([2, 3].map((word) => storage.changeInTurn(at("a"), change(word, carried))));
    await slow;
    expect(carried.map((words) => words.sort())).toEqual([[1, 2, 3]]);
  });

  it("that nobody else can carry out wait for their turn", async () => {
    const carried: number[][] = [];
    const own = { ...change(2, carried), words: async () => undefined };
    const first = storage.changeInTurn(
      at("a"),
      change(1, carried, () => pause(30)),
    );
    await until(() => carried.length === 1);
    await storage.changeInTurn(at("a"), own);
    await first;
    expect(carried).toEqual([[1], [2]]);
  });

  it("are made by their owners where the one whose turn it was failed or left them", async () => {
    const carried: number[][] = [];
    const failing = change(1, carried, async () => {
      await pause(30);
      throw new Error("no");
    });
    const leaving = {
      ...change(2, carried),
      carryOut: async (others: () => Promise<readonly Uint8Array[]>) => (await others()).map(() => false),
    };
    const first = storage.changeInTurn(at("a"), failing);
    const settled = Promise.allSettled([first]);
    await until(() => carried.length === 1);
    const done = await Promise.allSettled([
      first,
      storage.changeInTurn(at("a"), leaving),
      storage.changeInTurn(at("a"), change(3, carried)),
    ]);
    await settled;
    expect(done.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(carried.flat()).toContain(3);
    expect(await readdir(folder)).toEqual([]);
  });

  it("are given up when they are aborted", async () => {
    const abort = new AbortController();
    const carried: number[][] = [];
    const busy = storage.changeInTurn(
      at("a"),
      change(1, carried, () => pause(200)),
    );
    await until(() => carried.length === 1);
    const waiting = storage.changeInTurn(at("a"), change(2, carried), { signal: abort.signal });
    await until(async () => (await handedIn()).length === 1);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: "Aborted" });
    await busy;
    expect(carried).toEqual([[1]]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("are not made by another try once they were taken back", async () => {
    const abort = new AbortController();
    const given: number[][] = [];
    const trying = storage.changeInTurn(at("a"), {
      words: async () => undefined,
      async carryOut(others) {
        for (const count of [1, 0]) {
          await until(async () => (await handedIn()).length === count);
          given.push((await others()).flatMap((words) => [...words]));
          abort.abort();
        }
        return [];
      },
    });
    await until(async () => (await readdir(folder)).length > 0);
    const waiting = storage.changeInTurn(at("a"), change(2, []), { signal: abort.signal });
    await expect(waiting).rejects.toMatchObject({ code: "Aborted" });
    await trying;
    expect(given).toEqual([[2], []]);
  });

  it("of those who died, or of whom nothing is known, are left alone", async () => {
    const carried: number[][] = [];
    const busy = storage.changeInTurn(
      at("a"),
      change(1, carried, () => pause(200)),
    );
    await until(() => carried.length === 1);
    const abort = new AbortController();
    const waiting = storage.changeInTurn(at("a"), change(2, carried), { signal: abort.signal });
    await until(async () => (await handedIn()).length === 1);
    const [name = ""] = await handedIn();
    const bytes = new Uint8Array(await readFile(join(folder, name)));
    abort.abort();
    await Promise.allSettled([waiting, busy]);
    // No process has so high a number; another has damaged bytes; the last one waits no longer.
    await writeFile(join(folder, name.replace(`-${process.pid}-`, "-99999999-")), bytes);
    const damaged = bytes.slice();
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    await writeFile(join(folder, `${name}1`), damaged);
    await writeFile(join(folder, `${name}2`), bytes.subarray(0, 5));
    await writeFile(join(folder, `${name}3`), bytes);
    await utimes(join(folder, `${name}3`), new Date(0), new Date(Date.now() - 60_000));
    await storage.changeInTurn(at("a"), change(5, carried));
    expect(carried.at(-1)).toEqual([5]);
    await writeFile(join(folder, `${name}4`), bytes);
    await storage.changeInTurn(at("a"), change(6, carried));
    expect(carried.at(-1)).toEqual([6, 2]);
  });
});
