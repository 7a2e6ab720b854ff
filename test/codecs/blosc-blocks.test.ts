import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatenateBytes } from "../../src/binary/byte-sequences.ts";
import { type BlockDecoder, blockDecoder } from "../../src/codecs/blosc/block-decoder.ts";
import { SOURCE } from "../../src/codecs/blosc/block-module.ts";
import { decodeLz4Block, encodeLz4Block } from "../../src/codecs/lz/lz4-block.ts";
import { shuffle, unshuffle } from "../../src/codecs/shuffle.ts";

const decodeBlock: BlockDecoder = blockDecoder() ?? (() => false);

/** Bytes with repetitions near and far, so that matches of all distances and lengths come about. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 40 }))
        .map(([unit, times]) => concatenateBytes(Array.from({ length: times }, () => unit))),
    ),
    { minLength: 1, maxLength: 20 },
  )
  .map(concatenateBytes);

function withLength(stream: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setInt32(0, stream.length, true);
  return concatenateBytes([length, stream]);
}

/** The streams of a block, one behind the other; stored as they are where that is shorter. */
function encoded(plain: Uint8Array, streams: number): Uint8Array {
  const part = plain.length / streams;
  const each = Array.from({ length: streams }, (_, at) => plain.subarray(at * part, (at + 1) * part));
  return concatenateBytes(
    each.map((bytes) => {
      const stream = encodeLz4Block(bytes);
      return withLength(stream.length < bytes.length ? stream : bytes);
    }),
  );
}

describe("blocks of Blosc by WebAssembly", () => {
  it("are decoded by what the source that is here was compiled to", () => {
    const source = readFileSync(new URL("../../wasm/blosc-block.ts", import.meta.url), "utf8");
    expect(createHash("sha256").update(source).digest("hex")).toBe(SOURCE);
    expect(blockDecoder()).toBeDefined();
  });

  it("come back, in one stream or in several, shuffled or not", () => {
    fc.assert(
      fc.property(content, fc.constantFrom(1, 2, 4, 8), fc.boolean(), (bytes, typeSize, isSplit) => {
        const streams = isSplit ? typeSize : 1;
        const elements = bytes.subarray(0, bytes.length - (bytes.length % streams));
        if (elements.length === 0) return;
        const target = new Uint8Array(elements.length);
        expect(decodeBlock(encoded(shuffle(elements, typeSize), streams), streams, typeSize, target)).toBe(
          true,
        );
        expect(target).toEqual(elements);
      }),
      { numRuns: 500 },
    );
  });

  it("are put together as the loop does it, whatever their size", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 700 }),
        fc.constantFrom(2, 4, 8),
        (bytes, typeSize) => {
          const target = new Uint8Array(bytes.length);
          expect(decodeBlock(withLength(bytes), 1, typeSize, target)).toBe(true);
          expect(target).toEqual(bytes.length < 2 * typeSize ? bytes : unshuffle(bytes, typeSize));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("are refused where the loop refuses them, and else the same", () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    let refused = 0;
    fc.assert(
      fc.property(
        content,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: -3, max: 3 }),
        (bytes, changes, more) => {
          const block = encodeLz4Block(bytes);
          for (const [at, byte] of changes) block[at % block.length] = byte;
          const [target, expected] = [0, 1].map(() => new Uint8Array(Math.max(bytes.length + more, 1)));
          // A stream as long as what it holds is stored as it is.
          if (block.length === expected?.length) return;
          let isRight = true;
          try {
            decodeLz4Block(block, expected ?? new Uint8Array());
          } catch {
            isRight = false;
            refused += 1;
          }
          expect(decodeBlock(withLength(block), 1, 1, target ?? new Uint8Array())).toBe(isRight);
          if (isRight) expect(target).toEqual(expected);
        },
      ),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it("that are cut off, too long or too large are left to the loop", () => {
    const target = new Uint8Array(8);
    const block = withLength(new Uint8Array(8).fill(1));
    expect(decodeBlock(block, 1, 1, target)).toBe(true);
    for (let length = 0; length < block.length; length++) {
      expect(decodeBlock(block.subarray(0, length), 1, 1, target)).toBe(false);
    }
    expect(decodeBlock(withLength(new Uint8Array(0)), 1, 1, target)).toBe(false);
    expect(decodeBlock(block, 1, 1, new Uint8Array(2 ** 20 + 1))).toBe(false);
  });
});
