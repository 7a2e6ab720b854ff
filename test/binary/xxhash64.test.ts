import { expect, it } from "vitest";
import { xxhash64 } from "../../src/binary/xxhash64.ts";

/** What the reference library (xxhash 0.8) computes of the first bytes of a pattern. */
const EXPECTED: readonly (readonly [length: number, hash: string])[] = [
  [0, "ef46db3751d8e999"],
  [1, "e934a84adb052768"],
  [31, "0f187c62b1e722b7"],
  [32, "91b0cb0931a8c629"],
  [100, "8e2272c08247d5db"],
  [300_001, "d3580cf45d6f5760"],
];

it("gives the hashes of the reference library, before and after its loop is compiled", () => {
  // From an odd place on, as parts of larger files are.
  const bytes = Uint8Array.from({ length: 300_002 }, (_, i) => ((i - 1) * 7 + ((i - 1) >> 8)) & 255);
  for (let round = 0; round < 3; round++) {
    for (const [length, hash] of EXPECTED) {
      const found = xxhash64(bytes.subarray(1, 1 + length));
      expect(found.toString(16).padStart(16, "0")).toBe(hash);
    }
  }
});
