/**
 * What every storage must do, written once and run on each.
 *
 * @module
 */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ErrorCode, isMoraineError } from "../../src/errors.ts";
import { namesBelow } from "../../src/storage/names.ts";
import type { ByteRange, ReadOptions, Storage } from "../../src/storage/storage.ts";
import { pattern } from "./http-server.ts";

/** A storage under test. */
export interface Subject {
  readonly storage: Storage;
  /** Address of a fresh folder, with a slash at its end. */
  readonly folder: string;
  /** Puts an object behind a storage that is only read. */
  put?(address: string, bytes: Uint8Array): void;
  close?(): Promise<void>;
}

/** Runs a task that must fail, and gives the code of its error. */
export async function codeOf(task: Promise<unknown>): Promise<ErrorCode | undefined> {
  const error: unknown = await task.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return undefined;
  if (!isMoraineError(error)) throw error;
  return error.code;
}

/** Compares bytes fast: `toEqual` takes seconds for a million of them. */
function expectBytes(found: readonly Uint8Array[], wanted: readonly Uint8Array[]): void {
  expect(found.length).toBe(wanted.length);
  found.forEach((bytes, i) => {
    if (Buffer.compare(bytes, wanted[i] ?? new Uint8Array(0)) !== 0) expect(bytes).toEqual(wanted[i]);
  });
}

/** The bytes that a range must give, by definition. */
function expected(bytes: Uint8Array, { offset, length }: ByteRange): Uint8Array {
  if (offset < 0) return bytes.slice(offset);
  return bytes.slice(offset, length === undefined ? undefined : offset + length);
}

