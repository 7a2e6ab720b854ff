import { expect, it } from "vitest";
import { formatBytes, formatCount, formatDuration } from "../../src/cli/progress.ts";

it("writes counts with thousands apart", () => {
  expect([0, 7, 999, 1000, 12_345, 1_234_567].map(formatCount)).toEqual([
    "0",
    "7",
    "999",
    "1,000",
    "12,345",
    "1,234,567",
  ]);
});

it("writes sizes and times as people read them", () => {
  expect([0, 1023, 1024, 1536, 5 * 2 ** 30].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "5.0 GiB",
  ]);
  expect([0, 59.4, 200, 7500].map(formatDuration)).toEqual(["0 s", "59 s", "3 min 20 s", "2 h 5 min"]);
});
