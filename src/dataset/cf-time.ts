/**
 * Time coordinates by the CF conventions 1.11, section 4.4: numbers with units such as
 * `days since 2000-01-01` in a calendar. Instants are whole microseconds, as `bigint`.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";

/** Calendars of the convention, under one name each. */
export type Calendar = "standard" | "proleptic_gregorian" | "julian" | "noleap" | "all_leap" | "360_day";

/** Units of a time coordinate. */
export interface TimeUnits {
  readonly calendar: Calendar;
  /** Microseconds of one unit. */
  readonly unit: bigint;
  /** The reference time, in microseconds since year 0 of the calendar (see {@link instantOf}). */
  readonly epoch: bigint;
}

const CALENDARS: Readonly<Record<string, Calendar>> = {
  "360_day": "360_day",
  "365_day": "noleap",
  "366_day": "all_leap",
  all_leap: "all_leap",
  gregorian: "standard",
  julian: "julian",
  noleap: "noleap",
  proleptic_gregorian: "proleptic_gregorian",
  standard: "standard",
};

const DAY = 86_400_000_000n;

/** Microseconds of a unit by its names (UDUNITS). Months and years are not of one length and are refused. */
const UNITS: readonly (readonly [RegExp, bigint])[] = [
  [/^(microseconds?|microsecs?|us|µs)$/, 1n],
  [/^(milliseconds?|millisecs?|msecs?|ms)$/, 1000n],
  [/^(seconds?|secs?|s)$/, 1_000_000n],
  [/^(minutes?|mins?)$/, 60_000_000n],
  [/^(hours?|hrs?|hr|h)$/, 3_600_000_000n],
  [/^(days?|d)$/, DAY],
  [/^weeks?$/, 7n * DAY],
];

const MONTH_STARTS = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/**
 * Parses `units` and `calendar` attributes; undefined where the units are none of time.
 *
 * Errors: `InvalidMetadata` for units of time that cannot be used exactly (months, years, unknown calendars).
 */
export function parseTimeUnits(units: string, calendar = "standard"): TimeUnits | undefined {
  const match = /^\s*([A-Za-zµ_]+)\s+since\s+(.+?)\s*$/i.exec(units);
  if (!match) return undefined;
  const [, name = "", reference = ""] = match;
  const known = calendarNamed(calendar);
  if (known === undefined) {
    throw new MoraineError("InvalidMetadata", `the calendar "${calendar}" is none of CF's`);
  }
  const unit = UNITS.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1];
  if (unit === undefined) {
    throw new MoraineError("InvalidMetadata", `"${units}": ${name} is not a unit of fixed length`);
  }
  return { calendar: known, unit, epoch: parseReference(reference, known, units) };
}

/** The calendar of a name, in whatever case; undefined for none of CF's. */
export function calendarNamed(name: string): Calendar | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(CALENDARS, key) ? CALENDARS[key] : undefined;
}

/** `1970-01-01T00:00:00.5Z`, with a blank or `T`, zone offsets, any of the parts after the date left out. */
function parseReference(text: string, calendar: Calendar, units: string): bigint {
  const match =
    /^([+-]?\d{1,6})-(\d{1,2})(?:-(\d{1,2}))?(?:[T ]\s*(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?)?\s*(Z|UTC|GMT|[+-]\d{1,2}:?(?:\d\d)?)?$/i.exec(
      text,
    );
  if (!match) throw new MoraineError("InvalidMetadata", `"${units}" has no reference time that can be read`);
  const [
    ,
    year = "0",
    month = "1",
    day = "1",
    hour = "0",
    minute = "0",
    second = "0",
    fraction = "",
    zone = "",
  ] = match;
  const time =
    BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1_000_000n +
    BigInt(fraction.padEnd(6, "0").slice(0, 6) || "0");
  const days = daysOf(calendar, Number(year), Number(month), Number(day));
  return BigInt(days) * DAY + time - zoneOffset(zone);
}

/** Units with the same reference time in UTC. */
export function withoutZone(units: string): string {
  return units.replace(
    /(\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d*)?)?)\s*(?:Z|UTC|GMT|[+-]\d{1,2}:?(?:\d\d)?)\s*$/i,
    "$1",
  );
}

function zoneOffset(zone: string): bigint {
  const match = /^([+-])(\d{1,2}):?(\d\d)?$/.exec(zone);
  if (!match) return 0n;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return BigInt(match[1] === "-" ? -minutes : minutes) * 60_000_000n;
}

/**
 * Days from the start of year 0 of the calendar to a date.
 *
 * Errors: `InvalidMetadata` for a date that the calendar has not.
 */
