import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { constants, deflateSync, inflateSync, type ZlibOptions } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatenateBytes } from "../../src/binary/byte-sequences.ts";
import { SOURCE } from "../../src/codecs/inflate-module.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { shuffle } from "../../src/codecs/shuffle.ts";
import { inflateZlib } from "../../src/codecs/zlib-inflater.ts";
import { repetitiveParts } from "./repetitive-bytes.ts";

const content = repetitiveParts.map(concatenateBytes);

const options: fc.Arbitrary<ZlibOptions> = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

function inflated(bytes: Uint8Array, size: number): Uint8Array | undefined {
  const target = new Uint8Array(size);
  return inflateZlib(bytes, target) ? target : undefined;
}

describe("zlib's streams by WebAssembly", () => {
  it("are decoded by what the source that is here was compiled to", () => {
    const source = readFileSync(new URL("../../wasm/inflate.ts", import.meta.url), "utf8");
    expect(createHash("sha256").update(source).digest("hex")).toBe(SOURCE);
  });

  it("come back from zlib, whatever its settings", () => {
    fc.assert(
      fc.property(content, options, (bytes, settings) => {
        const found = inflated(new Uint8Array(deflateSync(bytes, settings)), bytes.length);
        expect(found && Buffer.compare(found, bytes)).toBe(0);
      }),
      { numRuns: 600 },
    );
  });

  it("come back where they are large, with codes of all lengths", () => {
    let state = 1;
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, at) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      // Some values are thousands of times as frequent as others.
      return at % 70_000 < 60_000 ? Math.clz32(state) * 8 + ((state >> 3) & 7) : at >> 9;
    });
    for (const level of [0, 1, 6, 9]) {
      const found = inflated(new Uint8Array(deflateSync(bytes, { level })), bytes.length);
      expect(found && Buffer.compare(found, bytes)).toBe(0);
    }
  });

  it("are told as not decoded where zlib refuses them, or they have another size", () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    let decoded = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        content,
        options,
        fc.array(change, { maxLength: 2 }),
        fc.nat(20),
        fc.integer({ min: -2, max: 2 }),
        (bytes, settings, changes, cut, more) => {
          let stream = new Uint8Array(deflateSync(bytes, settings));
          for (const [at, byte] of changes) stream[at % stream.length] = byte;
          if (cut < 5) stream = stream.slice(0, stream.length - cut);
          const size = Math.max(bytes.length + (cut > 15 ? more : 0), 0);
          const found = inflated(stream, size);
          let right: Buffer | undefined;
          try {
            right = inflateSync(stream, { maxOutputLength: Math.max(size, 1) });
          } catch {
            // As it must be where nothing was found.
          }
          if (found) {
            decoded += 1;
            expect(right && Buffer.compare(new Uint8Array(right), found)).toBe(0);
          } else {
            refused += 1;
            expect(right === undefined || right.length !== size).toBe(true);
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(decoded).toBeGreaterThan(300);
    expect(refused).toBeGreaterThan(300);
  });

  it("are decoded before they are unshuffled, chunk after chunk, each by itself", () => {
    const pipeline = createPipeline(
      [
        { name: "bytes", configuration: { endian: "little" } },
        { name: "numcodecs.shuffle", configuration: { elementsize: 4 } },
        { name: "numcodecs.zlib", configuration: { level: 1 } },
      ],
      { shape: [500], dataType: { name: "int32" }, fillValue: new Uint8Array(4) },
    );
    const chunks = [1, 2, 3].map((seed) => {
      const bytes = Uint8Array.from({ length: 2000 }, (_, at) => (at * seed) >> 3);
      const target = new Uint8Array(2000);
      const encoded = new Uint8Array(deflateSync(shuffle(bytes, 4)));
      return { bytes, target, decoded: pipeline.decode(encoded, { target }), encoded };
    });
    for (const { bytes, target, decoded, encoded } of chunks) {
      expect(decoded).toBe(target);
      expect(target).toEqual(bytes);
      expect(pipeline.decode(encoded)).toEqual(bytes);
      expect(() => pipeline.decode(encoded.subarray(0, 20), { target })).toThrow(
        expect.objectContaining({ code: "CorruptChunk" }),
      );
    }
  });
});
