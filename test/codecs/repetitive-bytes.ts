import fc from "fast-check";
import { concatenateBytes } from "../../src/binary/byte-sequences.ts";

/** Bytes of few and of many values, with repetitions near and far, in parts. */
export const repetitiveParts: fc.Arbitrary<Uint8Array[]> = fc.array(
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc.uint8Array({ minLength: 1, maxLength: 300, max: 3 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 400 }))
      .map(([unit, times]) => concatenateBytes(Array.from({ length: times }, () => unit))),
  ),
  { minLength: 0, maxLength: 12 },
);
