/**
 * The external data types of the classic formats (NetCDF file format specifications, "nc_type"): big-endian
 * numbers and characters that are bytes.
 *
 * @module
 */

import type { DataType } from "../../data-types/data-type.ts";
import { netcdfFill } from "../netcdf-fill.ts";

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

function type(name: ExternalType["name"], size: number, dataType: DataType): ExternalType {
  const fill = netcdfFill(dataType) ?? new Uint8Array(size);
  return { name, size, dataType, fillBytes: fill.toReversed() };
}

const TYPES: readonly ExternalType[] = [
  type("byte", 1, { name: "int8" }),
  type("char", 1, { name: "null_terminated_bytes", lengthBytes: 1 }),
  type("short", 2, { name: "int16" }),
  type("int", 4, { name: "int32" }),
  type("float", 4, { name: "float32" }),
  type("double", 8, { name: "float64" }),
  type("ubyte", 1, { name: "uint8" }),
  type("ushort", 2, { name: "uint16" }),
  type("uint", 4, { name: "uint32" }),
  type("int64", 8, { name: "int64" }),
  type("uint64", 8, { name: "uint64" }),
];

/**
 * The type of a number. The later types are taken in every version, as netCDF-C takes them.
 *
 * @returns undefined where there is no such type
 */
export function externalType(code: number): ExternalType | undefined {
  return TYPES[code - 1];
}
