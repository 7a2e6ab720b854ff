import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { isMoraineError } from "../../../src/errors.ts";
import { groupNodeOf } from "../../../src/manifest/virtual-group.ts";
import { dmrpp } from "../../../src/readers/dmrpp/dmrpp.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { ZarrArray } from "../../../src/zarr/node.ts";
import { walkNodes } from "../../../src/zarr/tree.ts";

const file = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../data/dmrpp/${name}`, import.meta.url)));
const cases = [
  ["archive.nc", file("archive.nc"), new TextDecoder("latin1").decode(file("archive.nc.dmrpp"))],
  ["plain.h5", file("plain.h5"), new TextDecoder("latin1").decode(file("plain.h5.dmrpp"))],
] as const;
/** Pieces of text that mean something to the reader. */
const WORDS = [
  "<",
  ">",
  '"',
  "&",
  "/>",
  "[0,",
  "]",
  "-1",
  "0",
  "99999999999999999999",
  "4294967296",
  "nan",
  "BE",
  'fm="1"',
  "deflate",
  "fletcher32",
  '<Dim size="9"/>',
  "</dmrpp:chunks>",
  "<dmrpp:vlsa>",
  "Float64",
  "=",
  " ",
];

it("a damaged document is refused with a code, or its arrays are readable or faulty", async () => {
  const change = fc.record({ at: fc.nat(10_000), length: fc.nat(12), word: fc.constantFrom(...WORDS) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...cases),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      async ([name, data, document], changes) => {
        let text: string = document;
        for (const { at, length, word } of changes) {
          const start = at % text.length;
          text = text.slice(0, start) + word + text.slice(start + length);
        }
        const storage = new MemoryStorage();
        await storage.write(`memory://${name}`, data);
        await storage.write(
          `memory://${name}.dmrpp`,
          Uint8Array.from(text, (c) => c.charCodeAt(0)),
        );
        try {
          const root = groupNodeOf(await dmrpp.open(`memory://${name}.dmrpp`, storage));
          for await (const { path, node } of walkNodes(root)) {
            if (node.kind !== "array") continue;
            const count = node.metadata.shape.reduce((product, length) => product * length, 1);
            if (count > 10_000) continue;
            const array = new ZarrArray({ metadata: node.metadata, chunks: node.chunks, storage, path });
            const values = await array.readRegion(
              node.metadata.shape.map(() => 0),
              node.metadata.shape,
            );
            expect(values.length).toBeGreaterThanOrEqual(count === 0 ? 0 : 1);
          }
        } catch (error) {
          expect(isMoraineError(error), `${error} in ${text}`).toBe(true);
        }
      },
    ),
    { numRuns: 600 },
  );
});
