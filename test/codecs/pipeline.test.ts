import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { native, useNativeCodecs } from "../../src/codecs/native.ts";
import { nodeDeflate, nodeZstd } from "../../src/codecs/node/zlib.ts";
import { isMoraineError } from "../../src/errors.ts";
import { type EncodedChunk, readChunks } from "./encoded-chunks.ts";

const portable = { ...native };

/** Formats that need not be given back as another encoder wrote them, but must hold the same. */
const LOSSY = /fixedscaleoffset|quantize|bitround/;
const READ_ONLY = /snappy|lzma/;

for (const [platform, compressors] of [
  ["portable", portable],
  ["Node", { deflate: nodeDeflate, zstd: nodeZstd }],
] as const) {
  describe(`chunks of other programs, ${platform} compressors`, () => {
    let chunks: EncodedChunk[] = [];
    beforeAll(async () => {
      useNativeCodecs(compressors);
      chunks = readChunks();
      await Promise.all(chunks.map(({ pipeline }) => pipeline.ready()));
    });

    test("decode to what those programs read", async () => {
      expect(chunks.length).toBeGreaterThan(150);
      for (const { name, pipeline, encoded, expected } of chunks) {
        expect(pipeline.decode(encoded), name).toEqual(expected);
        expect(await pipeline.decodeAsync(encoded), `${name}, async`).toEqual(expected);
      }
    });

    test("are never changed by decoding", () => {
      for (const { name, pipeline, encoded } of chunks) {
        const before = encoded.slice();
        pipeline.decode(encoded);
        expect(encoded, name).toEqual(before);
      }
    });

    test("are encoded to the same bytes where only those are right", () => {
      const exact = chunks.filter(({ isExact }) => isExact);
      expect(exact.length).toBeGreaterThan(80);
      for (const { name, pipeline, encoded, expected } of exact) {
        expect(pipeline.encode(expected), name).toEqual(encoded);
      }
    });

    test("come back from being encoded and decoded", async () => {
      for (const { name, pipeline, expected } of chunks) {
        if (READ_ONLY.test(name)) continue;
        const encoded = pipeline.encode(expected);
        if (LOSSY.test(name)) expect(pipeline.decode(encoded), name).toHaveLength(expected.length);
        else expect(pipeline.decode(encoded), name).toEqual(expected);
        expect(await pipeline.encodeAsync(expected), `${name}, async`).toEqual(encoded);
      }
    });

    test("that are cut off or lengthened are refused", () => {
      for (const { name, pipeline, encoded, expected } of chunks) {
        for (const length of [0, 1, encoded.length >> 1, encoded.length - 1]) {
          expect(() => pipeline.decode(encoded.subarray(0, length)), `${name}, ${length}`).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/Corrupt|Checksum|Unsupported/) }),
          );
        }
        const longer = new Uint8Array(encoded.length + 3).fill(0x5a);
        longer.set(encoded);
        const result = outcome(() => pipeline.decode(longer));
        // What follows a zlib stream changes nothing: HDF5 tolerates it too.
        if (!result.error) expect(result.value, name).toEqual(expected);
      }
    });

    test("with wrong bytes give an error or elements, and nothing wrong where a checksum covers them", () => {
      const position = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
      const flips = fc.array(fc.tuple(position, fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 3,
      });
      for (const { name, pipeline, encoded, expected, isChecked } of chunks) {
        if (encoded.length === 0) continue;
        fc.assert(
          fc.property(flips, (changes) => {
            const bytes = encoded.slice();
            for (const [where, mask] of changes) {
              const at = Math.floor(where * bytes.length);
              bytes[at] = (bytes[at] ?? 0) ^ mask;
            }
            const { error, value } = outcome(() => pipeline.decode(bytes));
            if (error !== undefined) expect(isMoraineError(error), `${name}: ${String(error)}`).toBe(true);
            else if (isChecked) expect(value, name).toEqual(expected);
            else expect(value, name).toHaveLength(expected.length);
          }),
          { numRuns: 25, seed: 7 },
        );
        // A decoder that was given bad bytes still decodes good ones.
        expect(pipeline.decode(encoded), name).toEqual(expected);
      }
    });
  });
}

function outcome<T>(work: () => T): { readonly error?: unknown; readonly value?: T } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
