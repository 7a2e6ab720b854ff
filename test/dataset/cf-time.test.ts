import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  daysOf,
  GREGORIAN_START,
  instantOf,
  isWholeInstant,
  parseTimeUnits,
  valueAt,
  withoutZone,
} from "../../src/dataset/cf-time.ts";

interface Case {
  readonly calendar: string;
  readonly value: number;
  readonly units: string;
  readonly target: string;
  readonly expected: number;
}
/** Times of every calendar in two units, as cftime converts them (scripts/make-combine-data.py). */
const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("../data/combine/times.json", import.meta.url), "utf8"),
);

function unitsOf(text: string, calendar?: string) {
  const units = parseTimeUnits(text, calendar);
  if (units === undefined) throw new Error(`${text} are no units`);
  return units;
}

describe("times of the CF conventions", () => {
  it("are converted as cftime converts them", () => {
    for (const { calendar, value, units, target, expected } of cases) {
      const instant = instantOf(value, unitsOf(units, calendar)) ?? 0n;
      const found = valueAt(instant, unitsOf(target, calendar), false);
      // Where a double cannot tell the microsecond there is no value; cftime gives the nearest.
      if (found === undefined) expect(Number.isInteger(expected)).toBe(false);
      else expect(Math.abs(Number(found) - expected)).toBeLessThanOrEqual(Math.abs(expected) * 2 ** -51);
    }
    expect(new Set(cases.map(({ calendar }) => calendar)).size).toBe(9);
  });

  it.each([
    ["months since 2000-01-01", "standard"],
    ["years since 2000-01-01", "noleap"],
    ["common_years since 2000-01-01", "noleap"],
    ["days since 2000-02-30", "standard"],
    ["days since 1900-02-29", "proleptic_gregorian"],
    ["days since 2000-02-29", "noleap"],
    ["days since 2000-01-31", "360_day"],
    ["days since yesterday", "standard"],
    ["days since 2000-01-01", "martian"],
  ])("in %s of %s are refused", (units, calendar) => {
    expect(() => parseTimeUnits(units, calendar)).toThrowError(
      expect.objectContaining({ code: "InvalidMetadata" }),
    );
  });

  it("of other units are none", () => {
    expect(parseTimeUnits("degrees_north")).toBeUndefined();
    expect(parseTimeUnits("1")).toBeUndefined();
  });

  it("have time zones in every form of UDUNITS, and can do without", () => {
    const utc = unitsOf("hours since 1992-10-8 21:15:42.5");
    for (const zone of [" -6:00", "-06:00", " -0600", " -6"]) {
      const text = `hours since 1992-10-8 15:15:42.5${zone}`;
      expect(parseTimeUnits(text)).toEqual(utc);
      expect(withoutZone(text)).toBe("hours since 1992-10-8 15:15:42.5");
    }
    expect(withoutZone("days since 2000-01-01")).toBe("days since 2000-01-01");
  });

  it("know the days that their calendar has", () => {
    expect(daysOf("360_day", 2000, 2, 30)).toBe(daysOf("360_day", 2000, 3, 1) - 1);
    expect(daysOf("julian", 1900, 2, 29)).toBe(daysOf("julian", 1900, 3, 1) - 1);
    expect(daysOf("standard", 1582, 10, 15)).toBe(daysOf("standard", 1582, 10, 4) + 1);
    expect(BigInt(daysOf("proleptic_gregorian", 1582, 10, 15)) * 86_400_000_000n).toBe(GREGORIAN_START);
  });

  it("between two microseconds are told apart from the noise of their last bits", () => {
    const hours = unitsOf("hours since 2000-01-01");
    const seconds = unitsOf("seconds since 1970-01-01");
    for (const value of [0.1, 0.1 + 0.2, 1 / 3, 1e6 + 1 / 3, 7, 7n])
      expect(isWholeInstant(value, hours)).toBe(true);
    expect(isWholeInstant(1.000_000_1, seconds)).toBe(false);
    expect(isWholeInstant(1.000_001, seconds)).toBe(true);
    expect(isWholeInstant(Math.fround(0.1), hours, true)).toBe(true);
    expect(isWholeInstant(Math.fround(0.1), hours)).toBe(false);
  });
});
