import fc from "fast-check";
import { expect, it } from "vitest";
import { planRanges, rangePolicyOf, splitLength } from "../../src/storage/ranges.ts";

const ranges = fc.array(fc.record({ offset: fc.nat(5000), length: fc.nat(300) }), { maxLength: 60 });
const policies = fc.record({ gap: fc.nat(200), maximum: fc.nat(2000) });

it("serves each range by exactly one request that holds it", () => {
  fc.assert(
    fc.property(ranges, policies, (wanted, policy) => {
      const merged = planRanges(
        wanted.map(({ offset }) => offset),
        wanted.map(({ length }) => length),
        policy,
      );
      const served = merged.flatMap(({ members }) => [...members]).sort((a, b) => a - b);
      expect(served).toEqual(wanted.map((_, index) => index));
      for (const { offset, length, members } of merged) {
        for (const member of members) {
          const range = wanted[member];
          expect(range?.offset).toBeGreaterThanOrEqual(offset);
          expect((range?.offset ?? 0) + (range?.length ?? 0)).toBeLessThanOrEqual(offset + length);
        }
      }
    }),
  );
});

it("keeps merged requests within the limits, reads on over small gaps only, and leaves out nothing that is near", () => {
  fc.assert(
    fc.property(ranges, policies, (wanted, policy) => {
      const merged = planRanges(
        wanted.map(({ offset }) => offset),
        wanted.map(({ length }) => length),
        policy,
      );
      const longest = Math.max(0, ...wanted.map(({ length }) => length));
      for (const [index, { offset, length, members }] of merged.entries()) {
        expect(length).toBeLessThanOrEqual(Math.max(policy.maximum, longest));
        const next = merged[index + 1];
        if (next === undefined) continue;
        const first = wanted[next.members[0] ?? 0];
        const end = (first?.offset ?? 0) + (first?.length ?? 0);
        // Two neighbours are apart because the gap is too wide or the whole would be too long.
        expect(next.offset - (offset + length) > policy.gap || end - offset > policy.maximum).toBe(true);
        expect(members.length).toBeGreaterThan(0);
      }
    }),
  );
});

it("asks once for what lies within a range that is longer than any merged one", () => {
  const merged = planRanges([0, 10, 5000], [10_000, 20, 100], { gap: 0, maximum: 100 });
  expect(merged.map(({ offset, length }) => [offset, length])).toEqual([[0, 10_000]]);
});

it("splits long ranges into pieces that make up the whole", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 2, max: 5000 }), (length, split) => {
      const pieces = splitLength(length, { split });
      expect(pieces.reduce((sum, piece) => sum + piece, 0)).toBe(length);
      expect(Math.min(...pieces)).toBeGreaterThan(0);
      if (length <= split) expect(pieces).toEqual([length]);
      else expect(Math.max(...pieces)).toBeLessThanOrEqual(Math.ceil(split / 2));
    }),
  );
});

it("bridges wider gaps where a request takes longer", () => {
  expect(rangePolicyOf("s3://bucket/key").gap).toBeGreaterThan(rangePolicyOf("file:///key").gap);
});
