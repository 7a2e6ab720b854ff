import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestSource } from "../../../src/dataset/digest.ts";
import { openSource } from "../../../src/dataset/open.ts";
import { isMoraineError } from "../../../src/errors.ts";
import { parsePythonLiteral } from "../../../src/readers/npy/python-literal.ts";
import "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";

interface Expected {
  readonly files: readonly { name: string; shape: number[]; digest: string; file: string }[];
  readonly refused: readonly { name: string; file: string }[];
  readonly large: readonly { name: string; digest: string; sha256: string }[];
}

const expected = JSON.parse(
  readFileSync(new URL("../../data/npy/arrays.json", import.meta.url), "utf8"),
) as Expected;
const storage = new StorageRouter();
let files = 0;

async function store(bytes: Uint8Array): Promise<string> {
  const address = `memory://npy/${++files}.npy`;
  await storage.write(address, bytes);
  return address;
}

async function digest(bytes: Uint8Array): Promise<unknown> {
  const source = await openSource(await store(bytes));
  for await (const row of digestSource(source)) return row;
  return undefined;
}

describe("an array of NumPy", () => {
  it.each(expected.files)(
    "has the values that NumPy wrote: $name",
    async ({ shape, digest: bytes, file }) => {
      expect(await digest(new Uint8Array(Buffer.from(file, "base64")))).toMatchObject({
        path: "/",
        shape,
        value: { bytes },
      });
    },
  );

  it.each(expected.large)(
    "is cut into chunks where it is large: order $name",
    async ({ name, digest: bytes, sha256 }) => {
      const shape = [6, 500, 500];
      const order = name === "F" ? "True" : "False";
      const text = `{'descr': '<f4', 'fortran_order': ${order}, 'shape': (6, 500, 500), }`;
      const file = new Uint8Array(128 + 4 * 1_500_000).fill(0x20, 0, 128);
      file.set([0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0, ...Buffer.from(text)]);
      file[127] = 0x0a;
      const values = new Float32Array(file.buffer, 128);
      for (let i = 0; i < values.length; i++) {
        const [a, b, c] = name === "F" ? [i % 6, Math.floor(i / 6) % 500, Math.floor(i / 3000)] : [0, 0, i];
        values[i] = (a * 500 + b) * 500 + c;
      }
      expect(createHash("sha256").update(file).digest("hex")).toBe(sha256);
      expect(await digest(file)).toMatchObject({ shape, value: { bytes } });
      const { root } = await openSource(await store(file));
      const manifest = root.kind === "array" ? await root.manifest?.() : undefined;
      expect(manifest?.count).toBe(2);
    },
  );

  it.each(expected.refused)("is refused where Zarr has no such type: $name", async ({ file }) => {
    await expect(openSource(await store(new Uint8Array(Buffer.from(file, "base64"))))).rejects.toMatchObject({
      code: "UnsupportedDataType",
      source: expect.stringContaining(".npy"),
    });
  });

  it("is refused with a code where it is cut off or damaged, or has values", async () => {
    const [{ file } = { file: "" }] = expected.files.filter(({ name }) => name === "mixed record");
    const whole = new Uint8Array(Buffer.from(file, "base64"));
    await expect(openSource(await store(whole.subarray(0, whole.length - 1)))).rejects.toMatchObject({
      code: "TruncatedFile",
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const damaged = Uint8Array.from(whole);
          for (const [at, byte] of changes) damaged[at] = byte;
          try {
            const { root } = await openSource(await store(damaged));
            if (root.kind === "array") await root.manifest?.();
          } catch (error) {
            if (!isMoraineError(error)) throw error;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("literals of Python", () => {
  it("are read with their escapes, and those of Python 2 too", () => {
    expect(
      parsePythonLiteral(" {'a': (1, -2L,), u'b': [True, False, None], \"c'\": ((3)), 'd': ()} "),
    ).toEqual({
      a: [1, -2],
      b: [true, false, null],
      "c'": 3,
      d: [],
    });
    expect(parsePythonLiteral(String.raw`'\'\\\x41\u00e4\U0001d11e'`)).toBe("'\\Aä𝄞");
  });

  it.each([
    "",
    "{",
    "{'a' 1}",
    "{1: 2}",
    "(1 2)",
    "'a",
    "1.5",
    "abc",
    "1 2",
    "'\\q'",
    "(".repeat(100),
    "'\\U00110000'",
  ])("are refused where they are none: %s", (text) => {
    expect(() => parsePythonLiteral(text)).toThrow(expect.objectContaining({ code: "CorruptFile" }));
  });
});