export function describeStorage(name: string, make: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let storage: Storage;
    beforeAll(async () => {
      subject = await make();
      storage = subject.storage;
    });
    afterAll(() => subject.close?.());

    const at = (key: string) => subject.folder + key;
    const put = async (key: string, bytes: Uint8Array): Promise<string> => {
      if (subject.put) subject.put(at(key), bytes);
      else await storage.write(at(key), bytes);
      return at(key);
    };
    const read = async (address: string, ranges: readonly ByteRange[], options?: ReadOptions) =>
      (await storage.read(address, ranges, options)).parts;

    describe("reads", () => {
      const bytes = pattern(300_000);
      let address: string;
      beforeAll(async () => {
        address = await put("reads", bytes);
      });

      it("gives any ranges in the order asked for", async () => {
        const range = fc.oneof(
          fc.record({ offset: fc.nat(bytes.length), length: fc.nat(5000) }),
          fc.record({ offset: fc.integer({ min: 299_000, max: bytes.length }), length: fc.nat(1000) }),
        );
        await fc.assert(
          fc.asyncProperty(fc.array(range, { maxLength: 30 }), async (wanted) => {
            const ranges = wanted.map(({ offset, length }) => ({
              offset,
              length: Math.min(length, bytes.length - offset),
            }));
            expectBytes(
              await read(address, ranges),
              ranges.map((one) => expected(bytes, one)),
            );
          }),
          { numRuns: 25 },
        );
      });

      it("gives the whole, the end and what follows an offset", async () => {
        expectBytes(await read(address, [{ offset: 0 }]), [bytes]);
        expect((await read(address, [{ offset: -7 }]))[0]).toEqual(bytes.slice(-7));
        expectBytes(await read(address, [{ offset: -400_000 }]), [bytes]);
        const mixed = [{ offset: 299_990 }, { offset: -3 }, { offset: 5, length: 5 }, { offset: 0 }];
        expectBytes(
          await read(address, mixed),
          mixed.map((one) => expected(bytes, one)),
        );
      });

      it("refuses ranges beyond the end", async () => {
        for (const range of [
          { offset: 299_999, length: 2 },
          { offset: 300_000, length: 1 },
          { offset: 400_000, length: 1 },
          { offset: 0, length: 300_001 },
          { offset: 300_001 },
        ]) {
          expect(await codeOf(storage.read(address, [{ offset: 0, length: 1 }, range]))).toBe(
            "TruncatedFile",
          );
        }
      });

      it("clips ranges beyond the end where that is wished", async () => {
        const ranges = [
          { offset: 299_990, length: 100 },
          { offset: 300_000, length: 100 },
          { offset: 900_000, length: 100 },
          { offset: 10, length: 10 },
        ];
        const parts = await read(address, ranges, { clip: true });
        expect(parts).toEqual(ranges.map((one) => expected(bytes, one)));
      });

      it("refuses what is no range", async () => {
        for (const range of [
          { offset: 0.5, length: 1 },
          { offset: Number.NaN, length: 1 },
          { offset: 0, length: -1 },
          { offset: -5, length: 2 },
          { offset: 0, length: Number.POSITIVE_INFINITY },
        ]) {
          expect(await codeOf(storage.read(address, [range]))).toBe("InvalidArgument");
        }
      });

      it("gives no parts, and the version, for no ranges", async () => {
        const { parts, version } = await storage.read(address, []);
        expect(parts).toEqual([]);
        expect(version.size).toBe(bytes.length);
      });

      it("reads an empty object", async () => {
        const empty = await put("empty", new Uint8Array(0));
        expect(await read(empty, [{ offset: 0 }])).toEqual([new Uint8Array(0)]);
        expect(await read(empty, [{ offset: -5 }])).toEqual([new Uint8Array(0)]);
        expect(await read(empty, [{ offset: 0, length: 5 }], { clip: true })).toEqual([new Uint8Array(0)]);
        expect((await storage.head(empty)).size).toBe(0);
        expect(await codeOf(storage.read(empty, [{ offset: 0, length: 1 }]))).toBe("TruncatedFile");
      });

      it("says that nothing lies there", async () => {
        expect(await codeOf(storage.read(at("missing"), [{ offset: 0, length: 1 }]))).toBe("NotFound");
        expect(await codeOf(storage.read(at("missing"), [{ offset: 0 }]))).toBe("NotFound");
        expect(await codeOf(storage.read(at("missing"), []))).toBe("NotFound");
        expect(await codeOf(storage.head(at("missing")))).toBe("NotFound");
        expect(await codeOf(storage.head(at("missing/below")))).toBe("NotFound");
      });

      it("reads names with odd characters", async () => {
        for (const odd of ["a b", "100%", "ü-ß-漢", "plus+and&amp", "quote'\"", "hash-%23"]) {
          const escaped = /^(file|https?):/.test(subject.folder) ? encodeURIComponent(odd) : odd;
          const there = await put(escaped, pattern(10, odd.length));
          expect(await read(there, [{ offset: 0 }])).toEqual([pattern(10, odd.length)]);
        }
      });

      it("stops when it is told to", async () => {
        const aborted = AbortSignal.abort();
        expect(await codeOf(storage.read(address, [{ offset: 0 }], { signal: aborted }))).toBe("Aborted");
        expect(await codeOf(storage.head(address, { signal: aborted }))).toBe("Aborted");
      });
    });

    describe("versions", () => {
      it("come with the bytes and agree with those of head", async () => {
        const address = await put("versioned", pattern(100));
        const { version } = await storage.read(address, [{ offset: 0, length: 10 }]);
        expect((await storage.head(address)).size).toBe(100);
        const again = await storage.read(address, [{ offset: 0 }], { version });
        expect(again.parts[0]).toEqual(pattern(100));
        await storage.read(address, [{ offset: -1 }], { version: await storage.head(address) });
      });

      it("refuse the bytes of another state", async () => {
        const address = await put("replaced", pattern(100));
        const before = await storage.head(address);
        await put("replaced", pattern(100, 2));
        for (const ranges of [[{ offset: 0, length: 10 }], [{ offset: 0 }], [{ offset: -3 }], []]) {
          expect(await codeOf(storage.read(address, ranges, { version: before }))).toBe("SourceChanged");
        }
      });
    });

    it("refuses to write where it only reads", async (test) => {
      await subject.storage.head(await put("there", pattern(3)));
      if (!subject.put) return test.skip();
      expect(await codeOf(storage.write(at("new"), pattern(3)))).toBe("ReadOnly");
      expect(await codeOf(storage.delete([at("there")]))).toBe("ReadOnly");
    });

    describe("writes", () => {
      it("replaces whole objects", async (test) => {
        if (subject.put) return test.skip();
        await storage.write(at("deep/down/object"), pattern(1000));
        const version = await storage.write(at("deep/down/object"), pattern(10, 2));
        expect(version.size).toBe(10);
        const found = await storage.read(at("deep/down/object"), [{ offset: 0 }], { version });
        expect(found.parts[0]).toEqual(pattern(10, 2));
      });

      it("keeps what was written, whatever becomes of the caller's memory", async (test) => {
        if (subject.put) return test.skip();
        // Types keep Buffers out; programs in JavaScript hand them over.
        const bytes = Buffer.from(pattern(100)) as unknown as Uint8Array;
        await storage.write(at("kept"), bytes);
        bytes.fill(0);
        expect(await read(at("kept"), [{ offset: 0 }])).toEqual([pattern(100)]);
      });

      it("creates only where nothing is", async (test) => {
        if (subject.put) return test.skip();
        await storage.write(at("created"), pattern(5), { precondition: "absent" });
        const second = storage.write(at("created"), pattern(6), { precondition: "absent" });
        expect(await codeOf(second)).toBe("PreconditionFailed");
        expect(await read(at("created"), [{ offset: 0 }])).toEqual([pattern(5)]);
      });

      it("replaces only the state that it is told", async (test) => {
        if (subject.put) return test.skip();
        const first = await storage.write(at("swapped"), pattern(5, 1));
        const second = await storage.write(at("swapped"), pattern(5, 2), { precondition: first });
        const late = storage.write(at("swapped"), pattern(5, 3), { precondition: first });
        expect(await codeOf(late)).toBe("PreconditionFailed");
        expect(await read(at("swapped"), [{ offset: 0 }])).toEqual([pattern(5, 2)]);
        const head = await storage.head(at("swapped"));
        await storage.write(at("swapped"), pattern(5, 4), { precondition: head });
        await storage.delete([at("swapped")]);
        const gone = storage.write(at("swapped"), pattern(5, 5), { precondition: second });
        expect(await codeOf(gone)).toBe("PreconditionFailed");
        expect(await codeOf(storage.head(at("swapped")))).toBe("NotFound");
      });

      it("writes at once where nobody looks yet", async (test) => {
        if (subject.put) return test.skip();
        await storage.write(at("deep/fresh"), pattern(70_000), { fresh: true, durable: false });
        expect(await read(at("deep/fresh"), [{ offset: 0 }])).toEqual([pattern(70_000)]);
      });

      it("copies the state that it is told, and no other", async (test) => {
        if (subject.put || storage.copy === undefined) return test.skip();
        const first = await storage.write(at("original"), pattern(10, 1));
        if (!(await storage.copy(at("original"), at("copies/first"), { version: first }))) return test.skip();
        await storage.write(at("original"), pattern(12, 2), { precondition: first });
        expect(await read(at("copies/first"), [{ offset: 0 }])).toEqual([pattern(10, 1)]);
        const second = storage.copy(at("original"), at("copies/second"), { version: first });
        expect(await codeOf(second)).toBe("PreconditionFailed");
        expect(await codeOf(storage.head(at("copies/second")))).toBe("NotFound");
      });

      it("lets one of many writers win each time", async (test) => {
        if (subject.put) return test.skip();
        const created = await Promise.all(
          Array.from({ length: 8 }, (_, i) =>
            codeOf(storage.write(at("contended"), new Uint8Array([i, 0]), { precondition: "absent" })),
          ),
        );
        expect(created.filter((code) => code === undefined)).toHaveLength(1);
        // A counter that every writer raises five times: no raise may be lost.
        await storage.write(at("contended"), new Uint8Array([0]));
        const raise = async (): Promise<void> => {
          for (let done = 0; done < 5; ) {
            const { parts, version } = await storage.read(at("contended"), [{ offset: 0 }]);
            const next = new Uint8Array([(parts[0]?.[0] ?? 0) + 1]);
            const code = await codeOf(storage.write(at("contended"), next, { precondition: version }));
            if (code === undefined) done += 1;
            else expect(code).toBe("PreconditionFailed");
          }
        };
        await Promise.all([raise(), raise(), raise(), raise()]);
        expect(await read(at("contended"), [{ offset: 0 }])).toEqual([new Uint8Array([20])]);
      });
    });

    describe("listing", () => {
      it("finds all objects below a folder, and names in it", async (test) => {
        if (subject.put) return test.skip();
        const names = ["list/a", "list/b/c", "list/b/d/e", "list/f g", "list/%", "list2/x"];
        const escaped = names.map((item) =>
          subject.folder.startsWith("file:") ? item.split("/").map(encodeURIComponent).join("/") : item,
        );
        for (const item of escaped) await storage.write(at(item), pattern(3));
        const found: string[] = [];
        for await (const { address, size } of storage.list(at("list/"))) {
          expect(size).toBe(3);
          found.push(address);
        }
        expect(found.sort()).toEqual(escaped.slice(0, 5).map(at).sort());
        const below: string[] = [];
        for await (const item of namesBelow(storage, at("list/"))) below.push(item);
        expect(below.sort()).toEqual(["%", "a", "b/", "f g"]);
      });

      it("finds nothing where nothing is", async (test) => {
        if (subject.put) return test.skip();
        for await (const found of storage.list(at("nothing-here/"))) expect(found).toBeUndefined();
        for await (const found of namesBelow(storage, at("nothing-here/"))) expect(found).toBeUndefined();
      });
    });

    describe("deletes", () => {
      it("deletes many, and passes over what is not there", async (test) => {
        if (subject.put) return test.skip();
        const addresses = Array.from({ length: 25 }, (_, i) => at(`delete/${i}`));
        for (const address of addresses) await storage.write(address, pattern(3));
        await storage.delete([...addresses.slice(1), at("delete/missing")]);
        const left: string[] = [];
        for await (const { address } of storage.list(at("delete/"))) left.push(address);
        expect(left).toEqual([at("delete/0")]);
        await storage.delete([at("delete/0")]);
        await storage.delete([]);
      });
    });
  });
}
