import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { concatenateBytes } from "../../src/binary/byte-sequences.ts";
import { parseJson } from "../../src/binary/json.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { loadZstd, wasmZstd } from "../../src/codecs/wasm-zstd.ts";
import { decodeZstdFrame } from "../../src/codecs/zstd-decoder.ts";
import { SOURCE } from "../../src/codecs/zstd-decoder-module.ts";
import { splitFrames } from "../../src/codecs/zstd-frames.ts";
import { isMoraineError } from "../../src/errors.ts";
import { repetitiveParts } from "./repetitive-bytes.ts";

let library: Awaited<ReturnType<typeof loadZstd>>;
beforeAll(async () => {
  library = await loadZstd();
});

interface Sample {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly length: number;
  readonly sha256: string;
  readonly isRefused: boolean;
}

/** Frames that libzstd wrote, see scripts/make-zstd-data.py. */
const samples: readonly Sample[] = (() => {
  const list = parseJson(readFileSync(new URL("../data/zstd/frames.json", import.meta.url), "utf8"));
  return (Array.isArray(list) ? list : []).map((entry): Sample => {
    const { name, frame, length, sha256, refused } = Object(entry);
    return {
      name: String(name),
      frame: new Uint8Array(Buffer.from(String(frame), "base64")),
      length: Number(length),
      sha256: String(sha256),
      isRefused: refused === true,
    };
  });
})();
const whole = samples.filter(({ isRefused }) => !isRefused);
const single = whole.filter(({ frame }) => splitFrames(frame).length === 1);

const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(new Uint8Array(bytes)).digest("hex");

/** A copy of the content, or the code of the error. */
function decoded(frame: Uint8Array, maximum: number): Uint8Array | string {
  try {
    return decodeZstdFrame(frame, maximum)?.slice() ?? "no decoder";
  } catch (error) {
    if (isMoraineError(error, "CorruptChunk", "ChecksumMismatch")) return error.code;
    throw error;
  }
}

function byLibrary(frame: Uint8Array, maximum: number): Uint8Array | undefined {
  try {
    return library.decompress(frame, { defaultHeapSize: maximum });
  } catch {
    return undefined;
  }
}

const content = repetitiveParts.chain((parts) =>
  fc
    .array(fc.nat(Math.max(parts.length - 1, 0)), { maxLength: parts.length })
    .map((again) => concatenateBytes([...parts, ...again.map((at) => parts[at] ?? new Uint8Array(0))])),
);