export function daysOf(calendar: Calendar, year: number, month: number, day: number): number {
  if (!hasDate(calendar, year, month, day)) {
    throw new MoraineError(
      "InvalidMetadata",
      `${year}-${month}-${day} is no date of the calendar ${calendar}`,
    );
  }
  const dayOfYear = (leap: boolean) => (MONTH_STARTS[month - 1] ?? 0) + (leap && month > 2 ? 1 : 0) + day - 1;
  switch (calendar) {
    case "360_day":
      return year * 360 + (month - 1) * 30 + day - 1;
    case "noleap":
      return year * 365 + dayOfYear(false);
    case "all_leap":
      return year * 366 + dayOfYear(true);
    case "julian":
      return julianDays(year, dayOfYear(modulo(year, 4) === 0));
    case "proleptic_gregorian":
      return gregorianDays(year, dayOfYear(isGregorianLeap(year)));
    case "standard": {
      // Julian before 1582-10-15, Gregorian from then on; day numbers run on without a gap.
      const gregorian = year > 1582 || (year === 1582 && (month > 10 || (month === 10 && day >= 15)));
      if (gregorian) return gregorianDays(year, dayOfYear(isGregorianLeap(year)));
      return julianDays(year, dayOfYear(modulo(year, 4) === 0)) + JULIAN_SHIFT;
    }
  }
}

/** Whether a calendar has a date. */
export function hasDate(calendar: Calendar, year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= monthLength(calendar, year, month);
}

function monthLength(calendar: Calendar, year: number, month: number): number {
  if (calendar === "360_day") return 30;
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  const julian = calendar === "julian" || (calendar === "standard" && year <= 1582);
  const leap =
    calendar === "all_leap" ||
    (calendar !== "noleap" && (julian ? modulo(year, 4) === 0 : isGregorianLeap(year)));
  return leap ? 29 : 28;
}

/** From here on (1582-10-15) the standard calendar is the proleptic Gregorian one; see {@link instantOf}. */
export const GREGORIAN_START: bigint = 578_101n * 86_400_000_000n;

/** Gregorian day number minus Julian day number of the same instant, with both counted from their own year 0. */
const JULIAN_SHIFT = -2;

function gregorianDays(year: number, dayOfYear: number): number {
  const before = year - 1;
  return (
    year * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) + 1 + dayOfYear
  );
}

function julianDays(year: number, dayOfYear: number): number {
  return year * 365 + Math.floor((year - 1) / 4) + 1 + dayOfYear;
}

function isGregorianLeap(year: number): boolean {
  return modulo(year, 4) === 0 && (modulo(year, 100) !== 0 || modulo(year, 400) === 0);
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

/**
 * The instant of a coordinate value, to the nearest microsecond, since the start of year 0 of its calendar; undefined
 * where it is no number.
 */
export function instantOf(value: number | bigint, units: TimeUnits): bigint | undefined {
  if (typeof value === "bigint") return units.epoch + value * units.unit;
  if (!Number.isFinite(value)) return undefined;
  const whole = Math.trunc(value);
  // The fraction of a day is split off first: a double of microseconds would lose what days can still tell.
  const micro = (value - whole) * Number(units.unit);
  return units.epoch + BigInt(whole) * units.unit + BigInt(Math.round(micro));
}

/**
 * Whether {@link instantOf} is all that a value says: it lies on a microsecond, but for the noise of its last bits.
 *
 * @param isSingle whether the value was kept in single precision
 */
export function isWholeInstant(value: number | bigint, { unit }: TimeUnits, isSingle = false): boolean {
  if (typeof value === "bigint" || Number.isInteger(value)) return true;
  const micro = (value - Math.trunc(value)) * Number(unit);
  const noise = 4 * Math.abs(value) * 2 ** (isSingle ? -24 : -53) * Number(unit);
  return Math.abs(micro - Math.round(micro)) <= noise;
}

/**
 * The value that an instant has in other units, exact: undefined when `whole` is asked for and the instant is
 * not a whole number of units, or when a double would not come back to the same instant.
 */
export function valueAt(instant: bigint, units: TimeUnits, whole: boolean): bigint | number | undefined {
  const difference = instant - units.epoch;
  if (difference % units.unit === 0n) {
    const value = difference / units.unit;
    return whole ? value : Number(value);
  }
  if (whole) return undefined;
  const value = Number(difference / units.unit) + Number(difference % units.unit) / Number(units.unit);
  return instantOf(value, units) === instant ? value : undefined;
}
