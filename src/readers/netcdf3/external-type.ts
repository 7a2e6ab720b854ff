/**
 * The external data types of the classic formats (NetCDF file format specifications, "nc_type"): big-endian
 * numbers and characters that are bytes.
 *
 * @module
 */

import type { DataType } from "../../data-types/data-type.ts";

/** A type by its number in the file: 1 to 6 everywhere, 7 to 11 (unsigned and 64-bit) as CDF-5 added them. */
export interface ExternalType {
  readonly name:
    | "byte"
    | "char"
    | "short"
    | "int"
    | "float"
    | "double"
    | "ubyte"
    | "ushort"
    | "uint"
    | "int64"
    | "uint64";
  /** Bytes of a value. */
  readonly size: number;
  readonly dataType: DataType;
  /** What the library fills variables with that have no `_FillValue` (`NC_FILL_BYTE` …), big-endian. */
  readonly fillBytes: Uint8Array;
}

const big = (size: number, write: (view: DataView) => void): Uint8Array => {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
};
/** `NC_FILL_FLOAT` and `NC_FILL_DOUBLE`. */
const FILL_REAL = 9.969209968386869e36;

const TYPES: readonly ExternalType[] = [
  { name: "byte", size: 1, dataType: { name: "int8" }, fillBytes: big(1, (v) => v.setInt8(0, -127)) },
  {
    name: "char",
    size: 1,
    dataType: { name: "null_terminated_bytes", lengthBytes: 1 },
    fillBytes: new Uint8Array(1),
  },
  { name: "short", size: 2, dataType: { name: "int16" }, fillBytes: big(2, (v) => v.setInt16(0, -32767)) },
  { name: "int", size: 4, dataType: { name: "int32" }, fillBytes: big(4, (v) => v.setInt32(0, -2147483647)) },
  {
    name: "float",
    size: 4,
    dataType: { name: "float32" },
    fillBytes: big(4, (v) => v.setFloat32(0, FILL_REAL)),
  },
  {
    name: "double",
    size: 8,
    dataType: { name: "float64" },
    fillBytes: big(8, (v) => v.setFloat64(0, FILL_REAL)),
  },
  { name: "ubyte", size: 1, dataType: { name: "uint8" }, fillBytes: big(1, (v) => v.setUint8(0, 255)) },
  { name: "ushort", size: 2, dataType: { name: "uint16" }, fillBytes: big(2, (v) => v.setUint16(0, 65535)) },
  {
    name: "uint",
    size: 4,
    dataType: { name: "uint32" },
    fillBytes: big(4, (v) => v.setUint32(0, 4294967295)),
  },
  {
    name: "int64",
    size: 8,
    dataType: { name: "int64" },
    fillBytes: big(8, (v) => v.setBigInt64(0, -9223372036854775806n)),
  },
  {
    name: "uint64",
    size: 8,
    dataType: { name: "uint64" },
    fillBytes: big(8, (v) => v.setBigUint64(0, 18446744073709551614n)),
  },
];

/**
 * The type of a number. The later types are taken in every version, as netCDF-C takes them.
 *
 * @returns undefined where there is no such type
 */
export function externalType(code: number): ExternalType | undefined {
  return TYPES[code - 1];
}