describe("zstd's frames by WebAssembly", () => {
  it("are decoded by what the source that is here was compiled to", () => {
    const folder = new URL("../../wasm/", import.meta.url);
    const parts = readdirSync(new URL("zstd/", folder)).map((name) => `zstd/${name}`);
    const hash = createHash("sha256");
    for (const name of ["zstd.ts", ...parts.sort()]) hash.update(readFileSync(new URL(name, folder), "utf8"));
    expect(hash.digest("hex")).toBe(SOURCE);
  });

  it("hold what libzstd wrote into them", () => {
    expect(samples.length).toBeGreaterThan(170);
    for (const { name, frame, length, sha256: expected } of whole) {
      const target = new Uint8Array(length);
      expect(wasmZstd.decompressInto?.(frame, target), name).toBe(true);
      expect(sha256(target), name).toBe(expected);
      expect(sha256(wasmZstd.decompress(frame, length)), name).toBe(expected);
      expect(sha256(wasmZstd.decompress(frame, length + 100_000)), name).toBe(expected);
    }
  });

  it("are refused where they hold more or less than they should", () => {
    const refused = expect.objectContaining({ code: "CorruptChunk" });
    for (const { name, frame, length } of whole) {
      if (length > 0) expect(() => wasmZstd.decompress(frame, length - 1), name).toThrow(refused);
      for (const size of [length - 1, length + 1].filter((size) => size >= 0)) {
        expect(() => wasmZstd.decompressInto?.(frame, new Uint8Array(size)), name).toThrow(refused);
      }
    }
  });

  it("are refused where they need a dictionary", () => {
    const bound = samples.filter(({ isRefused }) => isRefused);
    expect(bound).toHaveLength(1);
    for (const { frame, length } of bound) expect(decoded(frame, length)).toBe("CorruptChunk");
  });

  it("are refused cut off, though what was cut off still lies behind in memory", () => {
    for (const { name, frame, length } of single) {
      for (const cut of [1, 2, 3, 4, 5, 8, 16, frame.length >> 1]) {
        if (cut >= frame.length) continue;
        expect(decoded(frame, length), name).toHaveLength(length);
        expect(decoded(frame.subarray(0, frame.length - cut), length), `${name}, ${cut}`).toBe(
          "CorruptChunk",
        );
      }
    }
  });

  it("tell a wrong checksum from what does not decode", () => {
    const checked = single.filter(({ frame }) => ((frame[4] ?? 0) & 4) !== 0);
    expect(checked.length).toBeGreaterThan(50);
    for (const { name, frame, length } of checked) {
      const damaged = frame.slice();
      damaged[frame.length - 2] = (damaged[frame.length - 2] ?? 0) ^ 0x10;
      expect(decoded(damaged, length), name).toBe("ChecksumMismatch");
    }
  });

  it("come back from the library, whatever its level", () => {
    fc.assert(
      fc.property(content, fc.integer({ min: -20, max: 19 }), fc.boolean(), (bytes, level, checksum) => {
        const found = decoded(wasmZstd.compress(bytes, level, checksum), bytes.length);
        expect(found instanceof Uint8Array && Buffer.compare(found, bytes)).toBe(0);
      }),
      { numRuns: 600 },
    );
  });

  it("are refused where the library refuses them, and hold what it reads elsewhere", () => {
    const small = single.filter(({ length }) => length < 20_000);
    const change = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 128, 255)));
    const counts = { decoded: 0, refused: 0, refusedHere: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...small),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.constantFrom(-1, 0, 0, 0, 1, 100_000),
        ({ frame, length }, changes, isNearStart, more) => {
          // Without the checksum, which would refuse nearly all.
          const hasChecksum = ((frame[4] ?? 0) & 4) !== 0;
          const damaged = frame.slice(0, hasChecksum ? -4 : undefined);
          damaged[4] = (damaged[4] ?? 0) & ~4;
          for (const [at, byte] of changes) damaged[at % (isNearStart ? 24 : damaged.length)] = byte;
          const maximum = Math.max(length + more, 0);
          const found = decoded(damaged, maximum);
          const right = byLibrary(damaged, maximum);
          if (found instanceof Uint8Array) {
            counts.decoded += 1;
            expect(right && Buffer.compare(right, found)).toBe(0);
          } else if (right === undefined || right.length > maximum) counts.refused += 1;
          // The library does not look whether streams of literals end where they should, nor how large blocks are.
          else counts.refusedHere += 1;
        },
      ),
      { numRuns: 20_000 },
    );
    expect(counts.decoded).toBeGreaterThan(1000);
    expect(counts.refused).toBeGreaterThan(1000);
    expect(counts.refusedHere).toBeLessThan(100);
  });

  it("may be large, and small ones still decode behind them", () => {
    const large = new Uint8Array(20_000_000).map((_, at) => at >> 12);
    const frame = wasmZstd.compress(large, 1, true);
    const [first] = single;
    for (let round = 0; round < 2; round++) {
      const found = decoded(frame, large.length);
      expect(found instanceof Uint8Array && Buffer.compare(found, large)).toBe(0);
      // Memory for so much is not kept.
      for (const maximum of [300_000_000, first?.length ?? -1]) {
        expect(first && decoded(first.frame, maximum)).toHaveLength(first?.length ?? -1);
      }
    }
  });

  it("are decoded into the memory of chunks, each by itself", () => {
    const pipeline = createPipeline(
      [{ name: "bytes", configuration: { endian: "little" } }, { name: "zstd" }],
      {
        shape: [500],
        dataType: { name: "int32" },
        fillValue: new Uint8Array(4),
      },
    );
    const chunks = [1, 2, 3].map((seed) => {
      const bytes = Uint8Array.from({ length: 2000 }, (_, at) => (at * seed) >> 3);
      const encoded = wasmZstd.compress(bytes, 3, false);
      const target = new Uint8Array(2000);
      return {
        bytes,
        encoded,
        target,
        plain: pipeline.decode(encoded),
        placed: pipeline.decode(encoded, { target }),
      };
    });
    for (const { bytes, target, plain, placed } of chunks) {
      expect(placed).toBe(target);
      expect(target).toEqual(bytes);
      expect(plain).toEqual(bytes);
    }
  });
});
