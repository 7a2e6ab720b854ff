import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMoraineError } from "../../../src/errors.ts";
import { parseParquetRecords } from "../../../src/manifest/kerchunk/parquet-records.ts";
import { kerchunkJson } from "../../../src/readers/kerchunk/kerchunk-json.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";

const file = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../data/kerchunk/${name}`, import.meta.url)));
const documents = ["version-0.json", "templates.json", "zarr-3.json"].map(file);
const records = file("set.parquet/a/refs.0.parq");
/** Pieces of text that mean something to the parser. */
const WORDS = [
  "null",
  "[]",
  "{}",
  '""',
  "-1",
  "1e99",
  "NaN",
  '"base64:%"',
  "{{",
  "}}",
  '"refs"',
  '"gen"',
  ",",
  "/",
];

describe("a damaged set of references", () => {
  it("is refused with a code, or its arrays are usable or faulty", async () => {
    const change = fc.record({ at: fc.nat(2000), length: fc.nat(12), word: fc.constantFrom(...WORDS) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...documents),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (document, changes) => {
          let text = new TextDecoder().decode(document);
          for (const { at, length, word } of changes) {
            const start = at % text.length;
            text = text.slice(0, start) + word + text.slice(start + length);
          }
          const storage = new MemoryStorage();
          await storage.write("memory://references", new TextEncoder().encode(text));
          try {
            const group = await kerchunkJson.open("memory://references", storage);
            for (const child of group.children.values()) {
              if (child.kind === "array")
                await child.chunks.locate(new Uint32Array(child.metadata.shape.length), 1);
            }
          } catch (error) {
            expect(isMoraineError(error), `${error} in ${text}`).toBe(true);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("in Parquet is refused with a code, or read", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ at: fc.nat(5000), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const bytes = records.slice();
          for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
          try {
            await parseParquetRecords(bytes, "memory://records");
          } catch (error) {
            expect(isMoraineError(error), String(error)).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
