import { describe, expect, it } from "vitest";
import { joinedBytes, type Segment, Segments } from "../../../src/readers/hdf5/segments.ts";

const MIB = 1024 * 1024;

function segment(start: number, end: number, bytes: Uint8Array | undefined): Segment {
  return { start, end, bytes, ready: Promise.resolve() };
}

describe("the segments that are remembered", () => {
  it("are forgotten beyond 64 MiB, the least recently used first", () => {
    const segments = new Segments();
    const at = (index: number) => segments.view(index * 16 * MIB, 1) !== undefined;
    for (let index = 0; index < 4; index++) {
      segments.insert(segment(index * 16 * MIB, (index + 1) * 16 * MIB, new Uint8Array(1)));
    }
    expect([0, 1, 2, 3].map(at)).toEqual([true, true, true, true]);
    expect(at(0)).toBe(true);
    segments.insert(segment(100 * MIB, 101 * MIB, new Uint8Array(1)));
    expect([0, 1, 2, 3].map(at)).toEqual([true, false, true, true]);
  });

  it("stay while they are on their way", () => {
    const segments = new Segments();
    segments.insert(segment(0, 64 * MIB, undefined));
    segments.insert(segment(64 * MIB, 128 * MIB, new Uint8Array(1)));
    expect(segments.cover(0, 64 * MIB)).toBe(true);
    expect(segments.cover(0, 65 * MIB)).toBe(false);
  });

  it("give ranges across each other", () => {
    const parts = [segment(0, 4, new Uint8Array([0, 1, 2, 3])), segment(4, 6, new Uint8Array([4, 5]))];
    expect([...joinedBytes(parts, 2, 3)]).toEqual([2, 3, 4]);
    expect([...joinedBytes(parts.slice(0, 1), 1, 2)]).toEqual([1, 2]);
  });
});
