/**
 * What netCDF-C gives where nothing was written and nobody said what stands there (netcdf.h, `NC_FILL_BYTE` …).
 *
 * @module
 */

import type { DataType } from "../data-types/data-type.ts";
import { type NumberName, numberTypeOf, viewNumbers } from "../data-types/numbers.ts";

const REAL = 9.969209968386869e36;

const FILLS: Readonly<Partial<Record<NumberName, number | bigint>>> = {
  int8: -127,
  int16: -32767,
  int32: -2147483647,
  int64: -9223372036854775806n,
  uint8: 255,
  uint16: 65535,
  uint32: 4294967295,
  uint64: 18446744073709551614n,
  float32: REAL,
  float64: REAL,
};

/** One element, little-endian; undefined for types that are no netCDF numbers. */
export function netcdfFill(dataType: DataType): Uint8Array | undefined {
  const type = numberTypeOf(dataType);
  const value = type && FILLS[type.name];
  if (type === undefined || value === undefined) return undefined;
  const bytes = new Uint8Array(type.size);
  const view = viewNumbers(bytes, type);
  if (view instanceof BigInt64Array || view instanceof BigUint64Array) view[0] = BigInt(value);
  else view[0] = Number(value);
  return bytes;
}
