import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMoraineError } from "../../../src/errors.ts";
import { classicFiles, openBytes, readClassicFile } from "./classic-files.ts";

const files = classicFiles.filter((name) => !name.endsWith("-empty.nc")).map(readClassicFile);
/** Values that break assumptions: signs, all ones, counts near limits. */
const WORDS = [0, 1, 3, 4, 7, 10, 11, 12, 255, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff];

type Mutation =
  | { readonly at: number; readonly byte: number }
  | { readonly word: number; readonly value: number }
  | { readonly cut: number };

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ at: fc.nat(3000), byte: fc.nat(255) }),
  fc.record({ word: fc.nat(750), value: fc.constantFrom(...WORDS) }),
  fc.record({ cut: fc.nat(3000) }),
);

function mutated(file: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  let bytes = file.slice();
  for (const change of changes) {
    if ("byte" in change) bytes[change.at % bytes.length] = change.byte;
    else if ("word" in change) {
      const at = (change.word * 4) % Math.max(bytes.length - 3, 1);
      if (at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, change.value);
    } else bytes = bytes.slice(0, Math.max(change.cut % bytes.length, 1));
  }
  return bytes;
}

describe("a damaged classic file", () => {
  it("is refused with a code, or all its references lie inside of it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        async (file, changes) => {
          const bytes = mutated(file, changes);
          let group: Awaited<ReturnType<typeof openBytes>>;
          try {
            group = await openBytes(bytes);
          } catch (error) {
            expect(isMoraineError(error), String(error)).toBe(true);
            return;
          }
          for (const child of group.children.values()) {
            if (child.kind !== "array") continue;
            const manifest = await child.manifest?.();
            const count = child.metadata.shape.reduce((product, length) => product * length, 1);
            if (manifest === undefined || manifest.count === 0) continue;
            const size = manifest.lengths.reduce((total, length) => total + length, 0);
            expect(size).toBe(count * child.metadata.fillValue.length);
            for (let entry = 0; entry < manifest.count; entry++) {
              const end = (manifest.offsets[entry] ?? 0) + (manifest.lengths[entry] ?? 0);
              expect(end).toBeLessThanOrEqual(bytes.length);
            }
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});
